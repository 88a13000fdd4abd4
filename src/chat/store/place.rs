//! The owner columns that every row of chat has, and direct conversations.

use diesel::deserialize;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::row::NamedRow;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use guichet_base::id::{ClientId, ConversationId, TenantId, UserId};
use guichet_base::{Actor, Error, Result, Role};
use guichet_db::sql::sql;

use crate::chat::model::RoomRef;
use crate::chat::place::ConversationPlace;

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = SqlUuid)]
    conversation_id: ConversationId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    client_id: Option<ClientId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_one_id: Option<UserId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_two_id: Option<UserId>,
}

/// For any statement that returns `conversation_id`, `client_id`, `user_one_id` and `user_two_id`.
impl QueryableByName<Pg> for ConversationPlace {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let row = PlaceRow::build(row)?;
        Ok(ConversationPlace::new(row.conversation_id, row.client_id, (row.user_one_id, row.user_two_id))?)
    }
}

/// Expands `$texts` with the condition for one conversation `c`, whose id is bound as `$2`. A person names their
/// direct conversation with the actor, known from the transaction.
macro_rules! by_room {
    ($room:expr, $texts:ident) => {
        match $room {
            RoomRef::Conversation(id) => ($texts!("c.id = $2"), id.0),
            RoomRef::Client(id) => ($texts!("c.client_id = $2"), id.0),
            RoomRef::Person(id) => (
                $texts!(
                    "c.user_one_id = least($2, (SELECT authz.me())) AND c.user_two_id = greatest($2, (SELECT authz.me()))"
                ),
                id.0,
            ),
        }
    };
}
pub(super) use by_room;

#[derive(QueryableByName)]
struct PlaceWithHead {
    #[diesel(embed)]
    place: ConversationPlace,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

macro_rules! place {
    ($room:literal) => {
        concat!(
            "SELECT c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id, c.head \
             FROM conversations c WHERE c.tenant_id = $1 AND ",
            $room
        )
    };
}

/// The place of a conversation and the number of its last durable change. Errors: `NOT_FOUND` if the actor may not
/// see it.
pub fn find_place(
    conn: &mut PgConnection,
    tenant: TenantId,
    room: RoomRef,
) -> Result<(ConversationPlace, i64)> {
    let (text, id) = by_room!(room, place);
    let row: Option<PlaceWithHead> = sql(text).bind(tenant).bind(id).get_result(conn).optional()?;
    row.map(|row| (row.place, row.head)).ok_or_else(|| Error::not_found("conversation"))
}

#[derive(QueryableByName)]
struct RoleRow {
    #[diesel(sql_type = Text)]
    role: String,
}

/// The role of a person of the tenant, if the actor may see them and they are not deleted.
pub fn role_of(conn: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<Option<Role>> {
    let row: Option<RoleRow> =
        sql("SELECT role FROM users WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL")
            .bind(tenant)
            .bind(user)
            .get_result(conn)
            .optional()?;
    Ok(row.and_then(|row| Role::parse_person_role(&row.role)))
}

#[derive(QueryableByName)]
struct CreatedRow {
    #[diesel(sql_type = SqlUuid)]
    id: ConversationId,
}

const INSERT_DIRECT: &str = "
    INSERT INTO conversations (tenant_id, id, kind, user_one_id, user_two_id)
    VALUES ($1, $2, 'direct', least($3, $4), greatest($3, $4)) ON CONFLICT DO NOTHING RETURNING id";

/// Creates the conversation of the actor with `peer`. `None` if the other person created it at the same moment; it is
/// committed by then.
pub fn insert_direct(conn: &mut PgConnection, actor: &Actor, peer: UserId) -> Result<Option<ConversationId>> {
    let made: Option<CreatedRow> = sql(INSERT_DIRECT)
        .bind(actor.tenant)
        .bind(ConversationId::new())
        .bind(actor.user)
        .bind(peer)
        .get_result(conn)
        .optional()?;
    Ok(made.map(|made| made.id))
}
