//! The statements of a send: the context, the message with its numbers, the counters and the event.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{ClientId, ConversationId, MessageId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Bind, sql};
use serde_json::Value;
use uuid::Uuid;

use super::place::by_room;
use crate::chat::model::{MessageBody, RelatedEntity, RoomRef};
use crate::chat::place::ConversationPlace;

/// The room and the author of a send.
#[derive(QueryableByName)]
pub struct SendContext {
    #[diesel(embed)]
    pub place: ConversationPlace,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub operator_id: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    pub operator_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub client_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub sender_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub sender_avatar_url: Option<String>,
    /// Whether the author already follows the room.
    #[diesel(sql_type = Bool)]
    pub follows: bool,
    /// The first message, if this is a repeat.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub repeat_of: Option<MessageId>,
}

macro_rules! room_for_send {
    ($room:literal) => {
        concat!(
            "SELECT c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id, k.operator_id, k.name AS client_name, o.display_name AS operator_name, \
             u.display_name AS sender_name, u.avatar_url AS sender_avatar_url, \
             coalesce(p.follows, false) AS follows, m.id AS repeat_of \
             FROM conversations c \
             LEFT JOIN clients k ON k.tenant_id = c.tenant_id AND k.id = c.client_id \
             LEFT JOIN users o ON o.tenant_id = k.tenant_id AND o.id = k.operator_id \
             LEFT JOIN users u ON u.tenant_id = c.tenant_id AND u.id = $3 \
             LEFT JOIN participants p ON p.tenant_id = c.tenant_id AND p.conversation_id = c.id AND p.user_id = $3 \
             LEFT JOIN messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.sender_id = $3 \
              AND m.client_message_id = $4 \
             WHERE c.tenant_id = $1 AND ",
            $room
        )
    };
}

/// `None` if the actor may not see the conversation.
pub fn load_send_context(
    conn: &mut PgConnection,
    actor: &Actor,
    room: RoomRef,
    client_message_id: Option<Uuid>,
) -> Result<Option<SendContext>> {
    let (text, id) = by_room!(room, room_for_send);
    Ok(sql(text)
        .bind(actor.tenant)
        .bind(id)
        .bind(actor.user)
        .bind(client_message_id)
        .get_result(conn)
        .optional()?)
}

/// Makes the actor follow the room, or stop, and updates the participants.
pub fn follow(conn: &mut PgConnection, client: ClientId, wanted: bool) -> Result<()> {
    sql("SELECT authz.follow($1, $2)").bind(client).bind(wanted).execute(conn)?;
    Ok(())
}

pub struct NewMessage<'a> {
    pub id: MessageId,
    pub place: ConversationPlace,
    pub operator: Option<UserId>,
    pub body: &'a MessageBody,
    pub related: Option<&'a RelatedEntity>,
    pub client_message_id: Option<Uuid>,
    pub now: Timestamp,
}

#[derive(QueryableByName)]
struct NumbersRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    changed_seq: i64,
}

/// Takes the next numbers under the room's lock and inserts the message with them.
const INSERT: &str = "
    WITH room AS (
        UPDATE conversations SET last_seq = last_seq + 1, head = head + 1, last_message_at = $3, updated_at = $3
         WHERE tenant_id = $1 AND id = $2 RETURNING last_seq, head)
    INSERT INTO messages (tenant_id, id, conversation_id, client_id, operator_id, seq, changed_seq, sender_id,
        sender_type, content, related_entity_type, related_entity_id, related_preview, client_message_id, created_at,
        user_one_id, user_two_id)
    SELECT $1, $4, $2, $5, $6, last_seq, head, $7, $8, $9, $10, $11, $12, $13, $3, $14, $15 FROM room
    RETURNING seq, changed_seq";

