//! The rows of connect tickets.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName};
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;

use super::model::{NewConnectToken, RedeemedToken};
use crate::schema::connect_tickets;

// A function, since nobody acts yet: policies show nobody's rows to nobody.
const REDEEM: &str = "SELECT * FROM authz.redeem_ticket($1)";

/// Removed at once: requests at the same moment leave a few too many, never so many.
const MOST_TRIMMED: i64 = 200;

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

/// Removes all of a person's but the newest `kept`.
pub fn trim(conn: &mut PgConnection, tenant: TenantId, user: UserId, kept: i64) -> Result<()> {
    let theirs = connect_tickets::tenant_id.eq(tenant).and(connect_tickets::user_id.eq(user));
    let older: Vec<Vec<u8>> = connect_tickets::table
        .filter(theirs)
        .order((connect_tickets::created_at.desc(), connect_tickets::digest))
        .select(connect_tickets::digest)
        .offset(kept)
        .limit(MOST_TRIMMED)
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

/// Uses up the ticket of this digest: whoever comes second gets `None`.
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

/// Removes what expired before `before`, of every tenant: as the worker.
pub fn sweep(conn: &mut PgConnection, before: Timestamp) -> Result<usize> {
    let expired = connect_tickets::table.filter(connect_tickets::expires_at.lt(before));
    Ok(diesel::delete(expired).execute(conn)?)
}
