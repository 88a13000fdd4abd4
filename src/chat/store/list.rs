//! Lists of conversations, and unread counters.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{ConversationId, MessageId, TenantId, UserId};
use guichet_base::page::{DEFAULT_LIMIT, Page};
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, Result, Role, Timestamp};
use guichet_db::sql::sql;
use uuid::Uuid;

use super::place::by_room;
use crate::chat::model::{DirectPeer, LastMessage, ReadState, RoomRef, UnreadRoom, UnreadRooms, excerpt};
use crate::chat::place::ConversationPlace;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    Recent,
    Unread,
    /// Rooms with people of the other side online first.
    Online,
}

/// Filter of a list.
#[derive(Debug, Clone)]
pub struct ListFilter {
    pub order: ListOrder,
    /// Only rooms that count for the actor.
    pub mine: bool,
    /// Whether to include direct conversations.
    pub direct: bool,
    /// Part of the name of a client, a member or a colleague, escaped for LIKE.
    pub name_like: Option<String>,
    /// Rooms whose messages match the same search.
    pub matching: Vec<Uuid>,
    /// The people online, for `ListOrder::Online`.
    pub online: Vec<Uuid>,
    pub page: Page,
}

/// A conversation without what only this process knows: who is online.
#[derive(QueryableByName)]
pub struct ConversationSummary {
    #[diesel(embed)]
    pub place: ConversationPlace,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub client_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub operator_name: Option<String>,
    #[diesel(sql_type = Integer)]
    pub unread_count: i32,
    #[diesel(sql_type = Bool)]
    pub followed: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: Timestamp,
    /// The people of the other side of a room, and when the last of them was seen.
    #[diesel(sql_type = Array<SqlUuid>)]
    others: Vec<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    others_last_seen: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    peer_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    peer_avatar_url: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    peer_role: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    peer_last_seen: Option<Timestamp>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<MessageId>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_seq: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    last_content: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_sender_id: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    last_sender_name: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_created_at: Option<Timestamp>,
}

impl ConversationSummary {
    /// The other person of a direct conversation, as `me` sees it.
    pub fn peer(&self, me: UserId) -> Option<DirectPeer> {
        Some(DirectPeer {
            id: self.place.peer(me)?,
            display_name: self.peer_name.clone(),
            avatar_url: self.peer_avatar_url.clone(),
            role: self.peer_role.as_deref().and_then(Role::parse_person_role),
        })
    }

    /// The people of the other side, and when the last of them was seen.
    pub fn others(&self, me: UserId) -> (Vec<UserId>, Option<Timestamp>) {
        match self.place.peer(me) {
            Some(peer) => (vec![peer], self.peer_last_seen),
            None => (self.others.iter().copied().map(UserId).collect(), self.others_last_seen),
        }
    }

    pub fn last_message(&self) -> Option<LastMessage> {
        Some(LastMessage {
            id: self.last_id?,
            seq: self.last_seq?,
            excerpt: self.last_content.as_deref().map(excerpt),
            sender_id: self.last_sender_id?,
            sender_name: self.last_sender_name.clone(),
            created_at: self.last_created_at?,
        })
    }
}

/// The columns of the rooms that `part` selects, for an actor of user type `of`. The page is cut before anything is
/// joined to it.
fn summary_sql(part: &str, of: UserType) -> String {
    // A member may not read the participants and has few rooms. An operator has many rooms and sees the members.
    let others = match of {
        UserType::Client => {
            "SELECT r.user_id, r.last_seen_at FROM authz.room_people(c.id) r WHERE r.side = $3"
        }
        UserType::Operator => {
            "SELECT r.id AS user_id, r.last_seen_at FROM client_members t \
             JOIN users r ON r.tenant_id = $1 AND r.id = t.user_id \
             WHERE t.tenant_id = $1 AND t.client_id = c.client_id AND r.deleted_at IS NULL AND r.role = $3"
        }
    };
    format!(
        "SELECT c.id AS conversation_id, c.kind, c.client_id, c.user_one_id, c.user_two_id, k.name AS client_name, o.display_name AS operator_name, \
         coalesce(p.unread_count, 0) AS unread_count, coalesce(p.counted, false) AS followed, \
         c.last_message_at, c.updated_at, coalesce(s.others, '{{}}') AS others, \
         s.last_seen AS others_last_seen, x.display_name AS peer_name, x.avatar_url AS peer_avatar_url, \
         x.role AS peer_role, x.last_seen_at AS peer_last_seen, m.id AS last_id, m.seq AS last_seq, m.content AS last_content, \
         m.sender_id AS last_sender_id, u.display_name AS last_sender_name, m.created_at AS last_created_at \
         FROM ({part}) c LEFT JOIN clients k ON k.tenant_id = $1 AND k.id = c.client_id \
         LEFT JOIN users x ON x.tenant_id = $1 \
          AND x.id = CASE WHEN c.user_one_id = $2 THEN c.user_two_id ELSE c.user_one_id END \
         LEFT JOIN participants p ON p.tenant_id = $1 AND p.conversation_id = c.id AND p.user_id = $2 \
         LEFT JOIN users o ON o.tenant_id = $1 AND o.id = k.operator_id \
         LEFT JOIN messages m ON m.tenant_id = $1 AND m.conversation_id = c.id AND m.seq = c.last_seq \
         LEFT JOIN users u ON u.tenant_id = $1 AND u.id = m.sender_id \
         LEFT JOIN LATERAL (SELECT array_agg(o.user_id) AS others, max(o.last_seen_at) AS last_seen \
             FROM ({others}) o) s ON true \
         ORDER BY c.place"
    )
}

