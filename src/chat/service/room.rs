//! A room: its history, following it, typing in it, and a draft about something.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::id::{ClientId, ConversationId};
use crate::base::{Actor, Error, Kind, Result, text};
use crate::chat::model::{Conversation, Message, Related, Room};
use crate::chat::service::list;
use crate::chat::store::{self, Cut, Window};
use crate::chat::typing::Audience;
use crate::chat::{Chat, events, policy};

/// Kinds of entities that have a draft of their own; any other gets the general one.
const DRAFT_KINDS: [&str; 5] = ["sale", "product", "alert", "order", "ticket"];

/// A page of the room's history. Fetching it delivers it.
pub async fn history(chat: &Chat, actor: &Actor, room: Room, cut: Cut, limit: i64) -> Result<Window> {
    chat.admit(actor).await?;
    let tenant = actor.tenant;
    let window = chat.db.read(actor, move |tx| store::history(tx.conn(), tenant, room, cut, limit)).await?;
    let undelivered = |m: &&Message| m.delivered_at.is_none() && m.sender_type != actor.role.user_type();
    let mut fetched = window.messages.iter().filter(undelivered).peekable();
    if let Some(client) = fetched.peek().map(|m| m.client_id) {
        chat.delivered.fetched(actor, client, fetched.map(|m| m.id));
    }
    Ok(window)
}

/// The client's room, which is there since the client is.
pub async fn open_room(chat: &Chat, actor: &Actor, client: ClientId) -> Result<Conversation> {
    // An id in a body that the caller may not know is a fault of that body, not a page that is missing.
    list::one(chat, actor, Room::Client(client)).await.map_err(|error| match error.kind() {
        Kind::NotFound => Error::invalid("client_id", "unknown_id"),
        _ => error,
    })
}

/// The actor is told of the room from now on, or only if they are in charge of it anyway.
pub async fn follow(chat: &Chat, actor: &Actor, room: Room, wanted: bool) -> Result<Conversation> {
    chat.admit(actor).await?;
    policy::may_follow(actor)?;
    let by = actor.clone();
    let state = chat
        .db
        .write(actor, move |tx| {
            let Place { conversation, client, .. } = store::place(tx.conn(), by.tenant, room)?;
            store::follow(tx.conn(), client, wanted)?;
            store::read_state(tx.conn(), by.tenant, by.user, conversation)
        })
        .await?;
    // Whoever leaves has less to read, on every device.
    chat.hub.signal(events::unread_of(actor.tenant, actor.user, &state)?);
    list::one(chat, actor, room).await
}

/// Where a room is: both its names.
pub struct Place {
    pub conversation: ConversationId,
    pub client: ClientId,
    /// The number of its last durable change.
    pub head: i64,
}

/// Where a room is, for whoever may see it; else not found.
pub async fn place(chat: &Chat, actor: &Actor, room: Room) -> Result<Place> {
    chat.admit(actor).await?;
    let tenant = actor.tenant;
    chat.db.read(actor, move |tx| store::place(tx.conn(), tenant, room)).await
}

/// Tells the room that the actor types, or no longer does. Ends by itself after 5 s.
pub async fn set_typing(chat: &Chat, actor: &Actor, room: Room, typing: bool) -> Result<()> {
    chat.admit(actor).await?;
    let tenant = actor.tenant;
    let (place, people) = chat
        .db
        .read(actor, move |tx| {
            let place = store::place(tx.conn(), tenant, room)?;
            let people = store::room_people(tx.conn(), place.conversation)?;
            Ok((place, people))
        })
        .await?;
    let others = people.into_iter().map(|person| person.user_id).filter(|user| *user != actor.user).collect();
    chat.typing.set(actor, place.conversation, Audience { client: place.client, others }, typing);
    Ok(())
}

/// A conversation with words to begin with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Draft {
    pub conversation: Conversation,
    #[schema(example = "Bonjour, à propos de la commande « Commande A-1042 » : ")]
    pub draft: String,
    pub related: Related,
}

pub async fn draft(chat: &Chat, actor: &Actor, client: ClientId, related: Related) -> Result<Draft> {
    let conversation = open_room(chat, actor, client).await?;
    let kind = DRAFT_KINDS.into_iter().find(|kind| *kind == related.kind).unwrap_or("other");
    let title =
        related.preview.as_ref().and_then(|p| p.get("title")).and_then(|t| t.as_str()).unwrap_or(&related.id);
    let draft = text::say(actor.locale, &format!("draft-{kind}"), &[("title", title.to_owned())]);
    Ok(Draft { conversation, draft, related })
}
