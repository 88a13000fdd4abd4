//! `users.last_seen_at`, which stays when a person is absent.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use guichet_base::Timestamp;
use guichet_db::embedded::LoginRole;

use super::{id, open};
use crate::harness::ChatFixture;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    seen: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    updated: Timestamp,
}

fn row(world: &ChatFixture, name: &str) -> Row {
    let mut admin = world.server.database.connect(LoginRole::Admin);
    diesel::sql_query("SELECT last_seen_at AS seen, updated_at AS updated FROM users WHERE id = $1")
        .bind::<SqlUuid, _>(id(world, name))
        .get_result(&mut admin)
        .unwrap()
}

async fn until_seen(world: &ChatFixture, name: &str, is: impl Fn(Option<Timestamp>) -> bool) -> Timestamp {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let seen = row(world, name).seen;
        if is(seen) {
            return seen.unwrap();
        }
        assert!(Instant::now() < deadline, "{seen:?}");
        crate::harness::pause_between_polls().await;
    }
}

#[tokio::test]
async fn coming_and_going_are_written_and_are_no_change_of_the_record() {
    let world = ChatFixture::new();
    let before = row(&world, "chloe");
    assert!(before.seen.is_none());
    let socket = open(&world, "chloe").await;
    let came = until_seen(&world, "chloe", |seen| seen.is_some()).await;
    world.server.clock.advance(Duration::from_secs(50));
    drop(socket);
    world.wait_for_activity("ws.disconnect", 1).await;
    world.server.clock.advance(Duration::from_secs(31));
    let went = until_seen(&world, "chloe", |seen| seen > Some(came)).await;
    assert!(went.minus(Duration::from_secs(50)) >= came, "seen when the connection ended");
    assert_eq!(row(&world, "chloe").updated, before.updated);
}

#[tokio::test]
async fn a_stop_writes_when_everybody_was_last_there() {
    let mut world = ChatFixture::new();
    let _socket = open(&world, "emma").await;
    let came = until_seen(&world, "emma", |seen| seen.is_some()).await;
    world.server.clock.advance(Duration::from_secs(20));
    world.emma.get("/me").await.data();
    world.server.stop();
    assert!(row(&world, "emma").seen.unwrap() >= came.plus(Duration::from_secs(20)));
}
