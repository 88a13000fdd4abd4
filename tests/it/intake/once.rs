//! By whatever source an event arrives, and however many processes listen, it takes effect once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Post, task};
use crate::harness::TestServer;

#[tokio::test]
async fn an_event_that_comes_fifty_times_by_three_ways_makes_one_notification() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let names = [
        json!({"timestamp": "2026-11-21T07:00:00.123Z"}),
        json!({"idempotency_key": "task-42"}),
        json!({"timestamp": 1_795_244_400, "idempotency_key": "task-43"}),
    ];
    for (at, name) in names.iter().enumerate() {
        let title = format!("fifty times {at}");
        let mut body = task(emma, &title);
        body.as_object_mut().unwrap().extend(name.as_object().unwrap().clone());
        let mut over_http = body.clone();
        over_http["payload"].as_object_mut().unwrap().remove("tenant_id");
        if let Some(time) = over_http.as_object_mut().unwrap().remove("timestamp") {
            over_http["occurred_at"] =
                if time.is_string() { time } else { json!("2026-11-21T07:00:00.000Z") };
        }
        let text = body.to_string();
        let ids = join_all((0..50).map(|copy| {
            let (post, text, over_http) = (&post, &text, &over_http);
            async move {
                match copy % 3 {
                    0 => {
                        Some(post.world.service.post("/events", over_http.clone()).await.data()["id"].clone())
                    }
                    1 => {
                        post.publish(text);
                        None
                    }
                    _ => {
                        post.add(&[("data", text)]);
                        None
                    }
                }
            }
        }))
        .await;
        post.settled().await;
        let mut ids: Vec<Value> = ids.into_iter().flatten().collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(post.told(emma, &title), 1, "{name}");
        assert_eq!(post.count(&format!("notification_events WHERE payload->>'title' = '{title}'")), 1);
    }
    assert_eq!(post.count("rejected_events"), 0);
}

#[tokio::test]
async fn four_processes_on_one_redis_act_once() {
    let mut post = Post::open().await;
    let mut others: Vec<TestServer> = (0..3).map(|_| post.beside()).collect();
    for other in &others {
        post.until_ready(other).await;
    }
    let emma = post.server.user("emma").id;
    let title = |number: usize| format!("to four {number}");
    for number in 0..24 {
        let mut body = task(emma, &title(number));
        // Every third has neither key nor time.
        match number % 3 {
            0 => body["timestamp"] = json!("2026-11-21T07:00:00Z"),
            1 => body["idempotency_key"] = json!(format!("four-{number}")),
            _ => {}
        }
        match number % 2 {
            0 => assert_eq!(post.publish(&body.to_string()), 4),
            _ => drop(post.add(&[("data", &body.to_string())])),
        }
    }
    // A rejected one is stored once, too.
    let wrong = json!({"event": "no.such", "payload": {"tenant_id": "demo"}, "timestamp": 1_795_244_400});
    assert_eq!(post.publish(&wrong.to_string()), 4);
    post.until("every event", || (0..24).all(|number| post.told(emma, &title(number)) > 0)).await;
    post.until("the refusal", || post.count("rejected_events") > 0).await;
    post.settled().await;
    // A stopping process first handles what it has received.
    for server in others.iter_mut().chain([&mut post.world.server]) {
        server.stop();
    }
    for number in 0..24 {
        assert_eq!(post.told(emma, &title(number)), 1, "{number}");
    }
    assert_eq!(post.count("rejected_events"), 1);
    assert_eq!(post.count("notification_events WHERE payload->>'title' LIKE 'to four %'"), 24);
}

#[tokio::test]
async fn an_entry_says_the_same_in_one_field_and_in_many() {
    let post = Post::open().await;
    let emma = post.server.user("emma").id;
    let whole = task(emma, "whole");
    post.add(&[("json", &whole.to_string())]);
    let parts = task(emma, "in parts");
    post.add(&[
        ("event", "task.assigned"),
        ("payload", &parts["payload"].to_string()),
        ("timestamp", "1795244400"),
        ("recipients", &json!({"users": [emma]}).to_string()),
    ]);
    post.until("both", || post.told(emma, "whole") == 1 && post.told(emma, "in parts") == 1).await;
    // The tenant's name is not a variable of the event.
    assert_eq!(post.count("notifications WHERE data ? 'tenant_id'"), 0);
    let at = "notification_events WHERE source = 'stream' AND occurred_at = '2026-11-21T07:00:00Z'";
    assert_eq!(post.count(at), 1);
}
