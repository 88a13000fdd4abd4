//! The actor of a socket: revoked and renewed tokens, their expiry, and connect tokens.

use std::time::Duration;

use guichet::auth::token::{NewToken, mint};
use guichet_base::Role;
use guichet_db::embedded::LoginRole as Login;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{ChatFixture, JWT_SECRET, Socket, TestServer, room_topic};
use diesel::connection::SimpleConnection;

fn token(server: &TestServer, name: &str, issued_in_secs: i64, lasts: Duration) -> String {
    let (now, user) = (server.clock.now(), server.user(name));
    let new = NewToken {
        subject: user.id.to_string(),
        tenant: server.demo.tenant_id.to_string(),
        role: user.role,
        clients: Vec::new(),
        scopes: Vec::new(),
        name: None,
        email: None,
        locale: None,
        issued_at: guichet_base::Timestamp::from_millis(now.as_millis() + issued_in_secs * 1000),
        expires_at: now.plus(lasts),
    };
    mint(&server.config.tokens, &SecretString::from(JWT_SECRET), &new).unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

async fn ticket(world: &ChatFixture, name: &str) -> String {
    let api = match name {
        "emma" => &world.emma,
        _ => &world.chloe,
    };
    let made = api.post("/realtime/ticket", Value::Null).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.data()["ticket"].as_str().unwrap().to_owned()
}

async fn joins(socket: &mut Socket, topic: &str) -> bool {
    socket.request(topic, "phx_join", json!({})).await.0 == "ok"
}

#[tokio::test]
async fn after_a_revocation_a_newer_token_is_good_on_the_same_socket_and_the_old_one_is_not() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let old = world.server.user("emma").token.clone();
    let mut emma = Socket::open(&world.server, &old).await;
    emma.join(&topic, json!({})).await;
    world
        .emma
        .post(&format!("/users/{}/revoke-tokens", world.server.user("emma").id), Value::Null)
        .await
        .data();
    assert_eq!(emma.channel_end(&topic).await.0, "phx_error");
    assert!(!joins(&mut emma, &topic).await, "nobody acts on this socket");
    let (status, _) = emma.request(&topic, "phx_join", json!({"access_token": old})).await;
    assert_eq!(status, "error");
    let newer = token(&world.server, "emma", 1, HOUR);
    let (status, _) = emma.request(&topic, "phx_join", json!({"access_token": newer})).await;
    assert_eq!(status, "ok");
    world.send_message(&world.awa, "Bonjour").await;
    emma.next_broadcast(&topic, "messaging:new").await;
}

#[tokio::test]
async fn a_database_that_is_away_delays_the_loss_and_does_not_prevent_it() {
    let world = ChatFixture::new();
    let elsewhere = world.server.start_second();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&elsewhere, &elsewhere.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    // The connections of the other service are cut just before it reads the change.
    let mut admin = world.server.database.connect(Login::Admin);
    world
        .service
        .delete(&format!("/clients/{}/members/{}", world.nord, world.server.user("chloe").id))
        .await
        .data();
    admin
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .unwrap();
    assert_eq!(chloe.channel_end(&topic).await.0, "phx_close");
}

#[tokio::test]
async fn rows_of_rights_are_no_topic_and_no_replay() {
    let world = ChatFixture::new();
    let chloe = world.server.user("chloe");
    let topic = format!("realtime:rights:{}", chloe.id);
    world.service.post(&format!("/users/{}/revoke-tokens", chloe.id), Value::Null).await.data();
    let mut awa = Socket::open(&world.server, &world.server.user("awa").token).await;
    for topic in [topic.as_str(), topic.trim_start_matches("realtime:")] {
        let config = json!({"config": {"broadcast": {"replay": {"after_seq": 0}}}});
        let (status, response) = awa.request(topic, "phx_join", config).await;
        assert_eq!(status, "error", "{response}");
    }
}

#[tokio::test]
async fn losing_a_right_is_no_forbidden_attempt_and_trying_again_is() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    let member = format!("/clients/{}/members/{}", world.nord, world.server.user("chloe").id);
    world.service.delete(&member).await.data();
    assert_eq!(chloe.channel_end(&topic).await.0, "phx_close");
    assert_eq!(world.activity_count("forbidden_attempt"), 0);
    assert!(!joins(&mut chloe, &topic).await);
    assert_eq!(world.activity_count("forbidden_attempt"), 1);
    world.service.put(&member, Value::Null).await.data();
    assert!(joins(&mut chloe, &topic).await, "a right that comes back is there at once");
}

#[tokio::test]
async fn whoever_takes_over_may_join_at_once_and_misses_nothing_from_then_on() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut karim = Socket::open(&world.server, &world.server.user("karim").token).await;
    assert!(!joins(&mut karim, &topic).await);
    let body = json!({"operator_id": world.server.user("karim").id});
    world.service.patch(&format!("/clients/{}", world.nord), body).await.data();
    world.send_message(&world.chloe, "Bonjour").await;
    let joined = karim.join(&topic, json!({"after_seq": 0})).await;
    assert_eq!(joined["last_seq"], 1);
    assert_eq!(karim.next_broadcast(&topic, "messaging:new").await.1["seq"], 1);
}

