//! Digest mails: each item in one, none empty, each at its person's hour.

use std::time::Duration;

use futures_util::future::join_all;
use guichet::notifications::jobs::digest::send_due;
use guichet_base::Timestamp;

use super::table::{lines, notifications, number, run};
use crate::harness::ChatFixture;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MAILS: &str = "SELECT count(*) FROM deliveries WHERE type = 'digest'";

/// Their digest is due now, and from then on daily at eight in Paris.
fn subscribe(world: &ChatFixture, names: &[&str]) {
    let now = world.server.clock.now();
    for name in names {
        let user = world.server.user(name).id;
        run(
            &world.server,
            &format!(
                "INSERT INTO notification_settings (tenant_id, user_id, digest_mode, digest_hour, digest_timezone, digest_due_at) \
                 SELECT tenant_id, id, 'daily', 8, 'Europe/Paris', '{now}' FROM users WHERE id = '{user}'"
            ),
        );
    }
}

/// Inserts notifications that wait for the person's digest.
fn wait(world: &ChatFixture, name: &str, count: usize, with: &[(&str, &str)]) {
    let mut with = with.to_vec();
    with.push(("in_digest", "true"));
    notifications(&world.server, name, count, world.server.clock.now(), &with);
}

async fn look(world: &ChatFixture) -> u64 {
    send_due(&world.server.app.notifications, world.server.clock.now()).await.unwrap()
}

fn due(world: &ChatFixture) -> Timestamp {
    let line = "SELECT to_char(digest_due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS line FROM notification_settings";
    Timestamp::parse(&lines(&world.server, line)[0]).unwrap()
}

#[tokio::test]
async fn nobody_gets_an_empty_one_and_the_next_is_due_all_the_same() {
    let world = ChatFixture::new();
    subscribe(&world, &["emma"]);
    assert_eq!(look(&world).await, 0);
    assert_eq!(number(&world.server, "SELECT count(*) FROM digests"), 0);
    let (next, now) = (due(&world), world.server.clock.now());
    assert!(next > now && next <= now.plus(DAY + Duration::from_secs(3_600)), "{next}");
    let local = "SELECT to_char(digest_due_at AT TIME ZONE 'Europe/Paris', 'HH24:MI') AS line FROM notification_settings";
    assert_eq!(lines(&world.server, local), ["08:00"]);
}

#[tokio::test]
async fn what_was_read_deleted_expired_or_is_no_longer_wanted_is_left_out() {
    let world = ChatFixture::new();
    subscribe(&world, &["emma"]);
    wait(&world, "emma", 2, &[]);
    wait(&world, "emma", 1, &[("status", "'read'"), ("read_at", "now()")]);
    wait(&world, "emma", 1, &[("deleted_at", "now()")]);
    wait(&world, "emma", 1, &[("expires_at", "now() - interval '1 hour'")]);
    wait(&world, "emma", 3, &[("category", "'report'")]);
    wait(&world, "emma", 1, &[("snoozed_until", "now() + interval '2 days'")]);
    let emma = world.server.user("emma").id;
    run(
        &world.server,
        &format!(
            "INSERT INTO notification_preferences (tenant_id, user_id, category, channel_email) \
             SELECT tenant_id, id, 'report', false FROM users WHERE id = '{emma}'"
        ),
    );
    assert_eq!(look(&world).await, 1);
    let said = "SELECT concat_ws(' ', user_id, channel, to_address, lane, status, jsonb_array_length(rendered->'items'), \
        (SELECT count(*) FROM notifications n WHERE n.digest_id = (SELECT id FROM digests WHERE delivery_id = d.id))) AS line \
        FROM deliveries d WHERE type = 'digest'";
    assert_eq!(lines(&world.server, said), [format!("{emma} email emma@demo.example 1 queued 2 2")]);
    assert_eq!(number(&world.server, "SELECT items FROM digests"), 2);
    // Only the snoozed one still waits.
    let left = "SELECT count(*) FROM notifications WHERE in_digest AND digest_id IS NULL";
    assert_eq!(number(&world.server, left), 1);
    let first = "SELECT rendered #>> '{items,0,title}' || '; ' || (rendered->>'subject') AS line FROM deliveries WHERE type = 'digest'";
    let told = &lines(&world.server, first)[0];
    assert!(told.starts_with("Tâche ") && told.ends_with("Vos notifications : 2"), "{told}");
}

