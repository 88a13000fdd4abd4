//! Who may join, and what presence shows them.

use serde_json::json;

use super::{Picture, id, of_operator, open, until, watch};
use crate::harness::{ChatFixture, TestServer, room_topic};

#[tokio::test]
async fn only_the_operator_and_members_of_their_clients_join_presence_around_them() {
    let world = ChatFixture::new();
    for (name, topic, is_let_in) in [
        ("bruno", of_operator(&world, "emma"), false),
        ("chloe", of_operator(&world, "karim"), false),
        ("chloe", of_operator(&world, "chloe"), false),
        ("karim", of_operator(&world, "emma"), false),
        ("awa", of_operator(&world, "emma"), false),
        ("chloe", format!("realtime:presence:operator:{}", uuid::Uuid::now_v7()), false),
        ("chloe", of_operator(&world, "emma"), true),
        ("emma", of_operator(&world, "emma"), true),
        ("karim", of_operator(&world, "karim"), true),
    ] {
        let mut socket = open(&world, name).await;
        let (status, response) = watch(&mut socket, &topic, "").await;
        assert_eq!(status == "ok", is_let_in, "{name} on {topic}: {response}");
        if !is_let_in {
            assert!(response["reason"].as_str().unwrap().starts_with("FORBIDDEN"), "{response}");
        }
    }
}

#[tokio::test]
async fn the_id_of_somebody_else_is_no_presence_key() {
    let world = ChatFixture::new();
    let mut socket = open(&world, "chloe").await;
    for forged in [id(&world, "emma").to_string(), id(&world, "emma").to_string().to_uppercase()] {
        let (status, response) = watch(&mut socket, &room_topic(world.nord), &forged).await;
        assert_eq!(status, "error", "{response}");
    }
    let (status, _) = watch(&mut socket, &room_topic(world.nord), &id(&world, "chloe").to_string()).await;
    assert_eq!(status, "ok", "one's own id is the default");
}

#[tokio::test]
async fn a_member_sees_the_operator_and_themselves_and_never_the_other_clients() {
    let world = ChatFixture::new();
    // Bruno's client is Emma's too: she sees both members, who do not see each other.
    let moved = json!({"operator_id": id(&world, "emma"), "force": true});
    world.awa.patch(&format!("/clients/{}", world.sud), moved).await.data();
    let topic = of_operator(&world, "emma");
    let (emma, chloe, bruno) = (id(&world, "emma"), id(&world, "chloe"), id(&world, "bruno"));

    let mut of_chloe = open(&world, "chloe").await;
    assert_eq!(watch(&mut of_chloe, &topic, "").await.0, "ok");
    let mut by_chloe = Picture::default();
    until(&mut of_chloe, &topic, &mut by_chloe, |picture| picture.of(chloe).is_some()).await;

    let mut of_bruno = open(&world, "bruno").await;
    assert_eq!(watch(&mut of_bruno, &topic, "").await.0, "ok");
    let track = json!({"type": "presence", "event": "track", "payload": {"secret": "of Bruno"}});
    assert_eq!(of_bruno.request(&topic, "presence", track).await.0, "ok");

    let mut of_emma = open(&world, "emma").await;
    assert_eq!(watch(&mut of_emma, &topic, "").await.0, "ok");
    let mut by_emma = Picture::default();
    until(&mut of_emma, &topic, &mut by_emma, |picture| {
        [chloe, bruno, emma].iter().all(|user| picture.of(*user).is_some())
            && picture.of(bruno).unwrap()["secret"] == "of Bruno"
    })
    .await;

    let mut by_bruno = Picture::default();
    until(&mut of_bruno, &topic, &mut by_bruno, |picture| picture.of(emma).is_some()).await;
    until(&mut of_chloe, &topic, &mut by_chloe, |picture| picture.of(emma).is_some()).await;
    assert!(by_chloe.of(bruno).is_none() && by_bruno.of(chloe).is_none());
    // No frame mentioned the other.
    for (socket, other) in [(&mut of_chloe, bruno), (&mut of_bruno, chloe)] {
        let other = other.to_string();
        for frame in socket.frames_before_heartbeat().await {
            assert!(!frame.payload.to_string().contains(&other), "{frame:?}");
        }
    }
    let answer = world.chloe.get(&format!("/presence?user_ids={bruno},{emma}")).await;
    assert_eq!(answer.data().as_array().unwrap().len(), 1, "{}", answer.body);
}

