//! What ends a channel or a socket, and what does not.

use std::time::Duration;

use serde_json::json;

use super::{ALL, Ask, Client, ReceivedFrame, room};
use crate::harness::{ChatFixture, TestServer};

#[tokio::test]
async fn frames_that_make_no_sense_end_nothing() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        for nonsense in
            ["", "null", "[]", "{}", "{", "nonsense", "42[", "9", "[1,2,3,4,5]", r#"{"event":1}"#, "\u{0}"]
        {
            emma.text(nonsense).await;
        }
        emma.binary(vec![0xFF, 0, 1, 2]).await;
        emma.binary(Vec::new()).await;
        emma.settled().await;
        world.send_message(&world.chloe, "Bonjour").await;
        emma.event(&topic, "messaging:new").await;
    }
}

#[tokio::test]
async fn a_frame_that_is_too_big_closes_with_its_code() {
    let world = ChatFixture::new();
    for wire in ALL {
        let mut emma = Client::open(&world, wire, "emma").await;
        let payload = json!({"content": "x".repeat(70_000)});
        emma.push(&Ask::Command { topic: "t", name: "messaging:send", payload }).await;
        assert_eq!(emma.closed().await, 1009, "{}", wire.name());
    }
}

#[tokio::test]
async fn a_token_is_renewed_in_place_and_a_bad_one_is_refused() {
    let world = ChatFixture::new();
    let topic = room(&world);
    for wire in ALL {
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        let good = Ask::Token { topic: &topic, token: &world.server.user("emma").token };
        let bad = Ask::Token { topic: &topic, token: "nonsense" };
        if wire.is_phoenix() {
            emma.push(&good).await;
            emma.settled().await;
            emma.push(&bad).await;
            let ended = emma.next_where(|heard| matches!(heard, ReceivedFrame::Ended { .. })).await;
            assert!(matches!(ended, ReceivedFrame::Ended { topic: on, for_good: false } if on == topic));
            emma.join(&topic, None).await;
        } else {
            assert_eq!(emma.ok(&good).await, json!({}), "{}", wire.name());
            assert_eq!(emma.refusal(&bad).await, "UNAUTHENTICATED", "{}", wire.name());
            let others = Ask::Token { topic: &topic, token: &world.server.user("bruno").token };
            assert_eq!(emma.refusal(&others).await, "FORBIDDEN", "{}", wire.name());
        }
        world.send_message(&world.chloe, "Bonjour").await;
        emma.event(&topic, "messaging:new").await;
    }
}

#[tokio::test]
async fn a_newer_connection_takes_the_oldest_ones_place() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("NOTIFICATION_WS_MAX_CONN", "1")]));
    let topic = room(&world);
    for wire in ALL {
        let mut oldest = Client::on(&world, wire, "emma", &topic).await;
        let mut newest = Client::on(&world, wire, "emma", &topic).await;
        if wire.is_phoenix() {
            let ended = oldest.next_where(|heard| matches!(heard, ReceivedFrame::Ended { .. })).await;
            assert!(matches!(ended, ReceivedFrame::Ended { topic: on, for_good: true } if on == topic));
            assert!(oldest.settled().await.is_empty(), "the socket stays, idle");
        } else {
            assert_eq!(oldest.closed().await, 4001, "{}", wire.name());
        }
        world.send_message(&world.chloe, "Bonjour").await;
        newest.event(&topic, "messaging:new").await;
    }
}

#[tokio::test]
async fn a_restart_closes_with_its_code() {
    let world = ChatFixture::new();
    let topic = room(&world);
    let mut clients = Vec::new();
    for wire in ALL {
        clients.push(Client::on(&world, wire, "emma", &topic).await);
    }
    world.server.app.realtime.drain(Duration::ZERO).await;
    for mut client in clients {
        assert_eq!(client.closed().await, 1012, "{}", client.wire.name());
    }
}

#[tokio::test]
async fn frames_are_counted_under_their_dialect() {
    guichet::telemetry::metrics::install().unwrap();
    let world = ChatFixture::new();
    for wire in ALL {
        Client::open(&world, wire, "emma").await.settled().await;
    }
    let page = reqwest::get(format!("{}/metrics", world.server.url)).await.unwrap().text().await.unwrap();
    for dialect in ["phoenix", "plain", "socketio"] {
        let is_counted = page.lines().any(|line| {
            line.starts_with("ws_frames_total{")
                && line.contains("direction=\"in\"")
                && line.contains(&format!("dialect=\"{dialect}\""))
                && !line.ends_with(" 0")
        });
        assert!(is_counted, "{dialect} is not in\n{page}");
    }
}
