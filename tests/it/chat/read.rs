//! Read positions: they only move forward, repeats have no effect, and the other side sees them.

use serde_json::{Value, json};

use super::room::{
    execute, expect_array, expect_str, faults, field_numbers, field_values, history, messages_path,
    nord_path, outbox_seqs, query_number, read_all, read_to, unread_count,
};
use crate::harness::ChatFixture;

#[tokio::test]
async fn a_number_below_zero_is_refused() {
    let world = ChatFixture::new();
    let answer =
        world.emma.post(&format!("{}/read", nord_path(&world).await), json!({"up_to_seq": -1})).await;
    assert_eq!(faults(&answer), [("up_to_seq", "out_of_range")]);
}

#[tokio::test]
async fn reading_an_empty_room_changes_nothing() {
    let world = ChatFixture::new();
    let state = read_all(&world, &world.emma).await;
    assert_eq!((&state["up_to_seq"], &state["unread_count"]), (&json!(0), &json!(0)));
    assert!(outbox_seqs(&world).is_empty());
}

#[tokio::test]
async fn reading_twice_is_reading_once() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let first = read_all(&world, &world.emma).await;
    let read_at = history(&world, &world.chloe).await[0]["read_at"].clone();
    world.server.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(read_all(&world, &world.emma).await, first);
    assert_eq!(history(&world, &world.chloe).await[0]["read_at"], read_at);
    assert_eq!(outbox_seqs(&world), [1, 2]);
}

