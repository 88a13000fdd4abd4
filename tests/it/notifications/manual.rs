//! Manual notices.

use reqwest::StatusCode;
use serde_json::json;

use super::rows;
use crate::harness::ChatFixture;

#[tokio::test]
async fn only_managers_and_owners_send_by_hand_and_the_log_says_who_tried() {
    let world = ChatFixture::new();
    let notice = json!({"title": "Bonjour", "body": "À tous", "recipients": {"everyone": true}});
    for person in [&world.emma, &world.chloe] {
        assert_eq!(person.post("/notifications/test", notice.clone()).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.activity_count("forbidden_attempt"), 2);
    assert!(rows::all(&world.server).is_empty());
}

#[tokio::test]
async fn without_recipients_it_comes_to_oneself_and_is_logged() {
    let world = ChatFixture::new();
    let answer = world
        .denis
        .post("/notifications/test", json!({"title": "Essai", "body": "Bien reçu ?", "link": "/ici"}))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(rows::told(&world), ["denis"]);
    let row = rows::of(&world, "denis").pop().unwrap();
    assert_eq!(
        (row.title.as_str(), row.body.as_str(), row.link.as_deref()),
        ("Essai", "Bien reçu ?", Some("/ici"))
    );
    assert_eq!((row.kind.as_str(), row.category.as_str()), ("system.notice", "system"));
    assert_eq!(world.activity_count("notification.send_manual"), 1);
}

#[tokio::test]
async fn what_one_writes_is_text_and_never_a_template() {
    let world = ChatFixture::new();
    let notice = json!({"title": "{{ 7 * 7 }}", "body": "{% for x in range(9) %}{{ title }}{% endfor %}"});
    world.awa.post("/notifications/test", notice).await.data();
    let row = rows::of(&world, "awa").pop().unwrap();
    assert_eq!(
        (row.title.as_str(), row.body.as_str()),
        ("{{ 7 * 7 }}", "{% for x in range(9) %}{{ title }}{% endfor %}")
    );
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let world = ChatFixture::new();
    let wrong = json!({"title": " ", "body": "", "link": "https://elsewhere.example", "channels": []});
    let answer = world.awa.post("/notifications/test", wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["error"]["details"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn priority_and_channels_are_the_senders_to_choose() {
    let world = ChatFixture::new();
    let notice = json!({"title": "Urgent", "body": "Rappelez-nous", "priority": "critical", "channels": ["inapp", "email"],
        "recipients": {"clients": [world.nord]}});
    world.awa.post("/notifications/test", notice).await.data();
    assert_eq!(rows::of(&world, "chloe")[0].priority, "critical");
    let mails = "SELECT count(*) FROM deliveries WHERE channel = 'email' AND lane = 0";
    assert_eq!(rows::number(&world.server, mails), 1);
}
