//! Revoked tokens, and who may revoke them.

use std::time::Duration;

use guichet::auth::token::NewToken;
use guichet_base::Role;
use guichet_base::id::UserId;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::fixture::{DirectoryFixture, IdentityFixture};
use crate::harness::{Api, ApiResponse, JWT_SECRET, Socket};

fn path(user: UserId) -> String {
    format!("/users/{user}/revoke-tokens")
}

#[track_caller]
fn assert_revoked(answer: &ApiResponse) {
    assert_eq!(answer.error(), (401, "UNAUTHENTICATED"), "{}", answer.body);
    assert_eq!(answer.body["error"]["details"], json!({"reason": "revoked"}));
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_a_newer_one_is_not() {
    let town = DirectoryFixture::new().await;
    town.employee.get("/me").await.data();
    let answer = town.owner.post(&path(town.employee_id), Value::Null).await;
    assert_eq!(answer.data()["id"], json!(town.employee_id));
    assert_revoked(&town.employee.get("/me").await);
    assert_revoked(&town.employee.post("/realtime/ticket", Value::Null).await);
    town.newer(town.employee_id, Role::Employee).get("/me").await.data();
    town.member.get("/me").await.data();
    assert_eq!(town.stand.log("user.tokens_revoked").len(), 1);
}

#[tokio::test]
async fn another_service_refuses_it_as_soon_as_it_heard_of_it() {
    let town = DirectoryFixture::new().await;
    let elsewhere = town.stand.start_second();
    let token = town.stand.mint(&town.stand.token("acme", &town.employee_id.to_string(), Role::Employee));
    let there = Api::new(&elsewhere.url, Some(&token));
    there.get("/me").await.data();
    let mut socket = Socket::open(&elsewhere, &token).await;
    let topic = format!("realtime:user:{}", town.employee_id);
    socket.join(&topic, json!({})).await;
    town.owner.post(&path(town.employee_id), Value::Null).await.data();
    // The socket learns of it from the outbox, after the person was dropped from the cache.
    assert!(socket.channel_end(&topic).await.1.starts_with("TOKEN_REVOKED"));
    assert_revoked(&there.get("/me").await);
}

#[tokio::test]
async fn who_may_revoke_whose_tokens() {
    let town = DirectoryFixture::new().await;
    let reader = town.stand.service("acme", &["directory.view"]);
    assert_eq!(town.manager.post(&path(town.owner_id), Value::Null).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.employee.post(&path(town.manager_id), Value::Null).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.member.post(&path(town.employee_id), Value::Null).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.member.post(&path(town.stranger_id), Value::Null).await.error(), (404, "NOT_FOUND"));
    assert_eq!(reader.post(&path(town.member_id), Value::Null).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.owner.post(&path(UserId::new()), Value::Null).await.error(), (404, "NOT_FOUND"));
    assert_eq!(town.stand.log("user.tokens_revoked").len(), 0);
    town.manager.post(&path(town.stranger_id), Value::Null).await.data();
    town.service.post(&path(town.owner_id), Value::Null).await.data();
    assert_revoked(&town.owner.get("/me").await);
    // One's own, with any role: to log out everywhere.
    for (caller, id) in
        [(&town.member, town.member_id), (&town.employee, town.employee_id), (&town.manager, town.manager_id)]
    {
        caller.post(&path(id), Value::Null).await.data();
        assert_revoked(&caller.get("/me").await);
    }
    assert_eq!(town.stand.log("user.tokens_revoked").len(), 5);
}

#[tokio::test]
async fn a_token_that_does_not_say_when_it_was_issued_is_good_until_anything_is_revoked() {
    let town = DirectoryFixture::new().await;
    let end = town.stand.clock.now().as_millis() / 1000 + 3600;
    let claims = json!({"sub": town.member_id, "tenant_id": "acme", "role": "client", "exp": end});
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
    let ageless = town.stand.api(Some(token));
    ageless.get("/me").await.data();
    town.owner.post(&path(town.member_id), Value::Null).await.data();
    assert_revoked(&ageless.get("/me").await);
}

#[tokio::test]
async fn a_revocation_is_never_taken_back() {
    let town = DirectoryFixture::new().await;
    let first = town.owner.post(&path(town.member_id), Value::Null).await.data().clone();
    let second = town.owner.post(&path(town.member_id), Value::Null).await.data().clone();
    assert!(second["sessions_valid_after"].as_str() >= first["sessions_valid_after"].as_str());
    // Neither by a change of the record, nor by deleting and restoring the person.
    town.service.delete(&format!("/users/{}", town.member_id)).await.data();
    let body = json!({"role": "client", "display_name": "Chloé"});
    town.service.put(&format!("/users/{}", town.member_id), body).await.data();
    assert_revoked(&town.member.get("/me").await);
    town.newer(town.member_id, Role::Client).get("/me").await.data();
}

#[tokio::test]
async fn a_revoked_token_that_was_never_seen_brings_nobody_in_line() {
    let town = DirectoryFixture::on(IdentityFixture::with(&[("JIT_USERS", "true")])).await;
    let old = town.stand.token("acme", &town.employee_id.to_string(), Role::Owner);
    // Issued after the record last changed, and before the revocation.
    let issued_at = old.issued_at.plus(Duration::from_secs(5));
    town.stand.clock.advance(Duration::from_secs(10));
    town.owner.post(&path(town.employee_id), Value::Null).await.data();
    let old = town.stand.api(Some(town.stand.mint(&NewToken { issued_at, ..old })));
    assert_revoked(&old.get("/me").await);
    let seen = town.owner.get(&format!("/users/{}", town.employee_id)).await;
    assert_eq!(seen.data()["role"], "employee");
}

#[tokio::test]
async fn a_ticket_is_for_people_and_kept_as_a_hash_alone() {
    let town = DirectoryFixture::new().await;
    assert_eq!(town.service.post("/realtime/ticket", Value::Null).await.error(), (403, "FORBIDDEN"));
    let keyed = town.member.with_header("Idempotency-Key", "once");
    let first = keyed.post("/realtime/ticket", Value::Null).await.data().clone();
    let second = keyed.post("/realtime/ticket", Value::Null).await.data().clone();
    assert_ne!(first["ticket"], second["ticket"], "a ticket that is kept to be given again is no secret");
    let text = first["ticket"].as_str().unwrap();
    for table in ["connect_tickets", "idempotency_keys", "activity_logs", "outbox"] {
        let holding = format!("(SELECT FROM {table} t WHERE to_jsonb(t)::text LIKE '%{}%') AS x", &text[3..]);
        assert_eq!(town.stand.count(&holding), 0, "{table}");
    }
}

#[tokio::test]
async fn waiting_tickets_of_a_person_are_bounded_and_swept() {
    let town = DirectoryFixture::new().await;
    for _ in 0..30 {
        town.member.post("/realtime/ticket", Value::Null).await.data();
    }
    town.employee.post("/realtime/ticket", Value::Null).await.data();
    assert_eq!(town.stand.count("connect_tickets"), 21);
    let at = |secs| town.stand.clock.now().plus(Duration::from_secs(secs));
    guichet::auth::connect::sweep(town.stand.db(), at(0)).await.unwrap();
    assert_eq!(town.stand.count("connect_tickets"), 21);
    guichet::auth::connect::sweep(town.stand.db(), at(31)).await.unwrap();
    assert_eq!(town.stand.count("connect_tickets"), 0);
}
