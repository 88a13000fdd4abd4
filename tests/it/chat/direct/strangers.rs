//! Direct messages are visible only to their two people; not even an owner of the tenant can find them.

use guichet_base::{Actor, Locale};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::room::{expect_array, expect_str};
use super::{direct_path, direct_topic, send, send_message};
use crate::harness::{Api, ChatFixture, Socket};

/// Creates a conversation of Emma and Karim with one message. Returns its path and the id of the message.
async fn create_conversation(world: &ChatFixture) -> (String, String) {
    let path = direct_path(world, &world.emma, "karim").await;
    let body = json!({"content": "kanarienvogel", "related": {"type": "sale", "id": "V-1", "preview": {"title": "t"}}});
    let message = world.emma.post(&format!("{path}/messages"), body).await.data()["id"].clone();
    (path, expect_str(&message).to_owned())
}

#[tokio::test]
async fn no_third_person_finds_it_by_any_endpoint() {
    let world = ChatFixture::new();
    let (path, message_id) = create_conversation(&world).await;
    let content = json!({"content": "moi aussi"});
    let endpoints = [
        (Method::GET, path.clone(), Value::Null),
        (Method::GET, format!("{path}/messages"), Value::Null),
        (Method::POST, format!("{path}/messages"), content.clone()),
        (Method::POST, format!("{path}/read"), json!({})),
        (Method::POST, format!("{path}/typing"), json!({"typing": true})),
        (Method::PUT, format!("{path}/follow"), json!({})),
        (Method::DELETE, format!("{path}/follow"), Value::Null),
        (Method::PATCH, format!("/messages/{message_id}"), content),
        (Method::DELETE, format!("/messages/{message_id}"), Value::Null),
        (Method::PUT, format!("/messages/{message_id}/read"), json!({})),
    ];
    for (name, by) in [("awa", &world.awa), ("denis", &world.denis), ("chloe", &world.chloe)] {
        for (method, path, body) in &endpoints {
            let answer = send(by, method.clone(), path, body).await;
            let status = if name == "chloe" && path.ends_with("/follow") { 403 } else { 404 };
            assert_eq!(answer.status, status, "{name}: {method} {path}: {}", answer.body);
        }
        for path in [
            "/conversations",
            "/conversations?search=kanarienvogel",
            "/conversations?search=Karim",
            "/conversations?sort=online",
            "/messages/search?q=kanarienvogel",
            "/messages?related_type=sale&related_id=V-1",
        ] {
            let found = by.get(path).await.data().clone();
            assert!(!found.to_string().contains("kanarienvogel"), "{name}: {path}: {found}");
            assert!(
                expect_array(&found).iter().all(|item| item["kind"] != "direct"),
                "{name}: {path}: {found}"
            );
        }
    }
    assert_eq!(expect_array(world.karim.get("/messages/search?q=kanarienvogel").await.data()).len(), 1);
}

#[tokio::test]
async fn the_database_itself_shows_it_to_no_owner() {
    let world = ChatFixture::new();
    create_conversation(&world).await;
    let awa = Actor {
        tenant: world.server.demo.tenant_id,
        user: world.server.user("awa").id,
        role: guichet_base::Role::Owner,
        scopes: [].into(),
        locale: Locale::Fr,
        ip: None,
        authenticated_at: None,
    };
    for table in ["conversations WHERE kind = 'direct'", "messages", "participants", "outbox"] {
        let sql = format!("SELECT count(*) AS n FROM {table}");
        let visible_rows = world
            .server
            .app
            .db
            .read(&awa, move |tx| super::super::room::query_number_on(tx.conn(), &sql))
            .await;
        assert_eq!(visible_rows.unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn no_third_person_hears_it() {
    let world = ChatFixture::new();
    let (path, _) = create_conversation(&world).await;
    let before = world.activity_count("forbidden_attempt");
    for name in ["awa", "denis", "chloe"] {
        let user = world.server.user(name);
        let mut socket = Socket::open(&world.server, &user.token).await;
        let (status, response) = socket.request(&direct_topic(&path), "phx_join", json!({})).await;
        assert_eq!(status, "error");
        assert!(expect_str(&response["reason"]).starts_with("FORBIDDEN"), "{response}");
        socket.join(&format!("realtime:user:{}", user.id), json!({})).await;
        send_message(&world.emma, &path, "encore").await.data();
        assert!(socket.frames_before_heartbeat().await.is_empty(), "{name}");
    }
    assert_eq!(world.activity_count("forbidden_attempt"), before + 3);
}

#[tokio::test]
async fn a_room_has_no_second_name() {
    let world = ChatFixture::new();
    let room = super::super::room::nord_path(&world).await;
    let mut socket = Socket::open(&world.server, &world.server.user("emma").token).await;
    let (status, _) = socket.request(&direct_topic(&room), "phx_join", json!({})).await;
    assert_eq!(status, "error", "a client's room under the name of a direct conversation");
}

#[tokio::test]
async fn whoever_went_over_to_a_client_leaves_it_behind() {
    let world = ChatFixture::new();
    let (path, _) = create_conversation(&world).await;
    super::set_role(&world, "karim", "client").await;
    let karim: &Api = &world.karim;
    assert_eq!(karim.get(&path).await.status, 404);
    assert_eq!(karim.get("/conversations/unread-count").await.data()["total"], 0);
    super::set_role(&world, "karim", "employee").await;
    send_message(&world.emma, &path, "te revoilà").await.data();
    assert_eq!(karim.get("/conversations/unread-count").await.data()["total"], 1);
}
