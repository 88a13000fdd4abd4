//! Statistics of notifications.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::sql;

use crate::notifications::feed::model::NotificationStatistics;
use crate::preferences::Channel;

/// Upper bound; there are fewer combinations of templates and channels.
const MAX_ROWS: i64 = 1_000;

// In-app counts come from the feeds, the others from deliveries. A digest is never counted as read.
const ANALYTICS: &str = "
    SELECT n.type AS kind, 'inapp' AS channel, count(*) AS created, count(n.processed_at) AS delivered, 0::bigint AS opened,
           count(n.read_at) AS read, 0::bigint AS failed,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM n.read_at - n.created_at), 0)::float8)
               FILTER (WHERE n.read_at IS NOT NULL) AS median
      FROM notifications n WHERE n.tenant_id = $1 AND n.created_at >= $2 AND n.created_at < $3 AND n.visible
     GROUP BY n.type
    UNION ALL
    SELECT d.type, d.channel, count(*), count(*) FILTER (WHERE d.status IN ('sent', 'delivered', 'opened')), count(d.opened_at),
           count(n.read_at), count(*) FILTER (WHERE d.status IN ('failed', 'bounced')),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM n.read_at - n.created_at), 0)::float8)
               FILTER (WHERE n.read_at IS NOT NULL)
      FROM deliveries d LEFT JOIN notifications n ON n.tenant_id = d.tenant_id AND n.id = d.notification_id
     WHERE d.tenant_id = $1 AND d.created_at >= $2 AND d.created_at < $3
     GROUP BY d.type, d.channel
     ORDER BY 1, 2 LIMIT $4";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    opened: i64,
    #[diesel(sql_type = BigInt)]
    read: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = Nullable<Double>)]
    median: Option<f64>,
}

/// Statistics of the tenant's notifications created in [`from`, `to`).
pub fn analytics(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<NotificationStatistics>> {
    let rows: Vec<Row> = sql(ANALYTICS).bind(tenant).bind(from).bind(to).bind(MAX_ROWS).load(sys.conn())?;
    rows.into_iter()
        .map(|row| {
            let channel = row.channel.parse::<Channel>().ok();
            Ok(NotificationStatistics {
                kind: row.kind,
                channel: channel.ok_or_else(|| Error::internal("a delivery has an unknown channel"))?,
                created: row.created,
                delivered: row.delivered,
                opened: row.opened,
                read: row.read,
                failed: row.failed,
                median_read_seconds: row.median,
            })
        })
        .collect()
}