#[tokio::test]
async fn every_channel_ends_with_its_token_though_requests_have_leeway() {
    let world = ChatFixture::new();
    let short = token(&world.server, "emma", 0, Duration::from_secs(100));
    let mut emma = Socket::open(&world.server, &short).await;
    let mut topics = vec![room_topic(world.nord), format!("realtime:user:{}", world.server.user("emma").id)];
    topics.push(format!("realtime:tenant:{}", world.server.demo.tenant_id));
    for topic in &topics {
        emma.join(topic, json!({})).await;
    }
    // A second past the expiry. The heartbeat lets a session notice that a test moved the clock.
    world.server.clock.advance(Duration::from_secs(101));
    emma.push("phoenix", "heartbeat", json!({})).await;
    for topic in &topics {
        let (event, reason) = emma.channel_end(topic).await;
        assert_eq!(event, "phx_error");
        assert!(reason.starts_with("TOKEN_EXPIRED"), "{reason}");
    }
    world.send_message(&world.awa, "unheard").await;
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| !frame.is_broadcast("messaging:new")));
    let (status, _) = emma.request(&room_topic(world.nord), "phx_join", json!({"access_token": short})).await;
    assert_eq!(status, "error");
    let rest = crate::harness::Api::new(&world.server.url, Some(&short));
    rest.get("/me").await.data();
}

#[tokio::test]
async fn a_ticket_opens_one_socket_on_any_service() {
    let world = ChatFixture::new();
    let elsewhere = world.server.start_second();
    let topic = room_topic(world.nord);
    let ticket = ticket(&world, "chloe").await;
    let query = format!("ticket={ticket}");
    let mut chloe = Socket::open_with(&elsewhere, &query).await;
    assert!(joins(&mut chloe, &topic).await);
    world.send_message(&world.awa, "Bonjour").await;
    chloe.next_broadcast(&topic, "messaging:new").await;
    let send = json!({"client_id": world.nord, "content": "de la part de Chloé"});
    let (status, sent) = chloe.request(&topic, "messaging:send", send).await;
    assert_eq!((status.as_str(), &sent["sender_id"]), ("ok", &json!(world.server.user("chloe").id)));
    for server in [&world.server, &elsewhere] {
        let mut again = Socket::open_with(server, &query).await;
        assert!(!joins(&mut again, &topic).await, "a ticket is good once");
    }
}

#[tokio::test]
async fn of_two_who_come_with_one_ticket_at_once_one_is_let_in() {
    let world = ChatFixture::new();
    let elsewhere = world.server.start_second();
    let topic = room_topic(world.nord);
    for _ in 0..5 {
        let query = format!("ticket={}", ticket(&world, "emma").await);
        let attempt = async |server: &TestServer| {
            let mut socket = Socket::open_with(server, &query).await;
            joins(&mut socket, &topic).await
        };
        let (a, b, c) = tokio::join!(attempt(&world.server), attempt(&elsewhere), attempt(&world.server));
        assert_eq!([a, b, c].iter().filter(|is_in| **is_in).count(), 1);
    }
}

#[tokio::test]
async fn a_ticket_that_is_late_forged_or_of_somebody_revoked_opens_nothing() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let closed = async |query: &str| {
        let mut socket = Socket::open_with(&world.server, query).await;
        !joins(&mut socket, &topic).await
    };
    let forged = format!("ticket=ct_{}", "A".repeat(43));
    for query in ["ticket=", "ticket=ct_", "ticket=nonsense", forged.as_str()] {
        assert!(closed(query).await, "{query}");
    }
    let late = format!("ticket={}", ticket(&world, "emma").await);
    world.server.clock.advance(Duration::from_secs(31));
    assert!(closed(&late).await);
    let revoked = format!("ticket={}", ticket(&world, "emma").await);
    let path = format!("/users/{}/revoke-tokens", world.server.user("emma").id);
    world.service.post(&path, Value::Null).await.data();
    assert!(closed(&revoked).await);
    let gone = format!("ticket={}", ticket(&world, "chloe").await);
    world.service.delete(&format!("/users/{}", world.server.user("chloe").id)).await.data();
    assert!(closed(&gone).await);
}

#[tokio::test]
async fn what_a_ticket_opens_ends_with_the_token_it_was_asked_for_with() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let short = token(&world.server, "emma", 0, Duration::from_secs(100));
    let api = crate::harness::Api::new(&world.server.url, Some(&short));
    let made = api.post("/realtime/ticket", Value::Null).await.data().clone();
    let mut emma =
        Socket::open_with(&world.server, &format!("ticket={}", made["ticket"].as_str().unwrap())).await;
    assert!(joins(&mut emma, &topic).await);
    world.server.clock.advance(Duration::from_secs(101));
    emma.push("phoenix", "heartbeat", json!({})).await;
    assert!(emma.channel_end(&topic).await.1.starts_with("TOKEN_EXPIRED"));
}

#[tokio::test]
async fn what_a_ticket_opened_is_revoked_with_its_token() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma =
        Socket::open_with(&world.server, &format!("ticket={}", ticket(&world, "emma").await)).await;
    assert!(joins(&mut emma, &topic).await);
    let path = format!("/users/{}/revoke-tokens", world.server.user("emma").id);
    world.awa.post(&path, Value::Null).await.data();
    assert!(emma.channel_end(&topic).await.1.starts_with("TOKEN_REVOKED"));
    assert_eq!(world.server.user("emma").role, Role::Employee);
}
