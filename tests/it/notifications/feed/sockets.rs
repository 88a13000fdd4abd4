//! Every tab and device of a person learns at once what one of them did.

use guichet::notifications::topic;
use serde_json::{Value, json};

use super::{act, tell};
use crate::harness::{ChatFixture, Socket};

#[tokio::test]
async fn what_one_reads_moves_the_badge_of_five_others() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma");
    let own = format!("realtime:{}", topic(emma.id));
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = Socket::open(&world.server, &emma.token).await;
        socket.join(&own, Value::Null).await;
        sockets.push(socket);
    }
    let (first, second) = (tell(&world, "un").await, tell(&world, "deux").await);
    let read = act(&world.emma, &first, "ack").await.data().clone();
    world.emma.delete(&format!("/notifications/{second}")).await.data();
    for socket in &mut sockets {
        for unread in [1, 2] {
            let (told, _) = socket.next_broadcast(&own, "notify:new").await;
            assert_eq!(told["unread"], unread);
        }
        let (told, meta) = socket.next_broadcast(&own, "notify:updated").await;
        assert_eq!(told, json!({"notification": read, "unread": 1, "raised": false}));
        assert_eq!(meta["seq"], 3);
        let (told, meta) = socket.next_broadcast(&own, "notify:deleted").await;
        assert_eq!((told, &meta["seq"]), (json!({"id": second, "unread": 0}), &json!(4)));
    }
}

#[tokio::test]
async fn whoever_was_away_is_told_from_the_number_of_the_list_on() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma");
    let own = format!("realtime:{}", topic(emma.id));
    let id = tell(&world, "un").await;
    let head = world.emma.get("/notifications").await.body["meta"]["head"].clone();
    act(&world.emma, &id, "archive").await.data();
    let mut socket = Socket::open(&world.server, &emma.token).await;
    socket.join(&own, json!({"after_seq": head})).await;
    let (told, meta) = socket.next_broadcast(&own, "notify:updated").await;
    assert_eq!((&told["notification"]["status"], &meta["replayed"]), (&json!("archived"), &json!(true)));
}