/// One page of rooms. Each order has its own SQL text: a parameter in ORDER BY would keep the planner from the index.
///
/// Row-level security decides what is visible. For roles that see few of many rooms, its condition is repeated here
/// without the "or all" branch, so that PostgreSQL starts from their clients.
fn page_sql(role: Role, filter: &ListFilter) -> String {
    let ListFilter { order, mine, page, .. } = *filter;
    let few = match role {
        Role::Employee => {
            "AND (c.client_id = ANY (ARRAY(SELECT authz.my_clients())) OR c.user_one_id = $2 OR c.user_two_id = $2)"
        }
        Role::Client => "AND c.client_id = ANY (ARRAY(SELECT authz.my_clients()))",
        Role::Owner | Role::Manager | Role::Service | Role::Platform => "",
    };
    let recent = "c.last_message_at DESC NULLS LAST, c.id";
    // An operator's list may be long, so presence is looked up once for all rooms. A member has few rooms and may not
    // read the participants.
    let online = match role.user_type() {
        UserType::Operator => {
            "(CASE WHEN c.client_id IS NULL \
             THEN CASE WHEN c.user_one_id = $2 THEN c.user_two_id ELSE c.user_one_id END = ANY ($6) \
             ELSE c.client_id IN (SELECT t.client_id FROM client_members t WHERE t.tenant_id = $1 AND t.user_id = ANY ($6)) \
             END) DESC"
        }
        UserType::Client => {
            "EXISTS (SELECT FROM authz.room_people(c.id) r WHERE r.side = $3 AND r.user_id = ANY ($6)) DESC"
        }
    };
    let by = match order {
        ListOrder::Recent => recent.to_owned(),
        ListOrder::Unread => format!("coalesce(p.unread_count, 0) DESC, {recent}"),
        ListOrder::Online => format!("{online}, {recent}"),
    };
    let needs_standing = mine || order == ListOrder::Unread;
    let standing = if needs_standing {
        "LEFT JOIN participants p ON p.tenant_id = $1 AND p.conversation_id = c.id AND p.user_id = $2"
    } else {
        ""
    };
    // The most frequent first page has its size in the text: for an unknown LIMIT, PostgreSQL plans for a tenth of
    // all rooms, and joins whole tables to them.
    let cut = match page {
        Page { limit: DEFAULT_LIMIT, offset: 0 } => format!("LIMIT {DEFAULT_LIMIT}"),
        _ => "LIMIT $4 OFFSET $5".to_owned(),
    };
    let mine = if mine { "AND p.counted" } else { "" };
    let kinds = if filter.direct { "" } else { "AND c.client_id IS NOT NULL" };
    let search = if filter.name_like.is_some() {
        // The actor's own name is part of each of their direct conversations.
        "AND (c.id = ANY ($7) OR c.user_one_id IN (SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.id <> $2 \
         AND u.role <> 'client' AND lower(authz.unaccent(u.display_name)) LIKE lower(authz.unaccent($8))) \
         OR c.user_two_id IN (SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.id <> $2 \
         AND u.role <> 'client' AND lower(authz.unaccent(u.display_name)) LIKE lower(authz.unaccent($8))) \
         OR c.client_id IN (SELECT k.id FROM clients k WHERE k.tenant_id = $1 \
         AND lower(authz.unaccent(k.name)) LIKE lower(authz.unaccent($8))) \
         OR c.client_id IN (SELECT t.client_id FROM client_members t \
         JOIN users u ON u.tenant_id = $1 AND u.id = t.user_id WHERE t.tenant_id = $1 \
         AND lower(authz.unaccent(u.display_name)) LIKE lower(authz.unaccent($8))))"
    } else {
        ""
    };
    format!(
        "SELECT c.*, row_number() OVER (ORDER BY {by}) AS place FROM conversations c {standing} \
         WHERE c.tenant_id = $1 {few} {kinds} {mine} {search} ORDER BY {by} {cut}"
    )
}

