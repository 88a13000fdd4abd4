//! Joins, leaves, heartbeats.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::clients::{BARE_ROOM, ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::session::socket::Inbound;
use crate::wire::Dialect;

#[tokio::test(start_paused = true)]
async fn a_join_without_a_right_or_a_token_is_refused_with_a_reason() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    let refused = client.join("realtime:secret", json!({})).await;
    assert_eq!(refused.status(), "error");
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("FORBIDDEN: "));
    let mut stranger = desk.connect(Dialect::V1, &["bad"]);
    let refused = stranger.join(ROOM, json!({})).await;
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("UNAUTHENTICATED: "));
    for nameless in ["realtime:", ""] {
        let refused = client.join(nameless, json!({})).await;
        assert!(refused.response()["reason"].as_str().unwrap().starts_with("TopicNameRequired"));
    }
    assert_eq!(desk.hub.topic_count(), 0, "a refused join leaves nothing behind");
}

#[tokio::test(start_paused = true)]
async fn a_join_reply_echoes_refs_bindings_and_the_head() {
    for dialect in [Dialect::V1, Dialect::V2] {
        let desk = TestProcess::new();
        desk.say("before");
        let mut client = desk.connect(dialect, &["awa"]);
        let bindings = json!([{"event": "INSERT", "schema": "public", "table": "messages", "filter": "a=eq.1"},
            {"event": "*", "schema": "public"}]);
        let config = json!({"postgres_changes": bindings, "presence": {"key": "", "enabled": true}});
        let reply = client.join(ROOM, config).await;
        let expected = json!({"postgres_changes": [
            {"event": "INSERT", "schema": "public", "table": "messages", "filter": "a=eq.1", "id": 1},
            {"event": "*", "schema": "public", "id": 2}], "last_seq": 1, "resume": "none", "replayed": 0});
        assert_eq!((reply.status(), reply.response()), ("ok", &expected));
        assert_eq!(client.next().await.event, "system");
        let presence = client.next().await;
        assert_eq!(presence.event, "presence_state");
        let metas = &presence.payload[user("awa").to_string()]["metas"];
        assert_eq!((&metas[0]["status"], &metas[0]["user_id"]), (&json!("online"), &json!(user("awa"))));
        assert_eq!(presence.reference, Value::Null);
        if dialect == Dialect::V2 {
            assert_eq!(reply.join_ref, reply.reference);
        }
        desk.say("after");
        let event = client.next().await;
        assert_eq!((event.seq(), &event.reference, &event.join_ref), (2, &Value::Null, &Value::Null));
        assert_eq!(event.topic, ROOM);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_numbers_says_what_moved() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    let config = json!({"broadcast": {"replay": {"after": "2026-01-02T10:00:00.000Z"}}});
    let reply = client.join("realtime:user:9", config).await;
    assert_eq!(reply.response()["conversations"], json!([{"after": "2026-01-02T10:00:00.000Z"}]));
    assert_eq!(reply.response()["last_seq"], Value::Null);
    desk.say("copied");
    let copy = client.next().await;
    assert_eq!(copy.payload["meta"]["topic"], BARE_ROOM);
    assert_eq!(copy.topic, "realtime:user:9");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_answered_always_with_the_heads() {
    let desk = TestProcess::new();
    let mut client = desk.connect(Dialect::V1, &[]);
    client.frame(Value::Null, Value::Null, "phoenix", "heartbeat", json!({}));
    let reply = client.next().await;
    assert_eq!((reply.status(), &reply.reference), ("ok", &Value::Null));
    assert_eq!(reply.response(), &json!({"heads": {}}));
    client.join_with(BARE_ROOM, json!({"access_token": "awa"})).await;
    client.join("realtime:user:9", json!({})).await;
    desk.say("one");
    assert_eq!(client.next().await.seq(), 1);
    assert_eq!(client.next().await.payload["meta"]["topic"], BARE_ROOM);
    assert_eq!(client.nothing().await.response(), &json!({"heads": {BARE_ROOM: 1}}));
}

#[tokio::test(start_paused = true)]
async fn a_leave_is_answered_and_then_closed() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    let joined = client.join(ROOM, json!({})).await;
    client.frame(joined.join_ref.clone(), json!("77"), ROOM, "phx_leave", json!({}));
    assert_eq!(client.next().await.status(), "ok");
    let close = client.next().await;
    assert_eq!(close.event, "phx_close");
    assert_eq!((&close.join_ref, &close.reference), (&joined.join_ref, &joined.join_ref));
    assert_eq!(desk.hub.topic_count(), 0);
    let reference = client.push(ROOM, "phx_leave", json!({}));
    let again = client.next().await;
    assert_eq!((again.status(), again.reference.clone()), ("ok", json!(reference)));
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_leave_of_an_earlier_join_does_not_end_the_later_one() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    let first = client.join(ROOM, json!({})).await;
    client.join(ROOM, json!({})).await;
    client.frame(first.join_ref, json!("77"), ROOM, "phx_leave", json!({}));
    assert_eq!(client.next().await.status(), "ok");
    desk.say("still here");
    assert_eq!(client.next().await.seq(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_join_replaces_the_first_in_silence() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    let first = client.join(ROOM, json!({})).await;
    assert_eq!(client.join(ROOM, json!({})).await.status(), "ok");
    desk.say("once");
    assert_eq!(client.next().await.seq(), 1);
    client.frame(first.join_ref, json!("9"), ROOM, "presence", json!({"event": "track"}));
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_push_to_a_topic_not_joined_is_told_so() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.push(ROOM, "broadcast", json!({"type": "broadcast", "event": "x", "payload": {}}));
    assert_eq!(client.next().await.response(), &json!({"reason": "unmatched topic"}));
}

#[tokio::test(start_paused = true)]
async fn broken_frames_change_nothing() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    for broken in ["", "{", "[]", "[1,2,3]", "null", "\u{0}", r#"["1","1","t","e"]"#, r#"{"topic":1}"#] {
        client.text(broken);
    }
    client.binary(&[]);
    client.binary(&[3, 200, 1]);
    client.inbound(Inbound::Pong);
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_is_online_from_a_valid_token_until_the_connection_ends() {
    let desk = TestProcess::new();
    let awa = user("awa");
    let mut client = desk.connect(Dialect::V2, &[]);
    client.nothing().await;
    assert!(!desk.hub.is_online(TENANT, awa));
    client.join_with(ROOM, json!({"config": {}, "access_token": "awa"})).await;
    assert!(desk.hub.is_online(TENANT, awa));
    assert_eq!(desk.hub.filter_online(TENANT, &[awa, user("other")]), [awa]);
    assert_eq!(desk.backend.open.load(Ordering::Relaxed), 1);
    drop(client);
    desk.all_gone().await;
    assert!(!desk.hub.is_online(TENANT, awa));
    assert_eq!((desk.hub.topic_count(), desk.realtime.connection_count()), (0, 0));
    assert_eq!(desk.backend.open.load(Ordering::Relaxed), 0);
    assert_eq!(desk.realtime.unauthenticated.lock().len(), 0);
}
