//! Persisted broadcasts of people: durable events of a room, numbered and replayed like the service's own.

use std::sync::Arc;

use guichet_base::{Actor, Error, ErrorKind, Result};
use guichet_realtime::Event;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::chat::model::RoomRef;
use crate::chat::service::direct;
use crate::chat::store::{self, PersistedBroadcast};
use crate::chat::{Chat, policy};

/// The size limit of a frame.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
const MAX_NAME_BYTES: usize = 255;

/// Persists `name` with its payload as the room's next event, and publishes it. Allowed to everyone who sees the
/// room.
pub async fn persist(
    chat: &Chat,
    actor: &Actor,
    room: RoomRef,
    name: &str,
    payload: &RawValue,
) -> Result<Arc<Event>> {
    let features = chat.check_access(actor).await?;
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains('\0') {
        return Err(Error::invalid("event", "invalid"));
    }
    if payload.get().len() > MAX_PAYLOAD_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "PAYLOAD_TOO_LARGE"));
    }
    let (hub, by, name, payload) =
        (Arc::clone(&chat.hub), actor.clone(), Box::<str>::from(name), payload.to_owned());
    let now = chat.clock.clone();
    chat.db
        .write(actor, move |tx| {
            let (place, head) = store::take_number(tx.conn(), by.tenant, room, now.now())?;
            policy::may_enter(&features, &place)?;
            if place.is_direct() {
                // Ranks are checked as for a message.
                direct::check_may_write(tx, &by, &place, Some(room))?;
            }
            let event = Arc::new(Event {
                tenant: by.tenant,
                id: Uuid::now_v7(),
                topic: place.topic().into(),
                seq: head,
                name: name.clone(),
                payload: payload.clone(),
                copies: Vec::new(),
                side_events: Vec::new(),
                client: place.client(),
            });
            let kept = PersistedBroadcast {
                topic: &event.topic,
                seq: event.seq,
                id: event.id,
                name: &event.name,
                payload: event.payload.get(),
                place,
            };
            store::insert_broadcast(tx, by.tenant, kept)?;
            let (hub, committed) = (Arc::clone(&hub), Arc::clone(&event));
            tx.after_commit(move || hub.publish(committed));
            Ok(event)
        })
        .await
}
