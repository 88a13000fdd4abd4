//! Sending: what is refused, what is repeated, what is told.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn a_stranger_of_the_client_finds_no_room() {
    let world = World::new();
    for stranger in [&world.bruno, &world.karim] {
        let answer =
            stranger.post(&format!("/clients/{}/messages", world.nord), json!({"content": "Bonjour"})).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND"));
    }
}

#[tokio::test]
async fn two_hundred_sends_of_one_message_make_one() {
    let world = World::new();
    let body = json!({"content": "Bonjour", "client_message_id": "0198c0de-0000-7000-8000-00000000000a"});
    let path = format!("/clients/{}/messages", world.nord);
    let sends = (0..200).map(|_| world.chloe.post(&path, body.clone()));
    let answers = futures_util::future::join_all(sends).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let ids: std::collections::HashSet<_> =
        answers.iter().map(|answer| answer.data()["id"].to_string()).collect();
    assert_eq!((made, ids.len()), (1, 1));
    assert_eq!(world.emma.get(&path).await.data().as_array().map(Vec::len), Some(1));
}
