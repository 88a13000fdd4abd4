//! Faulty events: refused as a whole, stored with the reason if the tenant is known, and without effect on others.

use guichet_base::id::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Post, task};

#[tokio::test]
async fn each_kind_of_bad_message_is_a_rejected_row_and_nothing_else() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let bad = [
        ("event", json!("no.such"), "event"),
        ("event", json!(7), "event"),
        ("event", Value::Null, "event"),
        ("payload", json!({"tenant_id": "demo", "user_id": emma, "task_id": "42"}), "title"),
        (
            "payload",
            json!({"tenant_id": "demo", "user_id": Uuid::now_v7(), "task_id": "42", "title": "x"}),
            "user_id",
        ),
        ("payload", json!({"tenant_id": "demo", "user_id": emma, "task_id": "42", "title": "\0"}), "title"),
        ("timestamp", json!("yesterday"), "timestamp"),
        ("timestamp", json!({}), "timestamp"),
        ("recipients", json!({"users": [Uuid::now_v7()]}), "users"),
        ("recipients", json!({"user": [emma]}), "user"),
        ("actor_id", json!("emma"), "actor_id"),
        ("idempotency_key", json!(""), "idempotency_key"),
        ("recipient", json!({"users": [emma]}), "recipient"),
    ];
    for (number, (key, value, _)) in bad.iter().enumerate() {
        let mut body = task(emma, "bad");
        body["timestamp"] = json!(1_795_000_000 + number);
        body[key] = value.clone();
        assert_eq!(post.publish(&body.to_string()), 1);
        post.add(&[("data", &body.to_string())]);
    }
    post.settled().await;
    let answer = post.denis.get("/events/rejected?limit=200").await;
    let rows = answer.data().as_array().unwrap();
    assert_eq!(rows.len(), 2 * bad.len(), "{rows:#?}");
    for source in ["channel", "stream"] {
        for (number, (key, value, named)) in bad.iter().enumerate() {
            let told = |row: &&Value| match *key {
                "timestamp" => row["body"]["timestamp"] == *value,
                _ => row["body"]["timestamp"] == json!(1_795_000_000 + number),
            };
            let row = rows.iter().find(|row| row["source"] == source && told(row)).unwrap();
            assert_eq!(row["code"], "VALIDATION_ERROR", "{row}");
            let reason = row["reason"].as_str().unwrap();
            assert!(reason.contains(named), "{key} {value}: {reason}");
            assert_eq!((&row["event_id"], &row["retries"]), (&Value::Null, &json!(0)));
            assert_eq!(row["body"]["payload"]["tenant_id"], "demo");
        }
    }
    assert_eq!(post.count("notification_events WHERE payload->>'title' IS NOT DISTINCT FROM 'bad'"), 0);
    assert_eq!(post.told(emma, "bad"), 0);
}

#[tokio::test]
async fn what_names_no_known_tenant_is_kept_nowhere_and_stops_nothing() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let of = |tenant: Value| {
        let mut body = task(emma, "stray");
        body["payload"]["tenant_id"] = tenant;
        body.to_string()
    };
    let long = "x".repeat(1 << 20);
    let strays = [
        "".to_owned(),
        "not JSON".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        "{\"payload\": []}".to_owned(),
        "[".repeat(100_000),
        of(Value::Null),
        of(json!("nobody")),
        of(json!("a\0b")),
        of(json!(Uuid::now_v7())),
        of(json!(["demo"])),
        of(json!("demo")).replace("stray", &long),
    ];
    for stray in &strays {
        assert_eq!(post.publish(stray), 1);
        post.add(&[("data", stray)]);
    }
    let mut add = redis::cmd("XADD");
    add.arg(post.name()).arg("*").arg(&b"\xff\xfe"[..]).arg(&b"\xff"[..]);
    add.exec(&mut post.redis()).unwrap();
    post.settled().await;
    assert_eq!(post.count("rejected_events"), 0);
    assert_eq!(post.told(emma, "stray"), 0);
}

#[tokio::test]
async fn an_event_lands_only_in_the_tenant_that_it_names() {
    let post = Post::open().await;
    let platform = post.service("*", &["*"]);
    let made = platform.post("/tenants", json!({"slug": "other", "name": "Other"})).await;
    let other_id = made.data()["id"].as_str().unwrap().to_owned();
    let other = post.service("other", &["*"]);
    let (theirs, emma) = (UserId::new(), post.server.user("emma").id);
    let person = json!({"role": "owner", "display_name": "Odile", "email": "odile@other.example"});
    other.put(&format!("/users/{theirs}"), person).await.data();
    for (tenant, title) in [("other", "by slug"), (other_id.as_str(), "by id")] {
        let mut body = task(theirs, title);
        body["payload"]["tenant_id"] = json!(tenant);
        post.publish(&body.to_string());
        // It does not know the people of this tenant.
        let mut stranger = task(emma, title);
        stranger["payload"]["tenant_id"] = json!(tenant);
        stranger["timestamp"] = json!("2026-11-21T07:00:00Z");
        post.add(&[("data", &stranger.to_string())]);
    }
    post.settled().await;
    for title in ["by slug", "by id"] {
        assert_eq!((post.told(theirs, title), post.told(emma, title)), (1, 0));
    }
    let in_other = format!("tenant_id = '{other_id}'");
    assert_eq!(post.count(&format!("rejected_events WHERE {in_other}")), 2);
    assert_eq!(post.count(&format!("rejected_events WHERE NOT {in_other}")), 0);
    assert_eq!(other.get("/events/rejected").await.data().as_array().unwrap().len(), 2);
    assert_eq!(post.awa.get("/events/rejected").await.data(), &json!([]));
}

#[tokio::test]
async fn where_notifications_are_off_events_are_kept_as_rejected() {
    let post = Post::open_with(&[("FEATURES_OFF", "notifications")]).await;
    let emma = post.server.user("emma").id;
    post.add(&[("data", &task(emma, "off").to_string())]);
    post.until("the refusal", || post.count("rejected_events WHERE code = 'FEATURE_DISABLED'") == 1).await;
    assert_eq!(post.count("notification_events"), 0);
    let path = "/events/rejected";
    assert_eq!(post.awa.get(path).await.error(), (403, "FEATURE_DISABLED"));
    let retry = format!("{path}/{}/retry", Uuid::now_v7());
    assert_eq!(post.awa.post(&retry, json!({})).await.error(), (403, "FEATURE_DISABLED"));
}
