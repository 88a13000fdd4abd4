//! Creation and lists of direct conversations, and the fields of their responses.

use futures_util::future::join;
use serde_json::{Value, json};

use super::super::room::{expect_array, expect_str, field_values, post_in_language, query_number};
use super::{direct_path, fetch_messages, open_direct, send_message};
use crate::harness::{ChatFixture, Socket, TestServer};

#[tokio::test]
async fn where_direct_is_off_no_door_opens() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("FEATURES_OFF", "direct")]));
    assert_eq!(open_direct(&world, &world.awa, "emma").await.error(), (403, "FEATURE_DISABLED"));
    let mut socket = Socket::open(&world.server, &world.server.user("awa").token).await;
    let topic = format!("realtime:user:{}", world.server.user("awa").id);
    socket.join(&topic, json!({})).await;
    let send = json!({"to_user_id": world.server.user("emma").id, "content": "Bonjour"});
    let (_, error) = socket.request(&topic, "messaging:send", send).await;
    assert_eq!(error["code"], "FEATURE_DISABLED");
    assert_eq!(world.awa.get("/me").await.data()["features"]["direct"], false);
}

#[tokio::test]
async fn what_was_said_is_closed_where_direct_is_turned_off() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.awa, "emma").await;
    let message_id = send_message(&world.awa, &path, "Bonjour").await.data()["id"].clone();
    world.service.patch("/tenant", json!({"settings": {"features": {"direct": false}}})).await.data();
    assert_eq!(world.emma.get(&path).await.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.emma.get(&format!("{path}/messages")).await.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.emma.post(&format!("{path}/read"), json!({})).await.error(), (403, "FEATURE_DISABLED"));
    let deletion = world.awa.delete(&format!("/messages/{}", expect_str(&message_id))).await;
    assert_eq!(deletion.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(world.emma.get("/conversations?scope=mine").await.data().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn two_who_begin_at_the_same_moment_begin_one_conversation() {
    let world = ChatFixture::new();
    for round in 1..=50 {
        let (first, second) =
            join(open_direct(&world, &world.emma, "karim"), open_direct(&world, &world.karim, "emma")).await;
        assert_eq!(first.data()["id"], second.data()["id"]);
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "round {round}: made once");
        assert_eq!(query_number(&world, "SELECT count(*) AS n FROM participants WHERE client_id IS NULL"), 2);
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
        one.request(&topics[0], "messaging:send", json!({"to_user_id": karim.id, "content": "toi"})),
        two.request(&topics[1], "messaging:send", json!({"to_user_id": emma.id, "content": "moi"})),
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
    let before = world.activity_count("conversation.create");
    let first = open_direct(&world, &world.awa, "emma").await;
    assert_eq!(first.status, 201);
    for (by, with) in [(&world.awa, "emma"), (&world.emma, "awa")] {
        let repeat = open_direct(&world, by, with).await;
        assert_eq!((repeat.status.as_u16(), &repeat.data()["id"]), (200, &first.data()["id"]));
    }
    assert_eq!(world.activity_count("conversation.create"), before + 1);
}

#[tokio::test]
async fn each_of_the_two_sees_the_other() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.awa, "emma").await;
    let sent = send_message(&world.awa, &path, "Bonjour").await.data().clone();
    assert_eq!((&sent["client_id"], &sent["operator_id"]), (&Value::Null, &Value::Null));
    for (by, other, role) in [(&world.awa, "emma", "employee"), (&world.emma, "awa", "owner")] {
        let conversation = by.get(&path).await.data().clone();
        let peer = &conversation["peer"];
        assert_eq!((&conversation["kind"], &conversation["client"]), (&json!("direct"), &Value::Null));
        assert_eq!(peer["id"], json!(world.server.user(other).id));
        assert_eq!((&peer["role"], &conversation["followed"]), (&json!(role), &json!(true)));
        assert_eq!(conversation["counterpart"]["status"], "offline");
        assert_eq!(conversation["counterpart"]["message"], Value::Null);
    }
    let _emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let online = || async { world.awa.get(&path).await.data()["counterpart"]["status"].clone() };
    while online().await != "online" {
        crate::harness::pause_between_polls().await;
    }
}

