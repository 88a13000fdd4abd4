//! Delivered marks: a recipient's device received the message, over the socket or by fetching it.
//!
//! Devices report ranges of topic numbers. Reports are collected for a moment and written once per room and side,
//! since only the first device of the other side counts. Losing them loses only a mark: a message that is read counts
//! as delivered.

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

/// How long reports are collected.
const COLLECT_INTERVAL: Duration = Duration::from_millis(250);
/// Rooms collected at once. Beyond, reports are dropped until the next write.
const MAX_ROOMS: usize = 10_000;
/// Fetched messages collected at once for one room and side.
const MAX_FETCHED: usize = 1_000;
/// How far before its first report this process looks for unmarked messages.
const LOOK_BACK: i64 = 1_000;

type ReceiptKey = (TenantId, RoomRef, ReceiptSide);

/// The readers that count as one: a message is delivered when the first of their devices has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ReceiptSide {
    /// Everyone on one side of a client's room.
    Side(UserType),
    /// One person of a direct conversation.
    Person(UserId),
}

#[derive(Clone, Default)]
pub struct DeliveredMarks {
    gathered: Arc<Mutex<PendingReceipts>>,
}

#[derive(Default)]
struct PendingReceipts {
    waiting: HashMap<ReceiptKey, PendingReceipt>,
    /// The topic number up to which each room and side is written by this process.
    written: HashMap<ReceiptKey, i64>,
}

/// What the devices of one side of a room received.
struct PendingReceipt {
    /// Every event up to this topic number, over the socket.
    up_to: i64,
    /// Messages that were fetched over REST.
    fetched: Vec<Uuid>,
    /// The person whose device reported: the mark is written with their rights.
    by: Actor,
}

impl DeliveredMarks {
    /// Reports that a device of `actor` has every event of the room's topic up to `up_to`.
    pub fn record_received(&self, actor: &Actor, room: RoomRef, up_to: i64) {
        self.record(actor, room, |got| got.up_to = got.up_to.max(up_to));
    }

    /// Reports that a device of `actor` fetched these messages of the room.
    pub fn record_fetched(&self, actor: &Actor, room: RoomRef, messages: impl Iterator<Item = MessageId>) {
        let room_left = |got: &PendingReceipt| MAX_FETCHED.saturating_sub(got.fetched.len());
        self.record(actor, room, |got| got.fetched.extend(messages.map(|id| id.0).take(room_left(got))));
    }

    fn record(&self, actor: &Actor, room: RoomRef, change: impl FnOnce(&mut PendingReceipt)) {
        if actor.role.is_service() {
            return;
        }
        let reader = match room {
            RoomRef::Client(_) => ReceiptSide::Side(actor.role.user_type()),
            RoomRef::Conversation(_) | RoomRef::Person(_) => ReceiptSide::Person(actor.user),
        };
        let key = (actor.tenant, room, reader);
        let mut gathered = self.gathered.lock();
        if gathered.waiting.len() < MAX_ROOMS || gathered.waiting.contains_key(&key) {
            let fresh = || PendingReceipt { up_to: 0, fetched: Vec::new(), by: actor.clone() };
            change(gathered.waiting.entry(key).or_insert_with(fresh));
        }
    }

    /// Takes the collected reports, each with the topic number after which to look for unmarked messages.
    fn take(&self) -> Vec<(RoomRef, PendingReceipt, i64)> {
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

/// Writes reports until `stop` is cancelled, then once more.
pub async fn run_writer(chat: Chat, stop: CancellationToken) {
    let mut tick = tokio::time::interval(COLLECT_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopped = tokio::select! {
            _ = tick.tick() => false,
            () = stop.cancelled() => true,
        };
        for (room, got, after) in chat.delivered.take() {
            if let Err(error) = write_marks(&chat, room, got, after).await {
                tracing::debug!(%error, ?room, "a delivered mark was not written");
            }
        }
        if stopped {
            return;
        }
    }
}

async fn write_marks(chat: &Chat, room: RoomRef, got: PendingReceipt, after: i64) -> Result<()> {
    let PendingReceipt { up_to, fetched, by } = got;
    let (actor, now) = (by.clone(), chat.clock.now());
    let marked = chat
        .db
        .write(&actor, move |tx| {
            let marked = store::mark_delivered(
                tx,
                &by,
                room,
                store::ReceivedMessages { after, up_to, fetched: fetched.clone() },
                now,
            )?;
            let Some((place, seq)) = marked else { return Ok(None) };
            Ok(Some((place, seq, store::room_people(tx.conn(), place.conversation)?)))
        })
        .await?;
    if let Some((place, seq, people)) = marked {
        let payload = events::delivered_payload(place.conversation, seq, now);
        let people = people.into_iter().map(|person| person.user_id);
        chat.hub.signal(events::signal(actor.tenant, &place, events::DELIVERED, &payload, people)?);
    }
    Ok(())
}
