//! Notifications on sockets: subscribers, the backlog on connect, and floods for other people.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text, Uuid as SqlUuid};
use guichet_base::id::UserId;
use guichet_realtime::Event;
use serde_json::{Value, json};
use uuid::Uuid;

use super::conformance::client::Client;
use super::conformance::wires::{ALL, Ask, Plain, PlainCamel, ReceivedFrame, SocketIo, Wire};
use crate::harness::{ChatFixture, Socket};

/// Dialects that join own topics on connect.
const JOINLESS: [&dyn Wire; 3] = [&Plain, &PlainCamel, &SocketIo];

fn feed(user: UserId) -> String {
    format!("client:notifications:{user}")
}

fn id(world: &ChatFixture, name: &str) -> UserId {
    world.server.user(name).id
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    payload: String,
}

const NOTIFY: &str = "
    WITH feed AS (
        UPDATE notification_feeds SET head = head + 1, unread = unread + 1 WHERE user_id = $1 RETURNING *),
    row AS (
        INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, title,
            body, data, priority, channel, visible, decision, last_event_at, processed_at, created_at, updated_at, expires_at)
        SELECT feed.tenant_id, gen_random_uuid(), 'operator', $1, head, head, gen_random_uuid(), 'mandat.created', 'mandat', $2, '',
            '{\"a_b\": 1}', 'normal', 'inapp', true, '{}', now(), now(), now(), now(), now() + make_interval(secs => $3) FROM feed
        RETURNING *)
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT row.tenant_id, 'client:notifications:' || $1, row.seq, gen_random_uuid(), 'notify:new',
        json_build_object('notification', json_build_object('id', row.id, 'seq', row.seq, 'title', row.title), 'unread', unread),
        '{}', ARRAY[$1] FROM row, feed
    RETURNING seq, id, payload::text AS payload";

/// Commits a notification for `name` without publishing it, as another process would. It expires after `secs`.
fn commit(world: &ChatFixture, name: &str, title: &str, secs: i32) -> Event {
    let user = id(world, name);
    let told: Told = diesel::sql_query(NOTIFY)
        .bind::<SqlUuid, _>(user.0)
        .bind::<Text, _>(title)
        .bind::<Integer, _>(secs)
        .get_result(&mut *world.server.database.admin())
        .unwrap();
    Event {
        tenant: world.server.demo.tenant_id,
        id: told.id,
        topic: feed(user).into(),
        seq: told.seq,
        name: "notify:new".into(),
        payload: serde_json::value::RawValue::from_string(told.payload).unwrap(),
        copies: Vec::new(),
        side_events: Vec::new(),
        client: None,
    }
}

/// The same, published at once.
fn notify(world: &ChatFixture, name: &str, title: &str) -> Event {
    let event = commit(world, name, title, 3_600);
    world.server.app.notifications.hub.publish(event.clone());
    event
}

/// The events of `topic` among `heard`: name, number, whether it was missed, and title or count.
fn told(wire: &dyn Wire, heard: &[ReceivedFrame], topic: &str) -> Vec<(String, i64, bool, Value)> {
    let of_topic = heard.iter().filter_map(|heard| match heard {
        ReceivedFrame::Event { topic: on, event, payload, meta } if on == topic => {
            let notification = match wire.key("a_b") == "aB" {
                true => &payload["payload"],
                false => &payload["notification"],
            };
            let about = if event == "notify:unread" { &payload["count"] } else { &notification["title"] };
            Some((event.clone(), meta["seq"].as_i64().unwrap(), meta["replayed"] == true, about.clone()))
        }
        _ => None,
    });
    of_topic.collect()
}

#[tokio::test]
async fn nobody_hears_another_s_notifications() {
    let world = ChatFixture::new();
    for wire in ALL {
        for (name, other) in [("emma", "awa"), ("awa", "emma"), ("chloe", "bruno")] {
            let mut client = Client::open(&world, wire, name).await;
            let topic = feed(id(&world, other));
            let join = Ask::Join { topic: &topic, after_seq: Some(0), token: None };
            assert_eq!(client.refusal(&join).await, "FORBIDDEN", "{}", wire.name());
            notify(&world, other, "secret");
            assert!(told(wire, &client.settled().await, &topic).is_empty(), "{}", wire.name());
        }
    }
    world.wait_for_activity("forbidden_attempt", 15).await;
}

