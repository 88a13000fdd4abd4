//! Unread counters of direct conversations always equal a recount, also concurrently.

use futures_util::future::join_all;
use serde_json::json;

use super::super::room::{count, lines, number, word};
use super::super::unread::{Chance, MISCOUNTED};
use super::{path, rank};
use crate::harness::{Api, ChatFixture};

const NAMES: [&str; 4] = ["awa", "denis", "emma", "karim"];

/// Both people count while they are operators.
const MISPLACED: &str = "SELECT count(*) AS n FROM participants p JOIN users u ON u.id = p.user_id \
    WHERE p.client_id IS NULL AND p.counted <> (u.role <> 'client' AND u.deleted_at IS NULL)";

#[tokio::test]
async fn counters_hold_whatever_colleagues_do_at_once() {
    let world = ChatFixture::new();
    let mut paths = Vec::new();
    for (by, with) in
        [(&world.awa, "denis"), (&world.awa, "emma"), (&world.denis, "karim"), (&world.emma, "karim")]
    {
        paths.push(path(&world, by, with).await);
    }
    let mut chance = Chance(0x5eed_0003);
    for step in 0..60 {
        let deeds: Vec<(usize, usize, usize, usize)> =
            (0..5).map(|_| (chance.below(4), chance.below(4), chance.below(12), chance.below(100))).collect();
        join_all(deeds.iter().map(|deed| does(&world, &paths, *deed))).await;
        assert_eq!((count(&world, MISCOUNTED), count(&world, MISPLACED)), (0, 0), "step {step}: {deeds:?}");
        for name in NAMES {
            let sql = format!(
                "SELECT coalesce(sum(unread_count), 0)::bigint AS n FROM participants WHERE user_id = '{}'",
                world.server.user(name).id
            );
            let told = people(&world, name).get("/conversations/unread-count").await.data()["total"].clone();
            assert_eq!(number(&told), count(&world, &sql), "step {step}: {name}: {deeds:?}");
        }
    }
    assert!(count(&world, "SELECT count(*) AS n FROM messages WHERE client_id IS NULL") > 30);
}

fn people<'w>(world: &'w ChatFixture, name: &str) -> &'w Api {
    match name {
        "awa" => &world.awa,
        "denis" => &world.denis,
        "emma" => &world.emma,
        _ => &world.karim,
    }
}

/// A random action; many are refused, which must leave the counters unchanged too.
async fn does(
    world: &ChatFixture,
    paths: &[String],
    (who, conversation, deed, more): (usize, usize, usize, usize),
) {
    let (by, path) = (people(world, NAMES[who]), &paths[conversation]);
    let answer = match deed {
        0..=5 => by.post(&format!("{path}/messages"), json!({"content": "mot"})).await,
        6..=7 => by.post(&format!("{path}/read"), json!({"up_to_seq": more})).await,
        8 => by.post(&format!("{path}/read"), json!({})).await,
        9 => by.delete(&any_message(world, more)).await,
        10 => by.put(&format!("{}/read", any_message(world, more)), json!({})).await,
        // To a client and back again.
        _ => {
            rank(world, "karim", if more % 2 == 0 { "client" } else { "employee" }).await;
            return;
        }
    };
    assert!(answer.status.as_u16() < 500, "{}", answer.body);
}

fn any_message(world: &ChatFixture, more: usize) -> String {
    let ids = lines(world, "SELECT id::text AS t FROM messages ORDER BY created_at, id");
    let id = ids.get(more % ids.len().max(1)).cloned();
    format!("/messages/{}", word(&json!(id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()))))
}
