//! Every role at every endpoint of provisioning.

use guichet_base::id::{ClientId, ProjectId, TeamId, UserId};
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::DirectoryFixture;

/// Of owner, manager, employee, member, provisioning service, and a service that only announces events.
type Statuses = [u16; 6];

#[tokio::test]
async fn each_rank_gets_what_the_matrix_says() {
    let town = DirectoryFixture::new().await;
    let emitter = town.stand.service("acme", &["event.emit"]);
    let callers = [&town.owner, &town.manager, &town.employee, &town.member, &town.service, &emitter];
    let project = town.service.post("/projects", json!({ "client_id": town.client, "name": "P" })).await;
    let project = project.data()["id"].as_str().unwrap().to_owned();
    let hidden = town.service.post("/projects", json!({ "client_id": town.other, "name": "Q" })).await;
    let hidden = hidden.data()["id"].as_str().unwrap().to_owned();
    let (client, other, team) = (town.client, town.other, town.team);
    let name = || json!({ "name": "N", "force": true });
    let user = json!({ "role": "client", "display_name": "U", "force": true });
    let member = town.member_id;
    let cases: Vec<(Method, String, Value, Statuses)> = vec![
        (Method::GET, "/me".into(), Value::Null, [200, 200, 200, 200, 403, 403]),
        (Method::GET, "/users".into(), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/users/{member}"), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/users/{}", town.stranger_id), Value::Null, [200, 200, 404, 404, 200, 403]),
        (Method::GET, format!("/users/{}", town.manager_id), Value::Null, [200, 200, 200, 404, 200, 403]),
        (Method::GET, format!("/users/{}", UserId::new()), Value::Null, [404, 404, 404, 404, 404, 403]),
        (Method::PUT, format!("/users/{member}"), user.clone(), [200, 200, 403, 403, 200, 403]),
        (
            Method::PATCH,
            format!("/users/{member}"),
            json!({ "phone": "+331", "force": true }),
            [200, 200, 403, 403, 200, 403],
        ),
        (Method::GET, "/teams".into(), Value::Null, [200, 200, 200, 403, 200, 403]),
        (Method::GET, format!("/teams/{team}"), Value::Null, [200, 200, 200, 403, 200, 403]),
        (Method::GET, format!("/teams/{}", TeamId::new()), Value::Null, [404, 404, 404, 403, 404, 403]),
        (Method::POST, "/teams".into(), json!({ "name": "N" }), [201, 201, 403, 403, 201, 403]),
        (Method::PUT, format!("/teams/{team}"), json!({ "name": "N" }), [200, 200, 403, 403, 200, 403]),
        (Method::PATCH, format!("/teams/{team}"), json!({ "name": "N" }), [200, 200, 403, 403, 200, 403]),
        (Method::GET, format!("/teams/{team}/members"), Value::Null, [200, 200, 200, 403, 200, 403]),
        (
            Method::PUT,
            format!("/teams/{team}/members/{}", town.employee_id),
            Value::Null,
            [201, 200, 403, 403, 200, 403],
        ),
        (Method::GET, "/clients".into(), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/clients/{client}"), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/clients/{other}"), Value::Null, [200, 200, 404, 404, 200, 403]),
        (Method::GET, format!("/clients/{}", ClientId::new()), Value::Null, [404, 404, 404, 404, 404, 403]),
        (Method::POST, "/clients".into(), json!({ "name": "N" }), [201, 201, 403, 403, 201, 403]),
        (Method::PUT, format!("/clients/{client}"), name(), [200, 200, 200, 403, 200, 403]),
        (Method::PATCH, format!("/clients/{client}"), name(), [200, 200, 200, 403, 200, 403]),
        (
            Method::PATCH,
            format!("/clients/{other}"),
            json!({ "name": "N", "updated_at": "2026-01-01T00:00:00Z" }),
            [409, 409, 404, 404, 409, 403],
        ),
        (
            Method::PATCH,
            format!("/clients/{client}"),
            json!({ "team_id": team, "force": true }),
            [200, 200, 200, 403, 200, 403],
        ),
        (Method::GET, format!("/clients/{client}/members"), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/clients/{other}/members"), Value::Null, [200, 200, 404, 404, 200, 403]),
        (
            Method::PUT,
            format!("/clients/{client}/members/{member}"),
            Value::Null,
            [200, 200, 403, 403, 200, 403],
        ),
        (
            Method::DELETE,
            format!("/clients/{client}/members/{}", UserId::new()),
            Value::Null,
            [404, 404, 403, 403, 404, 403],
        ),
        (Method::GET, "/projects".into(), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/projects/{project}"), Value::Null, [200, 200, 200, 200, 200, 403]),
        (Method::GET, format!("/projects/{hidden}"), Value::Null, [200, 200, 404, 404, 200, 403]),
        (
            Method::POST,
            "/projects".into(),
            json!({ "client_id": client, "name": "N" }),
            [201, 201, 201, 403, 201, 403],
        ),
        (
            Method::POST,
            "/projects".into(),
            json!({ "client_id": other, "name": "N" }),
            [201, 201, 422, 403, 201, 403],
        ),
        (
            Method::PATCH,
            format!("/projects/{project}"),
            json!({ "name": "N" }),
            [200, 200, 200, 403, 200, 403],
        ),
        (
            Method::PATCH,
            format!("/projects/{hidden}"),
            json!({ "name": "N" }),
            [200, 200, 404, 404, 200, 403],
        ),
        (
            Method::DELETE,
            format!("/projects/{}", ProjectId::new()),
            Value::Null,
            [404, 404, 404, 404, 404, 403],
        ),
        (Method::GET, "/tenant".into(), Value::Null, [200, 200, 200, 403, 200, 403]),
        (Method::PATCH, "/tenant".into(), name(), [200, 403, 403, 403, 200, 403]),
        (
            Method::POST,
            "/tenants".into(),
            json!({ "slug": "s", "name": "N" }),
            [403, 403, 403, 403, 403, 403],
        ),
        (Method::DELETE, format!("/teams/{}", TeamId::new()), Value::Null, [404, 404, 403, 403, 404, 403]),
    ];
    for (method, path, body, expected) in &cases {
        let mut statuses = Vec::new();
        for caller in callers {
            statuses.push(caller.send(method.clone(), path, body).await.status.as_u16());
        }
        assert_eq!(statuses, expected, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn an_employee_does_not_say_who_is_in_charge() {
    let town = DirectoryFixture::new().await;
    let client = format!("/clients/{}", town.client);
    let version = town.employee.get(&client).await.data()["updated_at"].clone();
    for change in [
        json!({ "operator_id": town.manager_id }),
        json!({ "operator_id": null }),
        json!({ "team_id": town.team }),
    ] {
        let mut body = change.clone();
        body["updated_at"] = version.clone();
        assert_eq!(town.employee.patch(&client, body).await.error(), (403, "FORBIDDEN"), "{change}");
    }
    let same = json!({ "operator_id": town.employee_id, "name": "N", "updated_at": version });
    town.employee.patch(&client, same).await.data();
}
