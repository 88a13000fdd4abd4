//! Changes other than sends: receipts, edits, deletions. Each takes the topic's next number under the room's lock.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use guichet_base::id::{ConversationId, MessageId, UserId};
use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Bind, sql};
use serde_json::Value;
use uuid::Uuid;

use super::place::by_room;
use super::send::UnreadRecipient;
use crate::chat::model::RoomRef;
use crate::chat::place::ConversationPlace;

/// A locked conversation, and the read position of the actor.
#[derive(QueryableByName)]
pub struct LockedConversation {
    #[diesel(embed)]
    pub place: ConversationPlace,
    #[diesel(sql_type = BigInt)]
    pub last_seq: i64,
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    #[diesel(sql_type = BigInt)]
    pub read_seq: i64,
}

const LOCKED_CONVERSATION: &str = "
    SELECT c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id, c.last_seq, c.head,
           coalesce(p.read_seq, 0) AS read_seq
      FROM conversations c LEFT JOIN participants p
        ON p.tenant_id = c.tenant_id AND p.conversation_id = c.id AND p.user_id = $3
     WHERE c.tenant_id = $1 AND c.id = $2";

/// Locks the conversation until the transaction ends. Errors: `NOT_FOUND` if the actor may not see it.
pub fn lock(conn: &mut PgConnection, actor: &Actor, id: ConversationId) -> Result<LockedConversation> {
    // Two statements: columns joined to a row whose lock was waited for would be from before the wait.
    sql("SELECT FROM conversations WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
        .bind(actor.tenant)
        .bind(id)
        .execute(conn)?;
    sql(LOCKED_CONVERSATION)
        .bind(actor.tenant)
        .bind(id)
        .bind(actor.user)
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("conversation"))
}

/// Messages that one read change marks at most, and so messages that share one `changed_seq`.
pub const MAX_READ_PER_CHANGE: i64 = 1_000;

/// Marks as read the messages of the other side up to $4 that are unread on the actor's side, oldest first, at
/// most $3. The read position of the actor moves to $4, unless it is beyond. Not limited to messages after the
/// actor's own `read_seq`: a person who joins a room late starts at its end, and older messages may still be unread
/// by their side. The partial index holds exactly these rows; joining by id keeps the planner to it.
const MARK_READ: &str = "
    WITH seen AS (
        UPDATE messages SET read_at = $5, delivered_at = coalesce(delivered_at, $5), changed_seq = $6
         WHERE tenant_id = $1 AND id = ANY (ARRAY (
            SELECT id FROM messages WHERE tenant_id = $1 AND conversation_id = $2 AND sender_type = $10 AND seq <= $4
               AND sender_id <> $9 AND read_at IS NULL ORDER BY seq LIMIT $3))
        RETURNING id),
    room AS (
        UPDATE conversations SET head = $6, updated_at = $5 WHERE tenant_id = $1 AND id = $2)
    INSERT INTO participants AS p (tenant_id, conversation_id, client_id, user_id, side, read_seq)
    VALUES ($1, $2, $8, $9, $7, $4)
    ON CONFLICT (tenant_id, conversation_id, user_id) DO UPDATE SET read_seq = greatest(p.read_seq, excluded.read_seq),
        unread_count = CASE WHEN p.counted THEN (
            SELECT count(*) FROM messages m WHERE m.tenant_id = $1 AND m.conversation_id = $2
               AND m.seq > greatest(p.read_seq, excluded.read_seq) AND m.sender_id <> $9 AND m.deleted_at IS NULL) ELSE 0 END
    RETURNING (SELECT count(*) FROM seen) AS count,
        (SELECT m.id FROM messages m WHERE m.tenant_id = $1 AND m.conversation_id = $2 AND m.seq = $4) AS last_id";

#[derive(QueryableByName)]
struct MarkedRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<MessageId>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Takes `number` of the topic. Returns how many messages it marked as read (`MAX_READ_PER_CHANGE` if more may follow), and
/// the message at `up_to`.
pub fn mark_read(
    tx: &mut Tx<'_>,
    actor: &Actor,
    head: &LockedConversation,
    up_to: i64,
    number: i64,
    now: Timestamp,
) -> Result<(i64, Option<MessageId>)> {
    let seen: MarkedRow = sql(MARK_READ)
        .bind(actor.tenant)
        .bind(head.place.conversation)
        .bind(MAX_READ_PER_CHANGE)
        .bind(up_to)
        .bind(now)
        .bind(number)
        .bind(actor.role.user_type().into_str())
        .bind(head.place.client())
        .bind(actor.user)
        .bind(head.place.other_side(actor).into_str())
        .get_result(tx.conn())?;
    Ok((seen.count, seen.last_id))
}

