//! Joins: authorization, recipients, positions.

use serde_json::json;
use tokio_tungstenite::connect_async;

use super::{ALL, Ask, Client, ReceivedFrame, room};
use crate::harness::{ChatFixture, TestServer};

#[tokio::test]
async fn who_shows_no_valid_token_hears_nothing_and_is_told_why() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        for token in [None, Some("nonsense")] {
            let mut client = Client::connect(&world, wire, token).await;
            let is_refused_at_once = !wire.is_phoenix() && (token.is_some() || wire.hello().is_some());
            if is_refused_at_once {
                let refused = client.next_where(|heard| matches!(heard, ReceivedFrame::Refused(_))).await;
                let ReceivedFrame::Refused(code) = refused else { unreachable!() };
                assert_eq!(
                    (code.as_str(), client.closed().await),
                    ("UNAUTHENTICATED", 1008),
                    "{}",
                    wire.name()
                );
            } else {
                let join = Ask::Join { topic: &topic, after_seq: None, token: None };
                assert_eq!(client.refusal(&join).await, "UNAUTHENTICATED", "{}", wire.name());
            }
        }
    }
}

#[tokio::test]
async fn a_join_may_bring_the_token() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let token = world.server.user("emma").token.as_str();
    for wire in ALL.into_iter().filter(|wire| wire.hello().is_none()) {
        let mut emma = Client::connect(&world, wire, None).await;
        let joined = emma.ok(&Ask::Join { topic: &topic, after_seq: None, token: Some(token) }).await;
        assert_eq!(emma.at(&joined, "last_seq"), &json!(0), "{}", wire.name());
    }
}

#[tokio::test]
async fn a_join_is_answered_alike_and_a_foreign_one_is_refused() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::open(&world, wire, "emma").await;
        let joined = emma.join(&topic, None).await;
        for (key, expected) in [
            ("last_seq", json!(0)),
            ("resume", json!("none")),
            ("replayed", json!(0)),
            ("postgres_changes", json!([])),
        ] {
            assert_eq!(emma.at(&joined, key), &expected, "{} {key}: {joined}", wire.name());
        }
        assert!(
            emma.at(&joined, "conversation_id").is_null() || emma.at(&joined, "conversation_id").is_string()
        );
        let mut bruno = Client::open(&world, wire, "bruno").await;
        let join = |topic| Ask::Join { topic, after_seq: None, token: None };
        assert_eq!(bruno.refusal(&join(&topic)).await, "FORBIDDEN", "{}", wire.name());
        assert_eq!(bruno.refusal(&join("nowhere")).await, "NOT_FOUND", "{}", wire.name());
        assert_eq!(bruno.refusal(&join("")).await, "TopicNameRequired", "{}", wire.name());
    }
    assert_eq!(world.activity_count("forbidden_attempt"), 5);
}

#[tokio::test]
async fn whoever_was_away_gets_what_they_missed_in_order_and_once() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::open(&world, wire, "emma").await;
        let joined = emma.join(&topic, None).await;
        let head = emma.at(&joined, "last_seq").as_i64().unwrap();
        world.send_message(&world.chloe, "heard").await;
        assert_eq!(emma.event(&topic, "messaging:new").await.1["seq"], head + 1);
        drop(emma);
        for n in 0..40 {
            world.send_message(&world.chloe, &format!("missed {n}")).await;
        }
        let mut emma = Client::open(&world, wire, "emma").await;
        let joined = emma.join(&topic, Some(head + 1)).await;
        assert_eq!(
            (&joined["resume"], &joined["replayed"]),
            (&json!("complete"), &json!(40)),
            "{}",
            wire.name()
        );
        world.send_message(&world.chloe, "live").await;
        for seq in head + 2..=head + 42 {
            let (_, meta) = emma.event(&topic, "messaging:new").await;
            assert_eq!(meta["seq"], seq, "{}", wire.name());
            assert!(seq == head + 42 || meta["replayed"] == true, "{}", wire.name());
        }
        let again = emma.settled().await;
        let is_of_room =
            |heard: &&ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, .. } if *on == topic);
        let repeated: Vec<&ReceivedFrame> = again.iter().filter(is_of_room).collect();
        assert!(repeated.is_empty(), "{}: {repeated:?}", wire.name());
    }
}

#[tokio::test]
async fn a_number_from_the_future_is_a_reset() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::open(&world, wire, "emma").await;
        let joined = emma.join(&topic, Some(57)).await;
        assert_eq!((&joined["resume"], &joined["head"]), (&json!("reset"), &json!(0)), "{}", wire.name());
    }
}

