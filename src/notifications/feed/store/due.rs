//! Queries of the jobs: snoozes that end, and notifications that expire.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use guichet_base::id::{NotificationId, TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;
use guichet_db::{SystemTx, WorkerTx};

use super::change::{FeedOwner, TargetRow, target_query, target_statement, uuids};
use crate::notifications::feed::action::Target;

#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    recipient_id: UserId,
}

// An expired notification does not return from its snooze.
const OWNERS_WITH_DUE_SNOOZES: &str = "SELECT DISTINCT tenant_id, recipient_id FROM (SELECT tenant_id, recipient_id FROM notifications \
    WHERE snoozed_until <= $1 AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
    ORDER BY snoozed_until LIMIT $2) due ORDER BY tenant_id, recipient_id";

const OWNERS_WITH_EXPIRED: &str = "SELECT DISTINCT tenant_id, recipient_id FROM (SELECT tenant_id, recipient_id FROM notifications \
    WHERE expires_at <= $1 AND deleted_at IS NULL ORDER BY expires_at LIMIT $2) due ORDER BY tenant_id, recipient_id";

/// People with snoozes that have ended.
pub fn owners_with_due_snoozes(tx: &mut WorkerTx<'_>, now: Timestamp, limit: i64) -> Result<Vec<FeedOwner>> {
    load_owners(tx, OWNERS_WITH_DUE_SNOOZES, now, limit)
}

/// People with expired notifications.
pub fn owners_with_expired(tx: &mut WorkerTx<'_>, now: Timestamp, limit: i64) -> Result<Vec<FeedOwner>> {
    load_owners(tx, OWNERS_WITH_EXPIRED, now, limit)
}

fn load_owners(
    tx: &mut WorkerTx<'_>,
    text: &'static str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<FeedOwner>> {
    let rows: Vec<OwnerRow> = sql(text).bind(now).bind(limit).load(tx.conn())?;
    Ok(rows.into_iter().map(|row| FeedOwner { tenant: row.tenant_id, user: row.recipient_id }).collect())
}

const DUE_SNOOZES: &str = target_query!(
    "n.visible AND n.snoozed_until <= $3 AND (n.expires_at IS NULL OR n.expires_at > $3) \
     ORDER BY n.snoozed_until, n.id LIMIT $4"
);

/// The person's notifications whose snooze has ended, earliest first.
pub fn due_snoozes(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Target>> {
    let rows: Vec<TargetRow> = target_statement(DUE_SNOOZES, owner, now).bind(limit).load(sys.conn())?;
    Ok(rows.into_iter().map(Target::from).collect())
}

const EXPIRED: &str = target_query!("n.expires_at <= $3 ORDER BY n.expires_at, n.id LIMIT $4");

/// The person's expired notifications, earliest first: visible ones, and those that exist only for their deliveries.
pub fn expired(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    now: Timestamp,
    limit: i64,
) -> Result<(Vec<Target>, Vec<NotificationId>)> {
    let rows: Vec<TargetRow> = target_statement(EXPIRED, owner, now).bind(limit).load(sys.conn())?;
    let (seen, unseen): (Vec<_>, Vec<_>) = rows.into_iter().partition(TargetRow::visible);
    let targets = |rows: Vec<TargetRow>| rows.into_iter().map(Target::from).collect::<Vec<_>>();
    Ok((targets(seen), targets(unseen).into_iter().map(|target| target.id).collect()))
}

const DELETE_HIDDEN: &str = "UPDATE notifications SET deleted_at = $4, updated_at = $4 WHERE tenant_id = $1 \
    AND recipient_id = $2 AND id = ANY ($3) AND NOT visible AND deleted_at IS NULL";

/// Deletes notifications that exist only for their deliveries: no counter changes, and nothing is published.
pub fn delete_hidden(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    ids: &[NotificationId],
    now: Timestamp,
) -> Result<()> {
    sql(DELETE_HIDDEN).bind(owner.tenant).bind(owner.user).bind(uuids(ids)).bind(now).execute(sys.conn())?;
    Ok(())
}