#[tokio::test]
async fn reading_goes_forward_only() {
    let world = ChatFixture::new();
    for content in ["un", "deux", "trois"] {
        world.send_message(&world.chloe, content).await;
    }
    read_to(&world, &world.emma, 2).await;
    let state = read_to(&world, &world.emma, 1).await;
    assert_eq!(
        (&state["up_to_seq"], &state["unread_count"], &state["total"]),
        (&json!(2), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn reading_beyond_the_end_is_reading_to_the_end() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let state = read_to(&world, &world.emma, i64::MAX).await;
    assert_eq!((&state["up_to_seq"], &state["unread_count"]), (&json!(1), &json!(0)));
    world.send_message(&world.chloe, "deux").await;
    assert_eq!(unread_count(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn a_message_is_read_when_the_first_of_the_other_side_read_it() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    read_all(&world, &world.emma).await;
    let first = history(&world, &world.chloe).await[0].clone();
    world.server.clock.advance(std::time::Duration::from_secs(60));
    read_all(&world, &world.awa).await;
    let after = history(&world, &world.chloe).await[0].clone();
    assert_eq!((&after["read_at"], &after["state"]), (&first["read_at"], &json!("read")));
    assert_eq!(after["changed_seq"], first["changed_seq"]);
}

#[tokio::test]
async fn a_colleague_reading_is_not_the_other_side_reading() {
    let world = ChatFixture::new();
    world.send_message(&world.emma, "un").await;
    read_all(&world, &world.awa).await;
    assert_eq!(history(&world, &world.emma).await[0]["read_at"], Value::Null);
}

#[tokio::test]
async fn a_colleague_reading_leaves_my_counter_alone() {
    let world = ChatFixture::new();
    world.send_message(&world.awa, "pour mémoire").await;
    world.send_message(&world.chloe, "un").await;
    read_all(&world, &world.awa).await;
    assert_eq!((unread_count(&world, &world.awa).await, unread_count(&world, &world.emma).await), (0, 2));
}

#[tokio::test]
async fn reading_moves_the_number_of_what_was_read() {
    let world = ChatFixture::new();
    for content in ["un", "deux", "trois"] {
        world.send_message(&world.chloe, content).await;
    }
    read_to(&world, &world.emma, 2).await;
    assert_eq!(field_numbers(&history(&world, &world.chloe).await, "changed_seq"), [4, 4, 3]);
}

#[tokio::test]
async fn reading_one_message_reads_all_before_it() {
    let world = ChatFixture::new();
    let mut ids = Vec::new();
    for content in ["un", "deux", "trois"] {
        ids.push(expect_str(&world.send_message(&world.chloe, content).await["id"]).to_owned());
    }
    let state = world.emma.put(&format!("/messages/{}/read", ids[1]), json!({})).await.data().clone();
    assert_eq!(
        (&state["up_to_seq"], &state["unread_count"], &state["total"]),
        (&json!(2), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn what_waited_before_a_member_came_is_theirs_to_read() {
    let world = ChatFixture::new();
    let (chloe, bruno) = (world.server.user("chloe").id, world.server.user("bruno").id);
    let members = format!("/clients/{}/members", world.nord);
    world.service.delete(&format!("{members}/{chloe}")).await.data();
    world.send_message(&world.emma, "Bienvenue").await;
    world.service.put(&format!("{members}/{bruno}"), json!({})).await.data();
    read_all(&world, &world.bruno).await;
    assert_eq!(history(&world, &world.emma).await[0]["state"], "read");
}

#[tokio::test]
async fn who_came_late_reads_what_waited_only_as_far_as_they_say() {
    let world = ChatFixture::new();
    for content in ["un", "deux", "trois"] {
        world.send_message(&world.chloe, content).await;
    }
    let karim = world.server.user("karim").id;
    world.service.patch(&format!("/clients/{}", world.nord), json!({"operator_id": karim})).await.data();
    let state = read_to(&world, &world.karim, 2).await;
    assert_eq!((&state["up_to_seq"], &state["unread_count"]), (&json!(3), &json!(0)));
    let states = field_values(&history(&world, &world.chloe).await, "state");
    assert_eq!(states, [json!("read"), json!("read"), json!("sent")]);
}

#[tokio::test]
async fn a_long_absence_is_read_in_several_changes() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let (chloe, nord) = (world.server.user("chloe").id, world.nord);
    execute(
        &world,
        &format!(
            "INSERT INTO messages (tenant_id, id, conversation_id, client_id, seq, changed_seq, sender_id, sender_type, \
         content, created_at) SELECT c.tenant_id, gen_random_uuid(), c.id, c.client_id, n, n, '{chloe}', 'client', 'x', now() \
         FROM conversations c, generate_series(2, 2500) n WHERE c.client_id = '{nord}'; \
         ALTER TABLE conversations DISABLE TRIGGER conversations_guard; \
         UPDATE conversations SET last_seq = 2500, head = 2500 WHERE client_id = '{nord}'; \
         ALTER TABLE conversations ENABLE TRIGGER conversations_guard; \
         UPDATE participants SET unread_count = 2500 WHERE client_id = '{nord}' AND side = 'operator'"
        ),
    );
    let state = read_all(&world, &world.emma).await;
    assert_eq!((&state["up_to_seq"], &state["unread_count"]), (&json!(2500), &json!(0)));
    assert_eq!(query_number(&world, "SELECT count(*) AS n FROM messages WHERE read_at IS NULL"), 0);
    let widest = "SELECT max(n) AS n FROM (SELECT count(*) AS n FROM messages GROUP BY changed_seq) changes";
    assert_eq!((query_number(&world, widest), outbox_seqs(&world)), (1_000, vec![1, 2501, 2502, 2503]));
}

#[tokio::test]
async fn the_room_learns_who_read_and_how_far() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    read_all(&world, &world.emma).await;
    let sql = format!(
        "SELECT count(*) AS n FROM outbox WHERE event = 'messaging:read' AND payload->>'reader_id' = '{}' \
         AND payload->>'up_to_seq' = '1'",
        world.server.user("emma").id
    );
    assert_eq!(query_number(&world, &sql), 1);
    world.wait_for_activity("message.read", 1).await;
    assert_eq!(world.activity_count("message.read"), 1);
}

#[tokio::test]
async fn reading_says_the_total_over_all_rooms() {
    let world = ChatFixture::new();
    let sud = format!("/clients/{}/messages", world.sud);
    for path in [messages_path(&world), sud] {
        world.awa.post(&path, json!({"content": "je suis"})).await.data();
    }
    world.send_message(&world.chloe, "un").await;
    world.bruno.post(&format!("/clients/{}/messages", world.sud), json!({"content": "hello"})).await.data();
    assert_eq!(read_all(&world, &world.awa).await["total"], 1);
    let unread = world.awa.get("/conversations/unread-count").await.data().clone();
    assert_eq!((&unread["total"], expect_array(&unread["conversations"]).len()), (&json!(1), 1));
}
