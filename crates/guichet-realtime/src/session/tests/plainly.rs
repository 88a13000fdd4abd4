//! Parts of the plain dialect and Socket.IO that Phoenix does not have. `conformance` in the integration tests covers
//! what all dialects share.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::clients::{BARE_ROOM, Client, TestProcess};
use super::fakes::{TENANT, user};
use crate::session::socket::Inbound;
use crate::wire::Dialect;
use crate::{Settings, Signal};

fn own_topic() -> String {
    format!("user:{}", user("awa"))
}

fn signal(desk: &TestProcess, topic: &str, name: &str) {
    desk.hub.signal(Signal {
        tenant: TENANT,
        topic: topic.into(),
        name: name.into(),
        payload: serde_json::value::RawValue::from_string("{}".into()).unwrap(),
        copies: Vec::new(),
    });
}

/// The next text frame; pings are skipped.
async fn text(client: &Client) -> String {
    loop {
        let (opcode, payload) = client.raw().await.expect("a frame");
        if opcode == 1 {
            return String::from_utf8(payload.to_vec()).unwrap();
        }
        assert_eq!(opcode, 9, "{payload:?}");
    }
}

async fn json(client: &Client) -> Value {
    serde_json::from_str(&text(client).await).unwrap()
}

/// Waits until all frames are handled, and returns the only reply.
async fn settle(client: &Client) -> Value {
    client.text(r#"{"event":"heartbeat","ref":"settle"}"#);
    let reply = json(client).await;
    assert_eq!(reply["ref"], "settle", "{reply}");
    reply["payload"]["response"].clone()
}

#[tokio::test(start_paused = true)]
async fn own_topics_are_heard_from_the_connect_on_without_a_word() {
    let desk = TestProcess::new();
    let client = desk.connect(Dialect::Plain, &["awa"]);
    settle(&client).await;
    signal(&desk, &own_topic(), "messaging:unread");
    assert_eq!(
        json(&client).await,
        json!({"event": "messaging:unread", "topic": own_topic(), "payload": {}, "meta": {}})
    );
    assert!(desk.hub.is_online(TENANT, user("awa")));
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_is_told_and_closed_and_none_is_waited_for() {
    let desk = TestProcess::new();
    let refused = desk.connect(Dialect::Plain, &["bad"]);
    let error = json(&refused).await;
    assert_eq!((&error["event"], &error["payload"]["code"]), (&json!("error"), &json!("UNAUTHENTICATED")));
    assert!(error["payload"]["message"].is_string() && error["payload"]["reason"].is_string());
    assert_eq!(refused.close_code().await, 1008);

    let waits = desk.connect(Dialect::Plain, &[]);
    settle(&waits).await;
    waits.text(r#"{"event":"access_token","payload":{"access_token":"bad"},"ref":1}"#);
    let reply = json(&waits).await;
    assert_eq!((&reply["ref"], &reply["payload"]["status"]), (&json!(1), &json!("error")));
    waits.text(r#"{"event":"access_token","payload":{"access_token":"awa"},"ref":2}"#);
    assert_eq!(json(&waits).await["payload"]["status"], "ok");
    signal(&desk, &own_topic(), "messaging:unread");
    assert_eq!(json(&waits).await["event"], "messaging:unread");
}

#[tokio::test(start_paused = true)]
async fn a_join_may_bring_the_token_and_own_topics_come_with_it() {
    let desk = TestProcess::new();
    let client = desk.connect(Dialect::PlainCamel, &[]);
    let own = own_topic();
    client.text(&format!(r#"{{"event":"join","topic":"{own}","payload":{{"token":"awa"}},"ref":"j"}}"#));
    assert_eq!(json(&client).await["payload"]["status"], "ok");
    signal(&desk, &own, "messaging:unread");
    assert_eq!(json(&client).await["event"], "messaging:unread");
    settle(&client).await;
}

#[tokio::test(start_paused = true)]
async fn the_server_pings_and_closes_who_stays_silent() {
    let desk = TestProcess::new();
    let client = desk.connect(Dialect::Plain, &["awa"]);
    let pings = async || {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert_eq!(client.raw().await.unwrap(), (9, "".into()));
        }
    };
    pings().await;
    client.inbound(Inbound::Pong);
    pings().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(client.close_code().await, 1008);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_to_resume_and_its_own_topics_come_back_by_themselves() {
    let desk = TestProcess::with(Settings { queue_bytes: 4_000, ..Settings::default() });
    let client = desk.connect(Dialect::Plain, &["awa"]);
    client.text(&format!(r#"{{"event":"join","topic":"{BARE_ROOM}","ref":"j"}}"#));
    assert_eq!(json(&client).await["payload"]["response"]["last_seq"], 0);
    for _ in 0..3 {
        desk.say(&"x".repeat(2_000));
    }
    tokio::task::yield_now().await;
    assert_eq!(json(&client).await["meta"]["seq"], 1);
    let mut ended = Vec::new();
    for _ in 0..2 {
        let frame = json(&client).await;
        assert_eq!(frame["event"], "resume", "{frame}");
        ended.push(frame["topic"].as_str().unwrap().to_owned());
    }
    ended.sort();
    assert_eq!(ended, [BARE_ROOM.to_owned(), own_topic()]);
    settle(&client).await;
    signal(&desk, &own_topic(), "messaging:unread");
    assert_eq!(json(&client).await["topic"], own_topic());
    client
        .text(&format!(r#"{{"event":"join","topic":"{BARE_ROOM}","payload":{{"after_seq":1}},"ref":"k"}}"#));
    assert_eq!(json(&client).await["payload"]["response"]["replayed"], 2);
    for seq in 2..=3 {
        let event = json(&client).await;
        assert_eq!((&event["meta"]["seq"], &event["meta"]["replayed"]), (&json!(seq), &json!(true)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_superseded_socket_is_closed_for_good() {
    let desk = TestProcess::with(Settings { connections_per_person: 1, ..Settings::default() });
    for dialect in [Dialect::Plain, Dialect::SocketIo] {
        let oldest = desk.connect(dialect, &["awa"]);
        if dialect == Dialect::SocketIo {
            assert!(text(&oldest).await.starts_with("0{"));
            oldest.text("40");
            assert!(text(&oldest).await.starts_with("40{"));
        } else {
            settle(&oldest).await;
        }
        let newer = desk.connect(Dialect::Plain, &["awa"]);
        settle(&newer).await;
        if dialect == Dialect::SocketIo {
            // Socket.IO clients would reconnect if they did not learn that the namespace ended.
            assert_eq!(text(&oldest).await, "41");
        }
        assert_eq!(oldest.close_code().await, 4001);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_is_announced_and_its_end_told_once() {
    let desk = TestProcess::new();
    let end = desk.clock.now().as_millis() + 80_000;
    let client = desk.connect(Dialect::Plain, &[&format!("awa@{end}")]);
    settle(&client).await;
    desk.clock.advance(Duration::from_secs(21));
    tokio::time::advance(Duration::from_secs(21)).await;
    let notice = json(&client).await;
    assert_eq!(notice["event"], "token:expiring");
    assert!(notice["payload"]["expires_at"].is_string());
    settle(&client).await;
    desk.clock.advance(Duration::from_secs(60));
    tokio::time::advance(Duration::from_secs(60)).await;
    let error = json(&client).await;
    assert_eq!((&error["event"], &error["payload"]["code"]), (&json!("error"), &json!("TOKEN_EXPIRED")));
    signal(&desk, &own_topic(), "messaging:unread");
    settle(&client).await;
    client.text(r#"{"event":"access_token","payload":{"access_token":"awa"}}"#);
    settle(&client).await;
    signal(&desk, &own_topic(), "messaging:unread");
    assert_eq!(json(&client).await["event"], "messaging:unread");
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_told_and_the_socket_lives() {
    let desk = TestProcess::new();
    let client = desk.connect(Dialect::Plain, &["awa"]);
    client.binary(&[3, 0, 0]);
    client.text("[]");
    client.text(r#"{"event":"e","payload":[]}"#);
    for _ in 0..3 {
        let error = json(&client).await;
        assert_eq!(
            (&error["event"], &error["payload"]["code"]),
            (&json!("error"), &json!("MALFORMED_FRAME"))
        );
    }
    settle(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_lets_in_only_whom_it_is_of() {
    let desk = TestProcess::new();
    let stranger = desk.connect_at(Dialect::PlainCamel, &["awa"], Some("elsewhere"));
    assert_eq!(json(&stranger).await["payload"]["code"], "FORBIDDEN");
    assert_eq!(stranger.close_code().await, 1008);
    let stranger = desk.connect_at(Dialect::SocketIo, &[], Some("elsewhere"));
    assert!(text(&stranger).await.starts_with("0{"));
    stranger.text(r#"40{"token":"awa"}"#);
    let refused = text(&stranger).await;
    assert!(refused.starts_with("44{") && refused.contains("FORBIDDEN"), "{refused}");
    assert_eq!(stranger.close_code().await, 1008);
    let welcome = desk.connect_at(Dialect::PlainCamel, &["awa"], Some("here"));
    settle(&welcome).await;
    assert_eq!(desk.backend.open.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn socket_io_is_opened_connected_pinged_and_closed_where_no_connect_comes() {
    let desk = TestProcess::new();
    let client = desk.connect(Dialect::SocketIo, &[]);
    let open: Value = serde_json::from_str(text(&client).await.strip_prefix('0').unwrap()).unwrap();
    assert_eq!((&open["pingInterval"], &open["upgrades"]), (&json!(25_000), &json!([])));
    client.text("2probe");
    assert_eq!(text(&client).await, "3probe");
    client.text(r#"42["heartbeat"]"#);
    assert!(text(&client).await.starts_with(r#"42["error",{"#), "an event before the connect");
    client.text(r#"40{"token":"awa"}"#);
    assert!(text(&client).await.starts_with(r#"40{"sid":"#));
    signal(&desk, &own_topic(), "messaging:unread");
    let told = text(&client).await;
    assert_eq!(told, format!(r#"42["messaging:unread",{{}},{{"topic":"{}","meta":{{}}}}]"#, own_topic()));
    client.text("40/admin,");
    assert!(text(&client).await.starts_with("44/admin,{"));
    client.text(r#"451-7["x",{"_placeholder":true,"num":0}]"#);
    assert!(text(&client).await.starts_with(r#"437[{"status":"error""#));
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(text(&client).await, "2");
    client.text("3");
    client.text("41");
    assert_eq!(client.close_code().await, 1000);

    let silent = desk.connect(Dialect::SocketIo, &["awa"]);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(silent.close_code().await, 1008);
    let stranger = desk.connect(Dialect::SocketIo, &[]);
    text(&stranger).await;
    stranger.text("40");
    assert!(text(&stranger).await.contains("UNAUTHENTICATED"));
    assert_eq!(stranger.close_code().await, 1008);
}

/// Parts of frames, valid and invalid.
fn frames() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        Just("42".to_owned()),
        Just("4".to_owned()),
        Just("45".to_owned()),
        Just("1-".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just(",".to_owned()),
        Just(r#""event":"#.to_owned()),
        Just(r#""payload":"#.to_owned()),
        Just(r#""ref":"#.to_owned()),
        Just(r#""topic":"chat:room:1""#.to_owned()),
        Just(r#""join""#.to_owned()),
        Just(r#""leave""#.to_owned()),
        Just(r#"{"event":"join","topic":"chat:room:1","payload":{"after_seq":-1},"ref":1}"#.to_owned()),
        Just(r#"{"event":"messaging:send","payload":{"a":1},"ref":1}"#.to_owned()),
        Just(r#"42["join",{"topic":"chat:room:1"}]"#.to_owned()),
        Just(r#"421["messaging:fail",{}]"#.to_owned()),
        Just(r#"42["cursor",{},{"topic":"chat:room:1"}]"#.to_owned()),
        Just("40/x,".to_owned()),
        "[0-9]{1,3}",
        ".{0,6}",
    ];
    let frame = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    proptest::collection::vec(frame, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_arrives_a_session_answers_on(frames in frames()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            for dialect in [Dialect::Plain, Dialect::PlainCamel, Dialect::SocketIo] {
                // `41` and `1` end a session.
                let is_goodbye = |frame: &str| dialect == Dialect::SocketIo && frame.starts_with(['1'])
                    || frame.starts_with("41");
                let desk = TestProcess::new();
                let client = desk.connect(dialect, &["awa"]);
                if dialect == Dialect::SocketIo {
                    client.text("40");
                }
                for frame in frames.iter().filter(|frame| !is_goodbye(frame)) {
                    client.text(frame);
                    client.binary(frame.as_bytes());
                }
                let (beat, answer) = match dialect {
                    Dialect::SocketIo => (r#"42999["heartbeat"]"#, "43999["),
                    _ => (r#"{"event":"heartbeat","ref":999}"#, r#"{"event":"reply","ref":999,"#),
                };
                client.text(beat);
                while !text(&client).await.starts_with(answer) {}
            }
        });
    }
}
