//! Commands, and broadcasts of clients.

use futures_util::future::join_all;
use serde_json::json;

use super::{ALL, Ask, Client, ReceivedFrame, room};
use crate::harness::{ChatFixture, TestServer};

#[tokio::test]
async fn what_one_sends_everyone_hears_once() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let mut listeners = join_all(ALL.map(|wire| Client::on(&world, wire, "emma", &topic))).await;
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        let about = json!({"type": "order", "id": "A-1", "preview": {"title": "T", "my_key": "x"}});
        let payload = json!({"client_id": world.nord, "content": wire.name(), "related": about});
        let sent = chloe.ok(&Ask::Command { topic: &topic, name: "messaging:send", payload }).await;
        assert_eq!(sent["content"], wire.name());
        assert_eq!(chloe.at(&sent, "client_id"), &json!(world.nord));
        assert_eq!(chloe.event(&topic, "messaging:new").await.0["message"]["id"], sent["id"]);
        for listener in &mut listeners {
            let (payload, meta) = listener.event(&topic, "messaging:new").await;
            let message = &payload["message"];
            assert_eq!((&message["id"], &message["content"]), (&sent["id"], &json!(wire.name())));
            assert_eq!(listener.at(message, "conversation_id"), chloe.at(&sent, "conversation_id"));
            assert_eq!(message["related"]["preview"], json!({"title": "T", "my_key": "x"}));
            assert!(meta["id"].is_string() && meta["seq"].is_i64() && meta.get("replayed").is_none());
        }
    }
    for listener in &mut listeners {
        let more = listener.settled().await;
        let is_new = |heard: &&ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, event, .. } if *on == topic && event == "messaging:new");
        assert_eq!(more.iter().filter(is_new).count(), 0, "{}", listener.wire.name());
    }
}

#[tokio::test]
async fn a_refused_command_says_why_and_changes_nothing() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        for (payload, code) in [
            (json!({"client_id": world.nord, "content": " "}), "VALIDATION_ERROR"),
            (json!({"client_id": world.nord, "content": "x", "surprise": 1}), "VALIDATION_ERROR"),
            (json!({"client_id": world.sud, "content": "x"}), "NOT_FOUND"),
        ] {
            let send = Ask::Command { topic: &topic, name: "messaging:send", payload };
            assert_eq!(chloe.refusal(&send).await, code, "{}", wire.name());
        }
        let send = Ask::Command { topic: &topic, name: "messaging:send", payload: json!({"content": "x"}) };
        let (_, refusal) = chloe.ask(&send).await;
        assert_eq!(refusal["details"][0]["field"], wire.key("conversation_id"), "{refusal}");
        assert!(refusal["message"].is_string());
    }
    assert_eq!(world.emma.get(&format!("/clients/{}/messages", world.nord)).await.data(), &json!([]));
}

#[tokio::test]
async fn reading_typing_and_pings_are_commands_everywhere() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let typist = json!(world.server.user("emma").id);
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        let said = world.send_message(&world.chloe, "Bonjour").await;
        let command = |name, payload| Ask::Command { topic: &topic, name, payload };
        let read = emma.ok(&command("messaging:read", json!({"message_id": said["id"]}))).await;
        assert_eq!((emma.at(&read, "up_to_seq"), emma.at(&read, "unread_count")), (&said["seq"], &json!(0)));
        let (read, _) = chloe.event(&topic, "messaging:read").await;
        assert_eq!(chloe.at(&read, "reader_id"), &typist, "{}", wire.name());
        assert_eq!(chloe.at(&read, "message_id"), &said["id"], "{}", wire.name());
        assert!(chloe.at(&read, "read_at").is_string());

        emma.ok(&command("messaging:typing", json!({"client_id": world.nord, "typing": true}))).await;
        let (typing, meta) = chloe.event(&topic, "messaging:typing").await;
        assert_eq!((chloe.at(&typing, "user_id"), &typing["typing"]), (&typist, &json!(true)));
        assert!(meta["seq"].is_null(), "typing is not numbered");
        emma.ok(&command("messaging:typing", json!({"client_id": world.nord, "typing": false}))).await;

        assert_eq!(emma.ok(&command("presence:ping", json!({}))).await, json!({}), "{}", wire.name());
        assert_eq!(emma.ok(&command("messaging:join", json!({}))).await, json!({}), "{}", wire.name());
    }
}

