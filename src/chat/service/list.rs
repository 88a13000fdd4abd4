//! The list of conversations, single conversations, and unread counters.

use guichet_base::page::Page;
use guichet_base::{Actor, Result, Timestamp};

use crate::chat::model::{ClientName, Conversation, RoomRef, UnreadRooms};
use crate::chat::service::counterpart;
use crate::chat::store::{self, ConversationSummary, ListFilter, ListOrder};
use crate::chat::{Chat, policy};
use crate::config::Feature;

/// A search over rooms considers this many of the newest matching messages.
const MAX_SEARCHED_MESSAGES: i64 = 1_000;
/// Rooms that `unread-count` lists at most; the total counts all.
const MAX_UNREAD_ROOMS: i64 = 200;
/// Online people that an `online` order considers at most.
const MAX_ONLINE_PEOPLE: usize = 10_000;
/// Rooms that the reply to a join of `user:{id}` lists at most.
const MAX_CHANGED_ROOMS: i64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListScope {
    /// Every room the caller may see.
    #[default]
    All,
    /// Rooms whose events the caller receives and that count for them.
    Mine,
}

/// Filter and order of a list.
#[derive(Debug, Clone)]
pub struct ListRequest {
    pub order: ListOrder,
    pub scope: ListScope,
    /// Words searched in names and in messages.
    pub search: Option<String>,
    pub page: Page,
}

pub async fn list(chat: &Chat, actor: &Actor, list: ListRequest) -> Result<Vec<Conversation>> {
    let direct = chat.check_access(actor).await?.is_on(Feature::Direct);
    let online = match list.order {
        ListOrder::Online => {
            chat.hub.online_people(actor.tenant, MAX_ONLINE_PEOPLE).into_iter().map(|u| u.0).collect()
        }
        ListOrder::Recent | ListOrder::Unread => Vec::new(),
    };
    let by = actor.clone();
    let outlines = chat
        .db
        .read(actor, move |tx| {
            let matching = match &list.search {
                Some(words) => store::rooms_with_matches(tx.conn(), words, MAX_SEARCHED_MESSAGES)?,
                None => Vec::new(),
            };
            let filter = ListFilter {
                order: list.order,
                direct,
                mine: list.scope == ListScope::Mine,
                name_like: list.search.as_deref().map(like_contains),
                matching,
                online: online.clone(),
                page: list.page,
            };
            store::list(tx.conn(), &by, &filter)
        })
        .await?;
    Ok(outlines.into_iter().map(|outline| into_conversation(chat, actor, outline)).collect())
}

pub async fn read_one(chat: &Chat, actor: &Actor, room: RoomRef) -> Result<Conversation> {
    let features = chat.check_access(actor).await?;
    let by = actor.clone();
    let outline = chat.db.read(actor, move |tx| store::conversation(tx.conn(), &by, room)).await?;
    policy::may_enter(&features, &outline.place)?;
    Ok(into_conversation(chat, actor, outline))
}

pub async fn unread_count(chat: &Chat, actor: &Actor) -> Result<UnreadRooms> {
    chat.check_access(actor).await?;
    let (tenant, user) = (actor.tenant, actor.user);
    chat.db.read(actor, move |tx| store::unread(tx.conn(), tenant, user, MAX_UNREAD_ROOMS)).await
}

/// Adds what only this process knows: who is online.
fn into_conversation(chat: &Chat, actor: &Actor, outline: ConversationSummary) -> Conversation {
    let (others, last_seen) = outline.others(actor.user);
    let peer = outline.peer(actor.user);
    let last_message = outline.last_message();
    let operator_name = outline.operator_name.as_deref();
    let counterpart = counterpart::counterpart_of(chat, actor, &others, operator_name, last_seen);
    let client = outline.place.client().zip(outline.client_name);
    Conversation {
        id: outline.place.conversation,
        kind: outline.kind,
        client: client.map(|(id, name)| ClientName { id, name }),
        peer,
        last_message,
        unread_count: outline.unread_count.into(),
        counterpart,
        followed: outline.followed,
        last_message_at: outline.last_message_at,
        updated_at: outline.updated_at,
    }
}

/// A LIKE pattern for texts that contain these words literally.
fn like_contains(words: &str) -> String {
    let mut pattern = String::with_capacity(words.len() + 2);
    pattern.push('%');
    for c in words.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The rooms that changed since `after`, for an app that was offline: their topics and heads, latest change first.
pub async fn changed_since(chat: &Chat, actor: &Actor, after: Timestamp) -> Result<Vec<(String, i64)>> {
    chat.check_access(actor).await?;
    let (tenant, user) = (actor.tenant, actor.user);
    let moved = chat
        .db
        .read(actor, move |tx| store::changed_since(tx.conn(), tenant, user, after, MAX_CHANGED_ROOMS))
        .await?;
    Ok(moved.into_iter().map(|(place, head)| (place.topic(), head)).collect())
}
