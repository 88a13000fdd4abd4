//! Delivered marks: a recipient's device got the message, over the socket or by fetching it.
//!
//! Devices report ranges of topic numbers; they are gathered for a moment and written once per room and side, since
//! the first device of the other side is all that counts. Nothing is lost with them but a mark: a message that is
//! read is delivered too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{MessageId, TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Result};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::chat::model::RoomRef;
use crate::chat::{Chat, events, store};

/// How long reports are gathered.
const GATHER: Duration = Duration::from_millis(250);
/// Rooms held at once; beyond, reports are dropped until the next writing.
const MAX_ROOMS: usize = 10_000;
/// Fetched messages held at once for one room and side.
const MAX_FETCHED: usize = 1_000;
/// How far behind a first report this process looks for messages that are not marked.
const LOOK_BACK: i64 = 1_000;

type Key = (TenantId, RoomRef, Reader);

/// Whose devices count as one: the first of them to have a message delivers it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reader {
    /// Of a client's room: everybody of one side.
    Side(UserType),
    /// Of a direct conversation: the one person.
    Person(UserId),
}

#[derive(Clone, Default)]
pub struct Delivered {
    gathered: Arc<Mutex<Gathered>>,
}

#[derive(Default)]
struct Gathered {
    waiting: HashMap<Key, Got>,
    /// Up to where each room and side is written, by this process: what is behind need not be looked at again.
    written: HashMap<Key, i64>,
}

/// What devices of one side of a room got.
struct Got {
    /// Every event up to this topic number, over the socket.
    up_to: i64,
    /// Messages that were fetched.
    fetched: Vec<Uuid>,
    /// Whose device it was: the mark is written under their rights.
    by: Actor,
}

impl Delivered {
    /// A device of `actor` has every event up to `up_to` of the topic of `room`: a client's, or a direct conversation.
    pub fn heard(&self, actor: &Actor, room: RoomRef, up_to: i64) {
        self.note(actor, room, |got| got.up_to = got.up_to.max(up_to));
    }

    /// A device of `actor` fetched these messages of `room`.
    pub fn fetched(&self, actor: &Actor, room: RoomRef, messages: impl Iterator<Item = MessageId>) {
        let room_left = |got: &Got| MAX_FETCHED.saturating_sub(got.fetched.len());
        self.note(actor, room, |got| got.fetched.extend(messages.map(|id| id.0).take(room_left(got))));
    }

    fn note(&self, actor: &Actor, room: RoomRef, change: impl FnOnce(&mut Got)) {
        if actor.role.is_service() {
            return;
        }
        let reader = match room {
            RoomRef::Client(_) => Reader::Side(actor.role.user_type()),
            RoomRef::Conversation(_) | RoomRef::Person(_) => Reader::Person(actor.user),
        };
        let key = (actor.tenant, room, reader);
        let mut gathered = self.gathered.lock();
        if gathered.waiting.len() < MAX_ROOMS || gathered.waiting.contains_key(&key) {
            let fresh = || Got { up_to: 0, fetched: Vec::new(), by: actor.clone() };
            change(gathered.waiting.entry(key).or_insert_with(fresh));
        }
    }

    /// What waits to be written, with the number after which each room is to be looked at.
    fn take(&self) -> Vec<(RoomRef, Got, i64)> {
        let mut gathered = self.gathered.lock();
        if gathered.written.len() > MAX_ROOMS {
            gathered.written.clear();
        }
        let waiting = std::mem::take(&mut gathered.waiting);
        let mut out = Vec::with_capacity(waiting.len());
        for (key, got) in waiting {
            let after = match gathered.written.get(&key) {
                Some(written) => *written,
                None => got.up_to.saturating_sub(LOOK_BACK),
            };
            if got.up_to > after {
                gathered.written.insert(key, got.up_to);
            }
            if got.up_to > after || !got.fetched.is_empty() {
                out.push((key.1, got, after));
            }
        }
        out
    }
}

/// Writes what was reported, until told to stop, and then once more.
pub async fn run(chat: Chat, stop: CancellationToken) {
    let mut tick = tokio::time::interval(GATHER);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopped = tokio::select! {
            _ = tick.tick() => false,
            () = stop.cancelled() => true,
        };
        for (room, got, after) in chat.delivered.take() {
            if let Err(error) = write(&chat, room, got, after).await {
                tracing::debug!(%error, ?room, "a delivered mark was not written");
            }
        }
        if stopped {
            return;
        }
    }
}

async fn write(chat: &Chat, room: RoomRef, got: Got, after: i64) -> Result<()> {
    let Got { up_to, fetched, by } = got;
    let (actor, now) = (by.clone(), chat.clock.now());
    let marked = chat
        .db
        .write(&actor, move |tx| {
            let marked = store::mark_delivered(
                tx,
                &by,
                room,
                store::Reached { after, up_to, fetched: fetched.clone() },
                now,
            )?;
            let Some((place, seq)) = marked else { return Ok(None) };
            Ok(Some((place, seq, store::room_people(tx.conn(), place.conversation)?)))
        })
        .await?;
    if let Some((place, seq, people)) = marked {
        let payload = events::of_delivered(place.conversation, seq, now);
        let people = people.into_iter().map(|person| person.user_id);
        chat.hub.signal(events::signal(actor.tenant, &place, events::DELIVERED, &payload, people)?);
    }
    Ok(())
}
