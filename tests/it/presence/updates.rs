//! `presence:update`: who receives it when a person comes, idles, or leaves.

use std::time::Duration;

use serde_json::{Value, json};

use super::{desk, id, of_operator, open, until_status, update_of};
use crate::harness::ChatFixture;

#[tokio::test]
async fn operators_hear_of_each_other_and_of_members_whose_clients_they_see() {
    let world = ChatFixture::new();
    let topic = desk(&world);
    let mut sockets = Vec::new();
    for name in ["awa", "denis", "emma", "karim"] {
        let mut socket = open(&world, name).await;
        socket.join(&topic, json!({})).await;
        sockets.push((name, socket));
    }
    let _bruno = open(&world, "bruno").await;
    let _chloe = open(&world, "chloe").await;
    let (chloe, bruno) = (id(&world, "chloe"), id(&world, "bruno"));
    let update = |user| json!({"user_id": user, "status": "online", "last_seen": null});
    for (name, socket) in &mut sockets {
        let (hears, ignores) = match *name {
            "emma" => (vec![chloe], Some(bruno)),
            "karim" => (vec![bruno], Some(chloe)),
            _ => (vec![chloe, bruno], None),
        };
        for user in hears {
            assert_eq!(update_of(socket, &topic, user).await, update(user), "{name}");
        }
        if let Some(user) = ignores {
            // Both have been published by now to everyone who may receive them.
            until_status(&world.awa, user, "online").await;
            let user = user.to_string();
            for frame in socket.frames_before_heartbeat().await {
                assert!(!frame.payload.to_string().contains(&user), "{name}: {frame:?}");
            }
        }
    }
    // Operators: sent to all.
    let (_, awa) = &mut sockets[0];
    assert_eq!(update_of(awa, &topic, id(&world, "karim")).await, update(id(&world, "karim")));
}

#[tokio::test]
async fn an_employee_of_the_clients_team_hears_of_its_members() {
    let world = ChatFixture::new();
    let team = world.service.put(&format!("/teams/{}", uuid::Uuid::now_v7()), json!({"name": "Nord"})).await;
    let team = team.data()["id"].as_str().unwrap().to_owned();
    let karim = id(&world, "karim");
    world.service.put(&format!("/teams/{team}/members/{karim}"), Value::Null).await.data();
    let change = json!({"team_id": team, "force": true});
    world.awa.patch(&format!("/clients/{}", world.nord), change).await.data();
    let topic = desk(&world);
    let mut socket = open(&world, "karim").await;
    socket.join(&topic, json!({})).await;
    let _chloe = open(&world, "chloe").await;
    assert_eq!(update_of(&mut socket, &topic, id(&world, "chloe")).await["status"], "online");
}

#[tokio::test]
async fn a_member_hears_their_operator_and_no_other_member() {
    let world = ChatFixture::new();
    let moved = json!({"operator_id": id(&world, "emma"), "force": true});
    world.awa.patch(&format!("/clients/{}", world.sud), moved).await.data();
    let topic = of_operator(&world, "emma");
    let mut chloe = open(&world, "chloe").await;
    chloe.join(&topic, json!({})).await;
    let _bruno = open(&world, "bruno").await;
    until_status(&world.awa, id(&world, "bruno"), "online").await;
    let _emma = open(&world, "emma").await;
    assert_eq!(update_of(&mut chloe, &topic, id(&world, "emma")).await["status"], "online");
    let bruno = id(&world, "bruno").to_string();
    for frame in chloe.frames_before_heartbeat().await {
        assert!(!frame.payload.to_string().contains(&bruno), "{frame:?}");
    }
}

#[tokio::test]
async fn idleness_is_told_and_any_command_ends_it() {
    let world = ChatFixture::new();
    let topic = desk(&world);
    let mut awa = open(&world, "awa").await;
    awa.join(&topic, json!({})).await;
    let mut emma = open(&world, "emma").await;
    emma.join(&topic, json!({})).await;
    let user = id(&world, "emma");
    assert_eq!(update_of(&mut awa, &topic, user).await["status"], "online");
    for (secs, status) in [(121, "idle"), (481, "offline")] {
        world.server.clock.advance(Duration::from_secs(secs));
        // A heartbeat of the device is no activity.
        emma.request("phoenix", "heartbeat", json!({})).await;
        let told = update_of(&mut awa, &topic, user).await;
        assert_eq!(told["status"], status);
        assert!(told["last_seen"].is_string(), "{told}");
    }
    assert_eq!(emma.request(&topic, "presence:ping", json!({})).await.0, "ok");
    assert_eq!(
        update_of(&mut awa, &topic, user).await,
        json!({"user_id": user, "status": "online", "last_seen": null})
    );
    world.server.clock.advance(Duration::from_secs(121));
    assert_eq!(update_of(&mut awa, &topic, user).await["status"], "idle");
    world.emma.get("/me").await.data();
    assert_eq!(update_of(&mut awa, &topic, user).await["status"], "online", "a request counts too");
}
