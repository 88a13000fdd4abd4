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

pub fn tenant_settings(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Value> {
    let row: Option<Settings> =
        sql("SELECT settings FROM tenants WHERE id = $1").bind(tenant).get_result(tx.conn()).optional()?;
    Ok(row.map_or(Value::Null, |row| row.settings))
}

/// A client whose members were not seen; `since` is the last time one was seen, or the creation of the client.
#[derive(Debug, Clone, QueryableByName)]
pub struct InactiveClient {
    #[diesel(sql_type = SqlUuid)]
    pub id: ClientId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub since: Timestamp,
}

// `last_seen_at` covers connections and requests, and every message arrives by one of them.
const INACTIVE_CLIENTS: &str = "
    SELECT c.id, c.name, h.since
      FROM clients c, LATERAL (
            SELECT greatest(c.created_at, max(u.last_seen_at)) AS since
              FROM client_members m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
             WHERE m.tenant_id = c.tenant_id AND m.client_id = c.id) h
     WHERE c.tenant_id = $1 AND c.status = 'active' AND c.id > $2 AND h.since <= $3
       AND NOT EXISTS (SELECT FROM client_silences s WHERE s.tenant_id = $1 AND s.client_id = c.id AND s.since >= h.since)
     ORDER BY c.id LIMIT $4";

/// Clients with status `active`, after `after`, not seen since `until`, whose period of inactivity is not recorded yet.
pub fn inactive_clients(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<ClientId>,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<InactiveClient>> {
    let after = after.map_or(Uuid::nil(), |client| client.0);
    Ok(sql(INACTIVE_CLIENTS).bind(tenant).bind(after).bind(until).bind(limit).load(tx.conn())?)
}

const RECORD_INACTIVITY: &str = "
    INSERT INTO client_silences (tenant_id, client_id, since, raised_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, client_id) DO UPDATE SET since = excluded.since, raised_at = excluded.raised_at
     WHERE client_silences.since < excluded.since";

/// Records the period of inactivity. Returns false if another process has recorded it already.
pub fn record_inactivity(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client: &InactiveClient,
    now: Timestamp,
) -> Result<bool> {
    let raised = sql(RECORD_INACTIVITY)
        .bind(tenant)
        .bind(client.id)
        .bind(client.since)
        .bind(now)
        .execute(tx.conn())?;
    Ok(raised == 1)
}
