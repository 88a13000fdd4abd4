//! When the members of clients were last seen.

use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use guichet_base::id::{ClientId, TenantId};
use guichet_base::{Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::sql;

#[derive(QueryableByName)]
struct Settings {
    #[diesel(sql_type = Jsonb)]
    settings: Value,
}

pub fn settings(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Value> {
    let row: Option<Settings> =
        sql("SELECT settings FROM tenants WHERE id = $1").bind(tenant).get_result(tx.conn()).optional()?;
    Ok(row.map_or(Value::Null, |row| row.settings))
}

/// A client, and when one of its members was last seen, or else when it was created.
#[derive(Debug, Clone, QueryableByName)]
pub struct Silent {
    #[diesel(sql_type = SqlUuid)]
    pub id: ClientId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub since: Timestamp,
}

// `last_seen_at` covers connections and requests, and every message arrives by one of them.
const SILENT: &str = "
    SELECT c.id, c.name, h.since
      FROM clients c, LATERAL (
            SELECT greatest(c.created_at, max(u.last_seen_at)) AS since
              FROM client_members m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
             WHERE m.tenant_id = c.tenant_id AND m.client_id = c.id) h
     WHERE c.tenant_id = $1 AND c.status = 'active' AND c.id > $2 AND h.since <= $3
       AND NOT EXISTS (SELECT FROM client_silences s WHERE s.tenant_id = $1 AND s.client_id = c.id AND s.since >= h.since)
     ORDER BY c.id LIMIT $4";

/// Active clients after `after` that are inactive since `until` or longer, and whose event was not raised yet.
pub fn silent(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<ClientId>,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Silent>> {
    let after = after.map_or(Uuid::nil(), |client| client.0);
    Ok(sql(SILENT).bind(tenant).bind(after).bind(until).bind(limit).load(tx.conn())?)
}

const RAISE: &str = "
    INSERT INTO client_silences (tenant_id, client_id, since, raised_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, client_id) DO UPDATE SET since = excluded.since, raised_at = excluded.raised_at
     WHERE client_silences.since < excluded.since";

/// Records the period of inactivity. Returns false if another process was first.
pub fn raise(tx: &mut Tx<'_>, tenant: TenantId, client: &Silent, now: Timestamp) -> Result<bool> {
    let raised = sql(RAISE).bind(tenant).bind(client.id).bind(client.since).bind(now).execute(tx.conn())?;
    Ok(raised == 1)
}
