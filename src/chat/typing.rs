//! Typing indicators. Ephemeral: sent to the room at once, never stored, and ended after 5 s without renewal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::Actor;
use guichet_base::id::{ConversationId, TenantId, UserId};
use guichet_realtime::Hub;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::chat::events;
use crate::chat::place::ConversationPlace;

const INDICATOR_LIFETIME: Duration = Duration::from_secs(5);
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);
/// People who type at once in this process. Beyond, front ends must end indicators themselves.
const MAX_TYPING: usize = 100_000;

type TypingKey = (TenantId, ConversationId, UserId);

#[derive(Clone)]
pub struct Typing {
    hub: Arc<Hub>,
    typing: Arc<Mutex<HashMap<TypingKey, (TypingAudience, Instant)>>>,
}

/// The recipients of a typing indicator: the subscribers of the room, and the room's other recipients.
#[derive(Clone)]
pub struct TypingAudience {
    pub place: ConversationPlace,
    pub others: Arc<[UserId]>,
}

impl Typing {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, typing: Arc::default() }
    }

    /// Starts, renews or ends the indicator of `actor` in the room.
    pub fn update(&self, actor: &Actor, audience: TypingAudience, typing: bool) {
        let key = (actor.tenant, audience.place.conversation, actor.user);
        {
            let mut held = self.typing.lock();
            match typing {
                true if held.len() < MAX_TYPING => {
                    drop(held.insert(key, (audience.clone(), Instant::now() + INDICATOR_LIFETIME)))
                }
                true => {}
                false => drop(held.remove(&key)),
            }
        }
        self.publish(key, &audience, typing);
    }

    fn publish(&self, (tenant, conversation, user): TypingKey, audience: &TypingAudience, typing: bool) {
        let payload = events::typing_payload(conversation, user, typing);
        let others = audience.others.iter().copied();
        match events::signal(tenant, &audience.place, events::TYPING, &payload, others) {
            Ok(signal) => self.hub.signal(signal),
            Err(error) => tracing::error!(%error, "a typing event could not be published"),
        }
    }

    fn take_expired(&self, now: Instant) -> Vec<(TypingKey, TypingAudience)> {
        let mut held = self.typing.lock();
        held.extract_if(|_, (_, end)| *end <= now).map(|(key, (audience, _))| (key, audience)).collect()
    }

    /// Ends indicators that were not renewed, until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            for (key, audience) in self.take_expired(Instant::now()) {
                self.publish(key, &audience, false);
            }
        }
    }
}
