//! Statistics of notifications.

use std::time::Duration;

use serde_json::{Value, json};

use super::{act, later, tell};
use crate::harness::ChatFixture;
use crate::notifications::rows;

/// The row of a template and a channel.
fn line(found: &Value, kind: &str, channel: &str) -> Value {
    let fits = |line: &&Value| line["type"] == kind && line["channel"] == channel;
    found.as_array().unwrap().iter().find(fits).unwrap_or_else(|| panic!("{kind} {channel}: {found}")).clone()
}

#[tokio::test]
async fn only_owners_and_managers_count_everybody_s() {
    let world = ChatFixture::new();
    for by in [&world.emma, &world.chloe, &world.service] {
        assert_eq!(by.get("/notifications/analytics").await.error(), (403, "FORBIDDEN"));
    }
    for by in [&world.awa, &world.denis] {
        assert_eq!(by.get("/notifications/analytics").await.data(), &json!([]));
    }
}

#[tokio::test]
async fn the_period_is_a_year_at_most_and_forward() {
    let world = ChatFixture::new();
    for query in [
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    ] {
        let answer = world.awa.get(&format!("/notifications/analytics?{query}")).await;
        assert_eq!(answer.fault(), ("from", "out_of_range"), "{query}");
    }
}

#[tokio::test]
async fn what_was_made_read_and_sent_is_counted_by_template_and_channel() {
    let world = ChatFixture::new();
    let mut ids = Vec::new();
    for title in ["un", "deux", "trois"] {
        ids.push(tell(&world, title).await);
    }
    for (id, seconds) in ids.iter().zip([10, 20]) {
        world.server.clock.advance(Duration::from_secs(seconds));
        act(&world.emma, id, "ack").await.data();
    }
    let asked =
        json!({"event": "validation.approved", "payload": {"client_id": world.nord, "subject": "Brief"}});
    world.service.post("/events", asked).await.data();
    rows::run(&world.server, "UPDATE deliveries SET status = 'failed'");
    let to = later(&world, 60);
    let found = world.denis.get(&format!("/notifications/analytics?to={to}")).await.data().clone();
    let mut tasks = line(&found, "task.overdue", "inapp");
    let median = tasks["median_read_seconds"].take().as_f64().unwrap();
    // 10 s and 30 s, plus the time of the test itself.
    assert!((20.0..30.0).contains(&median), "{median}");
    let expected = json!({"type": "task.overdue", "channel": "inapp", "created": 3, "delivered": 3, "opened": 0, "read": 2,
        "failed": 0, "median_read_seconds": null});
    assert_eq!(tasks, expected);
    let mails = line(&found, "validation.approved", "email");
    let counts = (&mails["created"], &mails["delivered"], &mails["failed"], &mails["median_read_seconds"]);
    assert_eq!(counts, (&json!(1), &json!(0), &json!(1), &Value::Null));
    let before = later(&world, 0).minus(Duration::from_secs(3_600));
    let earlier = world.denis.get(&format!("/notifications/analytics?to={before}")).await.data().clone();
    assert_eq!(earlier, json!([]));
}