pub fn list(conn: &mut PgConnection, actor: &Actor, filter: &ListFilter) -> Result<Vec<ConversationSummary>> {
    let side = actor.role.user_type();
    let part = page_sql(actor.role, filter);
    let text = summary_sql(&part, side);
    let rows = sql(text)
        .bind(actor.tenant)
        .bind(actor.user)
        .bind(side.other().into_str())
        .bind(filter.page.limit)
        .bind(filter.page.offset)
        .bind(filter.online.clone())
        .bind(filter.matching.clone())
        .bind(filter.name_like.clone())
        .load(conn)?;
    Ok(rows)
}

macro_rules! only {
    ($room:literal) => {
        $room
    };
}

/// One conversation. Errors: `NOT_FOUND` if the actor may not see it.
pub fn conversation(conn: &mut PgConnection, actor: &Actor, room: RoomRef) -> Result<ConversationSummary> {
    let (which, id) = by_room!(room, only);
    let side = actor.role.user_type();
    let part = format!("SELECT c.*, 1 AS place FROM conversations c WHERE c.tenant_id = $1 AND {which}");
    let part = part.replace("$2", "$4");
    sql(summary_sql(&part, side))
        .bind(actor.tenant)
        .bind(actor.user)
        .bind(side.other().into_str())
        .bind(id)
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("conversation"))
}

#[derive(QueryableByName)]
struct UnreadRow {
    #[diesel(sql_type = SqlUuid)]
    id: ConversationId,
    #[diesel(sql_type = Integer)]
    unread_count: i32,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Rooms with unread messages, at most `limit`; the total counts all.
pub fn unread(conn: &mut PgConnection, tenant: TenantId, user: UserId, limit: i64) -> Result<UnreadRooms> {
    // One statement, so that total and rooms are of one snapshot; the sum covers the rows that LIMIT cuts.
    let rows: Vec<UnreadRow> =
        sql("SELECT conversation_id AS id, unread_count, sum(unread_count) OVER ()::bigint AS total \
         FROM participants WHERE tenant_id = $1 AND user_id = $2 AND counted AND unread_count > 0 \
         ORDER BY unread_count DESC, conversation_id LIMIT $3")
        .bind(tenant)
        .bind(user)
        .bind(limit)
        .load(conn)?;
    let total = rows.first().map_or(0, |row| row.total);
    let conversations = rows
        .into_iter()
        .map(|row| UnreadRoom { id: row.id, unread_count: row.unread_count.into() })
        .collect();
    Ok(UnreadRooms { total, conversations })
}

#[derive(QueryableByName)]
struct ReadStateRow {
    #[diesel(sql_type = BigInt)]
    up_to_seq: i64,
    #[diesel(sql_type = BigInt)]
    unread_count: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The person's read position in one room, and their total of unread messages.
pub fn read_state(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    conversation: ConversationId,
) -> Result<ReadState> {
    let row: ReadStateRow =
        sql("SELECT coalesce(max(read_seq) FILTER (WHERE conversation_id = $3), 0) AS up_to_seq, \
         coalesce(sum(unread_count) FILTER (WHERE conversation_id = $3), 0)::bigint AS unread_count, \
         coalesce(sum(unread_count) FILTER (WHERE counted), 0)::bigint AS total \
         FROM participants WHERE tenant_id = $1 AND user_id = $2 AND (counted OR conversation_id = $3)")
        .bind(tenant)
        .bind(user)
        .bind(conversation)
        .get_result(conn)?;
    let ReadStateRow { up_to_seq, unread_count, total } = row;
    Ok(ReadState { conversation_id: conversation, up_to_seq, unread_count, total })
}

#[derive(QueryableByName)]
struct ChangedRow {
    #[diesel(embed)]
    place: ConversationPlace,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

/// The conversations that count for the person and whose head changed after `after`, for an app that was offline.
/// Latest change first, at most `limit`.
pub fn changed_since(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    after: Timestamp,
    limit: i64,
) -> Result<Vec<(ConversationPlace, i64)>> {
    let rows: Vec<ChangedRow> =
        sql("SELECT c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id, c.head FROM participants p \
         JOIN conversations c ON c.tenant_id = p.tenant_id AND c.id = p.conversation_id \
         WHERE p.tenant_id = $1 AND p.user_id = $2 AND p.counted AND c.updated_at > $3 \
         ORDER BY c.updated_at DESC LIMIT $4")
        .bind(tenant)
        .bind(user)
        .bind(after)
        .bind(limit)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.place, row.head)).collect())
}
