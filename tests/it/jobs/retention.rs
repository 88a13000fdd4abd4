//! Retention deletes old rows, and nothing else.

use std::time::Duration;

use guichet::notifications::jobs::retention::{RetentionPeriods, clean};

use super::table::{notifications, number, run};
use crate::harness::ChatFixture;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const ALL: &str = "SELECT count(*) FROM notifications";

#[tokio::test]
async fn only_what_was_dealt_with_or_was_never_to_be_seen_grows_too_old() {
    let world = ChatFixture::new();
    let server = &world.server;
    let now = server.clock.now();
    let (old, young) = (now.minus(DAY * 366), now.minus(DAY * 364));
    for at in [old, young] {
        notifications(server, "emma", 1, at, &[]);
        notifications(server, "emma", 1, at, &[("status", "'read'"), ("read_at", "now()")]);
        notifications(server, "emma", 1, at, &[("status", "'archived'"), ("archived_at", "now()")]);
        notifications(server, "emma", 1, at, &[("visible", "false")]);
    }
    // Deleted ones are removed when no client can ask for them any more.
    for days in [6, 8] {
        let deleted = format!("'{}'", now.minus(DAY * days));
        notifications(server, "emma", 1, young, &[("deleted_at", &deleted)]);
    }
    assert_eq!(number(server, ALL), 10);
    assert_eq!(clean(&server.app.db, RetentionPeriods::from_days(365, 7), now).await.unwrap(), 4);
    assert_eq!(number(server, ALL), 6);
    let unread = format!("{ALL} WHERE status = 'unread' AND visible AND updated_at = '{old}'");
    assert_eq!(number(server, &unread), 1, "an unread one stays, however old");
    assert_eq!(clean(&server.app.db, RetentionPeriods::from_days(365, 7), now).await.unwrap(), 0);
}

#[tokio::test]
async fn more_than_one_stretch_goes_in_one_run() {
    let world = ChatFixture::new();
    let server = &world.server;
    let now = server.clock.now();
    notifications(server, "emma", 4_500, now.minus(DAY * 400), &[("status", "'read'"), ("read_at", "now()")]);
    assert_eq!(clean(&server.app.db, RetentionPeriods::from_days(365, 7), now).await.unwrap(), 4_500);
    assert_eq!(number(server, ALL), 0);
}

#[tokio::test]
async fn events_keys_skips_rejections_and_deliveries_go_each_in_their_time() {
    let world = ChatFixture::new();
    let server = &world.server;
    let now = server.clock.now();
    let user = server.user("emma").id;
    for age in [Duration::from_secs(23 * 3_600), DAY * 2, DAY * 29, DAY * 31, DAY * 366] {
        let at = now.minus(age);
        run(
            server,
            &format!(
                "INSERT INTO notification_events (tenant_id, id, event, source, payload, audience, plan, priority, occurred_at, status, planned, created_at) \
                 SELECT tenant_id, gen_random_uuid(), 'x', 'http', '{{}}', '{{}}', '{{}}', 'low', now(), s, 0, '{at}' FROM users, unnest(ARRAY['done', 'running']) s WHERE id = '{user}'; \
                 INSERT INTO notification_event_keys (tenant_id, key, event_id, body_hash, created_at) \
                 SELECT tenant_id, gen_random_uuid()::text, id, '', '{at}' FROM users WHERE id = '{user}'; \
                 INSERT INTO notification_skips (tenant_id, event_id, user_id, decision, created_at) \
                 SELECT tenant_id, gen_random_uuid(), id, '{{}}', '{at}' FROM users WHERE id = '{user}'; \
                 INSERT INTO rejected_events (tenant_id, id, source, body, code, reason, created_at) \
                 SELECT tenant_id, gen_random_uuid(), 'channel', '{{}}', 'X', 'x', '{at}' FROM users WHERE id = '{user}'; \
                 INSERT INTO digests (tenant_id, id, user_id, delivery_id, items, created_at) \
                 SELECT tenant_id, gen_random_uuid(), id, gen_random_uuid(), 1, '{at}' FROM users WHERE id = '{user}'; \
                 INSERT INTO deliveries (tenant_id, id, user_id, channel, type, to_address, lane, status, next_attempt_at, deadline_at, created_at, updated_at) \
                 SELECT tenant_id, gen_random_uuid(), id, 'email', 'x', 'x', 1, s, '{at}', '{at}', '{at}', '{at}' FROM users, unnest(ARRAY['queued', 'sent', 'failed']) s WHERE id = '{user}'"
            ),
        );
    }
    clean(&server.app.db, RetentionPeriods::from_days(365, 7), now).await.unwrap();
    let left = |table: &str| number(server, &format!("SELECT count(*) FROM {table}"));
    assert_eq!(left("notification_events WHERE status = 'done'"), 3);
    assert_eq!(left("notification_events WHERE status = 'running'"), 5, "what is not written yet stays");
    assert_eq!(left("notification_event_keys"), 1);
    assert_eq!((left("notification_skips"), left("rejected_events")), (3, 3));
    assert_eq!(left("digests"), 4);
    assert_eq!(left("deliveries WHERE status = 'queued'"), 5, "what is to be sent yet stays");
    assert_eq!(left("deliveries WHERE status <> 'queued'"), 8);
}
