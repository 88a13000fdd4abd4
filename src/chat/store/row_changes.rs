//! Queries for subscribers to changes of `messages`.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use guichet_base::Result;
use guichet_base::id::{ClientId, ConversationId, TenantId};
use guichet_db::sql::sql;

use super::change::MAX_READ_PER_CHANGE;
use super::row::{MessageRow, message_columns};
use crate::chat::model::Message;

#[derive(QueryableByName)]
struct ClientRow {
    #[diesel(sql_type = SqlUuid)]
    id: ClientId,
}

/// The clients that the actor sees individually, at most `limit`.
pub fn visible_clients(conn: &mut PgConnection, limit: i64) -> Result<Vec<ClientId>> {
    let rows: Vec<ClientRow> =
        sql("SELECT DISTINCT id FROM authz.my_clients() AS mine (id) LIMIT $1").bind(limit).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

const CHANGED_AT: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages m LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.sender_id \
     WHERE m.tenant_id = $1 AND m.conversation_id = $2 AND m.changed_seq = $3 ORDER BY m.seq LIMIT $4"
);

/// The messages whose last change has this number.
pub fn changed_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    conversation: ConversationId,
    number: i64,
) -> Result<Vec<Message>> {
    let query = sql(CHANGED_AT).bind(tenant).bind(conversation).bind(number).bind(MAX_READ_PER_CHANGE);
    Ok(query.load::<MessageRow>(conn)?.into_iter().map(Message::from).collect())
}
