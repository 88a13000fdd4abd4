//! Which roles may write to each other: when a conversation is created, and for every later message.

use serde_json::json;
use uuid::Uuid;

use super::super::room::{expect_str, query_number};
use super::{direct_path, fetch_messages, open_direct, send_message, set_role};
use crate::api::sample_records::token;
use crate::harness::{Api, ChatFixture};

const ROLES: [&str; 4] = ["owner", "manager", "employee", "client"];

/// Whether the role `from` may send direct messages to the role `to`.
fn may_message(from: &str, to: &str) -> bool {
    match from {
        "owner" | "manager" => to != "client",
        "employee" => to == "manager" || to == "employee",
        _ => false,
    }
}

/// Creates a person in the demo tenant, and returns their id and an HTTP client.
async fn create_person(world: &ChatFixture, role: &str) -> (String, Api) {
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
    for from in ROLES {
        for to in ROLES {
            let ((_, by), (other, _)) = (create_person(&world, from).await, create_person(&world, to).await);
            let answer = by.post("/conversations", json!({"user_id": other})).await;
            // Employees must not learn whether the id of a member outside their clients exists.
            let expected = match (may_message(from, to), from, to) {
                (true, ..) => 201,
                (false, "employee", "client") => 422,
                (false, ..) => 403,
            };
            assert_eq!(answer.status, expected, "{from} to {to}: {}", answer.body);
            if expected == 403 {
                assert_eq!(answer.error(), (403, "FORBIDDEN"), "{from} to {to}");
            }
        }
    }
    let direct_conversations = "SELECT count(*) AS n FROM conversations WHERE kind = 'direct'";
    assert_eq!(query_number(&world, direct_conversations), 8);
}

#[tokio::test]
async fn a_rank_that_changed_since_counts_at_the_next_message() {
    let world = ChatFixture::new();
    let change_role = async |id: &str, role: &str| {
        let body = json!({"role": role, "display_name": role});
        world.service.put(&format!("/users/{id}"), body).await.data();
    };
    for from in ROLES {
        for to in ROLES {
            let ((first_id, by), (second_id, other)) =
                (create_person(&world, "employee").await, create_person(&world, "employee").await);
            let created = by.post("/conversations", json!({"user_id": second_id})).await;
            let path = format!("/conversations/{}", expect_str(&created.data()["id"]));
            send_message(&other, &path, "avant").await.data();
            change_role(&first_id, from).await;
            change_role(&second_id, to).await;
            let answer = send_message(&by, &path, "après").await;
            let expected = match (may_message(from, to), from) {
                (true, _) => 201,
                // A member has no colleagues: the conversation does not exist for them.
                (false, "client") => 404,
                (false, _) => 403,
            };
            assert_eq!(answer.status, expected, "{from} to {to}: {}", answer.body);
            if from != "client" {
                let read = fetch_messages(&by, &path).await.len();
                assert_eq!(read, if expected == 201 { 2 } else { 1 }, "{from} sees the messages");
            }
        }
    }
}

#[tokio::test]
async fn an_employee_reads_an_owner_and_does_not_answer() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.awa, "emma").await;
    send_message(&world.awa, &path, "Bonjour Emma").await.data();
    assert_eq!(fetch_messages(&world.emma, &path).await.len(), 1);
    // The conversation can be opened, but messages are refused.
    assert_eq!(open_direct(&world, &world.emma, "awa").await.status, 200);
    let before = world.activity_count("forbidden_attempt");
    assert_eq!(send_message(&world.emma, &path, "Bonjour").await.error(), (403, "FORBIDDEN"));
    assert_eq!(world.activity_count("forbidden_attempt"), before + 1);
    let typing = world.emma.post(&format!("{path}/typing"), json!({"typing": true})).await;
    assert_eq!(typing.error(), (403, "FORBIDDEN"));
    assert_eq!(fetch_messages(&world.awa, &path).await.len(), 1);
}

#[tokio::test]
async fn words_are_not_changed_for_whom_one_may_no_longer_write_to() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    let said = send_message(&world.emma, &path, "avant").await.data()["id"].clone();
    set_role(&world, "karim", "owner").await;
    let edit =
        world.emma.patch(&format!("/messages/{}", expect_str(&said)), json!({"content": "après"})).await;
    assert_eq!(edit.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn nobody_writes_to_themselves_or_to_nobody() {
    let world = ChatFixture::new();
    assert_eq!(open_direct(&world, &world.awa, "awa").await.fault(), ("user_id", "yourself"));
    let nobody = json!({"user_id": Uuid::now_v7()});
    assert_eq!(world.awa.post("/conversations", nobody).await.fault(), ("user_id", "unknown_id"));
    let both = json!({"user_id": world.server.user("emma").id, "client_id": world.nord});
    assert_eq!(world.awa.post("/conversations", both).await.fault(), ("client_id", "ambiguous"));
    let path = direct_path(&world, &world.awa, "karim").await;
    world.service.delete(&format!("/users/{}", world.server.user("karim").id)).await.data();
    assert_eq!(open_direct(&world, &world.awa, "karim").await.fault(), ("user_id", "unknown_id"));
    assert_eq!(send_message(&world.awa, &path, "encore là ?").await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn a_producer_writes_to_nobody() {
    let world = ChatFixture::new();
    assert_eq!(open_direct(&world, &world.service, "emma").await.error(), (403, "FORBIDDEN"));
}
