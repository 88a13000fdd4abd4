//! A person's broadcast as a durable event: the room's next number, and the event's row.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use crate::base::id::{ClientId, ConversationId, TenantId};
use crate::base::{Error, Result, Timestamp};
use crate::chat::model::Room;
use crate::chat::service::Place;
use crate::db::Tx;
use crate::db::sql::sql;

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = SqlUuid)]
    id: ConversationId,
    #[diesel(sql_type = SqlUuid)]
    client_id: ClientId,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

macro_rules! take_number {
    ($room:literal) => {
        concat!(
            "UPDATE conversations SET head = head + 1, updated_at = $3 WHERE tenant_id = $1 AND ",
            $room,
            " RETURNING id, client_id, head"
        )
    };
}

/// Takes the room's next number, under its lock. Not found where the room is not the actor's to see.
pub fn take_number(conn: &mut PgConnection, tenant: TenantId, room: Room, now: Timestamp) -> Result<Place> {
    let (text, id) = match room {
        Room::Conversation(id) => (take_number!("id = $2"), id.0),
        Room::Client(id) => (take_number!("client_id = $2"), id.0),
    };
    let taken: Option<Taken> = sql(text).bind(tenant).bind(id).bind(now).get_result(conn).optional()?;
    let taken = taken.ok_or_else(|| Error::not_found("conversation"))?;
    Ok(Place { conversation: taken.id, client: taken.client_id, head: taken.head })
}

/// What is kept of a broadcast.
pub struct Broadcast<'a> {
    pub topic: &'a str,
    pub seq: i64,
    pub id: Uuid,
    pub name: &'a str,
    /// JSON, kept byte for byte.
    pub payload: &'a str,
    pub client: ClientId,
}

const KEEP: &str = "
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id)
    VALUES ($1, $2, $3, $4, $5, $6::json, '{}', $7)";

pub fn keep_broadcast(tx: &mut Tx<'_>, tenant: TenantId, what: Broadcast<'_>) -> Result<()> {
    let statement = sql(KEEP)
        .bind(tenant)
        .bind(what.topic)
        .bind(what.seq)
        .bind(what.id)
        .bind(what.name)
        .bind(what.payload)
        .bind(what.client);
    tx.as_system(|sys| {
        statement.execute(sys.conn())?;
        Ok(())
    })
}
