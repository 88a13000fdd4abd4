//! Direct conversations over sockets: commands with the colleague's id, copies to every device, and resuming.

use serde_json::{Value, json};

use super::super::room::expect_str;
use super::{direct_path, direct_topic, fetch_messages, send_message};
use crate::harness::{ChatFixture, Socket};

fn person_topic(world: &ChatFixture, name: &str) -> String {
    format!("realtime:user:{}", world.server.user(name).id)
}

async fn open_on_person_topic(world: &ChatFixture, name: &str) -> Socket {
    let mut socket = Socket::open(&world.server, &world.server.user(name).token).await;
    socket.join(&person_topic(world, name), json!({})).await;
    socket
}

#[tokio::test]
async fn a_refused_command_is_kept_in_the_log() {
    let world = ChatFixture::new();
    let mut emma = open_on_person_topic(&world, "emma").await;
    let before = world.activity_count("forbidden_attempt");
    let awa = world.server.user("awa").id;
    let own = person_topic(&world, "emma");
    for (command, payload) in [
        ("messaging:send", json!({"to_user_id": awa, "content": "Bonjour"})),
        ("messaging:typing", json!({"to_user_id": awa})),
    ] {
        let (status, error) = emma.request(&own, command, payload).await;
        assert_eq!((status.as_str(), &error["code"]), ("error", &json!("FORBIDDEN")), "{command}");
    }
    assert_eq!(world.activity_count("forbidden_attempt"), before + 2);
    let sql = format!(
        "SELECT count(*) AS n FROM activity_logs WHERE action = 'forbidden_attempt' AND entity_type = 'user' \
         AND entity_id = '{awa}' AND details->>'attempted' = 'messaging:send'"
    );
    assert_eq!(super::super::room::query_number(&world, &sql), 1);
}

#[tokio::test]
async fn wrong_names_of_a_colleague_are_faults() {
    let world = ChatFixture::new();
    let mut emma = open_on_person_topic(&world, "emma").await;
    let own = person_topic(&world, "emma");
    for (payload, field, code) in [
        (json!({"to_user_id": world.server.user("emma").id, "content": "a"}), "to_user_id", "yourself"),
        (json!({"to_user_id": uuid::Uuid::now_v7(), "content": "a"}), "to_user_id", "unknown_id"),
        (
            json!({"to_user_id": world.server.user("karim").id, "client_id": world.nord, "content": "a"}),
            "conversation_id",
            "ambiguous",
        ),
    ] {
        let (_, error) = emma.request(&own, "messaging:send", payload).await;
        let fault = &error["details"][0];
        assert_eq!((&fault["field"], &fault["code"]), (&json!(field), &json!(code)), "{error}");
    }
}

#[tokio::test]
async fn a_colleague_who_is_gone_is_nobody() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    let karim = world.server.user("karim").id;
    world.service.delete(&format!("/users/{karim}")).await.data();
    let mut emma = open_on_person_topic(&world, "emma").await;
    for command in ["messaging:send", "messaging:typing"] {
        let mut payload = json!({"to_user_id": karim});
        if command == "messaging:send" {
            payload["content"] = json!("Bonjour");
        }
        let (_, error) = emma.request(&person_topic(&world, "emma"), command, payload).await;
        assert_eq!(error["details"][0]["code"], "unknown_id", "{error}");
    }
    assert!(fetch_messages(&world.emma, &path).await.is_empty());
}

#[tokio::test]
async fn every_device_of_both_hears_it_and_counts_it() {
    let world = ChatFixture::new();
    let mut karims =
        [open_on_person_topic(&world, "karim").await, open_on_person_topic(&world, "karim").await];
    let mut emmas = [open_on_person_topic(&world, "emma").await, open_on_person_topic(&world, "emma").await];
    let (emma, karim) = (person_topic(&world, "emma"), person_topic(&world, "karim"));
    let send = json!({"to_user_id": world.server.user("karim").id, "content": "Bonjour"});
    let (status, sent) = emmas[0].request(&emma, "messaging:send", send).await;
    assert_eq!(status, "ok", "{sent}");
    let conversation = expect_str(&sent["conversation_id"]).to_owned();
    for socket in &mut karims {
        let (heard, meta) = socket.next_broadcast(&karim, "messaging:new").await;
        assert_eq!(heard["message"]["id"], sent["id"]);
        assert_eq!(meta["topic"], json!(format!("chat:direct:{conversation}")));
        let (unread, _) = socket.next_broadcast(&karim, "messaging:unread").await;
        assert_eq!((&unread["unread_count"], &unread["total"]), (&json!(1), &json!(1)));
    }
    for socket in &mut emmas {
        let (heard, _) = socket.next_broadcast(&emma, "messaging:new").await;
        assert_eq!(heard["message"]["id"], sent["id"]);
    }
    world.karim.post(&format!("/conversations/{conversation}/read"), json!({})).await.data();
    for socket in &mut karims {
        let (unread, _) = socket.next_broadcast(&karim, "messaging:unread").await;
        assert_eq!((&unread["unread_count"], &unread["total"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn the_other_one_sees_the_typing_before_the_first_word() {
    let world = ChatFixture::new();
    let mut karim = open_on_person_topic(&world, "karim").await;
    let mut emma = open_on_person_topic(&world, "emma").await;
    let typing = json!({"to_user_id": world.server.user("karim").id});
    assert_eq!(emma.request(&person_topic(&world, "emma"), "messaging:typing", typing).await.0, "ok");
    let (heard, _) = karim.next_broadcast(&person_topic(&world, "karim"), "messaging:typing").await;
    assert_eq!((&heard["typing"], &heard["user_id"]), (&json!(true), &json!(world.server.user("emma").id)));
}

#[tokio::test]
async fn whoever_was_away_gets_what_was_missed_in_order() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    let topic = direct_topic(&path);
    let mut karim = Socket::open(&world.server, &world.server.user("karim").token).await;
    karim.join(&topic, json!({})).await;
    let before = world.server.clock.now();
    let sent = send_message(&world.emma, &path, "un").await.data().clone();
    karim.next_broadcast(&topic, "messaging:new").await;
    drop(karim);
    for content in ["deux", "trois"] {
        send_message(&world.emma, &path, content).await.data();
    }
    let edit = json!({"content": "UN"});
    world.emma.patch(&format!("/messages/{}", expect_str(&sent["id"])), edit).await.data();
    let mut karim = Socket::open(&world.server, &world.server.user("karim").token).await;
    let joined = karim.join(&topic, json!({"after_seq": 1})).await;
    assert_eq!(
        (&joined["resume"], &joined["replayed"], &joined["last_seq"]),
        (&json!("complete"), &json!(3), &json!(4))
    );
    for (seq, name) in [(2, "messaging:new"), (3, "messaging:new"), (4, "messaging:updated")] {
        let (_, meta) = karim.next_broadcast(&topic, name).await;
        assert_eq!((&meta["seq"], &meta["replayed"]), (&json!(seq), &json!(true)));
    }
    let after = before.minus(std::time::Duration::from_secs(1));
    let joined = karim.join(&person_topic(&world, "karim"), json!({"after": after})).await;
    let moved = json!({"topic": topic.trim_start_matches("realtime:"), "head": 4});
    assert_eq!(joined["conversations"][0], moved, "{joined}");
    assert_eq!(fetch_messages(&world.karim, &path).await.len(), 3);
    assert_eq!(joined["last_seq"], Value::Null);
}
