//! `/presence`, `/clients/{id}/presence`, and lists ordered by presence.

use serde_json::{Value, json};

use super::{id, open, until_status};
use crate::harness::ChatFixture;

fn ids(data: &Value) -> Vec<&str> {
    data.as_array().unwrap().iter().map(|person| person["user_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_of_whom_one_may_not_know_are_left_out() {
    let world = ChatFixture::new();
    let id = |name| id(&world, name).to_string();
    let all = ["awa", "denis", "emma", "karim", "chloe", "bruno"].map(id).join(",");
    let asked = format!("/presence?user_ids={all},{}", uuid::Uuid::now_v7());
    for (caller, unknown) in [
        (&world.chloe, vec!["awa", "denis", "karim", "bruno"]),
        (&world.bruno, vec!["awa", "denis", "emma", "chloe"]),
        (&world.emma, vec!["bruno"]),
        (&world.karim, vec!["chloe"]),
        (&world.awa, vec![]),
        (&world.service, vec![]),
    ] {
        for path in [asked.as_str(), "/presence"] {
            let answer = caller.get(path).await;
            let known = ids(answer.data());
            assert_eq!(known.len(), 6 - unknown.len(), "{path}: {}", answer.body);
            for name in &unknown {
                assert!(!known.contains(&&*id(name)), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = ChatFixture::new();
    let many = (0..201).map(|_| uuid::Uuid::now_v7().to_string()).collect::<Vec<_>>().join(",");
    for wrong in ["user_ids=x", "user_ids=1,2", &format!("user_ids={many}"), "limit=0", "limit=201", "who=x"]
    {
        let answer = world.emma.get(&format!("/presence?{wrong}")).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR"), "{wrong}");
    }
    let both = format!("/presence?user_ids={}&limit=3", id(&world, "emma"));
    assert_eq!(world.emma.get(&both).await.error(), (422, "VALIDATION_ERROR"));
    assert_eq!(world.emma.get("/presence?user_ids=").await.data(), &json!([]));
    assert_eq!(world.anonymous.get("/presence").await.status, 401);
    let paged = world.awa.get("/presence?limit=2&offset=1").await;
    assert_eq!(ids(paged.data()).len(), 2);
}

#[tokio::test]
async fn a_person_is_shown_with_type_status_and_when_they_were_last_there() {
    let world = ChatFixture::new();
    let emma = id(&world, "emma");
    let shown = until_status(&world.chloe, emma, "offline").await;
    assert_eq!(
        shown,
        json!({"user_id": emma, "user_type": "operator", "status": "offline", "last_seen": null})
    );
    let _socket = open(&world, "emma").await;
    let shown = until_status(&world.chloe, emma, "online").await;
    assert_eq!(shown["last_seen"], Value::Null);
    world.server.clock.advance(std::time::Duration::from_secs(130));
    let shown = until_status(&world.chloe, emma, "idle").await;
    assert!(shown["last_seen"].is_string(), "{shown}");
}

#[tokio::test]
async fn a_client_is_as_much_there_as_the_best_of_its_members() {
    let world = ChatFixture::new();
    let path = format!("/clients/{}/presence", world.nord);
    assert_eq!(world.bruno.get(&path).await.status, 404);
    assert_eq!(world.karim.get(&path).await.status, 404);
    assert_eq!(world.chloe.get("/clients/x/presence").await.status, 404);
    let _emma = open(&world, "emma").await;
    until_status(&world.awa, id(&world, "emma"), "online").await;
    let shown = world.chloe.get(&path).await.data().clone();
    assert_eq!((&shown["status"], &shown["operator"]["status"]), (&json!("offline"), &json!("online")));
    assert_eq!(ids(&shown["members"]), [id(&world, "chloe").to_string()]);
    let _chloe = open(&world, "chloe").await;
    until_status(&world.awa, id(&world, "chloe"), "online").await;
    assert_eq!(world.emma.get(&path).await.data()["status"], "online");
    assert_eq!(world.emma.get(&format!("/clients/{}", world.nord)).await.data()["presence"], "online");
    world.server.clock.advance(std::time::Duration::from_secs(130));
    assert_eq!(world.awa.get(&path).await.data()["status"], "idle");
    assert_eq!(world.awa.get(&format!("/clients/{}", world.nord)).await.data()["presence"], "idle");
}

#[tokio::test]
async fn clients_who_are_there_come_first() {
    let world = ChatFixture::new();
    let first = |answer: &Value| answer[0]["id"].as_str().unwrap().to_owned();
    for (name, client) in [("chloe", world.nord), ("bruno", world.sud)] {
        let socket = open(&world, name).await;
        until_status(&world.awa, id(&world, name), "online").await;
        let answer = world.awa.get("/clients?sort=online").await;
        assert_eq!(first(answer.data()), client.to_string());
        drop(socket);
        world.wait_for_activity("ws.disconnect", if name == "chloe" { 1 } else { 2 }).await;
        world.server.clock.advance(std::time::Duration::from_secs(31));
        until_status(&world.awa, id(&world, name), "offline").await;
    }
    assert_eq!(world.awa.get("/clients?sort=-online").await.error(), (422, "VALIDATION_ERROR"));
}