#[tokio::test]
async fn heartbeats_carry_the_head_of_each_joined_topic() {
    let world = ChatFixture::new();
    let topic = room(&world);
    world.send_message(&world.chloe, "Bonjour").await;
    for wire in ALL {
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        let mut heads = emma.ok(&Ask::Heartbeat).await["heads"].clone();
        // Joined automatically in dialects without joins.
        let own = format!("client:notifications:{}", world.server.user("emma").id);
        let of_own = heads.as_object_mut().unwrap().remove(&own);
        assert_eq!(of_own.is_some(), !wire.is_phoenix(), "{}", wire.name());
        let as_joined = if wire.is_phoenix() { format!("realtime:{topic}") } else { topic.clone() };
        assert_eq!(heads, json!({ as_joined: 1 }), "{}", wire.name());
    }
}

#[tokio::test]
async fn who_left_hears_no_more_and_may_come_back() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        emma.ok(&Ask::Leave(&topic)).await;
        emma.settled().await;
        world.send_message(&world.chloe, "unheard").await;
        let heard = emma.settled().await;
        let is_of_room =
            |heard: &ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, .. } if *on == topic);
        assert!(!heard.iter().any(is_of_room), "{}: {heard:?}", wire.name());
        emma.join(&topic, None).await;
        world.send_message(&world.chloe, "heard").await;
        emma.event(&topic, "messaging:new").await;
    }
}

#[tokio::test]
async fn plain_dialects_hear_their_own_topics_without_asking() {
    let world = ChatFixture::new();
    let own = format!("user:{}", world.server.user("emma").id);
    for wire in ALL.into_iter().filter(|wire| !wire.is_phoenix()) {
        let mut emma = Client::open(&world, wire, "emma").await;
        let said = world.send_message(&world.chloe, "Bonjour").await;
        let (payload, meta) = emma.event(&own, "messaging:new").await;
        assert_eq!(payload["message"]["id"], said["id"], "{}", wire.name());
        assert_eq!(meta["topic"], room(&world));
        let (unread, _) = emma.event(&own, "messaging:unread").await;
        assert!(emma.at(&unread, "unread_count").is_i64(), "{unread}");
    }
}

#[tokio::test]
async fn a_foreign_tenants_path_lets_nobody_in_and_the_attempt_is_kept() {
    let world = ChatFixture::new();
    let token = &world.server.user("emma").token;
    for (path, is_socket_io) in
        [("messaging/socket?x=1", false), ("messaging/socket/?EIO=4&transport=websocket", true)]
    {
        for tenant in ["0198c0de-0000-7000-8000-000000000001", "nonsense"] {
            let url = format!("/api/tenants/{tenant}/{path}&token={token}");
            let wire = ALL[if is_socket_io { 4 } else { 3 }];
            let (stream, _) = connect_async(world.server.socket_url(&url)).await.unwrap();
            let mut client = Client::over(wire, stream).await;
            let refused = client.next_where(|heard| matches!(heard, ReceivedFrame::Refused(_))).await;
            assert!(matches!(&refused, ReceivedFrame::Refused(code) if code == "FORBIDDEN"), "{refused:?}");
            assert_eq!(client.closed().await, 1008);
        }
    }
    assert_eq!(world.activity_count("forbidden_attempt"), 4);
    let tenant = world.server.demo.tenant_id;
    let url = format!("/api/tenants/{tenant}/messaging/socket?EIO=4&transport=websocket&token={token}");
    let (stream, _) = connect_async(world.server.socket_url(&url)).await.unwrap();
    Client::over(ALL[4], stream).await.settled().await;
}

#[tokio::test]
async fn polling_is_refused_in_words_that_the_client_shows() {
    let world = ChatFixture::on_server(TestServer::start());
    let http = reqwest::Client::new();
    let tenant = world.server.demo.tenant_id;
    for path in ["/socket.io/".to_owned(), format!("/api/tenants/{tenant}/messaging/socket/")] {
        let url = format!("{}{path}?EIO=4&transport=polling", world.server.url);
        for request in [http.get(&url), http.post(&url).body("40")] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 400);
            let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(body["code"], 0);
            assert!(body["message"].as_str().unwrap().contains("transports: ['websocket']"), "{body}");
        }
        let old = http.get(format!("{}{path}?EIO=3&transport=websocket", world.server.url));
        let body = old.send().await.unwrap().bytes().await.unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["code"], 5);
    }
}
