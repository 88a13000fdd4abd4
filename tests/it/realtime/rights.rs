//! A socket outlives requests: the rights of its person are checked again.

use serde_json::json;

use crate::harness::{ChatFixture, Socket, TestServer, room_topic};

#[tokio::test]
async fn whoever_was_deleted_sends_and_joins_no_more() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let awa = world.server.user("awa");
    let mut socket = Socket::open(&world.server, &awa.token).await;
    socket.join(&topic, json!({})).await;
    world.service.delete(&format!("/users/{}", awa.id)).await.data();
    assert_eq!(socket.channel_end(&topic).await.0, "phx_error");
    let send = json!({"client_id": world.nord, "content": "encore moi"});
    assert_eq!(socket.request(&topic, "messaging:send", send).await.0, "error");
    assert_eq!(world.chloe.get(&format!("/clients/{}/messages", world.nord)).await.data(), &json!([]));
    let (status, _) = socket.request(&room_topic(world.sud), "phx_join", json!({})).await;
    assert_eq!(status, "error");
}

#[tokio::test]
async fn whoever_lost_a_rank_acts_under_the_one_they_have() {
    let world = ChatFixture::new();
    let denis = world.server.user("denis");
    let mut socket = Socket::open(&world.server, &denis.token).await;
    socket.join(&room_topic(world.nord), json!({})).await;
    world
        .service
        .put(&format!("/users/{}", denis.id), json!({"role": "employee", "display_name": "Denis"}))
        .await
        .data();
    let (status, _) = socket.request(&room_topic(world.sud), "phx_join", json!({})).await;
    assert_eq!(status, "error", "an employee in charge of nobody sees no room");
    let send = json!({"client_id": world.nord, "content": "toujours là ?"});
    assert_eq!(socket.request(&room_topic(world.nord), "messaging:send", send).await.0, "error");
}

#[tokio::test]
async fn where_chat_is_off_no_door_opens() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("FEATURES_OFF", "chat")]));
    let answer =
        world.chloe.post(&format!("/clients/{}/messages", world.nord), json!({"content": "Bonjour"})).await;
    assert_eq!(answer.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.chloe.get("/conversations").await.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.chloe.get("/me").await.data()["features"]["chat"], false);
    let mut socket = Socket::open(&world.server, &world.server.user("chloe").token).await;
    let (status, response) = socket.request(&room_topic(world.nord), "phx_join", json!({})).await;
    assert_eq!(status, "error");
    assert!(
        response["reason"].as_str().is_some_and(|reason| reason.starts_with("FEATURE_DISABLED")),
        "{response}"
    );
}

#[tokio::test]
async fn a_send_and_a_request_show_in_the_metrics() {
    let world = ChatFixture::new();
    guichet::telemetry::metrics::install().unwrap();
    world.send_message(&world.chloe, "Bonjour").await;
    let page = reqwest::get(format!("{}/metrics", world.server.url)).await.unwrap().text().await.unwrap();
    for line in [
        "http_request_duration_seconds_count{method=\"POST\",route=\"/api/v1/clients/{id}/messages\",status=\"201\"}",
        "message_delivery_seconds_count",
        "messages_sent_total",
        "db_pool_size{pool=\"app\"}",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}
