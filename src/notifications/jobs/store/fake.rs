//! The recipients of samples.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Uuid as SqlUuid};

use guichet_base::Result;
use guichet_base::id::{ClientId, TenantId, UserId};
use guichet_db::Tx;
use guichet_db::sql::sql;

#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct SampleRecipient {
    #[diesel(sql_type = SqlUuid)]
    pub id: UserId,
    /// A client that the person is related to, for sample events about a client.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub client: Option<ClientId>,
}

const FIND_RECIPIENT: &str = "
    SELECT u.id, coalesce(
            (SELECT m.client_id FROM client_members m WHERE m.tenant_id = $1 AND m.user_id = u.id ORDER BY m.client_id LIMIT 1),
            (SELECT c.id FROM clients c WHERE c.tenant_id = $1 AND c.operator_id = u.id ORDER BY c.id LIMIT 1),
            (SELECT c.id FROM clients c WHERE c.tenant_id = $1 AND u.role IN ('owner', 'manager') ORDER BY c.id LIMIT 1)) AS client
      FROM users u WHERE u.tenant_id = $1 AND lower(u.email) = lower($2) AND u.deleted_at IS NULL ORDER BY u.id LIMIT 1";

pub fn find_recipient(tx: &mut Tx<'_>, tenant: TenantId, email: &str) -> Result<Option<SampleRecipient>> {
    Ok(sql(FIND_RECIPIENT).bind(tenant).bind(email).get_result(tx.conn()).optional()?)
}
