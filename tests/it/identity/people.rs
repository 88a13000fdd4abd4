//! Provisioning: refusals, and relations between records.

use guichet_base::Role;
use guichet_base::id::{ClientId, TeamId, UserId};
use serde_json::{Value, json};

use super::fixture::DirectoryFixture;

#[tokio::test]
async fn all_faults_of_a_profile_come_at_once() {
    let town = DirectoryFixture::new().await;
    let body = json!({
        "display_name": " ", "email": "nobody", "phone": "call me", "avatar_url": "http://example.com/a.png",
        "timezone": "Mars/Olympus", "updated_at": "2026-01-01T00:00:00Z",
    });
    let answer = town.member.patch("/me", body).await;
    let fields: Vec<_> =
        answer.body["error"]["details"].as_array().unwrap().iter().map(|d| d["field"].clone()).collect();
    assert_eq!(json!(fields), json!(["display_name", "email", "phone", "avatar_url", "timezone"]));
}

#[tokio::test]
async fn nobody_promotes_themselves() {
    let town = DirectoryFixture::new().await;
    let version = town.manager.get("/me").await.data()["user"]["updated_at"].clone();
    for key in ["role", "external_id", "deleted_at", "id", "tenant_id"] {
        let answer = town.manager.patch("/me", json!({ key: "owner", "updated_at": version })).await;
        assert_eq!(answer.fault(), (key, "unknown_field"));
    }
    let me = format!("/users/{}", town.manager_id);
    for role in ["owner", "employee"] {
        let answer = town.manager.patch(&me, json!({ "role": role, "updated_at": version })).await;
        assert_eq!(answer.error(), (403, "FORBIDDEN"), "{role}");
    }
    assert_eq!(town.manager.delete(&me).await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn a_manager_does_not_touch_owners() {
    let town = DirectoryFixture::new().await;
    let owner = format!("/users/{}", town.owner_id);
    let version = town.manager.get(&owner).await.data()["updated_at"].clone();
    let change = json!({ "display_name": "X", "updated_at": version });
    assert_eq!(town.manager.patch(&owner, change).await.error(), (403, "FORBIDDEN"));
    assert_eq!(town.manager.delete(&owner).await.error(), (403, "FORBIDDEN"));
    let new = json!({ "role": "owner", "display_name": "X" });
    assert_eq!(town.manager.put(&format!("/users/{}", UserId::new()), new).await.error(), (403, "FORBIDDEN"));
    let employee = format!("/users/{}", town.employee_id);
    let version = town.manager.get(&employee).await.data()["updated_at"].clone();
    let promote = json!({ "role": "owner", "updated_at": version });
    assert_eq!(town.manager.patch(&employee, promote).await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn a_person_of_the_wrong_side_joins_nothing() {
    let town = DirectoryFixture::new().await;
    let team_member = format!("/teams/{}/members/{}", town.team, town.member_id);
    assert_eq!(town.service.put(&team_member, Value::Null).await.fault(), ("user_id", "wrong_role"));
    let client_member = format!("/clients/{}/members/{}", town.client, town.employee_id);
    assert_eq!(town.service.put(&client_member, Value::Null).await.fault(), ("user_id", "wrong_role"));
    let client = format!("/clients/{}", town.client);
    let charge = town.service.patch(&client, json!({ "operator_id": town.member_id })).await;
    assert_eq!(charge.fault(), ("operator_id", "wrong_role"));
    let unknown = town.service.patch(&client, json!({ "operator_id": UserId::new() })).await;
    assert_eq!(unknown.fault(), ("operator_id", "unknown_id"));
    let team = town.service.post("/clients", json!({ "name": "X", "team_id": TeamId::new() })).await;
    assert_eq!(team.fault(), ("team_id", "unknown_id"));
    for path in [
        format!("/teams/{}/members/{}", town.team, UserId::new()),
        format!("/teams/{}/members/{}", TeamId::new(), town.employee_id),
        format!("/clients/{}/members/{}", ClientId::new(), town.member_id),
        format!("/clients/{}/members/not-an-id", town.client),
    ] {
        assert_eq!(town.service.put(&path, Value::Null).await.error(), (404, "NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn puts_of_a_service_are_upserts() {
    let town = DirectoryFixture::new().await;
    let user = format!("/users/{}", UserId::new());
    let body = json!({ "role": "employee", "display_name": "Zoé", "phone": "+33 6 00 00 00 00" });
    assert_eq!(town.service.put(&user, body.clone()).await.status, 201);
    let second = town.service.put(&user, json!({ "role": "manager", "display_name": "Zoé" })).await;
    assert_eq!((second.status.as_u16(), &second.data()["role"]), (200, &json!("manager")));
    assert_eq!(second.data()["phone"], body["phone"], "what is absent stays");
    let member = format!("/clients/{}/members/{}", town.other, town.member_id);
    assert_eq!(town.service.put(&member, Value::Null).await.status, 201);
    assert_eq!(town.service.put(&member, Value::Null).await.status, 200);
    town.service.delete(&member).await.data();
    assert_eq!(town.service.delete(&member).await.error().0, 404);
}

#[tokio::test]
async fn fifty_upserts_at_once_make_one_person_and_one_client() {
    let town = DirectoryFixture::new().await;
    let (user, client) = (format!("/users/{}", UserId::new()), format!("/clients/{}", ClientId::new()));
    let (users, rooms) = (town.stand.count("users"), town.stand.count("conversations"));
    let puts = (0..50).map(|n| {
        let (town, user, client) = (&town, &user, &client);
        async move {
            if n % 2 == 0 {
                town.service.put(user, json!({ "role": "client", "display_name": "X" })).await
            } else {
                town.service.put(client, json!({ "name": "X" })).await
            }
        }
    });
    let answers = futures_util::future::join_all(puts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 48);
    assert_eq!(town.stand.count("users"), users + 1);
    assert_eq!(town.stand.count("conversations"), rooms + 1);
}

#[tokio::test]
async fn a_deleted_person_leaves_everything_and_can_come_back() {
    let town = DirectoryFixture::new().await;
    let employee = format!("/users/{}", town.employee_id);
    town.service.put(&format!("/teams/{}/members/{}", town.team, town.employee_id), Value::Null).await.data();
    town.service.delete(&employee).await.data();
    assert_eq!(town.service.get(&employee).await.error().0, 404);
    assert_eq!(town.service.delete(&employee).await.error().0, 404);
    assert_eq!(town.service.get(&format!("/teams/{}/members", town.team)).await.data(), &json!([]));
    assert_eq!(
        town.service.get(&format!("/clients/{}", town.client)).await.data()["operator_id"],
        Value::Null
    );
    let again = town.service.put(&employee, json!({ "role": "employee", "display_name": "Emma" })).await;
    assert_eq!(again.status, 201);
    assert_eq!(town.employee.get("/clients").await.error().0, 401, "a token of before is none");
    let back = town.newer(town.employee_id, Role::Employee);
    assert_eq!(back.get("/clients").await.data(), &json!([]), "back, with nothing of before");
}

#[tokio::test]
async fn who_changes_sides_leaves_what_was_of_the_other() {
    let town = DirectoryFixture::new().await;
    town.service.patch(&format!("/users/{}", town.member_id), json!({ "role": "employee" })).await.data();
    assert_eq!(town.service.get(&format!("/clients/{}/members", town.client)).await.data(), &json!([]));
    town.service.patch(&format!("/users/{}", town.employee_id), json!({ "role": "client" })).await.data();
    assert_eq!(
        town.service.get(&format!("/clients/{}", town.client)).await.data()["operator_id"],
        Value::Null
    );
}

#[tokio::test]
async fn members_see_who_serves_them_but_not_how_to_reach_them() {
    let town = DirectoryFixture::new().await;
    let operator = town.member.get(&format!("/users/{}", town.employee_id)).await;
    assert_eq!(operator.data()["display_name"], "Emma");
    assert_eq!(operator.data()["email"], Value::Null);
    for other in [town.owner_id, town.manager_id, town.stranger_id] {
        assert_eq!(town.member.get(&format!("/users/{other}")).await.error().0, 404);
    }
    let known = town.member.get("/users").await;
    assert_eq!(known.data().as_array().unwrap().len(), 2, "themselves and their operator");
    assert_ne!(town.member.get("/me").await.data()["user"]["email"], Value::Null, "one's own");
}

#[tokio::test]
async fn clients_are_searched_sorted_and_paged() {
    let town = DirectoryFixture::new().await;
    for name in ["100% Bio", "1000 Bio", "Zèbre"] {
        town.service.post("/clients", json!({ "name": name })).await.data();
    }
    let names = async |query: &str| -> Vec<String> {
        let answer = town.owner.get(&format!("/clients?{query}")).await;
        answer.data().as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("search=100%25").await, ["100% Bio"], "a wildcard means itself");
    assert_eq!(names("search=bio&sort=-created_at").await, ["1000 Bio", "100% Bio"]);
    let all = names("limit=200").await;
    let mut paged = names("limit=2").await;
    paged.extend(names("limit=2&offset=2").await);
    paged.extend(names("limit=2&offset=4").await);
    assert_eq!(paged, all);
    let wrong = town.owner.get("/clients?limit=0&offset=-1&sort=shoe").await;
    assert_eq!(wrong.body["error"]["details"].as_array().unwrap().len(), 3, "{}", wrong.body);
    assert_eq!(town.owner.get("/clients?serach=x").await.fault(), ("serach", "unknown_field"));
}

#[tokio::test]
async fn a_team_in_charge_is_not_deleted() {
    let town = DirectoryFixture::new().await;
    let team = format!("/teams/{}", town.team);
    let client = format!("/clients/{}", town.client);
    town.service.patch(&client, json!({ "team_id": town.team })).await.data();
    assert_eq!(town.manager.delete(&team).await.error(), (409, "IN_USE"));
    town.service.patch(&client, json!({ "team_id": null })).await.data();
    town.manager.delete(&team).await.data();
    assert_eq!(town.manager.get(&team).await.error().0, 404);
}

#[tokio::test]
async fn who_is_taken_into_a_team_sees_its_clients() {
    let town = DirectoryFixture::new().await;
    let newcomer = UserId::new();
    town.service
        .put(&format!("/users/{newcomer}"), json!({ "role": "employee", "display_name": "N" }))
        .await
        .data();
    let newcomer_api = town.stand.person("acme", newcomer, Role::Employee);
    let client = format!("/clients/{}", town.other);
    assert_eq!(newcomer_api.get(&client).await.error().0, 404);
    town.service.patch(&client, json!({ "team_id": town.team })).await.data();
    town.manager.put(&format!("/teams/{}/members/{newcomer}", town.team), Value::Null).await.data();
    newcomer_api.get(&client).await.data();
    assert_eq!(newcomer_api.get("/me").await.data()["clients"][0]["id"], json!(town.other));
}

#[tokio::test]
async fn me_says_what_an_app_needs() {
    let town = DirectoryFixture::new().await;
    let me = town.member.get("/me").await;
    let me = me.data();
    assert_eq!((&me["user"]["role"], &me["user"]["user_type"]), (&json!("client"), &json!("client")));
    assert_eq!(me["tenant"]["slug"], "acme");
    assert_eq!(me["clients"], json!([{ "id": town.client, "name": "Atelier" }]));
    assert_eq!(me["unread"], json!({ "messages": 0, "notifications": 0 }));
    assert_eq!(me["features"]["chat"], true);
    let permissions = me["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("notification.view")) && !permissions.contains(&json!("audit.view")));
    let owner = town.owner.get("/me").await;
    assert!(owner.data()["permissions"].as_array().unwrap().contains(&json!("audit.view")));
}
