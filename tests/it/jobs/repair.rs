//! Manual repair after a failure.

use guichet::notifications::jobs::fake;
use guichet::notifications::jobs::repair::{RepairReport, repair};
use serde_json::json;

use super::table::{lines, notifications, number, run};
use crate::harness::ChatFixture;

async fn mend(world: &ChatFixture) -> RepairReport {
    repair(&world.server.app.notifications).await.unwrap()
}

#[tokio::test]
async fn a_house_in_order_is_left_as_it_is() {
    let world = ChatFixture::new();
    fake::send(&world.server.app.notifications, "emma@demo.example").await.unwrap();
    assert_eq!(mend(&world).await, RepairReport::default());
}

#[tokio::test]
async fn a_counter_that_is_wrong_is_set_right_and_told() {
    let world = ChatFixture::new();
    notifications(&world.server, "emma", 3, world.server.clock.now(), &[("processed_at", "now()")]);
    let emma = world.server.user("emma").id;
    run(&world.server, &format!("UPDATE notification_feeds SET unread = 7 WHERE user_id = '{emma}'"));
    assert_eq!(mend(&world).await, RepairReport { corrected_counters: 1, ..RepairReport::default() });
    assert_eq!(
        number(&world.server, &format!("SELECT unread FROM notification_feeds WHERE user_id = '{emma}'")),
        3
    );
    let told = "SELECT event || ' ' || seq || ' ' || payload AS line FROM outbox WHERE topic LIKE 'client:notifications:%'";
    assert_eq!(lines(&world.server, told), [format!("notify:unread 1 {}", json!({"count": 3}))]);
    assert_eq!(mend(&world).await, RepairReport::default());
}

#[tokio::test]
async fn what_nobody_was_told_of_is_told_by_a_summary_and_what_is_on_its_way_is_not() {
    let world = ChatFixture::new();
    let now = world.server.clock.now();
    notifications(&world.server, "emma", 2, now.minus(std::time::Duration::from_secs(120)), &[]);
    notifications(&world.server, "karim", 1, now, &[]);
    run(
        &world.server,
        "UPDATE notification_feeds f SET unread = (SELECT count(*) FROM notifications n WHERE n.recipient_id = f.user_id)",
    );
    assert_eq!(mend(&world).await, RepairReport { summaries: 1, ..RepairReport::default() });
    let emma = world.server.user("emma").id;
    let told = "SELECT topic || ' ' || event || ' ' || (payload->>'count') AS line FROM outbox WHERE topic LIKE 'client:notifications:%'";
    assert_eq!(lines(&world.server, told), [format!("client:notifications:{emma} notify:summary 2")]);
    assert_eq!(number(&world.server, "SELECT count(*) FROM notifications WHERE processed_at IS NULL"), 1);
    assert_eq!(mend(&world).await, RepairReport::default());
}

#[tokio::test]
async fn samples_reach_the_one_whose_address_it_is_and_nobody_else() {
    let world = ChatFixture::new();
    let n = &world.server.app.notifications;
    assert_eq!(fake::send(n, "nobody@demo.example").await.unwrap(), 0);
    for name in ["emma", "chloe"] {
        let sent = fake::send(n, &format!("{}@DEMO.example", name)).await.unwrap();
        let user = world.server.user(name).id;
        let theirs = format!(
            "SELECT count(DISTINCT category) FROM notifications WHERE recipient_id = '{user}' AND visible"
        );
        assert_eq!(number(&world.server, &theirs), i64::try_from(sent).unwrap());
        assert!(sent >= 10, "{sent}");
    }
    assert_eq!(number(&world.server, "SELECT count(DISTINCT recipient_id) FROM notifications"), 2);
}
