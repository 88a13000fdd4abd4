//! `postgres_changes` in a session: bindings, the order of changes, and channels for nothing else.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::clients::{Client, Got, ROOM, TestProcess};
use crate::row_changes::ReadScope;
use crate::wire::Dialect;

fn listening_desk() -> TestProcess {
    let desk = TestProcess::new().relayed();
    desk.backend.reach.lock().push(ReadScope::AllClients);
    desk
}

fn bindings(list: Value) -> Value {
    json!({"postgres_changes": list, "broadcast": {"ack": true}})
}

/// The next change; other frames are skipped.
async fn change(client: &Client) -> Got {
    loop {
        let got = client.next().await;
        if got.event == "postgres_changes" {
            return got;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_binding_refuses_the_join_and_says_which_and_why() {
    let desk = listening_desk();
    let mut client = desk.awa();
    for topic in [ROOM, "realtime:nowhere"] {
        let list = json!([{"event": "*", "table": "messages"}, {"table": "messages", "filter": "b=eq.1"}]);
        let reply = client.join(topic, bindings(list)).await;
        let reason = reply.response()["reason"].as_str().unwrap();
        assert_eq!(reply.status(), "error");
        assert!(reason.starts_with("INVALID_BINDING: "), "{reason}");
        assert!(reason.contains("postgres_changes[1]") && reason.contains("no column `b`"), "{reason}");
    }
    let many: Vec<Value> = vec![json!({"table": "messages", "filter": "content=like.%a%"}); 9];
    let reply = client.join(ROOM, bindings(json!(many))).await;
    assert_eq!(reply.status(), "error", "patterns cost");
    assert_eq!(desk.hub.topic_count(), 0);
    assert_eq!(desk.hub.changes.places(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_may_be_bound_to_is_bounded_over_all_its_channels() {
    let desk = listening_desk();
    let mut client = desk.awa();
    let list = |count: usize, filter: &str| {
        bindings(json!(vec![json!({"table": "messages", "filter": filter}); count]))
    };
    client.join("realtime:nowhere-1", list(8, "content=like.%a%")).await;
    client.next().await;
    let one_more = client.join("realtime:nowhere-2", list(1, "content=imatch.a")).await;
    assert!(one_more.response()["reason"].as_str().unwrap().contains("at most 8 patterns"), "{one_more:?}");
    client.join("realtime:nowhere-2", list(100, "a=eq.1")).await;
    client.next().await;
    let too_many = client.join("realtime:nowhere-3", list(93, "a=eq.1")).await;
    assert!(too_many.response()["reason"].as_str().unwrap().contains("at most 200 bindings"), "{too_many:?}");
    let again = client.join("realtime:nowhere-1", list(8, "content=like.%a%")).await;
    assert_eq!(again.status(), "ok", "a repeated join replaces what it held");
}

#[tokio::test(start_paused = true)]
async fn changes_come_behind_the_reply_and_its_system_message_in_both_serializations() {
    for dialect in [Dialect::V1, Dialect::V2] {
        for topic in [ROOM, "chat:room:1"] {
            let desk = listening_desk();
            let mut client = desk.connect(dialect, &["awa"]);
            let reply = client.join(topic, bindings(json!([{"event": "INSERT", "table": "messages"}]))).await;
            assert_eq!(reply.response()["postgres_changes"][0]["id"], 1);
            let system = client.next().await;
            assert_eq!((system.event.as_str(), system.topic.as_str()), ("system", topic));
            assert_eq!(
                system.payload,
                json!({"extension": "postgres_changes", "status": "ok", "channel": "chat:room:1",
                    "message": "Subscribed to PostgreSQL"})
            );
            desk.say("bonjour");
            let got = change(&client).await;
            assert_eq!(
                (got.topic.as_str(), &got.reference, &got.join_ref),
                (topic, &Value::Null, &Value::Null)
            );
            let data = &got.payload["data"];
            assert_eq!(got.payload["ids"], json!([1]));
            assert_eq!(
                (&data["type"], &data["schema"], &data["table"]),
                (&json!("INSERT"), &json!("public"), &json!("messages"))
            );
            assert_eq!((&data["record"]["content"], &data["errors"]), (&json!("bonjour"), &Value::Null));
            assert_eq!(data["columns"][1], json!({"name": "a", "type": "int8"}));
            assert_eq!(data.get("old_record"), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn filters_and_columns_choose_what_is_told_and_ids_say_to_whom() {
    let desk = listening_desk();
    let mut client = desk.awa();
    let list = json!([
        {"event": "*", "schema": "public"},
        {"event": "INSERT", "table": "messages", "filter": "a=gte.2,content=like.d%"},
        {"event": "DELETE", "table": "messages"},
        {"event": "INSERT", "table": "messages", "select": ["content"]},
    ]);
    client.join("realtime:any-name", bindings(list)).await;
    desk.say("un");
    desk.say("deux");
    let first = change(&client).await;
    assert_eq!(first.payload["ids"], json!([1]));
    let narrow = change(&client).await;
    assert_eq!(narrow.payload["ids"], json!([4]));
    assert_eq!(narrow.payload["data"]["record"], json!({"content": "un"}));
    assert_eq!(narrow.payload["data"]["columns"], json!([{"name": "content", "type": "text"}]));
    assert_eq!(change(&client).await.payload["ids"], json!([1, 2]));
}

#[tokio::test(start_paused = true)]
async fn rows_that_an_event_only_names_are_read_and_told_in_order() {
    let desk = listening_desk();
    let mut client = desk.awa();
    client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
    let read = desk.log.commit_named("chat:room:1", "messaging:read", "{}");
    desk.hub.publish(read.clone());
    desk.say("after");
    // The tail publishes it again.
    desk.hub.publish(read);
    let update = change(&client).await;
    assert_eq!(
        (&update.payload["data"]["type"], &update.payload["data"]["record"]["a"]),
        (&json!("UPDATE"), &json!(1))
    );
    let key = update.payload["data"]["old_record"].as_object().unwrap();
    assert_eq!(key.keys().collect::<Vec<_>>(), ["id"]);
    assert_eq!(change(&client).await.payload["data"]["record"]["content"], "after");
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_read_end_the_join_instead_of_being_missed() {
    let desk = listening_desk();
    let mut client = desk.awa();
    client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
    client.next().await;
    desk.backend.is_unreachable.store(true, Ordering::Relaxed);
    desk.hub.publish(desk.log.commit_named("chat:room:1", "messaging:read", "{}"));
    let end = client.next().await;
    assert_eq!(end.event, "phx_error");
    assert!(end.payload["reason"].as_str().unwrap().starts_with("RESUME"));
    assert_eq!(desk.hub.changes.places(), 0);
    let refused = client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
    assert_eq!(refused.status(), "error");
    assert_eq!(
        (desk.hub.topic_count(), desk.hub.changes.places()),
        (0, 0),
        "a refused join leaves nothing behind"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_topic_is_joined_for_changes_alone() {
    let desk = listening_desk();
    let mut client = desk.awa();
    assert_eq!(client.join("realtime:nowhere", json!({})).await.status(), "error");
    let config = json!({"postgres_changes": [{"table": "messages"}], "broadcast": {"ack": true, "self": true},
        "presence": {"enabled": true, "key": ""}});
    let reply = client.join("realtime:nowhere", config).await;
    assert_eq!((reply.status(), &reply.response()["last_seq"]), ("ok", &Value::Null));
    assert_eq!(client.next().await.event, "system");
    let cursor = json!({"type": "broadcast", "event": "cursor", "payload": {}});
    client.push("realtime:nowhere", "broadcast", cursor);
    assert_eq!(client.next().await.status(), "error");
    let kept = json!({"type": "broadcast", "event": "cursor", "payload": {}, "persist": true});
    client.push("realtime:nowhere", "broadcast", kept);
    assert_eq!(client.next().await.status(), "error");
    client.push("realtime:nowhere", "presence", json!({"event": "track", "payload": {}}));
    assert_eq!(client.next().await.status(), "error");
    assert_eq!(client.join("realtime:secret", json!({"postgres_changes": [{}]})).await.status(), "error");
}

#[tokio::test(start_paused = true)]
async fn leaving_and_rejoining_leave_one_listener_and_none() {
    let desk = listening_desk();
    let mut client = desk.awa();
    for _ in 0..3 {
        client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
        client.next().await;
    }
    desk.say("once");
    change(&client).await;
    client.nothing().await;
    client.push("realtime:nowhere", "phx_leave", json!({}));
    assert_eq!(client.next().await.status(), "ok");
    assert_eq!(client.next().await.event, "phx_close");
    assert_eq!(desk.hub.changes.places(), 0);
    client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
    drop(client);
    desk.all_gone().await;
    assert_eq!(desk.hub.changes.places(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_token_renews_the_reach_and_no_answer_ends_the_channel() {
    let desk = listening_desk();
    let mut client = desk.awa();
    client.join("realtime:nowhere", bindings(json!([{"table": "messages"}]))).await;
    client.next().await;
    desk.backend.reach.lock().clear();
    client.push("realtime:nowhere", "access_token", json!({"access_token": "awa@99999999999999"}));
    client.nothing().await;
    assert_eq!(desk.hub.changes.places(), 0, "nothing is reached any more");
    desk.backend.is_unreachable.store(true, Ordering::Relaxed);
    client.push("realtime:nowhere", "access_token", json!({"access_token": "awa@99999999999998"}));
    assert_eq!(client.next().await.event, "phx_error");
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_that_is_kept_is_acknowledged_with_its_number() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.join(ROOM, json!({"broadcast": {"ack": true}})).await;
    let kept = |event: &str| json!({"type": "broadcast", "event": event, "payload": {"x": 1}, "persist": {"ttl": 60}});
    client.push(ROOM, "broadcast", kept("note"));
    let reply = client.next().await;
    assert_eq!((reply.status(), &reply.response()["seq"]), ("ok", &json!(1)));
    client.push(ROOM, "broadcast", kept("messaging:new"));
    let refused = client.next().await;
    assert_eq!((refused.status(), &refused.response()["code"]), ("error", &json!("FORBIDDEN")));
    client.binary(b"\x03\x00\x02\x14\x04\x10\x0177realtime:chat:room:1note{\"persist\":true}{\"y\":2}");
    assert_eq!(client.next().await.response()["seq"], 2);
    client.binary(b"\x03\x00\x02\x14\x04\x10\x0077realtime:chat:room:1note{\"persist\":true}\x00\x01");
    assert_eq!(client.next().await.status(), "error", "bytes are not kept");
    client.join("realtime:user:9", json!({"broadcast": {"ack": true}})).await;
    client.push("realtime:user:9", "broadcast", kept("note"));
    let refused = client.next().await;
    assert_eq!(refused.response()["code"], "NOT_NUMBERED");
    assert!(
        refused.response()["error"].as_str().unwrap().starts_with("NOT_NUMBERED: "),
        "what realtime-js shows"
    );
}