#[tokio::test]
async fn people_appear_around_their_operator_by_being_connected() {
    let world = ChatFixture::new();
    let topic = of_operator(&world, "emma");
    let mut of_emma = open(&world, "emma").await;
    watch(&mut of_emma, &topic, "").await;
    let mut picture = Picture::default();
    let _chloe = open(&world, "chloe").await;
    let chloe = id(&world, "chloe");
    until(&mut of_emma, &topic, &mut picture, |picture| picture.of(chloe).is_some()).await;
    let meta = picture.of(chloe).unwrap();
    assert_eq!((&meta["user_type"], &meta["status"]), (&json!("client"), &json!("online")));
}

#[tokio::test]
async fn what_is_tracked_is_told_and_what_the_server_says_cannot_be_forged() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let (mut emma, mut chloe) = (open(&world, "emma").await, open(&world, "chloe").await);
    watch(&mut emma, &topic, "").await;
    watch(&mut chloe, &topic, "").await;
    let forged =
        json!({"user_id": id(&world, "emma"), "user_type": "operator", "status": "busy", "mood": "calm"});
    let track = json!({"type": "presence", "event": "track", "payload": forged});
    assert_eq!(chloe.request(&topic, "presence", track.clone()).await, ("ok".into(), json!({})));
    let (mut picture, user) = (Picture::default(), id(&world, "chloe"));
    until(&mut emma, &topic, &mut picture, |picture| {
        picture.of(user).is_some_and(|meta| meta["mood"] == "calm")
    })
    .await;
    let meta = picture.of(user).unwrap().clone();
    assert_eq!((&meta["user_id"], &meta["user_type"]), (&json!(user), &json!("client")));
    assert_eq!(meta["status"], "online");
    // Repeating it sends nothing; ending it does.
    assert_eq!(chloe.request(&topic, "presence", track).await.0, "ok");
    assert_eq!(chloe.request(&topic, "presence", json!({"event": "untrack"})).await.0, "ok");
    until(&mut emma, &topic, &mut picture, |picture| {
        picture.of(user).is_some_and(|meta| meta.get("mood").is_none())
    })
    .await;
    chloe.request(&topic, "phx_leave", json!({})).await;
    until(&mut emma, &topic, &mut picture, |picture| picture.of(user).is_none()).await;
}

#[tokio::test]
async fn what_cannot_be_tracked_is_refused_with_a_code() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = open(&world, "chloe").await;
    watch(&mut chloe, &topic, "").await;
    for wrong in [
        json!({"event": "track", "payload": [1]}),
        json!({"event": "track", "payload": "x"}),
        json!({"event": "track", "payload": {"large": "x".repeat(5_000)}}),
        json!({"event": "dance"}),
        json!({}),
    ] {
        let (status, response) = chloe.request(&topic, "presence", wrong.clone()).await;
        assert_eq!(
            (status.as_str(), response["code"].as_str()),
            ("error", Some("VALIDATION_ERROR")),
            "{wrong}"
        );
    }
    assert_eq!(chloe.request("phoenix", "heartbeat", json!({})).await.0, "ok", "the socket lives");
}

#[tokio::test]
async fn where_presence_is_off_nobody_is_seen() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("FEATURES_OFF", "presence")]));
    assert_eq!(world.emma.get("/presence").await.error(), (403, "FEATURE_DISABLED"));
    let mut emma = open(&world, "emma").await;
    let (status, response) = watch(&mut emma, &of_operator(&world, "emma"), "").await;
    assert_eq!(status, "error");
    assert!(response["reason"].as_str().unwrap().starts_with("FEATURE_DISABLED"), "{response}");
    let topic = room_topic(world.nord);
    watch(&mut emma, &topic, "").await;
    let state = emma.next_where(|frame| frame.event == "presence_state").await;
    assert_eq!(state.payload, json!({}));
}