#[tokio::test]
async fn nobody_is_heard_in_a_feed_but_the_service() {
    let world = ChatFixture::new();
    let topic = feed(id(&world, "emma"));
    for wire in ALL {
        let mut emma = Client::on(&world, wire, "emma", &topic).await;
        for name in ["notify:new", "notify:forged"] {
            let forged = Ask::Say { topic: &topic, event: name, payload: json!({"notification": {}}) };
            assert_eq!(emma.refusal(&forged).await, "FORBIDDEN", "{}", wire.name());
        }
    }
    let body = json!({"messages": [{"topic": topic, "event": "kept", "payload": {}, "persist": true}]});
    let http = reqwest::Client::new();
    let url = format!("{}/realtime/v1/api/broadcast", world.server.url);
    let answer =
        http.post(url).bearer_auth(&world.server.user("emma").token).json(&body).send().await.unwrap();
    let _ = answer.text().await.unwrap();
    let mut emma = Client::open(&world, &Plain, "emma").await;
    let joined = emma.join(&topic, Some(0)).await;
    assert_eq!((&joined["last_seq"], &joined["replayed"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn where_notifications_are_off_nobody_hears_any_and_that_is_no_attempt() {
    let world =
        ChatFixture::on_server(crate::harness::TestServer::start_with(&[("FEATURES_OFF", "notifications")]));
    let topic = feed(id(&world, "emma"));
    commit(&world, "emma", "waits", 3_600);
    for wire in ALL {
        let mut emma = Client::open(&world, wire, "emma").await;
        let join = Ask::Join { topic: &topic, after_seq: None, token: None };
        assert_eq!(emma.refusal(&join).await, "FEATURE_DISABLED", "{}", wire.name());
        assert!(told(wire, &emma.settled().await, &topic).is_empty());
    }
    assert_eq!(world.activity_count("forbidden_attempt"), 0);
}

#[tokio::test]
async fn what_waits_is_told_at_the_connect_oldest_first_then_the_counter_then_what_is_live() {
    let world = ChatFixture::new();
    let topic = feed(id(&world, "emma"));
    let first = notify(&world, "emma", "1");
    notify(&world, "awa", "another's");
    notify(&world, "emma", "2");
    commit(&world, "emma", "expired", -1);
    for (wire, live) in JOINLESS.into_iter().zip(["3", "4", "5"]) {
        let mut emma = Client::connect(&world, wire, Some(&world.server.user("emma").token)).await;
        let waits: Vec<String> =
            (1..=2).chain(3..live.parse().unwrap()).map(|n: i32| n.to_string()).collect();
        let mut expected: Vec<_> = waits
            .iter()
            .map(|title| {
                let seq: i64 = title.parse().unwrap();
                ("notify:new".to_owned(), if seq > 2 { seq + 1 } else { seq }, true, json!(title))
            })
            .collect();
        let head = expected.last().map_or(0, |last| last.1.max(3));
        expected.push(("notify:unread".into(), head, true, json!(waits.len())));
        let heard = emma.settled().await;
        assert_eq!(told(emma.wire, &heard, &topic), expected, "{}", wire.name());
        let ReceivedFrame::Event { meta, .. } = heard
            .iter()
            .find(|heard| matches!(heard, ReceivedFrame::Event { event, .. } if event == "notify:new"))
            .unwrap()
        else {
            unreachable!()
        };
        assert_eq!(meta["id"], json!(first.id), "as it was told at first");

        notify(&world, "emma", live);
        let (payload, meta) = emma.event(&topic, "notify:new").await;
        assert_eq!((&meta["seq"], meta.get("replayed")), (&json!(head + 1), None));
        if wire.key("a_b") == "aB" {
            let told = &payload["payload"];
            assert_eq!((&payload["type"], &told["title"]), (&json!("alert"), &json!(live)));
        }
    }
    // A join from a number replays the log only.
    let mut emma = Client::open(&world, &Plain, "emma").await;
    let joined = emma.join(&topic, Some(4)).await;
    assert_eq!((&joined["resume"], &joined["replayed"]), (&json!("complete"), &json!(2)));
    let heard = emma.settled().await;
    let seqs: Vec<i64> = told(emma.wire, &heard, &topic).iter().map(|told| told.1).collect();
    assert_eq!(seqs, [5, 6]);
}

#[tokio::test]
async fn of_many_that_wait_the_newest_are_told_and_all_are_counted() {
    let world =
        ChatFixture::on_server(crate::harness::TestServer::start_with(&[("NOTIFICATION_REPLAY_LIMIT", "3")]));
    for n in 1..=5 {
        notify(&world, "chloe", &n.to_string());
    }
    let mut chloe = Client::connect(&world, &Plain, Some(&world.server.user("chloe").token)).await;
    let heard = chloe.settled().await;
    let told: Vec<Value> =
        told(chloe.wire, &heard, &feed(id(&world, "chloe"))).into_iter().map(|told| told.3).collect();
    assert_eq!(told, [json!("3"), json!("4"), json!("5"), json!(5)]);
}

#[tokio::test]
async fn nothing_is_missed_or_told_twice_while_people_connect_and_are_notified() {
    let world = ChatFixture::new();
    let topic = feed(id(&world, "emma"));
    let (mut clients, total) = (Vec::new(), 40);
    for n in 0..total {
        notify(&world, "emma", &n.to_string());
        if n % 8 == 0 {
            let wire = JOINLESS[n / 8 % 3];
            clients.push(Client::connect(&world, wire, Some(&world.server.user("emma").token)).await);
        }
    }
    for client in &mut clients {
        let mut numbers = Vec::new();
        let total = i64::try_from(total).unwrap();
        while numbers.last() != Some(&total) {
            let (_, meta) = client.event(&topic, "notify:new").await;
            numbers.push(meta["seq"].as_i64().unwrap());
        }
        assert_eq!(numbers, (1..=total).collect::<Vec<_>>(), "{}", client.wire.name());
    }
}

const FLOOD: &str = "
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, 'client:notifications:' || gen_random_uuid(), 1, gen_random_uuid(), 'notify:new',
        json_build_object('notification', json_build_object('body', repeat('x', 500)), 'unread', 1), '{}', ARRAY[gen_random_uuid()]
      FROM generate_series(1, $2)";

#[tokio::test]
async fn an_announcement_to_thousands_elsewhere_reaches_those_who_are_here() {
    let world = ChatFixture::new();
    let tenant = world.server.demo.tenant_id;
    let topic = feed(id(&world, "emma"));
    let mut emma = Client::open(&world, &Plain, "emma").await;
    let mut awa = Socket::open(&world.server, &world.server.user("awa").token).await;
    let (_, joined) = awa
        .request(
            "realtime:any",
            "phx_join",
            json!({"config": {"postgres_changes": [{"event": "INSERT", "table": "notifications"}]}}),
        )
        .await;
    assert_eq!(joined["postgres_changes"][0]["id"], 1);
    let mut chloe = Client::on(&world, &Plain, "chloe", &format!("chat:room:{}", world.nord)).await;
    let elsewhere = crate::harness::Process::start(&world.server, "info");
    let bruno = crate::harness::Api::new(&elsewhere.url, Some(&world.server.user("emma").token));

    // Longer than a turn of the tail.
    diesel::sql_query(FLOOD)
        .bind::<SqlUuid, _>(tenant.0)
        .bind::<Integer, _>(25_000)
        .execute(&mut *world.server.database.admin())
        .unwrap();
    commit(&world, "emma", "for Emma", 3_600);
    commit(&world, "awa", "for Awa", 3_600);
    world.send_message(&bruno, "behind it").await;

    let (payload, _) = emma.event(&topic, "notify:new").await;
    assert_eq!(payload["notification"]["title"], "for Emma");
    let change = awa.next_where(|frame| frame.event == "postgres_changes").await;
    assert_eq!(change.payload["data"]["record"]["title"], "for Awa");
    let (payload, _) = chloe.event(&format!("chat:room:{}", world.nord), "messaging:new").await;
    assert_eq!(payload["message"]["content"], "behind it");
}

#[tokio::test]
async fn reading_on_one_socket_is_seen_on_five_others_of_every_dialect() {
    let world =
        ChatFixture::on_server(crate::harness::TestServer::start_with(&[("NOTIFICATION_WS_MAX_CONN", "6")]));
    let topic = feed(id(&world, "emma"));
    let announced = notify(&world, "emma", "1");
    let told: Value = serde_json::from_str(announced.payload.get()).unwrap();
    let named = told["notification"]["id"].clone();
    let mut clients = Vec::new();
    for wire in ALL {
        clients.push(Client::on(&world, wire, "emma", &topic).await);
    }
    let mut reader = Client::on(&world, &Plain, "emma", &topic).await;
    let ack = Ask::Command { topic: &topic, name: "notify:ack", payload: json!({"id": named}) };
    let first = reader.ok(&ack).await;
    assert_eq!((&first["id"], &first["status"], &first["is_read"]), (&named, &json!("read"), &json!(true)));
    let rest = world.emma.get(&format!("/notifications/{}", named.as_str().unwrap())).await;
    assert_eq!(&first, rest.data(), "what REST returns");
    assert_eq!(reader.ok(&ack).await, first, "said again, it changes nothing");
    clients.push(reader);
    for client in &mut clients {
        let (payload, meta) = client.event(&topic, "notify:updated").await;
        let wire = client.wire;
        let notification = &payload["notification"];
        assert_eq!(notification[wire.key("is_read")], true, "{}: {payload}", wire.name());
        assert_eq!((&payload["unread"], &meta["seq"]), (&json!(0), &json!(2)), "{}", wire.name());
        assert!(told_again(&client.settled().await).is_empty(), "{}", wire.name());
    }
}

fn told_again(heard: &[ReceivedFrame]) -> Vec<&ReceivedFrame> {
    let is_update = |heard: &&ReceivedFrame| matches!(heard, ReceivedFrame::Event { event, .. } if event == "notify:updated");
    heard.iter().filter(is_update).collect()
}

#[tokio::test]
async fn nobody_reads_for_another_and_what_is_no_id_is_refused() {
    let world = ChatFixture::new();
    let announced = notify(&world, "emma", "1");
    let told: Value = serde_json::from_str(announced.payload.get()).unwrap();
    for wire in ALL {
        let topic = format!("user:{}", id(&world, "awa"));
        let mut awa = Client::on(&world, wire, "awa", &topic).await;
        for (payload, code) in [
            (json!({"id": told["notification"]["id"]}), "NOT_FOUND"),
            (json!({"id": Uuid::now_v7()}), "NOT_FOUND"),
            (json!({"id": "x"}), "VALIDATION_ERROR"),
            (json!({}), "VALIDATION_ERROR"),
        ] {
            let ack = Ask::Command { topic: &topic, name: "notify:ack", payload };
            assert_eq!(awa.refusal(&ack).await, code, "{}", wire.name());
        }
    }
}

#[tokio::test]
async fn afritalk_s_paths_are_the_feed_in_its_names() {
    let world = ChatFixture::new();
    notify(&world, "emma", "1");
    let told: Value = serde_json::from_str(notify(&world, "emma", "2").payload.get()).unwrap();
    let base = format!("/tenants/{}/notifications", world.server.demo.tenant_id);
    let path = format!("{base}/{}/read", told["notification"]["id"].as_str().unwrap());
    assert_eq!(world.awa.put(&path, json!({})).await.status, 404);
    let foreign = format!("/tenants/{}/notifications", Uuid::now_v7());
    assert_eq!(world.emma.get(&foreign).await.status, 403);
    assert_eq!(world.emma.get(&format!("{base}?limit=0")).await.status, 422);

    let read = world.emma.put(&path, json!({})).await;
    assert_eq!((&read.data()["isRead"], &read.data()["title"]), (&json!(true), &json!("2")));
    let page = world.emma.get(&base).await;
    let titles: Vec<&Value> = page.data().as_array().unwrap().iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, [&json!("1"), &json!("2")], "unread ones first");
    let one = &page.data()[0];
    assert_eq!(one["userId"], json!(id(&world, "emma")));
    assert_eq!(
        (&one["type"], &one["code"], &one["message"]),
        (&json!("alert"), &json!("mandat.created"), &json!(""))
    );
    assert_eq!((&one["pushSent"], &one["pushSentAt"]), (&json!(false), &Value::Null));
    assert_eq!(one["data"]["a_b"], 1, "a producer's own keys");
    assert_eq!(page.body["meta"]["unread"], 1);
}
