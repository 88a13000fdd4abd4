//! Persisted broadcasts: the room's next number, and the outbox row.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::sql;
use uuid::Uuid;

use super::place::by_room;
use crate::chat::model::RoomRef;
use crate::chat::place::ConversationPlace;

#[derive(QueryableByName)]
struct TakenNumber {
    #[diesel(embed)]
    place: ConversationPlace,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

macro_rules! take_number {
    ($room:expr) => {
        concat!(
            "UPDATE conversations c SET head = head + 1, updated_at = $3 WHERE c.tenant_id = $1 AND ",
            $room,
            " RETURNING c.id AS conversation_id, c.client_id, c.user_one_id, c.user_two_id, c.head"
        )
    };
}

/// Takes the conversation's next number under its lock. Errors: `NOT_FOUND` if the actor may not see it.
pub fn take_number(
    conn: &mut PgConnection,
    tenant: TenantId,
    room: RoomRef,
    now: Timestamp,
) -> Result<(ConversationPlace, i64)> {
    let (text, id) = by_room!(room, take_number);
    let taken: Option<TakenNumber> = sql(text).bind(tenant).bind(id).bind(now).get_result(conn).optional()?;
    taken.map(|taken| (taken.place, taken.head)).ok_or_else(|| Error::not_found("conversation"))
}

/// A broadcast to persist.
pub struct PersistedBroadcast<'a> {
    pub topic: &'a str,
    pub seq: i64,
    pub id: Uuid,
    pub name: &'a str,
    /// JSON, stored byte for byte.
    pub payload: &'a str,
    pub place: ConversationPlace,
}

const INSERT_BROADCAST: &str = "
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id, user_ids)
    VALUES ($1, $2, $3, $4, $5, $6::json, '{}', $7, nullif($8, '{}'))";

pub fn insert_broadcast(tx: &mut Tx<'_>, tenant: TenantId, what: PersistedBroadcast<'_>) -> Result<()> {
    let statement = sql(INSERT_BROADCAST)
        .bind(tenant)
        .bind(what.topic)
        .bind(what.seq)
        .bind(what.id)
        .bind(what.name)
        .bind(what.payload)
        .bind(what.place.client())
        .bind(what.place.owner_ids());
    tx.as_system(|sys| {
        statement.execute(sys.conn())?;
        Ok(())
    })
}
