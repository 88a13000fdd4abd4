//! Sends that are refused, and change nothing.

use reqwest::Method;
use serde_json::json;

use super::room::{faults, messages_path, outbox_seqs, query_number};
use crate::harness::{ApiResponse, ChatFixture};

#[tokio::test]
async fn nobody_sends_without_a_token() {
    let world = ChatFixture::new();
    let answer = world.anonymous.post(&messages_path(&world), json!({"content": "Bonjour"})).await;
    assert_eq!(answer.error(), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn a_blank_message_is_refused() {
    let world = ChatFixture::new();
    for content in ["", "  ", "\n\t \u{a0}"] {
        let answer = world.chloe.post(&messages_path(&world), json!({"content": content})).await;
        assert_eq!(faults(&answer), [("content", "missing")]);
    }
    assert!(outbox_seqs(&world).is_empty());
}

#[tokio::test]
async fn ten_thousand_characters_are_a_message_and_one_more_is_not() {
    let world = ChatFixture::new();
    let longest = "é".repeat(10_000);
    let answer = world.chloe.post(&messages_path(&world), json!({"content": longest})).await;
    assert_eq!(answer.data()["content"], longest);
    let answer = world.chloe.post(&messages_path(&world), json!({"content": format!("{longest}é")})).await;
    assert_eq!(faults(&answer), [("content", "too_long")]);
}

#[tokio::test]
async fn white_space_around_the_words_does_not_count() {
    let world = ChatFixture::new();
    let padded = format!("\n\n{}  ", "a".repeat(10_000));
    assert_eq!(world.chloe.post(&messages_path(&world), json!({"content": padded})).await.status, 201);
}

#[tokio::test]
async fn a_message_is_kept_as_it_was_sent() {
    let world = ChatFixture::new();
    for content in ["  deux espaces\n", "<b>&amp;</b> \\u0000 %s ' \" 👩‍👩‍👧 \u{e000}x\u{e001}", "a\u{202e}b"]
    {
        assert_eq!(world.send_message(&world.chloe, content).await["content"], content);
    }
}

#[tokio::test]
async fn a_null_character_is_refused_wherever_it_stands() {
    let world = ChatFixture::new();
    let preview = json!({"title": "x", "deep": [{"k\u{0}": 1}]});
    for (body, field) in [
        (json!({"content": "a\u{0}b"}), "content"),
        (json!({"content": "a", "related": {"type": "or\u{0}der", "id": "1"}}), "related.type"),
        (json!({"content": "a", "related": {"type": "order", "id": "\u{0}"}}), "related.id"),
        (
            json!({"content": "a", "related": {"type": "order", "id": "1", "preview": preview}}),
            "related.preview.deep[0].k\0",
        ),
    ] {
        let answer = world.chloe.post(&messages_path(&world), body).await;
        assert_eq!(faults(&answer), [(field, "nul")]);
    }
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = ChatFixture::new();
    let related = json!({"type": "", "id": "x".repeat(201), "preview": {"url": "javascript:alert(1)"}});
    let answer = world.chloe.post(&messages_path(&world), json!({"content": " ", "related": related})).await;
    let expected = [
        ("content", "missing"),
        ("related.type", "missing"),
        ("related.id", "too_long"),
        ("related.preview.title", "missing"),
        ("related.preview.url", "invalid"),
    ];
    assert_eq!(faults(&answer), expected);
}

#[tokio::test]
async fn unknown_fields_are_refused_but_not_inside_the_preview() {
    let world = ChatFixture::new();
    let answer = world.chloe.post(&messages_path(&world), json!({"content": "a", "colour": "red"})).await;
    assert_eq!(faults(&answer), [("colour", "unknown_field")]);
    let related = json!({"type": "order", "id": "1", "shade": 1});
    let answer = world.chloe.post(&messages_path(&world), json!({"content": "a", "related": related})).await;
    assert_eq!(faults(&answer), [("related.shade", "unknown_field")]);
    let related = json!({"type": "order", "id": "1", "preview": {"title": "t", "colour": {"r": 1}}});
    let answer = world.chloe.post(&messages_path(&world), json!({"content": "a", "related": related})).await;
    assert_eq!(answer.data()["related"], related);
}

#[tokio::test]
async fn wrong_types_are_faults_of_their_field() {
    let world = ChatFixture::new();
    for (body, field) in [
        (json!({"content": 1}), "content"),
        (json!({"content": null}), "content"),
        (json!({"content": "a", "related": {"type": 1, "id": "1"}}), "related.type"),
    ] {
        let answer = world.chloe.post(&messages_path(&world), body).await;
        assert_eq!(faults(&answer), [(field, "wrong_type")]);
    }
    let answer =
        world.chloe.post(&messages_path(&world), json!({"content": "a", "client_message_id": "x"})).await;
    assert_eq!(faults(&answer), [("client_message_id", "invalid")]);
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let world = ChatFixture::new();
    for body in ["", "{", "{\"content\": \"a\"} x"] {
        let request = world.chloe.request(Method::POST, &messages_path(&world));
        let request = request.header("Content-Type", "application/json").body(body);
        assert_eq!(ApiResponse::receive(request).await.error(), (400, "MALFORMED_JSON"), "{body}");
    }
}

#[tokio::test]
async fn a_malformed_id_in_the_path_is_not_found() {
    let world = ChatFixture::new();
    for path in ["/clients/x/messages", "/conversations/1/messages"] {
        let answer = world.chloe.post(path, json!({"content": "a"})).await;
        assert_eq!(answer.error(), (404, "NOT_FOUND"));
    }
}

#[tokio::test]
async fn a_producer_may_not_write_and_its_attempt_is_kept() {
    let world = ChatFixture::new();
    let answer = world.service.post(&messages_path(&world), json!({"content": "Bonjour"})).await;
    assert_eq!(answer.error(), (403, "FORBIDDEN"));
    let sql = "SELECT count(*) AS n FROM activity_logs WHERE action = 'forbidden_attempt' \
               AND details->>'attempted' LIKE 'POST %/clients/{id}/messages' AND ip_address IS NOT NULL";
    assert_eq!(query_number(&world, sql), 1);
    assert!(outbox_seqs(&world).is_empty());
}

#[tokio::test]
async fn a_message_is_counted_logged_and_told_with_it() {
    let world = ChatFixture::new();
    let sent = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(outbox_seqs(&world), [1]);
    let sql = format!(
        "SELECT count(*) AS n FROM activity_logs WHERE action = 'message.send' AND entity_id = '{}' AND user_id = '{}'",
        sent["id"].as_str().unwrap_or_default(),
        world.server.user("chloe").id,
    );
    world.wait_for_activity("message.send", 1).await;
    assert_eq!(query_number(&world, &sql), 1);
    let copied = format!(
        "SELECT count(*) AS n FROM outbox WHERE fanout::text LIKE '%user:{}%' AND fanout::text LIKE '%user:{}%'",
        world.server.user("emma").id,
        world.server.user("chloe").id,
    );
    assert_eq!(query_number(&world, &copied), 1);
}
