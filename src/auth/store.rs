//! The statements of just-in-time provisioning.

use diesel::prelude::*;
use guichet_base::Result;
use guichet_base::id::{ClientId, UserId};
use guichet_db::sql::sql;
use uuid::Uuid;

// One statement for any number of clients. Unknown ones are skipped.
const JOIN_CLIENTS: &str = "INSERT INTO client_members (tenant_id, client_id, user_id) \
     SELECT c.tenant_id, c.id, $1 FROM clients c WHERE c.tenant_id = authz.tenant() AND c.id = ANY ($2) \
     ORDER BY c.id ON CONFLICT DO NOTHING";

pub(super) fn join_clients(conn: &mut PgConnection, user: UserId, clients: &[ClientId]) -> Result<()> {
    let clients: Vec<Uuid> = clients.iter().map(|client| client.0).collect();
    sql(JOIN_CLIENTS).bind(user).bind(clients).execute(conn)?;
    Ok(())
}
