//! Pages of messages of one conversation, and single messages.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use guichet_base::id::{ClientId, ConversationId, MessageId, TenantId, UserId};
use guichet_base::page::Page;
use guichet_base::{Error, Result};
use guichet_db::sql::{Statement, sql};
use uuid::Uuid;

use super::place::by_room;
use super::row::{MessageRow, message_columns};
use crate::chat::model::{Message, RoomRef};
use crate::chat::place::ConversationPlace;

/// The part of the history to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryRange {
    Newest,
    /// The messages directly before this `seq`.
    Before(i64),
    /// The messages directly after this `seq`.
    After(i64),
    /// The messages that changed after this topic number, in the order of change, including tombstones. One change
    /// may have touched many messages (as a read does). They are never split over pages, even beyond the limit, since
    /// the next request names the last change received.
    ChangedAfter(i64),
}

/// A page of history. `head` is the topic number of the same snapshot: join with `after_seq = head` to miss nothing.
pub struct HistoryPage {
    pub place: ConversationPlace,
    pub head: i64,
    pub last_seq: i64,
    /// In the requested order: ascending `seq`, or ascending `changed_seq`.
    pub messages: Vec<Message>,
    /// Whether there are more messages in the direction of reading.
    pub has_more: bool,
}

#[derive(QueryableByName)]
struct HistoryRow {
    #[diesel(sql_type = SqlUuid)]
    room_id: ConversationId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    room_client: Option<ClientId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    room_one: Option<UserId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    room_two: Option<UserId>,
    #[diesel(sql_type = BigInt)]
    room_head: i64,
    #[diesel(sql_type = BigInt)]
    room_last_seq: i64,
    // Null for an empty page: the row then describes the room alone.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    message_id: Option<Uuid>,
}

/// Room and page in one statement: one snapshot, one round trip. The page is cut before authors are joined: otherwise
/// the planner, which assumes small rooms, sorts a large room as a whole.
macro_rules! window {
    ($room:literal, $part:literal) => {
        concat!(
            "SELECT r.id AS room_id, r.client_id AS room_client, r.user_one_id AS room_one, r.user_two_id AS room_two, r.head AS room_head, r.last_seq AS room_last_seq, m.id AS message_id, ",
            message_columns!(),
            " FROM (SELECT c.id, c.client_id, c.user_one_id, c.user_two_id, c.head, c.last_seq FROM conversations c WHERE c.tenant_id = $1 AND ",
            $room,
            ") r LEFT JOIN LATERAL (SELECT * FROM messages p WHERE p.tenant_id = $1 AND p.conversation_id = r.id ",
            $part,
            ") m ON true LEFT JOIN users u ON u.tenant_id = $1 AND u.id = m.sender_id"
        )
    };
}

macro_rules! windows {
    ($room:literal) => {
        [
            window!($room, "AND p.seq < $3 ORDER BY p.seq DESC LIMIT $4"),
            window!($room, "AND p.seq > $3 ORDER BY p.seq LIMIT $4"),
            window!($room, "AND p.changed_seq > $3 ORDER BY p.changed_seq FETCH FIRST ($4) ROWS WITH TIES"),
        ]
    };
}

struct MaybeMessage {
    room: HistoryRow,
    message: Option<Message>,
}

impl QueryableByName<diesel::pg::Pg> for MaybeMessage {
    fn build<'a>(row: &impl diesel::row::NamedRow<'a, diesel::pg::Pg>) -> diesel::deserialize::Result<Self> {
        let room = HistoryRow::build(row)?;
        let message = match room.message_id {
            Some(_) => Some(MessageRow::build(row)?.into()),
            None => None,
        };
        Ok(Self { room, message })
    }
}

/// The page of `room` that `cut` names, at most `limit` messages. Errors: `NOT_FOUND` if the actor may not see the
/// room.
pub fn history(
    conn: &mut PgConnection,
    tenant: TenantId,
    room: RoomRef,
    cut: HistoryRange,
    limit: i64,
) -> Result<HistoryPage> {
    let ([before, after, changed], id) = by_room!(room, windows);
    let (text, bound) = match cut {
        HistoryRange::Newest => (before, i64::MAX),
        HistoryRange::Before(seq) => (before, seq),
        HistoryRange::After(seq) => (after, seq),
        HistoryRange::ChangedAfter(seq) => (changed, seq),
    };
    let rows: Vec<MaybeMessage> =
        sql(text).bind(tenant).bind(id).bind(bound).bind(limit.saturating_add(1)).load(conn)?;
    let first = rows.first().ok_or_else(|| Error::not_found("conversation"))?;
    let room = &first.room;
    let place = ConversationPlace::new(room.room_id, room.room_client, (room.room_one, room.room_two))?;
    let (head, last_seq) = (room.room_head, room.room_last_seq);
    let mut messages: Vec<Message> = rows.into_iter().filter_map(|row| row.message).collect();
    let has_more = truncate_page(&mut messages, cut, usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(HistoryPage { place, head, last_seq, messages, has_more })
}

/// Truncates to the page, in the requested order. Returns whether there were more.
fn truncate_page(messages: &mut Vec<Message>, cut: HistoryRange, limit: usize) -> bool {
    let found = messages.len();
    // The join to authors does not keep the order.
    match cut {
        HistoryRange::Newest | HistoryRange::Before(_) => {
            messages.sort_by_key(|message| message.seq);
            messages.drain(..found.saturating_sub(limit));
        }
        HistoryRange::After(_) => {
            messages.sort_by_key(|message| message.seq);
            messages.truncate(limit);
        }
        HistoryRange::ChangedAfter(_) => {
            messages.sort_by_key(|message| (message.changed_seq, message.seq));
            let last =
                limit.checked_sub(1).and_then(|at| messages.get(at)).map_or(i64::MAX, |m| m.changed_seq);
            messages.retain(|message| message.changed_seq <= last);
        }
    }
    messages.len() < found
}

const ONE: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages m LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.sender_id \
     WHERE m.tenant_id = $1 AND m.id = $2"
);

pub fn message(conn: &mut PgConnection, tenant: TenantId, id: MessageId) -> Result<Message> {
    find_one(conn, sql(ONE).bind(tenant).bind(id))?.ok_or_else(|| Error::not_found("message"))
}

const OF_ENTITY: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages m LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.sender_id \
     WHERE m.tenant_id = $1 AND m.related_entity_type = $2 AND m.related_entity_id = $3 AND m.deleted_at IS NULL \
     ORDER BY m.created_at DESC, m.id DESC LIMIT $4 OFFSET $5"
);

/// The messages about an entity, newest first, in every room that the actor sees.
pub fn list_related(
    conn: &mut PgConnection,
    tenant: TenantId,
    kind: String,
    id: String,
    page: Page,
) -> Result<Vec<Message>> {
    let query = sql(OF_ENTITY).bind(tenant).bind(kind).bind(id).bind(page.limit).bind(page.offset);
    Ok(query.load::<MessageRow>(conn)?.into_iter().map(Message::from).collect())
}

fn find_one(conn: &mut PgConnection, query: Statement) -> Result<Option<Message>> {
    Ok(query.get_result::<MessageRow>(conn).optional()?.map(Message::from))
}
