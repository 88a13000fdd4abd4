//! Permissions: records that a person may not see look like missing ones, and lost rights take effect at once.

use std::time::Duration;

use guichet::auth::token::{NewToken, mint};
use guichet_base::Role;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::room::{
    execute, expect_str, history, messages_path, nord_path, open_room, outbox_seqs, query_number,
};
use crate::harness::{Api, ApiResponse, ChatFixture};

const UNKNOWN_ID: &str = "0198c0de-0000-7000-8000-0000000000ff";

/// Every endpoint that names a room or a message in its path or body, with the status for one that does not exist.
fn endpoints(client: &str, conversation: &str, message: &str) -> Vec<(Method, String, Value, u16)> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let room_path = format!("/conversations/{conversation}");
    let message_path = format!("/messages/{message}");
    let content = json!({"content": "Bonjour"});
    vec![
        (get.clone(), room_path.clone(), Value::Null, 404),
        (get.clone(), format!("{room_path}/messages"), Value::Null, 404),
        (post.clone(), format!("{room_path}/messages"), content.clone(), 404),
        (get, format!("/clients/{client}/messages"), Value::Null, 404),
        (post.clone(), format!("/clients/{client}/messages"), content.clone(), 404),
        (post.clone(), format!("{room_path}/read"), json!({}), 404),
        (post.clone(), format!("{room_path}/read"), json!({"up_to_seq": 1}), 404),
        (post.clone(), format!("{room_path}/typing"), json!({"typing": true}), 404),
        (put.clone(), format!("{room_path}/follow"), json!({}), 404),
        (Method::DELETE, format!("{room_path}/follow"), Value::Null, 404),
        (Method::PATCH, message_path.clone(), content, 404),
        (Method::DELETE, message_path.clone(), Value::Null, 404),
        (put, format!("{message_path}/read"), json!({}), 404),
        (post.clone(), "/conversations".to_owned(), json!({"client_id": client}), 422),
        (
            post,
            "/conversations/draft".to_owned(),
            json!({"client_id": client, "related": {"type": "a", "id": "b"}}),
            422,
        ),
    ]
}

async fn send(by: &Api, method: Method, path: &str, body: &Value) -> ApiResponse {
    let request = by.request(method, path);
    ApiResponse::receive(if body.is_null() { request } else { request.json(body) }).await
}

/// Asserts that all endpoints answer `stranger` as if the room did not exist; `follow` answers members with 403.
async fn assert_hidden_from(world: &ChatFixture, stranger: &Api, is_member: bool) {
    let message = world.send_message(&world.chloe, "Bonjour").await;
    let room = expect_str(&message["conversation_id"]).to_owned();
    let existing = endpoints(&world.nord.to_string(), &room, expect_str(&message["id"]));
    for ((method, path, body, status), (_, unknown_path, unknown_body, _)) in
        existing.into_iter().zip(endpoints(UNKNOWN_ID, UNKNOWN_ID, UNKNOWN_ID))
    {
        let mut hidden = send(stranger, method.clone(), &path, &body).await;
        let mut missing = send(stranger, method.clone(), &unknown_path, &unknown_body).await;
        let status = if is_member && path.ends_with("/follow") { 403 } else { status };
        assert_eq!(hidden.status, status, "{method} {path}: {}", hidden.body);
        hidden.body["error"]["request_id"].take();
        missing.body["error"]["request_id"].take();
        assert_eq!((hidden.status, hidden.body), (missing.status, missing.body), "{method} {path}");
    }
    assert_eq!(outbox_seqs(world), [1]);
}

#[tokio::test]
async fn a_member_of_another_client_finds_nothing() {
    let world = ChatFixture::new();
    assert_hidden_from(&world, &world.bruno, true).await;
}

#[tokio::test]
async fn an_employee_of_another_client_finds_nothing() {
    let world = ChatFixture::new();
    assert_hidden_from(&world, &world.karim, false).await;
}

#[tokio::test]
async fn an_owner_of_another_tenant_finds_nothing() {
    let world = ChatFixture::new();
    assert_hidden_from(&world, &create_owner_of_other_tenant(&world), false).await;
}

#[tokio::test]
async fn an_owner_of_another_tenant_lists_and_searches_in_vain() {
    let world = ChatFixture::new();
    let body = json!({"content": "pain", "related": {"type": "order", "id": "1"}});
    world.chloe.post(&messages_path(&world), body).await.data();
    let other = create_owner_of_other_tenant(&world);
    for path in ["/conversations", "/messages/search?q=pain", "/messages?related_type=order&related_id=1"] {
        assert_eq!(other.get(path).await.data(), &json!([]), "{path}");
    }
    assert_eq!(
        other.get("/conversations/unread-count").await.data(),
        &json!({"total": 0, "conversations": []})
    );
}

