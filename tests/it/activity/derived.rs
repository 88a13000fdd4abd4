//! Activity rows that are derived from the outbox: each written once, soon, despite failures.

use diesel::connection::SimpleConnection;
use guichet::activity::derive::derive_pending;
use guichet_db::embedded::LoginRole;

use crate::chat::room::{query_number, query_texts};
use crate::harness::ChatFixture;

const SENT: &str = "SELECT count(*) AS n FROM activity_logs WHERE action = 'message.send'";

#[tokio::test]
async fn a_send_and_a_reading_are_written_down_with_who_what_and_from_where() {
    let world = ChatFixture::new();
    let message = world.send_message(&world.chloe, "Bonjour").await;
    let id = message["id"].as_str().unwrap();
    world.emma.put(&format!("/messages/{id}/read"), serde_json::json!({})).await.data();
    world.wait_for_activity("message.read", 1).await;
    let sql = "SELECT concat_ws(' ', user_id, entity_type, entity_id, host(ip_address)) AS t FROM activity_logs WHERE action = 'message.send'";
    let chloe = world.server.user("chloe").id;
    assert_eq!(query_texts(&world, sql)[0], format!("{chloe} message {id} 127.0.0.1"));
    let sql = "SELECT details->>'up_to_seq' AS t FROM activity_logs WHERE action = 'message.read'";
    assert_eq!(query_texts(&world, sql)[0], "1");
}

#[tokio::test]
async fn a_job_that_begins_anew_or_twice_at_once_writes_nothing_twice() {
    let world = ChatFixture::new();
    for n in 0..30 {
        world.send_message(&world.chloe, &format!("Message {n}")).await;
    }
    world.wait_for_activity("message.send", 30).await;
    // The position is lost, as after a restore, or a crash between two batches.
    let mut admin = world.server.database.connect(LoginRole::Admin);
    admin.batch_execute("UPDATE outbox_readers SET txid = '3'").unwrap();
    let db = &world.server.app.db;
    let (one, two, three) = tokio::join!(derive_pending(db), derive_pending(db), derive_pending(db));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(query_number(&world, SENT), 30);
    // A position ahead belongs to another cluster: new rows must not be skipped.
    admin.batch_execute("UPDATE outbox_readers SET txid = '9000000000000000'").unwrap();
    world.send_message(&world.chloe, "Encore").await;
    world.wait_for_activity("message.send", 31).await;
}

#[tokio::test]
async fn what_the_job_has_not_read_is_not_dropped() {
    let world = ChatFixture::new();
    let mut admin = world.server.database.connect(LoginRole::Admin);
    // A job that is blocked for ten days: its position is locked, as by a hanging process.
    admin.batch_execute("BEGIN; SELECT FROM outbox_readers FOR UPDATE").unwrap();
    world.send_message(&world.chloe, "Bonjour").await;
    let mut other = world.server.database.connect(LoginRole::Admin);
    other
        .batch_execute(
            "DO $$ DECLARE day date := (now() AT TIME ZONE 'UTC')::date - 10; BEGIN EXECUTE format( \
                 'CREATE TABLE outbox_%s PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)', to_char(day, 'YYYYMMDD'), \
                 day || ' 00:00+00', day + 1 || ' 00:00+00'); END $$; \
             INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, created_at) \
             SELECT tenant_id, 'chat:room:old', 1, gen_random_uuid(), 'messaging:new', '{}', fanout, \
                    date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '10 days' + interval '1 hour' \
               FROM outbox WHERE event = 'messaging:new' LIMIT 1",
        )
        .unwrap();
    use guichet_realtime::{Outbox, ReplayLog as _};
    let outbox = Outbox(world.server.app.db.clone());
    outbox.maintain_partitions(7).await.unwrap();
    let old = "SELECT count(*) AS n FROM pg_class WHERE relname = 'outbox_' || to_char(now() AT TIME ZONE 'UTC' - interval '10 days', 'YYYYMMDD')";
    assert_eq!(query_number(&world, old), 1);
    admin.batch_execute("ROLLBACK").unwrap();
    world.wait_for_activity("message.send", 2).await;
    outbox.maintain_partitions(7).await.unwrap();
    assert_eq!(query_number(&world, old), 0);
}
