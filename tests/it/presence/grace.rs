//! A connection that drops, and one that returns: with a clock that the test moves.

use std::time::Duration;

use serde_json::json;

use super::{Picture, desk, id, of_operator, open, until, until_status, update_of, watch};
use crate::harness::ChatFixture;

#[tokio::test]
async fn whoever_is_gone_for_half_a_minute_is_offline_for_everybody() {
    let world = ChatFixture::new();
    let (topic, around) = (desk(&world), of_operator(&world, "emma"));
    let user = id(&world, "chloe");
    let mut emma = open(&world, "emma").await;
    emma.join(&topic, json!({})).await;
    watch(&mut emma, &around, "").await;
    let mut picture = Picture::default();
    let chloe = open(&world, "chloe").await;
    assert_eq!(update_of(&mut emma, &topic, user).await["status"], "online");
    until(&mut emma, &around, &mut picture, |picture| picture.of(user).is_some()).await;

    drop(chloe);
    world.wait_for_activity("ws.disconnect", 1).await;
    world.server.clock.advance(Duration::from_secs(29));
    let still = world.emma.get(&format!("/presence?user_ids={user}")).await.data()[0].clone();
    assert_eq!(still["status"], "online", "nothing shows within the grace");
    world.server.clock.advance(Duration::from_secs(2));
    let told = update_of(&mut emma, &topic, user).await;
    assert_eq!(told["status"], "offline");
    assert!(told["last_seen"].is_string(), "{told}");
    until(&mut emma, &around, &mut picture, |picture| picture.of(user).is_none()).await;
    let found = until_status(&world.emma, user, "offline").await;
    assert_eq!(found["last_seen"], told["last_seen"]);
}

#[tokio::test]
async fn a_reconnect_within_the_grace_shows_nothing_to_anyone() {
    let world = ChatFixture::new();
    let (topic, around) = (desk(&world), of_operator(&world, "emma"));
    let user = id(&world, "chloe");
    let mut emma = open(&world, "emma").await;
    emma.join(&topic, json!({})).await;
    watch(&mut emma, &around, "").await;
    let mut picture = Picture::default();
    let mut chloe = open(&world, "chloe").await;
    watch(&mut chloe, &around, "").await;
    let track = json!({"event": "track", "payload": {"mood": "calm"}});
    chloe.request(&around, "presence", track.clone()).await;
    assert_eq!(update_of(&mut emma, &topic, user).await["status"], "online");
    until(&mut emma, &around, &mut picture, |picture| {
        picture.of(user).is_some_and(|meta| meta["mood"] == "calm")
    })
    .await;
    emma.frames_before_heartbeat().await;

    for times in 1..4 {
        drop(chloe);
        world.wait_for_activity("ws.disconnect", times).await;
        world.server.clock.advance(Duration::from_secs(25));
        chloe = open(&world, "chloe").await;
        watch(&mut chloe, &around, "").await;
        chloe.request(&around, "presence", track.clone()).await;
        world.server.clock.advance(Duration::from_secs(10));
    }
    // Another person's arrival is sent after anything about her.
    let _denis = open(&world, "denis").await;
    update_of(&mut emma, &topic, id(&world, "denis")).await;
    let user = user.to_string();
    for frame in emma.frames_before_heartbeat().await {
        assert!(!frame.payload.to_string().contains(&user), "{frame:?}");
    }
}
