//! People who are created by their first token.

use std::time::Duration;

use guichet::auth::token::NewToken;
use guichet_base::id::{ClientId, UserId};
use guichet_base::{Locale, Role};
use serde_json::json;

use super::fixture::{DirectoryFixture, IdentityFixture};
use crate::harness::Api;

async fn town() -> DirectoryFixture {
    DirectoryFixture::on(IdentityFixture::with(&[("JIT_USERS", "true")])).await
}

fn caller(town: &DirectoryFixture, change: impl FnOnce(&mut NewToken)) -> Api {
    let mut token = town.stand.token("acme", "idp|7", Role::Client);
    change(&mut token);
    town.stand.api(Some(town.stand.mint(&token)))
}

#[tokio::test]
async fn a_first_token_makes_its_person() {
    let town = town().await;
    let caller = caller(&town, |token| {
        token.name = Some("Nadia".to_owned());
        token.email = Some("nadia@example.com".to_owned());
        token.locale = Some(Locale::En);
        token.clients = vec![town.client, ClientId::new()];
    });
    let me = caller.get("/me").await;
    let user = &me.data()["user"];
    assert_eq!((&user["display_name"], &user["locale"]), (&json!("Nadia"), &json!("en")));
    assert_eq!((&user["email"], &user["external_id"]), (&json!("nadia@example.com"), &json!("idp|7")));
    assert_eq!(
        me.data()["clients"],
        json!([{ "id": town.client, "name": "Atelier" }]),
        "those that are there"
    );
}

#[tokio::test]
async fn fifty_first_requests_make_one_person() {
    let town = town().await;
    let before = town.stand.count("users");
    let caller = caller(&town, |_| ());
    let answers = futures_util::future::join_all((0..50).map(|_| caller.get("/me"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(town.stand.count("users"), before + 1);
}

#[tokio::test]
async fn a_deleted_person_is_not_made_again() {
    let town = town().await;
    let first = caller(&town, |_| ());
    let id = first.get("/me").await.data()["user"]["id"].clone();
    town.service.delete(&format!("/users/{}", id.as_str().unwrap())).await.data();
    assert_eq!(first.get("/me").await.error().0, 401);
    let again = caller(&town, |token| token.name = Some("Again".to_owned()));
    assert_eq!(again.get("/me").await.error().0, 401);
}

#[tokio::test]
async fn a_later_token_brings_the_person_in_line() {
    let town = town().await;
    caller(&town, |token| token.name = Some("Nadia".to_owned())).get("/me").await.data();
    let later = caller(&town, |token| {
        token.name = Some("Nadia B.".to_owned());
        token.role = Role::Employee;
        token.issued_at = token.issued_at.plus(Duration::from_secs(2));
    });
    let user = later.get("/me").await.data()["user"].clone();
    assert_eq!((&user["display_name"], &user["role"]), (&json!("Nadia B."), &json!("employee")));
}

#[tokio::test]
async fn an_old_token_does_not_undo_a_demotion() {
    let town = town().await;
    let boss = UserId::new();
    let token = |name: &str| {
        let old = town.stand.token("acme", &boss.to_string(), Role::Manager);
        let issued_at = old.issued_at.minus(Duration::from_secs(60));
        town.stand.api(Some(town.stand.mint(&NewToken { name: Some(name.to_owned()), issued_at, ..old })))
    };
    token("first").get("/me").await.data();
    town.service.patch(&format!("/users/{boss}"), json!({ "role": "employee" })).await.data();
    let me = token("second, unseen until now").get("/me").await;
    assert_eq!(me.data()["user"]["role"], "employee");
}

#[tokio::test]
async fn what_people_say_of_themselves_outlives_their_tokens() {
    let town = town().await;
    let first = caller(&town, |token| token.name = Some("Nadia".to_owned()));
    let version = first.get("/me").await.data()["user"]["updated_at"].clone();
    first.patch("/me", json!({ "display_name": "Nad", "updated_at": version })).await.data();
    let later = caller(&town, |token| {
        token.name = Some("Nadia".to_owned());
        token.issued_at = token.issued_at.plus(Duration::from_secs(2));
    });
    assert_eq!(later.get("/me").await.data()["user"]["display_name"], "Nad");
}

#[tokio::test]
async fn a_token_makes_no_tenant() {
    let town = town().await;
    let stray = town.stand.api(Some(town.stand.mint(&town.stand.token("nowhere", "idp|7", Role::Owner))));
    assert_eq!(stray.get("/me").await.error().0, 401);
}
