//! Optimistic locking of records.

use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::DirectoryFixture;

async fn version(town: &DirectoryFixture) -> (String, Value) {
    let path = format!("/clients/{}", town.client);
    let updated_at = town.owner.get(&path).await.data()["updated_at"].clone();
    (path, updated_at)
}

#[tokio::test]
async fn a_change_says_what_it_was_based_on() {
    let town = DirectoryFixture::new().await;
    let (path, version) = version(&town).await;
    assert_eq!(town.owner.patch(&path, json!({ "name": "A" })).await.error(), (428, "PRECONDITION_REQUIRED"));
    assert_eq!(town.owner.put(&path, json!({ "name": "A" })).await.error(), (428, "PRECONDITION_REQUIRED"));
    let any = town.owner.with_header("if-match", "*").patch(&path, json!({ "name": "A" })).await;
    assert_eq!(any.error(), (428, "PRECONDITION_REQUIRED"), "* names no version");
    let me = town.owner.patch("/me", json!({ "phone": "+33 1 23 45 67 89" })).await;
    assert_eq!(me.error(), (428, "PRECONDITION_REQUIRED"));
    town.owner.patch(&path, json!({ "name": "A", "updated_at": version })).await.data();
    town.service.patch(&path, json!({ "name": "B" })).await.data();
}

#[tokio::test]
async fn a_stale_change_changes_nothing_and_shows_what_is_there() {
    let town = DirectoryFixture::new().await;
    let (path, version) = version(&town).await;
    let first = town.manager.patch(&path, json!({ "name": "First", "updated_at": version })).await;
    let stale = json!({ "name": "Second", "status": "active", "updated_at": version });
    let answer = town.employee.patch(&path, stale).await;
    assert_eq!(answer.error(), (409, "CONFLICT"));
    let details = &answer.body["error"]["details"];
    assert_eq!(details["current"], *first.data());
    assert_eq!(details["changed_by"], json!({ "id": town.manager_id, "display_name": "Denis" }));
    assert_eq!(details["changed_at"], first.data()["updated_at"]);
    assert_eq!(details["changed_fields"], json!(["name"]), "of those sent, which differ");
    assert_eq!(details["same_user"], false);
    let again = town
        .employee
        .patch(&path, json!({ "name": "Second", "updated_at": details["current"]["updated_at"] }));
    again.await.data();
}

#[tokio::test]
async fn by_if_match_it_is_412_and_the_tag_is_that_of_the_read() {
    let town = DirectoryFixture::new().await;
    let path = format!("/clients/{}", town.client);
    let read = town.owner.get(&path).await;
    let tag = read.header("etag").to_owned();
    assert_eq!(town.owner.with_header("if-none-match", &tag).get(&path).await.status, 304);
    let changed = town.owner.with_header("if-match", &tag).patch(&path, json!({ "name": "A" })).await;
    assert_ne!(changed.header("etag"), tag);
    changed.data();
    let stale = town.employee.with_header("if-match", &tag).patch(&path, json!({ "name": "B" })).await;
    assert_eq!(stale.error(), (412, "CONFLICT"));
    assert_eq!(stale.body["error"]["details"]["current"]["name"], "A");
    assert_eq!(town.owner.with_header("if-none-match", &tag).get(&path).await.status, 200);
}

#[tokio::test]
async fn a_retry_of_what_was_applied_is_no_conflict() {
    let town = DirectoryFixture::new().await;
    let (path, version) = version(&town).await;
    let change = json!({ "name": "Same", "details": { "a": 1 }, "updated_at": version });
    let first = town.owner.patch(&path, change.clone()).await;
    let retry = town.owner.patch(&path, change.clone()).await;
    assert_eq!(retry.data(), first.data(), "not even a new version");
    assert_eq!(town.manager.patch(&path, change).await.error().0, 409, "another person's is one");
    let two_tabs = town.owner.patch(&path, json!({ "name": "Other", "updated_at": version })).await;
    assert_eq!(two_tabs.error().0, 409);
    assert_eq!(two_tabs.body["error"]["details"]["same_user"], true);
}

#[tokio::test]
async fn force_overwrites_and_the_log_keeps_what_was() {
    let town = DirectoryFixture::new().await;
    let (path, version) = version(&town).await;
    town.manager.patch(&path, json!({ "name": "First", "updated_at": version })).await.data();
    let forced = json!({ "name": "Second", "updated_at": version, "force": true });
    assert_eq!(town.member.patch(&path, forced.clone()).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.employee.patch(&path, forced).await.data()["name"], "Second");
    let log = town.stand.log("record.overwrite");
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].1["overwritten"], json!({ "name": "First" }));
    assert_eq!(log[0].1["changed_by"], json!(town.manager_id));
}

#[tokio::test]
async fn of_a_hundred_writers_one_wins_per_version() {
    let town = DirectoryFixture::new().await;
    let (path, version) = version(&town).await;
    let writers = [&town.owner, &town.manager, &town.employee];
    let sends = (0..100usize).map(|n| {
        let body = json!({ "name": format!("writer {n}"), "updated_at": version });
        let (api, path) = (writers[n % 3], &path);
        async move { api.send(Method::PATCH, path, &body).await }
    });
    let answers = futures_util::future::join_all(sends).await;
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 99);
    assert_eq!(town.owner.get(&path).await.data(), winners[0].data());
}

#[tokio::test]
async fn versions_never_repeat() {
    let town = DirectoryFixture::new().await;
    let path = format!("/clients/{}", town.client);
    let mut seen = std::collections::HashSet::new();
    for n in 0..30 {
        let client = town.service.patch(&path, json!({ "name": format!("{n}") })).await;
        assert!(seen.insert(client.data()["updated_at"].to_string()));
    }
}

#[tokio::test]
async fn the_settings_of_a_tenant_are_such_a_record() {
    let town = DirectoryFixture::new().await;
    let read = town.owner.get("/tenant").await;
    let version = read.data()["updated_at"].clone();
    let off = json!({ "settings": { "features": { "meetings": false } }, "updated_at": version });
    town.owner.patch("/tenant", off).await.data();
    assert_eq!(town.member.get("/me").await.data()["features"]["meetings"], false, "at once");
    let other = json!({ "settings": { "branding": { "color": "red" } }, "updated_at": version });
    assert_eq!(town.owner.patch("/tenant", other).await.error().0, 409);
    let version = town.owner.get("/tenant").await.data()["updated_at"].clone();
    let wrong = json!({ "settings": { "features": { "tea": true } }, "updated_at": version });
    assert_eq!(town.owner.patch("/tenant", wrong).await.fault(), ("settings.features.tea", "unknown_field"));
    let branding = json!({ "settings": { "branding": { "color": "red" } }, "updated_at": version });
    let kept = town.owner.patch("/tenant", branding).await;
    assert_eq!(kept.data()["settings"]["features"], json!({ "meetings": false }), "the rest stays");
    assert_eq!(town.member.get("/me").await.data()["tenant"]["branding"], json!({ "color": "red" }));
}
