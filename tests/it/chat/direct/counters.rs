//! Unread counters of direct conversations always equal a recount, also concurrently.

use futures_util::future::join_all;
use serde_json::json;

use super::super::room::{expect_number, expect_str, query_number, query_texts};
use super::super::unread::{WRONG_COUNTERS, Xorshift64};
use super::{direct_path, set_role};
use crate::harness::{Api, ChatFixture};

const NAMES: [&str; 4] = ["awa", "denis", "emma", "karim"];

/// Number of participants whose `counted` is wrong: both people count exactly while they are operators.
const WRONG_RECIPIENTS: &str = "SELECT count(*) AS n FROM participants p JOIN users u ON u.id = p.user_id \
    WHERE p.client_id IS NULL AND p.counted <> (u.role <> 'client' AND u.deleted_at IS NULL)";

#[tokio::test]
async fn counters_hold_whatever_colleagues_do_at_once() {
    let world = ChatFixture::new();
    let mut paths = Vec::new();
    for (by, with) in
        [(&world.awa, "denis"), (&world.awa, "emma"), (&world.denis, "karim"), (&world.emma, "karim")]
    {
        paths.push(direct_path(&world, by, with).await);
    }
    let mut random = Xorshift64(0x5eed_0003);
    for step in 0..60 {
        let actions: Vec<(usize, usize, usize, usize)> =
            (0..5).map(|_| (random.below(4), random.below(4), random.below(12), random.below(100))).collect();
        join_all(actions.iter().map(|action| perform(&world, &paths, *action))).await;
        assert_eq!(
            (query_number(&world, WRONG_COUNTERS), query_number(&world, WRONG_RECIPIENTS)),
            (0, 0),
            "step {step}: {actions:?}"
        );
        for name in NAMES {
            let sql = format!(
                "SELECT coalesce(sum(unread_count), 0)::bigint AS n FROM participants WHERE user_id = '{}'",
                world.server.user(name).id
            );
            let total = person(&world, name).get("/conversations/unread-count").await.data()["total"].clone();
            assert_eq!(expect_number(&total), query_number(&world, &sql), "step {step}: {name}: {actions:?}");
        }
    }
    assert!(query_number(&world, "SELECT count(*) AS n FROM messages WHERE client_id IS NULL") > 30);
}

fn person<'w>(world: &'w ChatFixture, name: &str) -> &'w Api {
    match name {
        "awa" => &world.awa,
        "denis" => &world.denis,
        "emma" => &world.emma,
        _ => &world.karim,
    }
}

/// Performs a random action. Many are refused; these must leave the counters unchanged.
async fn perform(
    world: &ChatFixture,
    paths: &[String],
    (person_index, conversation, action, argument): (usize, usize, usize, usize),
) {
    let (by, path) = (person(world, NAMES[person_index]), &paths[conversation]);
    let answer = match action {
        0..=5 => by.post(&format!("{path}/messages"), json!({"content": "mot"})).await,
        6..=7 => by.post(&format!("{path}/read"), json!({"up_to_seq": argument})).await,
        8 => by.post(&format!("{path}/read"), json!({})).await,
        9 => by.delete(&message_path(world, argument)).await,
        10 => by.put(&format!("{}/read", message_path(world, argument)), json!({})).await,
        // Changes the role of Karim to client and back.
        _ => {
            set_role(world, "karim", if argument % 2 == 0 { "client" } else { "employee" }).await;
            return;
        }
    };
    assert!(answer.status.as_u16() < 500, "{}", answer.body);
}

fn message_path(world: &ChatFixture, index: usize) -> String {
    let ids = query_texts(world, "SELECT id::text AS t FROM messages ORDER BY created_at, id");
    let id = ids.get(index % ids.len().max(1)).cloned();
    format!("/messages/{}", expect_str(&json!(id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()))))
}
