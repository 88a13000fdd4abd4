//! Starting a conversation, finding it again, and the fields of its responses.

use futures_util::future::join;
use serde_json::{Value, json};

use super::super::room::{count, each, list, post_in, word};
use super::{messages, open, path, write};
use crate::harness::{ChatFixture, Socket, TestServer};

#[tokio::test]
async fn where_direct_is_off_no_door_opens() {
    let world = ChatFixture::of(TestServer::with(&[("FEATURES_OFF", "direct")]));
    assert_eq!(open(&world, &world.awa, "emma").await.refusal(), (403, "FEATURE_DISABLED"));
    let mut socket = Socket::open(&world.server, &world.server.user("awa").token).await;
    let topic = format!("realtime:user:{}", world.server.user("awa").id);
    socket.join(&topic, json!({})).await;
    let send = json!({"to_user_id": world.server.user("emma").id, "content": "Bonjour"});
    let (_, error) = socket.ask(&topic, "messaging:send", send).await;
    assert_eq!(error["code"], "FEATURE_DISABLED");
    assert_eq!(world.awa.get("/me").await.data()["features"]["direct"], false);
}

#[tokio::test]
async fn what_was_said_is_closed_where_direct_is_turned_off() {
    let world = ChatFixture::new();
    let path = path(&world, &world.awa, "emma").await;
    let said = write(&world.awa, &path, "Bonjour").await.data()["id"].clone();
    world.service.patch("/tenant", json!({"settings": {"features": {"direct": false}}})).await.data();
    assert_eq!(world.emma.get(&path).await.refusal(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.emma.get(&format!("{path}/messages")).await.refusal(), (403, "FEATURE_DISABLED"));
    assert_eq!(
        world.emma.post(&format!("{path}/read"), json!({})).await.refusal(),
        (403, "FEATURE_DISABLED")
    );
    let deletion = world.awa.delete(&format!("/messages/{}", word(&said))).await;
    assert_eq!(deletion.refusal(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.emma.get("/conversations?scope=mine").await.data().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn two_who_begin_at_the_same_moment_begin_one_conversation() {
    let world = ChatFixture::new();
    for round in 1..=50 {
        let (one, two) = join(open(&world, &world.emma, "karim"), open(&world, &world.karim, "emma")).await;
        assert_eq!(one.data()["id"], two.data()["id"]);
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "round {round}: made once");
        assert_eq!(count(&world, "SELECT count(*) AS n FROM participants WHERE client_id IS NULL"), 2);
        super::super::room::execute(
            &world,
            "DELETE FROM participants WHERE client_id IS NULL; DELETE FROM conversations WHERE kind = 'direct'",
        );
    }
}

#[tokio::test]
async fn two_first_messages_at_the_same_moment_are_one_and_two() {
    let world = ChatFixture::new();
    let (emma, karim) = (world.server.user("emma"), world.server.user("karim"));
    let mut sockets =
        [Socket::open(&world.server, &emma.token).await, Socket::open(&world.server, &karim.token).await];
    let topics = [format!("realtime:user:{}", emma.id), format!("realtime:user:{}", karim.id)];
    for (socket, topic) in sockets.iter_mut().zip(&topics) {
        socket.join(topic, json!({})).await;
    }
    let [one, two] = &mut sockets;
    let (a, b) = join(
        one.ask(&topics[0], "messaging:send", json!({"to_user_id": karim.id, "content": "toi"})),
        two.ask(&topics[1], "messaging:send", json!({"to_user_id": emma.id, "content": "moi"})),
    )
    .await;
    assert_eq!((a.0.as_str(), b.0.as_str()), ("ok", "ok"), "{a:?} {b:?}");
    assert_eq!(a.1["conversation_id"], b.1["conversation_id"]);
    let mut seqs = [a.1["seq"].as_i64(), b.1["seq"].as_i64()];
    seqs.sort_unstable();
    assert_eq!(seqs, [Some(1), Some(2)]);
}

#[tokio::test]
async fn opening_again_finds_it_and_is_written_down_once() {
    let world = ChatFixture::new();
    let before = world.logged("conversation.create");
    let first = open(&world, &world.awa, "emma").await;
    assert_eq!(first.status, 201);
    for (by, with) in [(&world.awa, "emma"), (&world.emma, "awa")] {
        let again = open(&world, by, with).await;
        assert_eq!((again.status.as_u16(), &again.data()["id"]), (200, &first.data()["id"]));
    }
    assert_eq!(world.logged("conversation.create"), before + 1);
}

#[tokio::test]
async fn each_of_the_two_sees_the_other() {
    let world = ChatFixture::new();
    let path = path(&world, &world.awa, "emma").await;
    let said = write(&world.awa, &path, "Bonjour").await.data().clone();
    assert_eq!((&said["client_id"], &said["operator_id"]), (&Value::Null, &Value::Null));
    for (by, other, role) in [(&world.awa, "emma", "employee"), (&world.emma, "awa", "owner")] {
        let shown = by.get(&path).await.data().clone();
        let peer = &shown["peer"];
        assert_eq!((&shown["kind"], &shown["client"]), (&json!("direct"), &Value::Null));
        assert_eq!(peer["id"], json!(world.server.user(other).id));
        assert_eq!((&peer["role"], &shown["followed"]), (&json!(role), &json!(true)));
        assert_eq!(shown["counterpart"]["status"], "offline");
        assert_eq!(shown["counterpart"]["message"], Value::Null);
    }
    let _emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let online = || async { world.awa.get(&path).await.data()["counterpart"]["status"].clone() };
    while online().await != "online" {
        crate::harness::poll_interval().await;
    }
}

#[tokio::test]
async fn lists_hold_rooms_and_colleagues_together() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    let karim = path(&world, &world.emma, "karim").await;
    write(&world.karim, &karim, "deux").await.data();
    write(&world.karim, &karim, "trois").await.data();
    let denis = path(&world, &world.emma, "denis").await;
    let kinds = |found: Value| each(&list(&found), "kind");
    let all = world.emma.get("/conversations").await.data().clone();
    assert_eq!(kinds(all.clone()), ["direct", "client", "direct"], "the newest first, the silent last");
    assert_eq!(format!("/conversations/{}", word(&all[2]["id"])), denis);
    let unread = world.emma.get("/conversations?sort=unread").await.data().clone();
    assert_eq!(each(&list(&unread), "unread_count"), [2, 1, 0]);
    let mine = world.emma.get("/conversations?scope=mine").await.data().clone();
    assert_eq!(list(&mine).len(), 3);
    for (search, found) in [("benali", 1), ("Moreau", 1), ("trois", 1), ("Laurent", 0), ("nord", 1)] {
        let answer = world.emma.get(&format!("/conversations?search={search}")).await.data().clone();
        assert_eq!(list(&answer).len(), found, "{search}: {answer}");
    }
    // An owner's own conversations are listed with all rooms.
    path_of_awa(&world).await;
}

async fn path_of_awa(world: &ChatFixture) {
    let path = path(world, &world.awa, "denis").await;
    write(&world.denis, &path, "bonjour").await.data();
    let all = world.awa.get("/conversations").await.data().clone();
    assert_eq!(each(&list(&all), "kind"), ["direct", "client", "client"]);
    let _denis = Socket::open(&world.server, &world.server.user("denis").token).await;
    let online = || async { world.awa.get("/conversations?sort=online").await.data().clone() };
    while online().await[0]["counterpart"]["status"] != "online" {
        crate::harness::poll_interval().await;
    }
    assert_eq!(online().await[0]["kind"], "direct");
}

#[tokio::test]
async fn words_are_changed_within_their_time_by_their_author_alone() {
    let world = ChatFixture::new();
    let path = path(&world, &world.denis, "emma").await;
    let said = format!("/messages/{}", word(&write(&world.denis, &path, "un").await.data()["id"]));
    assert_eq!(world.emma.patch(&said, json!({"content": "faux"})).await.refusal(), (403, "FORBIDDEN"));
    assert_eq!(world.emma.delete(&said).await.refusal(), (403, "FORBIDDEN"));
    assert_eq!(world.denis.patch(&said, json!({"content": "deux"})).await.data()["content"], "deux");
    assert_eq!(messages(&world.emma, &path).await[0]["content"], "deux");
    world.server.clock.advance(std::time::Duration::from_secs(121));
    let late = world.denis.patch(&said, json!({"content": "trois"})).await;
    assert_eq!(late.refusal(), (403, "EDIT_WINDOW_CLOSED"));
    assert_eq!(world.denis.delete(&said).await.refusal(), (403, "EDIT_WINDOW_CLOSED"));
}

#[tokio::test]
async fn a_draft_speaks_to_a_colleague_in_the_language_asked_for() {
    let world = ChatFixture::new();
    let related = json!({"type": "sale", "id": "V-7", "preview": {"title": "Vente 7"}});
    let body = json!({"user_id": world.server.user("karim").id, "related": related});
    for (language, words) in
        [("fr", "Bonjour, à propos de la vente « Vente 7 » : "), ("en", "Hello, about the sale “Vente 7”: ")]
    {
        let draft = post_in(&world.emma, language, "/conversations/draft", body.clone()).await.data().clone();
        assert_eq!(draft["draft"], words);
        assert_eq!(draft["conversation"]["peer"]["id"], json!(world.server.user("karim").id));
    }
    let path = path(&world, &world.emma, "karim").await;
    let sent = json!({"content": "à propos", "related": body["related"]});
    world.emma.post(&format!("{path}/messages"), sent).await.data();
    let about = world.karim.get("/messages?related_type=sale&related_id=V-7").await.data().clone();
    assert_eq!(list(&about).len(), 1);
}

#[tokio::test]
async fn a_message_sent_again_is_the_first_one() {
    let world = ChatFixture::new();
    let path = format!("{}/messages", path(&world, &world.emma, "karim").await);
    let body = json!({"content": "une fois", "client_message_id": "0198c0de-0000-7000-8000-0000000000d1"});
    let (first, again) = (world.emma.post(&path, body.clone()).await, world.emma.post(&path, body).await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.data()["id"], again.data()["id"]);
}
