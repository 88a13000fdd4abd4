//! The rows of connect tokens.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName};
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;

use super::model::{NewConnectToken, RedeemedToken};
use crate::schema::connect_tickets;

// A function, because no actor is authenticated yet and policies therefore hide every row.
const REDEEM: &str = "SELECT * FROM authz.redeem_ticket($1)";

/// Rows deleted at once. Concurrent requests leave a few too many, never as many as this.
const MAX_TRIMMED: i64 = 200;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    authenticated_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    token_expires_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
}

/// Deletes all tokens of a person except the newest `kept`.
pub fn delete_older(conn: &mut PgConnection, tenant: TenantId, user: UserId, kept: i64) -> Result<()> {
    let theirs = connect_tickets::tenant_id.eq(tenant).and(connect_tickets::user_id.eq(user));
    let older: Vec<Vec<u8>> = connect_tickets::table
        .filter(theirs)
        .order((connect_tickets::created_at.desc(), connect_tickets::digest))
        .select(connect_tickets::digest)
        .offset(kept)
        .limit(MAX_TRIMMED)
        .load(conn)?;
    if !older.is_empty() {
        diesel::delete(connect_tickets::table.filter(theirs.and(connect_tickets::digest.eq_any(older))))
            .execute(conn)?;
    }
    Ok(())
}

pub fn insert(conn: &mut PgConnection, ticket: &NewConnectToken) -> Result<()> {
    diesel::insert_into(connect_tickets::table).values(ticket).execute(conn)?;
    Ok(())
}

/// Redeems the token with this digest. The second caller gets `None`.
pub fn redeem(conn: &mut PgConnection, digest: Vec<u8>) -> Result<Option<RedeemedToken>> {
    let row: Option<Row> = sql(REDEEM).bind(digest).get_result(conn).optional()?;
    Ok(row.map(|row| RedeemedToken {
        tenant: row.tenant_id,
        user: row.user_id,
        authenticated_at: row.authenticated_at,
        token_expires_at: row.token_expires_at,
        expires_at: row.expires_at,
    }))
}

/// Deletes the tokens of every tenant that expired before `before`, as the worker role.
pub fn sweep(conn: &mut PgConnection, before: Timestamp) -> Result<usize> {
    let expired = connect_tickets::table.filter(connect_tickets::expires_at.lt(before));
    Ok(diesel::delete(expired).execute(conn)?)
}