#[tokio::test]
async fn lists_hold_rooms_and_colleagues_together() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let karim = direct_path(&world, &world.emma, "karim").await;
    send_message(&world.karim, &karim, "deux").await.data();
    send_message(&world.karim, &karim, "trois").await.data();
    let denis = direct_path(&world, &world.emma, "denis").await;
    let kinds = |found: Value| field_values(&expect_array(&found), "kind");
    let all = world.emma.get("/conversations").await.data().clone();
    assert_eq!(kinds(all.clone()), ["direct", "client", "direct"], "newest first, empty ones last");
    assert_eq!(format!("/conversations/{}", expect_str(&all[2]["id"])), denis);
    let unread = world.emma.get("/conversations?sort=unread").await.data().clone();
    assert_eq!(field_values(&expect_array(&unread), "unread_count"), [2, 1, 0]);
    let mine = world.emma.get("/conversations?scope=mine").await.data().clone();
    assert_eq!(expect_array(&mine).len(), 3);
    for (search, found) in [("benali", 1), ("Moreau", 1), ("trois", 1), ("Laurent", 0), ("nord", 1)] {
        let answer = world.emma.get(&format!("/conversations?search={search}")).await.data().clone();
        assert_eq!(expect_array(&answer).len(), found, "{search}: {answer}");
    }
    // An owner's own conversations are listed with all rooms.
    assert_list_of_owner(&world).await;
}

async fn assert_list_of_owner(world: &ChatFixture) {
    let path = direct_path(world, &world.awa, "denis").await;
    send_message(&world.denis, &path, "bonjour").await.data();
    let all = world.awa.get("/conversations").await.data().clone();
    assert_eq!(field_values(&expect_array(&all), "kind"), ["direct", "client", "client"]);
    let _denis = Socket::open(&world.server, &world.server.user("denis").token).await;
    let online = || async { world.awa.get("/conversations?sort=online").await.data().clone() };
    while online().await[0]["counterpart"]["status"] != "online" {
        crate::harness::pause_between_polls().await;
    }
    assert_eq!(online().await[0]["kind"], "direct");
}

#[tokio::test]
async fn words_are_changed_within_their_time_by_their_author_alone() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.denis, "emma").await;
    let message_path =
        format!("/messages/{}", expect_str(&send_message(&world.denis, &path, "un").await.data()["id"]));
    assert_eq!(world.emma.patch(&message_path, json!({"content": "faux"})).await.error(), (403, "FORBIDDEN"));
    assert_eq!(world.emma.delete(&message_path).await.error(), (403, "FORBIDDEN"));
    assert_eq!(world.denis.patch(&message_path, json!({"content": "deux"})).await.data()["content"], "deux");
    assert_eq!(fetch_messages(&world.emma, &path).await[0]["content"], "deux");
    world.server.clock.advance(std::time::Duration::from_secs(121));
    let too_late = world.denis.patch(&message_path, json!({"content": "trois"})).await;
    assert_eq!(too_late.error(), (403, "EDIT_WINDOW_CLOSED"));
    assert_eq!(world.denis.delete(&message_path).await.error(), (403, "EDIT_WINDOW_CLOSED"));
}

#[tokio::test]
async fn a_draft_speaks_to_a_colleague_in_the_language_asked_for() {
    let world = ChatFixture::new();
    let related = json!({"type": "sale", "id": "V-7", "preview": {"title": "Vente 7"}});
    let body = json!({"user_id": world.server.user("karim").id, "related": related});
    for (language, words) in
        [("fr", "Bonjour, à propos de la vente « Vente 7 » : "), ("en", "Hello, about the sale “Vente 7”: ")]
    {
        let draft = post_in_language(&world.emma, language, "/conversations/draft", body.clone())
            .await
            .data()
            .clone();
        assert_eq!(draft["draft"], words);
        assert_eq!(draft["conversation"]["peer"]["id"], json!(world.server.user("karim").id));
    }
    let path = direct_path(&world, &world.emma, "karim").await;
    let sent = json!({"content": "à propos", "related": body["related"]});
    world.emma.post(&format!("{path}/messages"), sent).await.data();
    let about = world.karim.get("/messages?related_type=sale&related_id=V-7").await.data().clone();
    assert_eq!(expect_array(&about).len(), 1);
}

#[tokio::test]
async fn a_message_sent_again_is_the_first_one() {
    let world = ChatFixture::new();
    let path = format!("{}/messages", direct_path(&world, &world.emma, "karim").await);
    let body = json!({"content": "une fois", "client_message_id": "0198c0de-0000-7000-8000-0000000000d1"});
    let (first, again) = (world.emma.post(&path, body.clone()).await, world.emma.post(&path, body).await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.data()["id"], again.data()["id"]);
}
