//! Direct messages are visible to their two people only; even the owner of the business finds them nowhere.

use guichet_base::{Actor, Locale};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::room::{list, word};
use super::{ask, path, topic, write};
use crate::harness::{Api, ChatFixture, Socket};

/// The conversation of Emma and Karim with one message, and the message.
async fn overheard(world: &ChatFixture) -> (String, String) {
    let path = path(world, &world.emma, "karim").await;
    let body = json!({"content": "kanarienvogel", "related": {"type": "sale", "id": "V-1", "preview": {"title": "t"}}});
    let said = world.emma.post(&format!("{path}/messages"), body).await.data()["id"].clone();
    (path, word(&said).to_owned())
}

#[tokio::test]
async fn no_third_person_finds_it_by_any_endpoint() {
    let world = ChatFixture::new();
    let (path, said) = overheard(&world).await;
    let content = json!({"content": "moi aussi"});
    let doors = [
        (Method::GET, path.clone(), Value::Null),
        (Method::GET, format!("{path}/messages"), Value::Null),
        (Method::POST, format!("{path}/messages"), content.clone()),
        (Method::POST, format!("{path}/read"), json!({})),
        (Method::POST, format!("{path}/typing"), json!({"typing": true})),
        (Method::PUT, format!("{path}/follow"), json!({})),
        (Method::DELETE, format!("{path}/follow"), Value::Null),
        (Method::PATCH, format!("/messages/{said}"), content),
        (Method::DELETE, format!("/messages/{said}"), Value::Null),
        (Method::PUT, format!("/messages/{said}/read"), json!({})),
    ];
    for (name, by) in [("awa", &world.awa), ("denis", &world.denis), ("chloe", &world.chloe)] {
        for (method, door, body) in &doors {
            let answer = ask(by, method.clone(), door, body).await;
            let status = if name == "chloe" && door.ends_with("/follow") { 403 } else { 404 };
            assert_eq!(answer.status, status, "{name}: {method} {door}: {}", answer.body);
        }
        for door in [
            "/conversations",
            "/conversations?search=kanarienvogel",
            "/conversations?search=Karim",
            "/conversations?sort=online",
            "/messages/search?q=kanarienvogel",
            "/messages?related_type=sale&related_id=V-1",
        ] {
            let found = by.get(door).await.data().clone();
            assert!(!found.to_string().contains("kanarienvogel"), "{name}: {door}: {found}");
            assert!(list(&found).iter().all(|item| item["kind"] != "direct"), "{name}: {door}: {found}");
        }
    }
    assert_eq!(list(world.karim.get("/messages/search?q=kanarienvogel").await.data()).len(), 1);
}

#[tokio::test]
async fn the_database_itself_shows_it_to_no_owner() {
    let world = ChatFixture::new();
    overheard(&world).await;
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
        let seen =
            world.server.app.db.read(&awa, move |tx| super::super::room::counted(tx.conn(), &sql)).await;
        assert_eq!(seen.unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn no_third_person_hears_it() {
    let world = ChatFixture::new();
    let (path, _) = overheard(&world).await;
    let before = world.logged("forbidden_attempt");
    for name in ["awa", "denis", "chloe"] {
        let user = world.server.user(name);
        let mut socket = Socket::open(&world.server, &user.token).await;
        let (status, response) = socket.ask(&topic(&path), "phx_join", json!({})).await;
        assert_eq!(status, "error");
        assert!(word(&response["reason"]).starts_with("FORBIDDEN"), "{response}");
        socket.join(&format!("realtime:user:{}", user.id), json!({})).await;
        write(&world.emma, &path, "encore").await.data();
        assert!(socket.settled().await.is_empty(), "{name}");
    }
    assert_eq!(world.logged("forbidden_attempt"), before + 3);
}

#[tokio::test]
async fn a_room_has_no_second_name() {
    let world = ChatFixture::new();
    let room = super::super::room::nord(&world).await;
    let mut socket = Socket::open(&world.server, &world.server.user("emma").token).await;
    let (status, _) = socket.ask(&topic(&room), "phx_join", json!({})).await;
    assert_eq!(status, "error", "a client's room under the name of a direct conversation");
}

#[tokio::test]
async fn whoever_went_over_to_a_client_leaves_it_behind() {
    let world = ChatFixture::new();
    let (path, _) = overheard(&world).await;
    super::rank(&world, "karim", "client").await;
    let karim: &Api = &world.karim;
    assert_eq!(karim.get(&path).await.status, 404);
    assert_eq!(karim.get("/conversations/unread-count").await.data()["total"], 0);
    super::rank(&world, "karim", "employee").await;
    write(&world.emma, &path, "te revoilà").await.data();
    assert_eq!(karim.get("/conversations/unread-count").await.data()["total"], 1);
}