#[tokio::test]
async fn an_override_of_the_client_drops_an_item_too() {
    let world = ChatFixture::new();
    subscribe(&world, &["chloe"]);
    wait(&world, "chloe", 2, &[]);
    run(
        &world.server,
        "INSERT INTO notification_overrides (tenant_id, client_id, category, channel_email) \
         SELECT tenant_id, client_id, 'task', false FROM client_members",
    );
    assert_eq!(look(&world).await, 0);
    assert_eq!(number(&world.server, MAILS), 0);
}

#[tokio::test]
async fn who_has_no_address_gets_none_and_loses_nothing() {
    let world = ChatFixture::new();
    subscribe(&world, &["emma"]);
    wait(&world, "emma", 2, &[]);
    run(&world.server, "UPDATE users SET email = NULL");
    assert_eq!(look(&world).await, 0);
    run(&world.server, "UPDATE users SET email = id || '@demo.example'");
    world.server.clock.advance(DAY * 2);
    assert_eq!(look(&world).await, 1);
}

#[tokio::test]
async fn quiet_hours_put_the_mail_off_and_not_its_making() {
    let world = ChatFixture::new();
    subscribe(&world, &["emma"]);
    wait(&world, "emma", 1, &[]);
    run(
        &world.server,
        "UPDATE notification_settings SET quiet_from = '00:00', quiet_to = '00:00', quiet_timezone = 'UTC'",
    );
    assert_eq!(look(&world).await, 1);
    let later = "SELECT count(*) FROM deliveries WHERE next_attempt_at > created_at";
    assert_eq!(number(&world.server, later), 1);
}

#[tokio::test]
async fn each_item_is_in_exactly_one_whatever_comes_between_and_however_many_look() {
    let world = ChatFixture::new();
    let names = ["emma", "karim", "chloe", "bruno"];
    subscribe(&world, &names);
    let (mut seed, mut made) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    for _ in 0..25 {
        for name in names {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let count = usize::try_from(seed >> 61).unwrap();
            if count > 0 {
                wait(&world, name, count, &[]);
                made += count;
            }
        }
        join_all((0..3).map(|_| look(&world))).await;
        world.server.clock.advance(Duration::from_secs(11 * 3_600));
    }
    world.server.clock.advance(DAY * 2);
    look(&world).await;
    let taken = "SELECT count(*) FROM notifications n JOIN digests d ON d.id = n.digest_id AND d.user_id = n.recipient_id";
    assert_eq!(number(&world.server, taken), i64::try_from(made).unwrap());
    let said = "SELECT sum(jsonb_array_length(rendered->'items')) FROM deliveries WHERE type = 'digest'";
    assert_eq!(number(&world.server, said), i64::try_from(made).unwrap());
    let distinct = "SELECT count(DISTINCT i->>'notification_id') FROM deliveries, jsonb_array_elements(rendered->'items') i WHERE type = 'digest'";
    assert_eq!(number(&world.server, distinct), i64::try_from(made).unwrap());
    assert_eq!(number(&world.server, MAILS), number(&world.server, "SELECT count(*) FROM digests"));
    let wrong = "SELECT count(*) FROM digests d WHERE d.items <> (SELECT count(*) FROM notifications n WHERE n.digest_id = d.id)";
    assert_eq!(number(&world.server, wrong), 0);
}

#[tokio::test]
async fn a_digest_that_cannot_be_made_holds_up_no_other_and_takes_nothing() {
    let world = ChatFixture::new();
    subscribe(&world, &["emma", "karim"]);
    wait(&world, "emma", 1, &[]);
    wait(&world, "karim", 1, &[]);
    let emma = world.server.user("emma").id;
    run(&world.server, &format!("ALTER TABLE digests ADD CONSTRAINT broken CHECK (user_id <> '{emma}')"));
    send_due(&world.server.app.notifications, world.server.clock.now()).await.unwrap_err();
    assert_eq!(number(&world.server, MAILS), 1);
    assert_eq!(number(&world.server, "SELECT count(*) FROM notifications WHERE digest_id IS NOT NULL"), 1);
    run(&world.server, "ALTER TABLE digests DROP CONSTRAINT broken");
    assert_eq!(look(&world).await, 1);
}
