//! Rejected events over REST: visibility, and retries.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Post, task};

const PATH: &str = "/events/rejected";

/// A rejected event without a title. Returns its id.
async fn rejected(post: &Post) -> String {
    let before = post.count("rejected_events");
    let mut body = task(post.server.user("emma").id, "");
    body["payload"].as_object_mut().unwrap().remove("title");
    post.add(&[("data", &body.to_string())]);
    post.until("the refusal", || post.count("rejected_events") > before).await;
    post.awa.get(PATH).await.data()[0]["id"].as_str().unwrap().to_owned()
}

fn mended(post: &Post, title: &str) -> Value {
    let payload = json!({"user_id": post.server.user("emma").id, "task_id": "42", "title": title});
    json!({ "payload": payload })
}

#[tokio::test]
async fn only_producers_owners_and_managers_see_and_retry_them() {
    let post = Post::open().await;
    let id = rejected(&post).await;
    let retry = format!("{PATH}/{id}/retry");
    let without_scope = post.service("demo", &["directory.*"]);
    for stranger in [&post.emma, &post.chloe, &without_scope] {
        assert_eq!(stranger.get(PATH).await.error(), (403, "FORBIDDEN"));
        assert_eq!(stranger.post(&retry, mended(&post, "x")).await.error(), (403, "FORBIDDEN"));
    }
    assert_eq!(post.anonymous.get(PATH).await.error().0, 401);
    let producer = post.service("demo", &["event.emit"]);
    for reader in [&post.awa, &post.denis, &producer] {
        assert_eq!(reader.get(PATH).await.data()[0]["id"], json!(id));
    }
    // Another tenant does not learn that it exists.
    post.service("*", &["*"]).post("/tenants", json!({"slug": "other", "name": "Other"})).await.data();
    let other = post.service("other", &["*"]);
    assert_eq!(other.get(PATH).await.data(), &json!([]));
    assert_eq!(other.post(&retry, mended(&post, "x")).await.error(), (404, "NOT_FOUND"));
    assert_eq!(post.count("notification_events"), 0);
}

#[tokio::test]
async fn they_are_listed_newest_first_page_by_page() {
    let post = Post::open().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(rejected(&post).await);
    }
    ids.reverse();
    let of = |answer: &crate::harness::ApiResponse| -> Vec<String> {
        answer.data().as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = post.awa.get(&format!("{PATH}?limit=2")).await;
    assert_eq!(of(&first), ids[..2]);
    assert_eq!(first.body["meta"], json!({"limit": 2, "offset": 0}));
    assert_eq!(of(&post.awa.get(&format!("{PATH}?limit=2&offset=2")).await), ids[2..]);
    assert_eq!(post.awa.get(&format!("{PATH}?limit=0")).await.fault().0, "limit");
}

#[tokio::test]
async fn a_mended_event_is_accepted_once_however_often_it_is_tried() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let retry = format!("{PATH}/{}/retry", rejected(&post).await);
    let tries = (0..8).map(|_| post.awa.post(&retry, mended(&post, "Rue des Lilas")));
    let answers = join_all(tries).await;
    let event = answers[0].data()["id"].clone();
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.data()["id"] == event), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed") != "true").count(), 1);
    assert_eq!(post.told(emma, "Rue des Lilas"), 1);
    let row = post.awa.get(PATH).await.data()[0].clone();
    assert_eq!((&row["event_id"], &row["retries"]), (&event, &json!(0)));
    // From now on it stays that event.
    let again = post.awa.post(&retry, mended(&post, "another")).await;
    assert_eq!((again.header("idempotent-replayed"), &again.data()["id"]), ("true", &event));
    assert_eq!(post.told(emma, "another"), 0);
}

#[tokio::test]
async fn an_event_is_accepted_as_it_came_once_its_cause_is_gone() {
    let post = Post::open().await;
    let late = guichet_base::id::UserId::new();
    post.publish(&task(late, "for the new one").to_string());
    post.until("the refusal", || post.count("rejected_events") == 1).await;
    let id = post.awa.get(PATH).await.data()[0]["id"].as_str().unwrap().to_owned();
    let person = json!({"role": "employee", "display_name": "Nadia", "email": "nadia@demo.example"});
    post.world.service.put(&format!("/users/{late}"), person).await.data();
    let retried = post.denis.send(reqwest::Method::POST, &format!("{PATH}/{id}/retry"), &Value::Null).await;
    assert_eq!(retried.data()["event"], "task.assigned");
    assert_eq!(post.told(late, "for the new one"), 1);
}

#[tokio::test]
async fn a_try_that_fails_says_why_and_is_counted() {
    let post = Post::open().await;
    let id = rejected(&post).await;
    let retry = format!("{PATH}/{id}/retry");
    let refused = post.awa.post(&retry, json!({})).await;
    assert_eq!(refused.error(), (422, "VALIDATION_ERROR"));
    let stranger = json!({"payload": {"user_id": Uuid::now_v7(), "task_id": "42", "title": "x"}});
    assert_eq!(post.awa.post(&retry, stranger).await.error(), (422, "VALIDATION_ERROR"));
    let row = post.awa.get(PATH).await.data()[0].clone();
    assert_eq!((&row["retries"], &row["event_id"]), (&json!(2), &Value::Null));
    assert!(row["reason"].as_str().unwrap().contains("payload.user_id"), "{row}");
    // The original payload is kept.
    assert_eq!(row["body"]["payload"].get("title"), None);
    for (body, field) in [(json!({"payload": []}), "payload"), (json!({"body": {}}), "body")] {
        assert_eq!(post.awa.post(&retry, body).await.fault().0, field);
    }
    let unknown = format!("{PATH}/{}/retry", Uuid::now_v7());
    assert_eq!(post.awa.post(&unknown, json!({})).await.error(), (404, "NOT_FOUND"));
    assert_eq!(post.awa.post(&format!("{PATH}/x/retry"), json!({})).await.error().0, 404);
}