/// Returns the message's `seq` and the topic number.
pub fn insert(tx: &mut Tx<'_>, actor: &Actor, new: &NewMessage<'_>) -> Result<(i64, i64)> {
    let related = new.related;
    let [user_one, user_two] = new.place.pair();
    let numbers: NumbersRow = sql(INSERT)
        .bind(actor.tenant)
        .bind(new.place.conversation)
        .bind(new.now)
        .bind(new.id)
        .bind(new.place.client())
        .bind(new.operator)
        .bind(actor.user)
        .bind(actor.role.user_type().into_str())
        .bind(new.body.as_str())
        .bind(related.map(|r| r.kind.clone()))
        .bind(related.map(|r| r.id.clone()))
        .bind(related.and_then(|r| r.preview.clone()))
        .bind(new.client_message_id)
        .bind(user_one)
        .bind(user_two)
        .get_result(tx.conn())?;
    Ok((numbers.seq, numbers.changed_seq))
}

/// A recipient of the message, and their unread counters after it.
#[derive(Debug, Clone, QueryableByName)]
pub struct UnreadRecipient {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    pub(super) side: String,
    #[diesel(sql_type = Integer)]
    pub unread_count: i32,
    #[diesel(sql_type = BigInt)]
    pub total: i64,
}

impl UnreadRecipient {
    pub fn side(&self) -> UserType {
        side(&self.side)
    }
}

/// Updates the counters of all recipients and writes the event in one round trip; the event carries its activity row.
/// `total` adds one to the snapshot's sum, since a statement does not see its own updates.
const ANNOUNCE: &str = "
    WITH counted AS (
        UPDATE participants SET unread_count = unread_count + 1
         WHERE tenant_id = $1 AND conversation_id = $2 AND counted AND user_id <> $3
        RETURNING user_id, side, unread_count),
    told AS (
        SELECT c.user_id, c.side, c.unread_count, 1 + (
            SELECT coalesce(sum(p.unread_count), 0)::bigint FROM participants p
             WHERE p.tenant_id = $1 AND p.user_id = c.user_id AND p.counted) AS total
          FROM counted c),
    event AS (
        INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id, user_ids)
        SELECT $1, $4, $5, $6, 'messaging:new', $7, json_build_object(
            'copies', to_json(array_append(array_agg('user:' || user_id), 'user:' || $3::text)),
            'also', coalesce(json_agg(json_build_object('topic', 'user:' || user_id, 'event', 'messaging:unread',
                'payload', json_build_object('conversation_id', $2, 'unread_count', unread_count, 'total', total))), '[]'),
            'log', $9),
            $8, nullif($10, '{}') FROM told)
    SELECT user_id, side, unread_count, total FROM told";

/// The parts of an announcement besides the actor.
pub struct SendEvent<'a> {
    pub place: ConversationPlace,
    pub topic: &'a str,
    pub seq: i64,
    pub event_id: Uuid,
    pub payload: Value,
    pub log: Value,
}

pub fn insert_send_event(
    tx: &mut Tx<'_>,
    actor: &Actor,
    what: SendEvent<'_>,
) -> Result<Vec<UnreadRecipient>> {
    let statement = sql(ANNOUNCE)
        .bind(actor.tenant)
        .bind(what.place.conversation)
        .bind(actor.user)
        .bind(what.topic)
        .bind(what.seq)
        .bind(what.event_id)
        .bind(Bind::Json(what.payload))
        .bind(what.place.client())
        .bind(Bind::Json(what.log))
        .bind(what.place.owner_ids());
    tx.as_system(|sys| Ok(statement.load(sys.conn())?))
}

/// A recipient of a room's events.
#[derive(QueryableByName)]
pub struct RoomPerson {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    side: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_seen_at: Option<Timestamp>,
}

impl RoomPerson {
    pub fn side(&self) -> UserType {
        side(&self.side)
    }
}

fn side(word: &str) -> UserType {
    if word == "client" { UserType::Client } else { UserType::Operator }
}

/// The recipients of a room that the actor may see.
pub fn room_people(conn: &mut PgConnection, conversation: ConversationId) -> Result<Vec<RoomPerson>> {
    Ok(sql("SELECT user_id, side, last_seen_at FROM authz.room_people($1)").bind(conversation).load(conn)?)
}
