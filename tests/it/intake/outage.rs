//! Outages of Redis, the database and other processes.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use guichet_db::embedded::LoginRole;
use redis::Value as Reply;
use serde_json::json;

use super::{Post, task};
use crate::harness::{Postgres, Redis};

#[tokio::test]
async fn input_goes_on_when_redis_was_stopped_and_started() {
    let mut redis = Redis::start();
    let post = Post::on(&redis, &[]);
    post.until_ready(&post.server).await;
    let emma = post.server.user("emma").id;
    post.publish(&task(emma, "before").to_string());
    post.until("the first", || post.told(emma, "before") == 1).await;
    redis.stop();
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while post.readiness(&post.server).await.1["status"] != "degraded" {
        assert!(std::time::Instant::now() < deadline, "nobody noticed");
    }
    // Nothing else waits for it.
    post.send_message(&post.emma, "Bonjour !").await;
    redis.start_again();
    post.until_ready(&post.server).await;
    post.settled().await;
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_degrades_and_is_read_when_it_comes() {
    let mut redis = Redis::stopped();
    let post = Post::on(&redis, &[]);
    let (status, report) = post.readiness(&post.server).await;
    assert_eq!((status, &report["status"]), (200, &json!("degraded")), "{report}");
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "redis").unwrap();
    assert_eq!((&check["ok"], &check["millis"]), (&json!(false), &json!(null)));
    post.send_message(&post.emma, "Bonjour !").await;
    redis.start_again();
    // Events from before the service started are read too.
    let emma = post.server.user("emma").id;
    post.add(&[("data", &task(emma, "early").to_string())]);
    post.until("the early one", || post.told(emma, "early") == 1).await;
    post.until_ready(&post.server).await;
    post.settled().await;
}

#[tokio::test]
async fn without_redis_readiness_does_not_speak_of_it() {
    let world = crate::harness::ChatFixture::new();
    let report: serde_json::Value =
        reqwest::get(format!("{}/readyz", world.server.url)).await.unwrap().json().await.unwrap();
    assert_eq!(report["status"], "ok");
    assert_eq!(report["checks"].as_array().unwrap().len(), 1, "{report}");
}

#[tokio::test]
async fn what_a_process_read_and_left_is_taken_over() {
    let (redis, prefix) = (Redis::shared(), Redis::prefix());
    let name = format!("{prefix}notifications.events");
    let mut connection = redis.connect();
    let mut ask = |command: &[&str]| -> Reply {
        let mut ask = redis::cmd(command[0]);
        ask.arg(&command[1..]);
        ask.query(&mut connection).unwrap()
    };
    ask(&["XGROUP", "CREATE", &name, "guichet", "0", "MKSTREAM"]);
    // The demo tenant has the same people in every database.
    let emma = Post::open().await.server.user("emma").id;
    let mut entries = Vec::new();
    for title in ["left", "taken out"] {
        let Reply::BulkString(id) = ask(&["XADD", &name, "*", "data", &task(emma, title).to_string()]) else {
            panic!("no id");
        };
        entries.push(String::from_utf8(id).unwrap());
    }
    ask(&["XREADGROUP", "GROUP", "guichet", "dead", "STREAMS", &name, ">"]);
    for id in &entries {
        ask(&["XCLAIM", &name, "guichet", "dead", "0", id, "IDLE", "3600000", "JUSTID"]);
    }
    // Its producer deleted it: no process can read it, and none waits for it.
    ask(&["XDEL", &name, &entries[1]]);
    let post = Post::under(redis, prefix, &[]);
    post.until("the take-over", || post.told(emma, "left") == 1).await;
    post.until("the acknowledgements", || post.pending() == 0).await;
    assert_eq!(post.told(emma, "taken out"), 0);
}

#[tokio::test]
async fn a_process_that_stops_leaves_no_name_in_the_group() {
    let mut post = Post::open().await;
    post.settled().await;
    let consumers = |post: &Post| -> Vec<Reply> {
        let mut ask = redis::cmd("XINFO");
        ask.arg("CONSUMERS").arg(post.name()).arg("guichet").query(&mut post.redis()).unwrap()
    };
    assert_eq!(consumers(&post).len(), 1);
    post.world.server.stop();
    assert!(consumers(&post).is_empty());
}

#[tokio::test]
async fn a_group_that_was_taken_away_is_made_again() {
    let post = Post::open().await;
    let mut delete = redis::cmd("DEL");
    delete.arg(post.name()).exec(&mut post.redis()).unwrap();
    post.settled().await;
}

#[tokio::test]
async fn events_wait_for_a_database_that_is_away_and_are_not_rejected() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let named = diesel::dsl::sql::<Text>("current_database()");
    let name: String = diesel::select(named).get_result(&mut *post.server.database.admin()).unwrap();
    // A database cannot be closed from a connection to it.
    let mut admin = PgConnection::establish(&Postgres::shared().url(LoginRole::Admin, "postgres")).unwrap();
    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    let end =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.batch_execute(&end).unwrap();
    post.publish(&task(emma, "heard").to_string());
    post.add(&[("data", &task(emma, "written").to_string())]);
    post.until("the reading", || post.pending() == 1).await;
    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    post.until("the one that was heard", || post.told(emma, "heard") == 1).await;
    post.until("the one that was written", || post.told(emma, "written") == 1).await;
    post.settled().await;
    assert_eq!(post.count("rejected_events"), 0);
}
