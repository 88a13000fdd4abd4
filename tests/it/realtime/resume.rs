//! Resume: a client that was offline gets exactly what it missed.

use serde_json::{Value, json};

use crate::harness::{ChatFixture, Socket, room_topic};

async fn numbers(socket: &mut Socket, topic: &str, count: usize) -> Vec<(i64, bool)> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let (_, meta) = socket.next_broadcast(topic, "messaging:new").await;
        numbers.push((meta["seq"].as_i64().unwrap(), meta["replayed"] == true));
    }
    numbers
}

#[tokio::test]
async fn what_was_missed_comes_first_then_what_is_live() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    for n in 1..=40 {
        world.send_message(&world.chloe, &format!("n° {n}")).await;
    }
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let joined = emma.join(&topic, json!({"after_seq": 3})).await;
    assert_eq!(
        (&joined["resume"], &joined["replayed"], &joined["last_seq"]),
        (&json!("complete"), &json!(37), &json!(40))
    );
    world.send_message(&world.chloe, "en direct").await;
    let heard = numbers(&mut emma, &topic, 38).await;
    let in_order: Vec<i64> = heard.iter().map(|(number, _)| *number).collect();
    assert_eq!(in_order, (4..=41).collect::<Vec<_>>());
    // The last one came live, or from the log if the read was still under way: once and last in any case.
    assert!(heard[..37].iter().all(|(_, replayed)| *replayed));
}

#[tokio::test]
async fn joins_while_others_write_have_no_seam() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let (server, chloe) = (&world.server, &world.chloe);
    let path = format!("/clients/{}/messages", world.nord);
    let writing = async {
        for n in 0..120 {
            chloe.post(&path, json!({"content": format!("n° {n}")})).await.data();
        }
    };
    let joining = async {
        let mut heard = Vec::new();
        for _ in 0..5 {
            let mut emma = Socket::open(server, &server.user("emma").token).await;
            let joined = emma.join(&topic, json!({"after_seq": 0})).await;
            assert_ne!(joined["resume"], "reset");
            heard.push(emma);
        }
        heard
    };
    let ((), sockets) = tokio::join!(writing, joining);
    for mut socket in sockets {
        let heard: Vec<i64> = numbers(&mut socket, &topic, 120).await.into_iter().map(|(n, _)| n).collect();
        assert_eq!(heard, (1..=120).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_number_from_the_future_is_a_reset() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "Bonjour").await;
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let joined = emma.join(&room_topic(world.nord), json!({"after_seq": 57})).await;
    assert_eq!((&joined["resume"], &joined["head"]), (&json!("reset"), &json!(1)));
}

#[tokio::test]
async fn since_gives_the_newest_of_a_limit_and_says_that_it_cut() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let before = world.server.clock.now().as_millis() - 60_000;
    for n in 1..=6 {
        world.send_message(&world.chloe, &format!("n° {n}")).await;
    }
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let joined = emma.join(&topic, json!({"since": before, "limit": 4})).await;
    assert_eq!((&joined["resume"], &joined["replayed"]), (&json!("truncated"), &json!(4)));
    let heard: Vec<i64> = numbers(&mut emma, &topic, 4).await.into_iter().map(|(n, _)| n).collect();
    assert_eq!(heard, [3, 4, 5, 6]);
}

#[tokio::test]
async fn heartbeats_carry_the_head_of_each_joined_topic() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    world.send_message(&world.chloe, "Bonjour").await;
    emma.next_broadcast(&topic, "messaging:new").await;
    let (_, response) = emma.request("phoenix", "heartbeat", json!({})).await;
    assert_eq!(response["heads"], Value::from_iter([(topic.as_str(), 1)]));
}
