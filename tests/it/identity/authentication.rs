//! Authentication, and the log of forbidden attempts.

use std::time::Duration;

use guichet::auth::token::NewToken;
use guichet_base::Role;
use guichet_base::id::{ClientId, TenantId, UserId};
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::{DirectoryFixture, IdentityFixture};
use crate::harness::ApiResponse;

#[tokio::test]
async fn without_a_token_nothing_answers_but_401() {
    let stand = IdentityFixture::start();
    let nobody = stand.api(None);
    let id = UserId::new();
    for path in
        ["/me", "/users", &format!("/users/{id}"), "/clients", "/tenant", "/no/such/route", "/users/x"]
    {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = nobody.send(method.clone(), path, &Value::Null).await;
            assert_eq!(answer.error(), (401, "UNAUTHENTICATED"), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn who_is_not_known_wins_over_what_is_wrong_with_the_body() {
    let stand = IdentityFixture::start();
    let request =
        stand.api(None).request(Method::POST, "/clients").header("content-type", "application/json");
    assert_eq!(ApiResponse::receive(request.body("{ no json")).await.error(), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn only_one_bearer_header_counts() {
    let town = DirectoryFixture::new().await;
    let good = town.stand.mint(&town.stand.token("acme", &town.owner_id.to_string(), Role::Owner));
    let nobody = town.stand.api(None);
    for headers in [
        vec![format!("Basic {good}")],
        vec![good.clone()],
        vec![format!("Bearer{good}")],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec!["Bearer".to_owned()],
        vec!["Bearer ".to_owned()],
    ] {
        let mut request = nobody.request(Method::GET, "/me");
        for header in &headers {
            request = request.header("authorization", header);
        }
        let answer = ApiResponse::receive(request).await;
        assert_eq!(answer.error().0, 401, "{} headers", headers.len());
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    nobody.with_header("authorization", format!("bearer {good}")).get("/me").await.data();
    assert_eq!(nobody.get(&format!("/me?token={good}")).await.error().0, 401, "no other door");
}

#[tokio::test]
async fn tokens_of_the_unknown_are_refused() {
    let town = DirectoryFixture::new().await;
    let stand = &town.stand;
    let owner = town.owner_id.to_string();
    for (tenant, subject, why) in [
        ("nowhere", &*owner, "unknown slug"),
        (&*TenantId::new().to_string(), &*owner, "unknown tenant"),
        ("acme", &*UserId::new().to_string(), "unknown person"),
    ] {
        let answer = stand.api(Some(stand.mint(&stand.token(tenant, subject, Role::Owner)))).get("/me").await;
        assert_eq!(answer.error(), (401, "UNAUTHENTICATED"), "{why}");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
}

#[tokio::test]
async fn a_person_of_one_tenant_is_nobody_in_another() {
    let town = DirectoryFixture::new().await;
    let stand = &town.stand;
    stand.service("*", &["*"]).post("/tenants", json!({ "slug": "other", "name": "Other" })).await.data();
    let elsewhere = stand.person("other", town.owner_id, Role::Owner);
    assert_eq!(elsewhere.get("/me").await.error().0, 401);
    let other_service = stand.service("other", &["*"]);
    assert_eq!(other_service.get(&format!("/users/{}", town.owner_id)).await.error().0, 404);
    assert_eq!(other_service.get(&format!("/clients/{}", town.client)).await.error().0, 404);
    let member = format!("/clients/{}/members/{}", town.client, town.member_id);
    assert_eq!(other_service.delete(&member).await.error().0, 404);
    assert_eq!(other_service.get("/clients").await.data(), &json!([]));
    // X-Tenant is for tokens of all tenants; it is ignored for others.
    let named = other_service.with_header("x-tenant", "acme").get("/tenant").await;
    assert_eq!(named.data()["slug"], "other");
}

#[tokio::test]
async fn a_service_of_all_tenants_says_for_which() {
    let town = DirectoryFixture::new().await;
    let platform = town.stand.service("*", &["*"]);
    assert_eq!(platform.get("/clients").await.fault(), ("X-Tenant", "missing"));
    assert_eq!(
        platform.with_header("x-tenant", "nowhere").get("/clients").await.fault(),
        ("X-Tenant", "unknown_id")
    );
    assert_eq!(
        platform.with_header("x-tenant", "acme").get("/clients").await.data().as_array().unwrap().len(),
        2
    );
    let id = platform.with_header("x-tenant", "acme").get("/tenant").await.data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    platform.with_header("x-tenant", id).get("/clients").await.data();
}

#[tokio::test]
async fn the_row_says_the_role_and_not_the_token() {
    let town = DirectoryFixture::new().await;
    let promoted_by_themselves = town.stand.person("acme", town.employee_id, Role::Owner);
    let me = promoted_by_themselves.get("/me").await;
    assert_eq!(me.data()["user"]["role"], "employee");
    assert_eq!(promoted_by_themselves.patch("/tenant", json!({ "name": "Mine" })).await.error().0, 403);
}

#[tokio::test]
async fn a_deleted_person_is_out_at_once() {
    let town = DirectoryFixture::new().await;
    town.employee.get("/me").await.data();
    town.manager.delete(&format!("/users/{}", town.employee_id)).await.data();
    assert_eq!(town.employee.get("/me").await.error(), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn a_demotion_counts_from_the_next_request() {
    let town = DirectoryFixture::new().await;
    let user = format!("/users/{}", town.manager_id);
    let team = json!({ "name": "Night" });
    town.manager.post("/teams", team.clone()).await.data();
    town.service.patch(&user, json!({ "role": "employee" })).await.data();
    assert_eq!(town.manager.post("/teams", team).await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn a_token_is_refused_once_it_has_expired_though_it_was_just_used() {
    let town = DirectoryFixture::new().await;
    town.owner.get("/me").await.data();
    town.stand.clock.advance(Duration::from_secs(3600 + 31));
    assert_eq!(town.owner.get("/me").await.error().0, 401);
}

#[tokio::test]
async fn refusals_are_written_down_though_nothing_else_is() {
    let town = DirectoryFixture::new().await;
    let client = format!("/clients/{}", town.client);
    let before = town.stand.count("clients");
    assert_eq!(town.member.patch(&client, json!({ "name": "Mine" })).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.employee.post("/clients", json!({ "name": "Mine" })).await.error(), (403, "FORBIDDEN"));
    // A record that is not visible is 404, not a refusal.
    assert_eq!(town.member.get(&format!("/clients/{}", town.other)).await.error().0, 404);
    let log = town.stand.log("forbidden_attempt");
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0].0.as_deref(), Some(&*format!("client {}", town.client)));
    assert_eq!(log[0].1["attempted"], "PATCH /api/v1/clients/{id}");
    assert_eq!((&log[0].1["role"], &log[0].1["ip"]), (&json!("client"), &json!("127.0.0.1")));
    assert_eq!(log[1].1["attempted"], "POST /api/v1/clients");
    assert_eq!(town.stand.count("clients"), before);
}

#[tokio::test]
async fn a_refusal_speaks_the_callers_language() {
    let town = DirectoryFixture::new().await;
    let message = |answer: ApiResponse| answer.body["error"]["message"].as_str().unwrap().to_owned();
    let path = format!("/clients/{}", ClientId::new());
    let french = message(town.member.get(&path).await);
    let me = town.member.get("/me").await;
    let change = json!({ "locale": "en", "updated_at": me.data()["user"]["updated_at"] });
    town.member.patch("/me", change).await.data();
    let english = message(town.member.get(&path).await);
    assert_ne!(french, english, "the person's own");
    assert_eq!(
        message(town.member.with_header("accept-language", "fr").get(&path).await),
        french,
        "the request's first"
    );
}

#[tokio::test]
async fn guessing_tokens_is_slow_and_requests_are_counted_per_person() {
    let town = DirectoryFixture::on(IdentityFixture::with(&[
        ("RATE_LIMIT_ANON_RPS", "1"),
        ("RATE_LIMIT_ANON_BURST", "3"),
        ("RATE_LIMIT_RPS", "1"),
        ("RATE_LIMIT_BURST", "5"),
    ]))
    .await;
    let guesser = town.stand.api(Some("guess".to_owned()));
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(guesser.get("/me").await.status.as_u16());
    }
    assert_eq!(answers[..3], [401, 401, 401]);
    assert!(answers[3..].contains(&429), "{answers:?}");
    // It does not lock out a person with the same address.
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(town.owner.get("/teams").await.status.as_u16());
    }
    assert_eq!(answers[..5], [200; 5]);
    assert!(answers[5..].contains(&429), "{answers:?}");
    town.manager.get("/teams").await.data();
}

#[tokio::test]
async fn a_service_does_what_its_scopes_say() {
    let town = DirectoryFixture::new().await;
    let user = format!("/users/{}", UserId::new());
    let body = json!({ "role": "client", "display_name": "X" });
    for scopes in [&[][..], &["event.emit"], &["directory.teams.manage"], &["directory"], &["dir*"]] {
        let service = town.stand.service("acme", scopes);
        assert_eq!(service.put(&user, body.clone()).await.error(), (403, "FORBIDDEN"), "{scopes:?}");
        assert_eq!(service.get("/clients").await.error().0, 403, "{scopes:?}");
    }
    let service = town.stand.service("acme", &["directory.view", "directory.users.manage"]);
    service.put(&user, body).await.data();
    assert_eq!(service.get("/me").await.error().0, 403, "a service is no person");
    assert_eq!(service.post("/tenants", json!({ "slug": "x", "name": "X" })).await.error().0, 403);
}

#[tokio::test]
async fn without_jit_a_token_makes_nobody_a_member() {
    let town = DirectoryFixture::new().await;
    let stand = &town.stand;
    let token = NewToken {
        clients: vec![town.other],
        ..stand.token("acme", &town.member_id.to_string(), Role::Client)
    };
    let member = stand.api(Some(stand.mint(&token)));
    assert_eq!(member.get(&format!("/clients/{}", town.other)).await.error().0, 404);
}
