//! Pages by offset, and by cursors, which concurrent changes do not disturb.

use std::time::Duration;

use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use guichet_base::{Actor, Locale, Role};
use guichet_db::embedded;
use serde_json::{Value, json};

use super::{act, tell, titles_of, unthrottled};
use crate::harness::ChatFixture;
use crate::notifications::rows;

/// Twelve notifications, of which the even ones are read.
async fn twelve() -> ChatFixture {
    let world = unthrottled();
    for number in 0..12 {
        let id = tell(&world, &number.to_string()).await;
        if number % 2 == 0 {
            act(&world.emma, &id, "ack").await.data();
        }
        world.server.clock.advance(Duration::from_secs(1));
    }
    world
}

async fn page(world: &ChatFixture, query: &str) -> (Vec<String>, Value) {
    let answer = world.emma.get(&format!("/notifications?{query}")).await;
    (titles_of(answer.data()), answer.body["meta"].clone())
}

#[tokio::test]
async fn cursors_go_through_every_order_once() {
    let world = twelve().await;
    for sort in ["unread", "recent", "priority"] {
        let (whole, meta) = page(&world, &format!("sort={sort}")).await;
        assert_eq!((whole.len(), &meta["next"]), (12, &Value::Null));
        for limit in [1, 4, 5, 6, 11] {
            let mut found = Vec::new();
            let mut query = format!("sort={sort}&limit={limit}");
            loop {
                let (titles, meta) = page(&world, &query).await;
                found.extend(titles);
                let Some(next) = meta["next"].as_str() else { break };
                query = format!("sort={sort}&limit={limit}&cursor={next}");
            }
            assert_eq!(found, whole, "{sort} by {limit}");
        }
    }
}

#[tokio::test]
async fn offsets_cut_the_same_list() {
    let world = twelve().await;
    let (whole, _) = page(&world, "").await;
    for offset in [0, 3, 6, 11, 12, 99] {
        let (found, meta) = page(&world, &format!("limit=4&offset={offset}")).await;
        let expected: Vec<String> = whole.iter().skip(offset).take(4).cloned().collect();
        assert_eq!((found, &meta["offset"]), (expected, &json!(offset)));
    }
}

#[tokio::test]
async fn what_comes_and_is_read_meanwhile_hides_nothing_from_the_next_page() {
    let world = twelve().await;
    let (first, meta) = page(&world, "limit=3").await;
    assert_eq!(first, ["11", "9", "7"]);
    let next = meta["next"].as_str().unwrap().to_owned();
    tell(&world, "neu").await;
    // The first one of the next page is read meanwhile: it appears among the read ones.
    let (rest, _) = page(&world, "limit=200").await;
    assert_eq!(rest[4], "5");
    let id = world.emma.get("/notifications").await.data()[4]["id"].as_str().unwrap().to_owned();
    act(&world.emma, &id, "ack").await.data();
    let (second, _) = page(&world, &format!("limit=200&cursor={next}")).await;
    assert_eq!(second, ["3", "1", "10", "8", "6", "5", "4", "2", "0"]);
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let world = twelve().await;
    let (_, meta) = page(&world, "limit=3").await;
    let next = meta["next"].as_str().unwrap();
    let answer = world.emma.get(&format!("/notifications?sort=recent&cursor={next}")).await;
    assert_eq!(answer.fault(), ("cursor", "unknown_value"));
    let answer = world.emma.get(&format!("/notifications?offset=3&cursor={next}")).await;
    assert_eq!(answer.fault(), ("cursor", "ambiguous"));
}

#[tokio::test]
async fn filters_hold_across_pages() {
    let world = twelve().await;
    let (first, meta) = page(&world, "is_read=false&limit=4&sort=recent").await;
    let next = meta["next"].as_str().unwrap();
    let (second, meta) = page(&world, &format!("is_read=false&limit=4&sort=recent&cursor={next}")).await;
    assert_eq!([first, second].concat(), ["11", "9", "7", "5", "3", "1"]);
    assert_eq!(meta["next"], Value::Null);
}

#[tokio::test]
async fn pages_of_each_length_are_whole() {
    let world = unthrottled();
    let emma = world.server.user("emma").id;
    rows::run(
        &world.server,
        &format!(
            "INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, title, body, \
                 data, priority, channel, visible, decision, status, read_at, last_event_at, created_at, updated_at) \
             SELECT u.tenant_id, gen_random_uuid(), 'operator', u.id, n, n, gen_random_uuid(), 'task.completed', 'task', n::text, 'Faite', \
                 '{{}}', 'low', 'inapp', true, '{{}}', CASE WHEN n % 3 = 0 THEN 'unread' ELSE 'read' END, \
                 CASE WHEN n % 3 = 0 THEN NULL ELSE now() END, now() - n * interval '1 second', now(), now() \
               FROM users u, generate_series(1, 403) n WHERE u.id = '{emma}'"
        ),
    );
    let newest_first = |wanted: fn(&usize) -> bool| (1..=403).filter(wanted).map(|n| n.to_string());
    let unread_first: Vec<String> =
        newest_first(|n| n % 3 == 0).chain(newest_first(|n| n % 3 != 0)).collect();
    let recent: Vec<String> = newest_first(|_| true).collect();
    for (sort, whole) in [("unread", &unread_first), ("recent", &recent)] {
        for limit in [20, 21, 50, 51, 100, 101, 200] {
            let mut found = Vec::new();
            let mut query = format!("sort={sort}&limit={limit}");
            loop {
                let (titles, meta) = page(&world, &query).await;
                let is_last = meta["next"].is_null();
                assert!(titles.len() == limit || is_last, "{query}: {}", titles.len());
                found.extend(titles);
                let Some(next) = meta["next"].as_str() else { break };
                query = format!("sort={sort}&limit={limit}&cursor={next}");
            }
            assert_eq!(&found, whole, "{sort} by {limit}");
            let (behind, _) = page(&world, &format!("sort={sort}&limit={limit}&offset=203")).await;
            let rest: Vec<String> = whole.iter().skip(203).take(limit).cloned().collect();
            assert_eq!(behind, rest, "{sort} by {limit}");
        }
    }
}

#[tokio::test]
async fn what_one_request_reads_is_of_one_moment() {
    let world = unthrottled();
    let emma = world.server.user("emma").id;
    let actor = Actor {
        tenant: world.server.demo.tenant_id,
        user: emma,
        role: Role::Employee,
        scopes: [].into(),
        locale: Locale::Fr,
        ip: None,
        authenticated_at: None,
    };
    let admin = world.server.database.url(embedded::LoginRole::Admin);
    let heads = world.server.app.db.read(&actor, move |tx| {
        let text = "SELECT head AS n FROM notification_feeds WHERE user_id = authz.me()";
        let before = sql_query(text).get_result::<Head>(tx.conn())?.n;
        let mut other = PgConnection::establish(&admin).unwrap();
        sql_query(format!("UPDATE notification_feeds SET head = head + 1 WHERE user_id = '{emma}'"))
            .execute(&mut other)?;
        Ok((before, sql_query(text).get_result::<Head>(tx.conn())?.n))
    });
    assert_eq!(heads.await.unwrap(), (0, 0));
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    n: i64,
}
