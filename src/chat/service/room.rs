//! One conversation: opening, history, following, typing, and drafts.

use guichet_base::{Actor, Error, ErrorKind, Result, text};
use guichet_db::Tx;
use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::model::{Conversation, Message, RelatedEntity, RoomRef};
use crate::chat::place::ConversationPlace;
use crate::chat::service::{direct, list};
use crate::chat::store::{self, HistoryPage, HistoryRange};
use crate::chat::typing::TypingAudience;
use crate::chat::{Chat, events, policy};

/// Kinds of entities with a draft text of their own; all others use the general one.
const DRAFT_KINDS: [&str; 5] = ["sale", "product", "alert", "order", "ticket"];

/// A page of the room's history. Fetching messages marks them as delivered.
pub async fn history(
    chat: &Chat,
    actor: &Actor,
    room: RoomRef,
    cut: HistoryRange,
    limit: i64,
) -> Result<HistoryPage> {
    let features = chat.check_access(actor).await?;
    let tenant = actor.tenant;
    let window = chat.db.read(actor, move |tx| store::history(tx.conn(), tenant, room, cut, limit)).await?;
    let place = window.place;
    policy::may_enter(&features, &place)?;
    let undelivered =
        |m: &&Message| m.delivered_at.is_none() && place.is_other_side(actor, m.sender_id, m.sender_type);
    let mut fetched = window.messages.iter().filter(undelivered).peekable();
    if fetched.peek().is_some() {
        chat.delivered.record_fetched(actor, place.room_ref(), fetched.map(|m| m.id));
    }
    Ok(window)
}

/// The conversation that a body names, and whether it was created now. A client's room exists since the client does.
pub async fn open(chat: &Chat, actor: &Actor, room: RoomRef) -> Result<(Conversation, bool)> {
    let features = chat.check_access(actor).await?;
    policy::may_name(&features, room)?;
    let (room, is_new) = match room {
        RoomRef::Person(peer) => {
            let by = actor.clone();
            let (id, is_new) = chat.db.write(actor, move |tx| direct::open(tx, &by, peer, "user_id")).await?;
            (RoomRef::Conversation(id), is_new)
        }
        RoomRef::Client(_) | RoomRef::Conversation(_) => (room, false),
    };
    // An unknown id in a body is a fault of that body, not a missing page.
    let shown = list::read_one(chat, actor, room).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::invalid("client_id", "unknown_id"),
        _ => error,
    })?;
    Ok((shown, is_new))
}

/// Follows the room, or stops following it. The operators in charge receive its events in any case.
pub async fn follow(chat: &Chat, actor: &Actor, room: RoomRef, wanted: bool) -> Result<Conversation> {
    let features = chat.check_access(actor).await?;
    policy::may_follow(actor)?;
    let by = actor.clone();
    let state = chat
        .db
        .write(actor, move |tx| {
            let (place, _) = store::find_place(tx.conn(), by.tenant, room)?;
            policy::may_enter(&features, &place)?;
            // The two people of a direct conversation always receive its events.
            if let Some(client) = place.client() {
                store::follow(tx.conn(), client, wanted)?;
            }
            store::read_state(tx.conn(), by.tenant, by.user, place.conversation)
        })
        .await?;
    // An operator who stops following has fewer unread messages, on every device.
    chat.hub.signal(events::unread_signal(actor.tenant, actor.user, &state)?);
    list::read_one(chat, actor, room).await
}

/// The place of a conversation and the number of its last durable change. Errors: `NOT_FOUND` if the actor may not
/// see it.
pub async fn find_place(chat: &Chat, actor: &Actor, room: RoomRef) -> Result<(ConversationPlace, i64)> {
    let features = chat.check_access(actor).await?;
    let tenant = actor.tenant;
    let (place, head) = chat.db.read(actor, move |tx| store::find_place(tx.conn(), tenant, room)).await?;
    policy::may_enter(&features, &place)?;
    Ok((place, head))
}

/// Shows the others that the actor is typing, or has stopped. Ends by itself after 5 s.
pub async fn set_typing(chat: &Chat, actor: &Actor, room: RoomRef, typing: bool) -> Result<()> {
    let features = chat.check_access(actor).await?;
    policy::may_name(&features, room)?;
    let by = actor.clone();
    let reads = move |tx: &mut Tx<'_>| {
        let (place, _) = store::find_place(tx.conn(), by.tenant, room)?;
        policy::may_enter(&features, &place)?;
        direct::check_may_write(tx, &by, &place, Some(room))?;
        Ok((place, store::room_people(tx.conn(), place.conversation)?))
    };
    let recipients = match (chat.db.read(actor, reads).await, room) {
        (Err(error), RoomRef::Person(peer)) if error.kind() == ErrorKind::NotFound => {
            // Typing a first message to a colleague creates the conversation.
            let by = actor.clone();
            chat.db
                .write(actor, move |tx| {
                    let (id, _) = direct::open(tx, &by, peer, "to_user_id")?;
                    let (place, _) = store::find_place(tx.conn(), by.tenant, RoomRef::Conversation(id))?;
                    Ok((place, store::room_people(tx.conn(), place.conversation)?))
                })
                .await
        }
        (recipients, _) => recipients,
    };
    let (place, people) = recipients?;
    let others = people.into_iter().map(|person| person.user_id).filter(|user| *user != actor.user).collect();
    chat.typing.update(actor, TypingAudience { place, others }, typing);
    Ok(())
}

/// A conversation with a suggested first message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Draft {
    pub conversation: Conversation,
    #[schema(example = "Bonjour, à propos de la commande « Commande A-1042 » : ")]
    pub draft: String,
    pub related: RelatedEntity,
}

pub async fn draft(chat: &Chat, actor: &Actor, room: RoomRef, related: RelatedEntity) -> Result<Draft> {
    let (conversation, _) = open(chat, actor, room).await?;
    let kind = DRAFT_KINDS.into_iter().find(|kind| *kind == related.kind).unwrap_or("other");
    let title =
        related.preview.as_ref().and_then(|p| p.get("title")).and_then(|t| t.as_str()).unwrap_or(&related.id);
    let draft = text::localize(actor.locale, &format!("draft-{kind}"), &[("title", title.to_owned())]);
    Ok(Draft { conversation, draft, related })
}
