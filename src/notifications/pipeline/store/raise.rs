//! The existing unread notification of a group, which a further event updates instead of adding another.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{NotificationId, TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::sql;

use crate::preferences::Decision;

/// An unread notification of the group.
#[derive(QueryableByName)]
pub struct UnreadOfGroup {
    #[diesel(sql_type = SqlUuid)]
    pub id: NotificationId,
    #[diesel(sql_type = SqlUuid)]
    pub recipient_id: UserId,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Bool)]
    pub visible: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub snoozed_until: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
}

/// An existing notification that a further event updates.
pub struct GroupUpdate {
    pub existing: UnreadOfGroup,
    pub user: UserId,
    pub text: usize,
    pub seq: i64,
    pub pushed: bool,
    pub held: bool,
    pub summary_due_at: Timestamp,
    pub count: i64,
    pub decision: Decision,
}

impl GroupUpdate {
    /// Whether the update ends a snooze, so that the notification counts as unread again.
    pub fn ends_snooze(&self) -> bool {
        self.existing.visible && self.existing.snoozed_until.is_some()
    }
}

// A separate statement after the lock of the feeds, so that it sees all committed changes.
const UNREAD_OF_GROUP: &str = "SELECT id, recipient_id, seq, visible, snoozed_until, created_at, \
    CASE WHEN jsonb_typeof(data -> 'count') = 'number' THEN (data ->> 'count')::bigint ELSE 1 END AS count \
    FROM notifications WHERE tenant_id = $1 AND recipient_id = ANY ($2) AND group_key = $3 \
    AND status = 'unread' AND deleted_at IS NULL";

/// Reads the unread notifications of a group of these people, whose feeds must be locked.
pub fn unread_of_group(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    people: &[UserId],
    group_key: &str,
) -> Result<Vec<UnreadOfGroup>> {
    let people: Vec<_> = people.iter().map(|user| user.0).collect();
    Ok(sql(UNREAD_OF_GROUP).bind(tenant).bind(people).bind(group_key).load(sys.conn())?)
}