/// Whether a message of the other side up to `up_to` is unread on the actor's side.
pub fn has_unread_messages(
    conn: &mut PgConnection,
    actor: &Actor,
    head: &LockedConversation,
    up_to: i64,
) -> Result<bool> {
    let waiting: Count =
        sql("SELECT count(*) FROM (SELECT FROM messages WHERE tenant_id = $1 AND conversation_id = $2 \
         AND sender_type = $3 AND sender_id <> $5 AND seq <= $4 AND read_at IS NULL LIMIT 1) one")
        .bind(actor.tenant)
        .bind(head.place.conversation)
        .bind(head.place.other_side(actor).into_str())
        .bind(up_to)
        .bind(actor.user)
        .get_result(conn)?;
    Ok(waiting.count > 0)
}

const EDIT: &str = "
    WITH room AS (
        UPDATE conversations SET head = head + 1, updated_at = $3 WHERE tenant_id = $1 AND id = $2 RETURNING head)
    UPDATE messages m SET content = $5, edited_at = $3, changed_seq = room.head FROM room
     WHERE m.tenant_id = $1 AND m.id = $4";

pub fn apply_edit(
    tx: &mut Tx<'_>,
    actor: &Actor,
    head: &LockedConversation,
    message: MessageId,
    content: &str,
    now: Timestamp,
) -> Result<()> {
    let query =
        sql(EDIT).bind(actor.tenant).bind(head.place.conversation).bind(now).bind(message).bind(content);
    query.execute(tx.conn())?;
    Ok(())
}

const DELETE: &str = "
    WITH room AS (
        UPDATE conversations SET head = head + 1, updated_at = $3 WHERE tenant_id = $1 AND id = $2 RETURNING head)
    UPDATE messages m SET content = NULL, related_entity_type = NULL, related_entity_id = NULL,
           related_preview = NULL, deleted_at = $3, changed_seq = room.head FROM room
     WHERE m.tenant_id = $1 AND m.id = $4";

pub fn apply_delete(
    tx: &mut Tx<'_>,
    actor: &Actor,
    head: &LockedConversation,
    message: MessageId,
    now: Timestamp,
) -> Result<()> {
    sql(DELETE)
        .bind(actor.tenant)
        .bind(head.place.conversation)
        .bind(now)
        .bind(message)
        .execute(tx.conn())?;
    Ok(())
}

/// A durable change other than a send: the event, and the people whose counters it moves.
pub struct ChangeEvent<'a> {
    pub place: ConversationPlace,
    pub topic: &'a str,
    pub seq: i64,
    pub event_id: Uuid,
    pub event: &'static str,
    pub payload: Value,
    /// The activity row to derive from the event, if none is written with the change.
    pub log: Value,
    /// A deleted message: its number and author. Its unread recipients have one unread message fewer.
    pub deleted: Option<(i64, UserId)>,
}

/// Copies the event to every recipient of the room and to the actor, and returns the counters for `messaging:unread`:
/// those of the actor and, after a deletion, of everyone whose counter moved. Sums are those before this statement,
/// hence the corrections.
const ANNOUNCE: &str = "
    WITH moved AS (
        UPDATE participants SET unread_count = unread_count - 1
         WHERE $9 AND tenant_id = $1 AND conversation_id = $2 AND counted AND user_id <> $10 AND read_seq < $11
           AND unread_count > 0
        RETURNING user_id, side, unread_count),
    people AS (
        SELECT user_id FROM participants WHERE tenant_id = $1 AND conversation_id = $2 AND counted
        UNION SELECT $3::uuid),
    told AS (
        SELECT p.user_id, p.side, coalesce(m.unread_count, p.unread_count) AS unread_count,
               (SELECT coalesce(sum(q.unread_count), 0)::bigint FROM participants q
                 WHERE q.tenant_id = $1 AND q.user_id = p.user_id AND q.counted)
               - CASE WHEN m.user_id IS NULL THEN 0 ELSE 1 END AS total
          FROM participants p LEFT JOIN moved m ON m.user_id = p.user_id
         WHERE p.tenant_id = $1 AND p.conversation_id = $2
           AND (m.user_id IS NOT NULL OR (NOT $9 AND p.user_id = $3))),
    event AS (
        INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id, user_ids)
        SELECT $1, $4, $5, $6, $7, $8, json_build_object(
            'copies', (SELECT to_json(array_agg('user:' || user_id)) FROM people),
            'also', coalesce((SELECT json_agg(json_build_object('topic', 'user:' || user_id, 'event', 'messaging:unread',
                'payload', json_build_object('conversation_id', $2, 'unread_count', unread_count, 'total', total)))
                FROM told), '[]'),
            'log', $13),
            $12, nullif($14, '{}'))
    SELECT (SELECT array_agg(user_id) FROM people) AS people, t.user_id, t.side, t.unread_count, t.total
      FROM (SELECT 1) one LEFT JOIN told t ON true";

