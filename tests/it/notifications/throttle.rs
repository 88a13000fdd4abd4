//! The rate limit of pushes: nothing above it is lost, and one summary stands for the rest.

use std::time::Duration;

use futures_util::future::join_all;
use guichet::notifications::summary;
use guichet_base::Timestamp;
use serde_json::{Value, json};

use super::rows::{self, MISCOUNTED, task};
use crate::harness::ChatFixture;

const OF_EMMA: &str = "SELECT count(*) FROM outbox WHERE topic LIKE 'client:notifications:%' AND event = ";

fn told(world: &ChatFixture, event: &str) -> i64 {
    rows::number(&world.server, &format!("{OF_EMMA}'{event}'"))
}

/// Announces a number of events to Emma, 50 at a time.
async fn burst(world: &ChatFixture, count: usize, make: impl Fn(usize) -> Value) {
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(50) {
        let sent = join_all(some.iter().map(|number| world.service.post("/events", make(*number)))).await;
        assert!(sent.iter().all(|answer| answer.status.is_success()));
    }
}

#[tokio::test]
async fn a_burst_of_500_pushes_20_in_a_minute_loses_none_and_one_summary_says_the_rest() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    burst(&world, 500, |number| task(emma, &format!("tâche {number}"))).await;
    assert_eq!(rows::of(&world, "emma").len(), 500);
    assert_eq!((told(&world, "notify:new"), told(&world, "notify:unread")), (20, 480));
    assert_eq!(rows::number(&world.server, "SELECT sum(unread) FROM notification_feeds"), 500);

    let n = &world.server.app.notifications;
    let start = world.server.clock.now();
    assert_eq!(summary::send_due(n, start).await.unwrap(), 0);
    world.server.clock.advance(Duration::from_secs(61));
    assert_eq!(summary::send_due(n, world.server.clock.now()).await.unwrap(), 1);
    assert_eq!(summary::send_due(n, world.server.clock.now()).await.unwrap(), 0);
    assert_eq!(told(&world, "notify:summary"), 1);
    let said = "SELECT (payload ->> 'count')::int FROM outbox WHERE event = 'notify:summary'";
    assert_eq!(rows::number(&world.server, said), 480);
    assert_eq!(rows::number(&world.server, MISCOUNTED), 0);
    // Numbers without gaps, whatever is pushed.
    let holes = "SELECT max(seq) - count(*) FROM outbox WHERE topic LIKE 'client:notifications:%'";
    assert_eq!(rows::number(&world.server, holes), 0);
}

#[tokio::test]
async fn in_no_sliding_minute_are_there_more_than_twenty() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    for _ in 0..12 {
        burst(&world, 9, |number| task(emma, &number.to_string())).await;
        world.server.clock.advance(Duration::from_secs(17));
        summary::send_due(&world.server.app.notifications, world.server.clock.now()).await.unwrap();
    }
    let most = "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY (payload #>> '{notification,created_at}')::timestamptz \
        RANGE BETWEEN '59.999 seconds' PRECEDING AND CURRENT ROW) AS n FROM outbox WHERE event = 'notify:new') w";
    let most = rows::number(&world.server, most);
    assert!((10..=20).contains(&most), "{most}");
    assert_eq!(rows::of(&world, "emma").len(), 12 * 9);
    let announced = told(&world, "notify:new") + told(&world, "notify:unread");
    assert_eq!(announced, 12 * 9);
}

#[tokio::test]
async fn critical_ones_are_never_held_and_take_nobody_s_place() {
    let world = ChatFixture::new();
    let notice = |number: usize| {
        json!({"event": "system.announcement", "payload": {"title": format!("Alerte {number}"), "body": "!"},
            "recipients": {"users": [world.server.user("emma").id]}})
    };
    burst(&world, 40, notice).await;
    assert_eq!(told(&world, "notify:new"), 40);
    burst(&world, 25, |number| task(world.server.user("emma").id, &number.to_string())).await;
    assert_eq!((told(&world, "notify:new"), told(&world, "notify:unread")), (60, 5));
}

#[tokio::test]
async fn a_conversation_s_burst_is_held_too() {
    let world = ChatFixture::new();
    for number in 0..30 {
        world.send_message(&world.chloe, &format!("{number}")).await;
    }
    assert_eq!(rows::of(&world, "emma")[0].data["count"], 30);
    assert_eq!(told(&world, "notify:new") + told(&world, "notify:updated"), 20);
    assert_eq!(rows::number(&world.server, "SELECT held FROM notification_feeds WHERE held > 0"), 10);
}

#[tokio::test]
async fn mails_withheld_become_one() {
    let world = ChatFixture::new();
    let client = world.nord;
    burst(&world, 30, |number| {
        json!({"event": "validation.approved", "payload": {"client_id": client, "subject": number.to_string()}})
    })
    .await;
    let mails = "SELECT count(*) FROM deliveries WHERE channel = 'email'";
    assert_eq!(rows::number(&world.server, mails), 20);
    world.server.clock.advance(Duration::from_secs(61));
    summary::send_due(&world.server.app.notifications, world.server.clock.now()).await.unwrap();
    assert_eq!(
        rows::number(&world.server, "SELECT count(*) FROM deliveries WHERE type = 'notify.summary'"),
        1
    );
}

#[tokio::test]
async fn the_one_mail_waits_for_the_end_of_quiet_hours() {
    let world = ChatFixture::new();
    let (client, chloe) = (world.nord, world.server.user("chloe").id);
    let now = world.server.clock.now();
    let clock = |at: Timestamp| at.as_datetime().format("%H:%M").to_string();
    let (from, to) =
        (clock(now.minus(Duration::from_secs(60))), clock(now.plus(Duration::from_secs(2 * 3_600))));
    rows::run(
        &world.server,
        &format!(
            "INSERT INTO notification_settings (tenant_id, user_id, quiet_from, quiet_to, quiet_timezone) \
             SELECT tenant_id, id, '{from}', '{to}', 'UTC' FROM users WHERE id = '{chloe}'"
        ),
    );
    burst(&world, 30, |number| {
        json!({"event": "validation.approved", "payload": {"client_id": client, "subject": number.to_string()}})
    })
    .await;
    world.server.clock.advance(Duration::from_secs(61));
    summary::send_due(&world.server.app.notifications, world.server.clock.now()).await.unwrap();
    let late = now.plus(Duration::from_secs(2 * 3_600 - 120));
    let waiting = format!(
        "SELECT count(*) FROM deliveries WHERE type = 'notify.summary' AND next_attempt_at > '{late}' \
         AND deadline_at = next_attempt_at + interval '24 hours'"
    );
    assert_eq!(rows::number(&world.server, &waiting), 1);
}
