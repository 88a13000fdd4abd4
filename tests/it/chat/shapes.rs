//! Snapshots of the JSON of the main responses.

use serde_json::json;

use super::room::{messages_path, nord_path, open_room, read_all};
use crate::harness::{ChatFixture, TestServer};

/// Compares JSON with a snapshot; values that differ from run to run are replaced.
macro_rules! shape {
    ($name:literal, $value:expr) => {
        insta::assert_json_snapshot!($name, $value, {
            ".**.id" => "[id]",
            ".**.conversation_id" => "[id]",
            ".**.client_id" => "[id]",
            ".**.operator_id" => "[id]",
            ".**.sender_id" => "[id]",
            ".**.request_id" => "[id]",
            ".**.created_at" => "[time]",
            ".**.updated_at" => "[time]",
            ".**.edited_at" => insta::dynamic_redaction(redact_time),
            ".**.deleted_at" => insta::dynamic_redaction(redact_time),
            ".**.read_at" => insta::dynamic_redaction(redact_time),
            ".**.delivered_at" => insta::dynamic_redaction(redact_time),
            ".**.last_message_at" => insta::dynamic_redaction(redact_time),
        })
    };
}

/// Replaces a time but keeps null, since the snapshot shows whether a time is present.
fn redact_time(
    value: insta::internals::Content,
    _: insta::internals::ContentPath<'_>,
) -> insta::internals::Content {
    if value.is_nil() { value } else { "[time]".into() }
}

#[tokio::test]
async fn a_message() {
    let world = ChatFixture::new();
    let preview = json!({"title": "Commande A-1042", "url": "/orders/A-1042"});
    let body = json!({
        "content": "Où en est ma commande ?",
        "client_message_id": "0198c0de-0000-7000-8000-000000000001",
        "related": {"type": "order", "id": "A-1042", "preview": preview},
    });
    shape!("sent", world.chloe.post(&messages_path(&world), body).await.body);
}

#[tokio::test]
async fn a_page_of_history() {
    let world = ChatFixture::new();
    let id = world.send_message(&world.chloe, "un").await["id"].clone();
    world.send_message(&world.emma, "deux").await;
    read_all(&world, &world.emma).await;
    world.chloe.delete(&format!("/messages/{}", id.as_str().unwrap())).await.data();
    shape!("history", world.emma.get(&format!("{}?limit=10", messages_path(&world))).await.body);
}

#[tokio::test]
async fn a_conversation() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "Bonjour").await;
    shape!("conversation_of_an_operator", open_room(&world.emma, world.nord).await);
    shape!("conversations_of_a_member", world.chloe.get("/conversations").await.body);
}

#[tokio::test]
async fn a_reading() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    shape!("unread", world.emma.get("/conversations/unread-count").await.body);
    shape!("read_state", read_all(&world, &world.emma).await);
    let typing =
        world.emma.post(&format!("{}/typing", nord_path(&world).await), json!({"typing": true})).await;
    shape!("typing", typing.body);
}

#[tokio::test]
async fn a_found_message() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "Où en est ma commande ?").await;
    shape!("found", world.emma.get("/messages/search?q=commandes").await.body);
}

#[tokio::test]
async fn a_draft() {
    let world = ChatFixture::new();
    let body = json!({"client_id": world.nord, "related": {"type": "order", "id": "A-1", "preview": {"title": "N° 1"}}});
    shape!("draft", world.chloe.post("/conversations/draft", body).await.body);
}

#[tokio::test]
async fn refusals() {
    let world = ChatFixture::new();
    let sent = world.send_message(&world.chloe, "un").await;
    let message = format!("/messages/{}", sent["id"].as_str().unwrap());
    let related = json!({"type": "", "id": "1", "preview": {"title": "t", "url": "javascript:x"}});
    let faulty = world.chloe.post(&messages_path(&world), json!({"content": "", "related": related})).await;
    shape!("values_that_are_wrong", faulty.body);
    shape!("a_room_that_is_not_mine", world.karim.get(&messages_path(&world)).await.body);
    shape!(
        "a_producer_who_writes",
        world.service.post(&messages_path(&world), json!({"content": "a"})).await.body
    );
    world.server.clock.advance(std::time::Duration::from_secs(121));
    shape!("a_window_that_closed", world.chloe.patch(&message, json!({"content": "deux"})).await.body);
}

#[tokio::test]
async fn a_feature_that_is_off() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("FEATURES_OFF", "direct")]));
    let body = json!({"user_id": world.server.user("emma").id});
    shape!("feature_disabled", world.awa.post("/conversations", body).await.body);
}

#[tokio::test]
async fn two_colleagues() {
    let world = ChatFixture::new();
    let body = json!({"user_id": world.server.user("emma").id});
    let created = world.awa.post("/conversations", body).await;
    let path = format!("/conversations/{}/messages", created.data()["id"].as_str().unwrap());
    shape!("sent_to_a_colleague", world.awa.post(&path, json!({"content": "Bonjour"})).await.body);
    shape!(
        "conversation_with_a_colleague",
        world.emma.get("/conversations?scope=mine&search=Awa").await.body
    );
}