#[derive(QueryableByName)]
struct AnnounceRow {
    #[diesel(sql_type = diesel::sql_types::Array<SqlUuid>)]
    people: Vec<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    side: Option<String>,
    #[diesel(sql_type = Nullable<diesel::sql_types::Integer>)]
    unread_count: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
}

/// The recipients of copies, and the counters that moved.
pub fn insert_change_event(
    tx: &mut Tx<'_>,
    actor: &Actor,
    what: ChangeEvent<'_>,
) -> Result<(Vec<UserId>, Vec<UnreadRecipient>)> {
    let (deleted_seq, author) = what.deleted.unwrap_or((0, actor.user));
    let statement = sql(ANNOUNCE)
        .bind(actor.tenant)
        .bind(what.place.conversation)
        .bind(actor.user)
        .bind(what.topic)
        .bind(what.seq)
        .bind(what.event_id)
        .bind(what.event)
        .bind(Bind::Json(what.payload))
        .bind(what.deleted.is_some())
        .bind(author)
        .bind(deleted_seq)
        .bind(what.place.client())
        .bind(Bind::Json(what.log))
        .bind(what.place.owner_ids());
    let rows: Vec<AnnounceRow> = tx.as_system(|sys| Ok(statement.load(sys.conn())?))?;
    let people = rows.first().map(|row| row.people.iter().copied().map(UserId).collect()).unwrap_or_default();
    let told = rows.into_iter().filter_map(|row| {
        Some(UnreadRecipient {
            user_id: row.user_id?,
            side: row.side?,
            unread_count: row.unread_count?,
            total: row.total?,
        })
    });
    Ok((people, told.collect()))
}

/// The lock that every writer of the conversation takes before locking its messages.
macro_rules! lock_place {
    ($room:literal) => {
        concat!(
            "SELECT c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id FROM conversations c \
             WHERE c.tenant_id = $1 AND ",
            $room,
            " FOR UPDATE"
        )
    };
}

#[derive(QueryableByName)]
struct DeliveredRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

// By id alone: with two conditions joined by OR, the planner scans the whole room.
const MARK_DELIVERED: &str = "
    UPDATE messages SET delivered_at = $6
     WHERE tenant_id = $1 AND id = ANY (ARRAY (
            SELECT id FROM messages WHERE tenant_id = $1 AND conversation_id = $2
               AND changed_seq > $3 AND changed_seq <= $4
            UNION ALL SELECT unnest($7)))
       AND conversation_id = $2 AND sender_type = $5 AND sender_id <> $8 AND delivered_at IS NULL
    RETURNING seq";

/// What reached a device: the events (`after`, `up_to`], and fetched messages.
pub struct ReceivedMessages {
    pub after: i64,
    pub up_to: i64,
    pub fetched: Vec<Uuid>,
}

/// Marks the others' messages that reached a device of the actor. Returns the newest of those that were not delivered
/// before.
pub fn mark_delivered(
    tx: &mut Tx<'_>,
    actor: &Actor,
    room: RoomRef,
    reached: ReceivedMessages,
    now: Timestamp,
) -> Result<Option<(ConversationPlace, i64)>> {
    let (lock, id) = by_room!(room, lock_place);
    let place: Option<ConversationPlace> =
        sql(lock).bind(actor.tenant).bind(id).get_result(tx.conn()).optional()?;
    let Some(place) = place else { return Ok(None) };
    let rows: Vec<DeliveredRow> = sql(MARK_DELIVERED)
        .bind(actor.tenant)
        .bind(place.conversation)
        .bind(reached.after)
        .bind(reached.up_to)
        .bind(place.other_side(actor).into_str())
        .bind(now)
        .bind(reached.fetched)
        .bind(actor.user)
        .load(tx.conn())?;
    Ok(rows.into_iter().map(|row| row.seq).max().map(|newest| (place, newest)))
}