#[tokio::test]
async fn what_people_say_passes_between_dialects_under_its_own_names() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let mut listeners = join_all(ALL.map(|wire| Client::on(&world, wire, "emma", &topic))).await;
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        let payload = json!({"my_x": 1, "myY": "é", "by": wire.name()});
        chloe.ok(&Ask::Say { topic: &topic, event: "cursor_moved", payload: payload.clone() }).await;
        for listener in &mut listeners {
            let (heard, _) = listener.event(&topic, "cursor_moved").await;
            assert_eq!(heard, payload, "{} to {}", wire.name(), listener.wire.name());
        }
        let echoed = chloe.settled().await;
        let is_own = |heard: &ReceivedFrame| matches!(heard, ReceivedFrame::Event { event, .. } if event == "cursor_moved");
        assert!(!echoed.iter().any(is_own), "{} heard itself", wire.name());
    }
}

#[tokio::test]
async fn nobody_says_what_only_the_service_says() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let mut listeners = join_all(ALL.map(|wire| Client::on(&world, wire, "emma", &topic))).await;
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        for event in [
            "messaging:new",
            "MESSAGING:NEW",
            "messaging:nonsense",
            "notify:new",
            "connect",
            "resume",
            "reply",
            "token:expiring",
            "Disconnect",
        ] {
            let forged = Ask::Say { topic: &topic, event, payload: json!({}) };
            assert_eq!(chloe.refusal(&forged).await, "FORBIDDEN", "{} {event}", wire.name());
        }
        let nowhere = Ask::Say { topic: "chat:room:nowhere", event: "cursor", payload: json!({}) };
        let (status, _) = chloe.ask(&nowhere).await;
        assert_eq!(status, "error", "{}", wire.name());
    }
    for listener in &mut listeners {
        let heard = listener.settled().await;
        let is_here =
            |heard: &ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, .. } if *on == topic);
        assert!(!heard.iter().any(is_here), "{heard:?}");
    }
}

#[tokio::test]
async fn what_has_no_name_reaches_nobody() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let mut listeners = join_all(ALL.map(|wire| Client::on(&world, wire, "emma", &topic))).await;
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        let nameless = Ask::Say { topic: &topic, event: "", payload: json!({"x": 1}) };
        assert_eq!(chloe.refusal(&nameless).await, "VALIDATION_ERROR", "{}", wire.name());
    }
    for listener in &mut listeners {
        let heard = listener.settled().await;
        let is_here =
            |heard: &ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, .. } if *on == topic);
        assert!(!heard.iter().any(is_here), "{heard:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_none_is_refused() {
    let world = ChatFixture::new();
    for wire in ALL.into_iter().filter(|wire| !wire.is_phoenix()) {
        let mut chloe = Client::open(&world, wire, "chloe").await;
        for name in ["messaging:nonsense", "nonsense", ""] {
            let command = Ask::Command { topic: "", name, payload: json!({}) };
            assert_eq!(chloe.refusal(&command).await, "NOT_FOUND", "{} {name}", wire.name());
        }
    }
}

#[tokio::test]
async fn too_many_frames_are_refused_with_the_time_to_wait() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("WS_FRAMES_PER_10S", "5")]));
    let topic = room(&world);
    for wire in ALL {
        let mut chloe = Client::on(&world, wire, "chloe", &topic).await;
        let ping = Ask::Command { topic: &topic, name: "presence:ping", payload: json!({}) };
        let mut refused = None;
        for _ in 0..40 {
            let (status, response) = chloe.ask(&ping).await;
            if status == "error" {
                refused = Some(response);
                break;
            }
        }
        let refused = refused.unwrap_or_else(|| panic!("{} is not limited", wire.name()));
        assert_eq!(refused["code"], "RATE_LIMITED", "{}", wire.name());
        assert!(chloe.at(&refused["details"], "retry_after").as_i64().unwrap() >= 1);
        chloe.ok(&Ask::Heartbeat).await;
    }
}
