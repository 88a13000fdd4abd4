//! Broadcasts of clients, commands, presence pushes.

use serde_json::{Value, json};

use super::clients::{Client, ROOM, TestProcess};
use crate::wire::Dialect;

/// Two people in the room; the first joins with `config`.
async fn pair(desk: &TestProcess, config: Value) -> (Client, Client) {
    let mut first = desk.awa();
    first.join(ROOM, config).await;
    let mut second = desk.connect(Dialect::V2, &["emma"]);
    second.join(ROOM, json!({})).await;
    (first, second)
}

fn size(text: &str) -> u8 {
    text.len().try_into().unwrap()
}

fn kind_3(event: &str, encoding: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![3, 0, 1, size(ROOM), size(event), 0, encoding, b'9'];
    frame.extend_from_slice(ROOM.as_bytes());
    frame.extend_from_slice(event.as_bytes());
    frame.extend_from_slice(data);
    frame
}

#[tokio::test(start_paused = true)]
async fn a_reserved_event_is_never_passed_on() {
    let desk = TestProcess::new();
    let (mut first, mut second) = pair(&desk, json!({"broadcast": {"ack": true}})).await;
    let forged = json!({"type": "broadcast", "event": "messaging:new", "payload": {}});
    first.push(ROOM, "broadcast", forged.clone());
    let answer = first.next().await;
    assert_eq!((answer.status(), &answer.response()["code"]), ("error", &json!("FORBIDDEN")));
    first.binary(&kind_3("messaging:new", 1, b"{}"));
    assert_eq!(first.next().await.status(), "error");
    second.push(ROOM, "broadcast", forged);
    second.nothing().await;
    first.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn neither_spelling_nor_repeated_keys_nor_forged_numbers_get_through() {
    let desk = TestProcess::new();
    let (mut first, mut second) = pair(&desk, json!({})).await;
    for forged in [
        r#"{"type":"broadcast","event":"MESSAGING:New","payload":{}}"#,
        r#"{"type":"broadcast","event":"x","event":"messaging:new","payload":{}}"#,
        r#"{"type":"broadcast","\u0065vent":"messaging:new","payload":{}}"#,
    ] {
        first.text(&format!(r#"[null,"50","{ROOM}","broadcast",{forged}]"#));
    }
    first.nothing().await;
    second.nothing().await;
    let numbered = json!({"type": "broadcast", "event": "x", "payload": {"meta": 1}, "meta": {"seq": 99}});
    first.push(ROOM, "broadcast", numbered);
    let got = second.next().await;
    assert_eq!(got.payload, json!({"type": "broadcast", "event": "x", "payload": {"meta": 1}}));
}

#[tokio::test(start_paused = true)]
async fn a_text_broadcast_is_passed_on_as_it_came() {
    let desk = TestProcess::new();
    let (mut first, second) = pair(&desk, json!({"broadcast": {"self": false}})).await;
    let flat = json!({"text": "hi", "type": "broadcast", "event": "msg"});
    first.push(ROOM, "broadcast", flat.clone());
    let got = second.next().await;
    assert_eq!((got.event.as_str(), got.payload), ("broadcast", flat));
    first.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn the_sender_hears_it_and_gets_an_answer_only_when_asked_for() {
    let desk = TestProcess::new();
    let (mut first, second) = pair(&desk, json!({"broadcast": {"self": true, "ack": true}})).await;
    let reference =
        first.push(ROOM, "broadcast", json!({"type": "broadcast", "event": "x", "payload": {"a": 1}}));
    assert_eq!(first.next().await.payload["payload"], json!({"a": 1}));
    let answer = first.next().await;
    assert_eq!(
        (answer.status(), answer.response(), answer.reference.clone()),
        ("ok", &json!({}), json!(reference))
    );
    second.next().await;
}

#[tokio::test(start_paused = true)]
async fn binary_broadcasts_of_json_leave_as_text_and_bytes_for_v2_alone() {
    let desk = TestProcess::new();
    let (first, second) = pair(&desk, json!({})).await;
    let mut old = desk.connect(Dialect::V1, &["karim"]);
    old.join("chat:room:1", json!({})).await;
    first.binary(&kind_3("cursor", 1, r#"{"s":"é"}"#.as_bytes()));
    let expected = json!({"type": "broadcast", "event": "cursor", "payload": {"s": "é"}});
    assert_eq!(second.next().await.payload, expected);
    let got = old.next().await;
    assert_eq!((got.payload, got.topic.as_str()), (expected, "chat:room:1"));
    first.binary(&kind_3("photo", 0, &[0, 159, 146]));
    let (opcode, payload) = second.raw().await.unwrap();
    assert_eq!(opcode, 2);
    let mut frame = vec![4, size(ROOM), 5, 0, 0];
    frame.extend_from_slice(ROOM.as_bytes());
    frame.extend_from_slice(b"photo");
    frame.extend_from_slice(&[0, 159, 146]);
    assert_eq!(payload, frame);
    old.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_binary_push_of_phoenix_js_is_answered_in_text() {
    let desk = TestProcess::new();
    let (first, _second) = pair(&desk, json!({})).await;
    let mut frame = vec![0, 0, 1, size(ROOM), 1, b'9'];
    frame.extend_from_slice(ROOM.as_bytes());
    frame.extend_from_slice(b"e\x01\x02");
    first.binary(&frame);
    assert_eq!(first.next().await.status(), "error");
}

#[tokio::test(start_paused = true)]
async fn a_command_runs_and_is_never_passed_on() {
    let desk = TestProcess::new();
    let (mut first, mut second) = pair(&desk, json!({"broadcast": {"ack": true}})).await;
    let reference = first.push(ROOM, "messaging:send", json!({"content": "a"}));
    let answer = first.next().await;
    assert_eq!(
        (answer.status(), answer.response(), answer.reference.clone()),
        ("ok", &json!({"id": "m1"}), json!(reference))
    );
    first.push(
        ROOM,
        "broadcast",
        json!({"type": "broadcast", "event": "messaging:send", "payload": {"content": "b"}}),
    );
    assert_eq!(first.next().await.response(), &json!({"id": "m1"}));
    first.push(ROOM, "broadcast", json!({"type": "broadcast", "event": "messaging:send", "content": "c"}));
    first.next().await;
    first.binary(&kind_3("messaging:send", 1, br#"{"content":"d"}"#));
    first.next().await;
    second.nothing().await;
    let contents: Vec<Value> =
        desk.backend.commands.lock().iter().map(|(_, payload)| payload["content"].clone()).collect();
    assert_eq!(contents, ["a", "b", "c", "d"]);
    assert_eq!(desk.backend.commands.lock()[2].1, json!({"content": "c"}));
}

#[tokio::test(start_paused = true)]
async fn a_failed_command_says_why() {
    let desk = TestProcess::new();
    let (mut first, mut second) = pair(&desk, json!({})).await;
    first.push(ROOM, "messaging:fail", json!({}));
    let answer = first.next().await;
    assert_eq!((answer.status(), &answer.response()["code"]), ("error", &json!("VALIDATION_ERROR")));
    assert_eq!(answer.response()["details"][0]["field"], "content");
    assert!(answer.response()["reason"].as_str().unwrap().starts_with("VALIDATION_ERROR: "));
    second.push(ROOM, "broadcast", json!({"type": "broadcast", "event": "messaging:fail", "payload": {}}));
    second.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn presence_pushes_are_always_answered() {
    let desk = TestProcess::new();
    let (mut first, _second) = pair(&desk, json!({})).await;
    first.push(ROOM, "presence", json!({"type": "presence", "event": "track", "payload": {"online": true}}));
    assert_eq!(first.next().await.status(), "ok");
    first.push(ROOM, "presence", json!({"event": "untrack"}));
    assert_eq!(first.next().await.status(), "ok");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_event_is_an_error_to_phoenix_js_alone() {
    let desk = TestProcess::new();
    let (mut supabase, _second) = pair(&desk, json!({})).await;
    supabase.push(ROOM, "shout", json!({}));
    supabase.nothing().await;
    let mut phoenix = desk.awa();
    phoenix.join_with("chat:room:1", json!({"any": "params"})).await;
    phoenix.push("chat:room:1", "shout", json!({}));
    assert_eq!(phoenix.next().await.status(), "error");
}