/// Creates another tenant in the same database, and returns a client of its owner.
fn create_owner_of_other_tenant(world: &ChatFixture) -> Api {
    const TENANT: &str = "0198c0de-0000-7000-8000-0000000000aa";
    const OWNER: &str = "0198c0de-0000-7000-8000-0000000000ab";
    execute(
        world,
        &format!(
            "SELECT set_config('app.tenant_id', '{TENANT}', false); \
         INSERT INTO tenants (id, slug, name) VALUES ('{TENANT}', 'elsewhere', 'Elsewhere'); \
         INSERT INTO users (tenant_id, id, role, display_name) VALUES ('{TENANT}', '{OWNER}', 'owner', 'Otto')"
        ),
    );
    let now = world.server.clock.now();
    let new = NewToken {
        subject: OWNER.to_owned(),
        tenant: TENANT.to_owned(),
        role: Role::Owner,
        clients: Vec::new(),
        scopes: Vec::new(),
        name: None,
        email: None,
        locale: None,
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(3_600)),
    };
    let secret = SecretString::from(crate::harness::JWT_SECRET);
    Api::new(&world.server.url, Some(&mint(&world.server.config.tokens, &secret, &new).unwrap()))
}

#[tokio::test]
async fn a_producer_has_no_part_in_rooms() {
    let world = ChatFixture::new();
    let message = world.send_message(&world.chloe, "Bonjour").await;
    let room = expect_str(&message["conversation_id"]).to_owned();
    let mut attempts = 0;
    for (method, path, body, _) in endpoints(&world.nord.to_string(), &room, expect_str(&message["id"])) {
        let answer = send(&world.service, method.clone(), &path, &body).await;
        assert_eq!(answer.error(), (403, "FORBIDDEN"), "{method} {path}");
        attempts += 1;
    }
    for path in ["/conversations", "/conversations/unread-count"] {
        assert_eq!(world.service.get(path).await.error(), (403, "FORBIDDEN"), "{path}");
        attempts += 1;
    }
    let refused_attempts = "SELECT count(*) AS n FROM activity_logs WHERE action = 'forbidden_attempt'";
    assert_eq!((query_number(&world, refused_attempts), outbox_seqs(&world)), (attempts, vec![1]));
}

#[tokio::test]
async fn a_member_who_is_removed_loses_the_room_at_once() {
    let world = ChatFixture::new();
    world.send_message(&world.emma, "Bonjour").await;
    assert_eq!(history(&world, &world.chloe).await.len(), 1);
    let chloe = world.server.user("chloe").id;
    world.service.delete(&format!("/clients/{}/members/{chloe}", world.nord)).await.data();
    assert_lost_access(&world, &world.chloe).await;
}

#[tokio::test]
async fn an_operator_who_is_replaced_loses_the_room_at_once() {
    let world = ChatFixture::new();
    world.send_message(&world.emma, "Bonjour").await;
    let karim = world.server.user("karim").id;
    world.service.patch(&format!("/clients/{}", world.nord), json!({"operator_id": karim})).await.data();
    assert_lost_access(&world, &world.emma).await;
    assert_eq!(history(&world, &world.karim).await.len(), 1);
}

async fn assert_lost_access(world: &ChatFixture, by: &Api) {
    assert_eq!(by.get(&messages_path(world)).await.error(), (404, "NOT_FOUND"));
    assert_eq!(by.post(&messages_path(world), json!({"content": "a"})).await.error(), (404, "NOT_FOUND"));
    assert_eq!(by.get(&nord_path(world).await).await.error(), (404, "NOT_FOUND"));
    let rooms = by.get("/conversations").await.data().to_string();
    assert!(!rooms.contains("Atelier Nord"), "{rooms}");
    assert_eq!(by.get("/messages/search?q=bonjour").await.data(), &json!([]));
    assert_eq!(by.get("/conversations/unread-count").await.data()["total"], 0);
}

#[tokio::test]
async fn a_team_sees_the_rooms_of_its_clients() {
    let world = ChatFixture::new();
    let team = world.service.post("/teams", json!({"name": "Nord"})).await.data()["id"].clone();
    let (team, karim) = (expect_str(&team).to_owned(), world.server.user("karim").id);
    world.service.patch(&format!("/clients/{}", world.nord), json!({"team_id": team})).await.data();
    assert_eq!(world.karim.get(&messages_path(&world)).await.error(), (404, "NOT_FOUND"));
    world.service.put(&format!("/teams/{team}/members/{karim}"), json!({})).await.data();
    world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(open_room(&world.karim, world.nord).await["unread_count"], 1);
    world.service.delete(&format!("/teams/{team}/members/{karim}")).await.data();
    assert_lost_access(&world, &world.karim).await;
}
