//! S5 for notifications: feeds with a thousand entries each.

use anyhow::Result;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::read::{self, ReadKind};
use crate::report::Report;
use crate::scale::Scale;
use crate::service::Service;
use crate::world::{Kind, World, id, ids};

/// The people whose feeds are read.
const READERS: usize = 1_000;
const VARIETY: usize = 64;

/// Measures the feed and the unread count of people with a thousand notifications each.
pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    let total = READERS * scale.notifications_each;
    report.section(&format!("S5: the feed at {total} notifications"));
    fill(service, scale.notifications_each)?;
    let asks = |path: &str| -> Result<Vec<(String, String)>> {
        (1..=VARIETY).map(|n| Ok((path.to_owned(), world.reader_token(n * READERS / VARIETY)?))).collect()
    };
    for (name, path) in [
        ("feed, a page of 50", "/api/v1/notifications?limit=50"),
        ("feed, the newest 50", "/api/v1/notifications?sort=recent&limit=50"),
        ("unread notifications", "/api/v1/notifications/unread?limit=20"),
        ("search in the feed", "/api/v1/notifications?q=bail&limit=50"),
    ] {
        let kind = ReadKind { name, word: "notifications", asks: asks(path)? };
        read::measure(report, service, scale, kind).await?;
    }
    Ok(())
}

fn fill(service: &Service, each: usize) -> Result<()> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    let (tenant, reader) = (id(Kind::Tenant, 1), ids(Kind::Reader, "n"));
    conn.batch_execute(&format!(
        "SET synchronous_commit = off; SET app.tenant_id = '{tenant}'; SET session_replication_role = replica;
         INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, title, body, link,
             data, priority, channel, status, visible, decision, last_event_at, read_at, processed_at, created_at, updated_at)
         SELECT '{tenant}', gen_random_uuid(), 'client', {reader}, s, s, gen_random_uuid(), 'task.overdue', 'task', 'Tâche ' || s,
             CASE WHEN s % 50 = 0 THEN 'Relire le bail' ELSE 'Rappeler le client' END, '/taches/' || s, '{{\"task_id\":\"7\"}}', 'high', 'inapp',
             CASE WHEN s % 20 = 0 THEN 'unread' ELSE 'read' END, true, '{{}}', at, CASE WHEN s % 20 = 0 THEN NULL ELSE at END, at, at, at
           FROM generate_series(1, {each}) s, generate_series(1, {READERS}) n,
                LATERAL (SELECT date_trunc('milliseconds', now()) - interval '60 days' + s * interval '5 minutes' AS at) t;
         UPDATE notification_feeds f SET unread = c.unread FROM (SELECT recipient_id, count(*) AS unread FROM notifications
             WHERE visible AND status = 'unread' AND deleted_at IS NULL GROUP BY 1) c WHERE f.user_id = c.recipient_id;
         SET session_replication_role = origin"
    ))?;
    // Separately: a vacuum cannot run in a transaction.
    for step in ["VACUUM ANALYZE notifications", "VACUUM ANALYZE notification_feeds", "CHECKPOINT"] {
        conn.batch_execute(step)?;
    }
    Ok(())
}
