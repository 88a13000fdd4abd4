//! Which people may write to each other, on creation and for every later message.

use serde_json::json;
use uuid::Uuid;

use super::super::room::{count, word};
use super::{messages, open, path, rank, write};
use crate::api::sample_records::token;
use crate::harness::{Api, ChatFixture};

const RANKS: [&str; 4] = ["owner", "manager", "employee", "client"];

/// Which roles may send direct messages to which.
fn may(from: &str, to: &str) -> bool {
    match from {
        "owner" | "manager" => to != "client",
        "employee" => to == "manager" || to == "employee",
        _ => false,
    }
}

/// A new person of the demo tenant.
async fn person(world: &ChatFixture, role: &str) -> (String, Api) {
    let id = Uuid::now_v7().to_string();
    let body = json!({"role": role, "display_name": format!("un {role}")});
    world.service.put(&format!("/users/{id}"), body).await.data();
    let tenant = world.server.demo.tenant_id.to_string();
    let role = guichet_base::Role::parse_person_role(role).unwrap();
    let api = Api::new(&world.server.url, Some(&token(&world.server, &id, &tenant, role)));
    (id, api)
}

#[tokio::test]
async fn nobody_writes_to_whom_their_rank_keeps_them_from() {
    let world = ChatFixture::new();
    for from in RANKS {
        for to in RANKS {
            let ((_, by), (other, _)) = (person(&world, from).await, person(&world, to).await);
            let answer = by.post("/conversations", json!({"user_id": other})).await;
            // An employee may not even learn the id of a member outside their clients.
            let expected = match (may(from, to), from, to) {
                (true, ..) => 201,
                (false, "employee", "client") => 422,
                (false, ..) => 403,
            };
            assert_eq!(answer.status, expected, "{from} to {to}: {}", answer.body);
            if expected == 403 {
                assert_eq!(answer.refusal(), (403, "FORBIDDEN"), "{from} to {to}");
            }
        }
    }
    let made = "SELECT count(*) AS n FROM conversations WHERE kind = 'direct'";
    assert_eq!(count(&world, made), 8);
}

#[tokio::test]
async fn a_rank_that_changed_since_counts_at_the_next_message() {
    let world = ChatFixture::new();
    let now = async |id: &str, role: &str| {
        let body = json!({"role": role, "display_name": role});
        world.service.put(&format!("/users/{id}"), body).await.data();
    };
    for from in RANKS {
        for to in RANKS {
            let ((one, by), (two, other)) =
                (person(&world, "employee").await, person(&world, "employee").await);
            let made = by.post("/conversations", json!({"user_id": two})).await;
            let path = format!("/conversations/{}", word(&made.data()["id"]));
            write(&other, &path, "avant").await.data();
            now(&one, from).await;
            now(&two, to).await;
            let answer = write(&by, &path, "après").await;
            let expected = match (may(from, to), from) {
                (true, _) => 201,
                // A member has no colleagues: the conversation does not exist for them.
                (false, "client") => 404,
                (false, _) => 403,
            };
            assert_eq!(answer.status, expected, "{from} to {to}: {}", answer.body);
            if from != "client" {
                let read = messages(&by, &path).await.len();
                assert_eq!(read, if expected == 201 { 2 } else { 1 }, "{from} reads what was said");
            }
        }
    }
}

#[tokio::test]
async fn an_employee_reads_an_owner_and_does_not_answer() {
    let world = ChatFixture::new();
    let path = path(&world, &world.awa, "emma").await;
    write(&world.awa, &path, "Bonjour Emma").await.data();
    assert_eq!(messages(&world.emma, &path).await.len(), 1);
    // It can be opened, but not written in.
    assert_eq!(open(&world, &world.emma, "awa").await.status, 200);
    let before = world.logged("forbidden_attempt");
    assert_eq!(write(&world.emma, &path, "Bonjour").await.refusal(), (403, "FORBIDDEN"));
    assert_eq!(world.logged("forbidden_attempt"), before + 1);
    let typing = world.emma.post(&format!("{path}/typing"), json!({"typing": true})).await;
    assert_eq!(typing.refusal(), (403, "FORBIDDEN"));
    assert_eq!(messages(&world.awa, &path).await.len(), 1);
}

#[tokio::test]
async fn words_are_not_changed_for_whom_one_may_no_longer_write_to() {
    let world = ChatFixture::new();
    let path = path(&world, &world.emma, "karim").await;
    let said = write(&world.emma, &path, "avant").await.data()["id"].clone();
    rank(&world, "karim", "owner").await;
    let edit = world.emma.patch(&format!("/messages/{}", word(&said)), json!({"content": "après"})).await;
    assert_eq!(edit.refusal(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn nobody_writes_to_themselves_or_to_nobody() {
    let world = ChatFixture::new();
    assert_eq!(open(&world, &world.awa, "awa").await.fault(), ("user_id", "yourself"));
    let nobody = json!({"user_id": Uuid::now_v7()});
    assert_eq!(world.awa.post("/conversations", nobody).await.fault(), ("user_id", "unknown_id"));
    let both = json!({"user_id": world.server.user("emma").id, "client_id": world.nord});
    assert_eq!(world.awa.post("/conversations", both).await.fault(), ("client_id", "ambiguous"));
    let path = path(&world, &world.awa, "karim").await;
    world.service.delete(&format!("/users/{}", world.server.user("karim").id)).await.data();
    assert_eq!(open(&world, &world.awa, "karim").await.fault(), ("user_id", "unknown_id"));
    assert_eq!(write(&world.awa, &path, "encore là ?").await.refusal(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn a_producer_writes_to_nobody() {
    let world = ChatFixture::new();
    assert_eq!(open(&world, &world.service, "emma").await.refusal(), (403, "FORBIDDEN"));
}
