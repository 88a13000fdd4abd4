//! Persisted broadcasts of clients: numbered with the room's events, and replayed with them.

use serde_json::{Value, json};

use crate::harness::{ChatFixture, Socket, room_topic};

fn kept(event: &str, payload: Value) -> Value {
    json!({"type": "broadcast", "event": event, "payload": payload, "persist": true})
}

async fn acked(world: &ChatFixture, name: &str) -> Socket {
    let mut socket = Socket::open(&world.server, &world.server.user(name).token).await;
    let config = json!({"config": {"broadcast": {"ack": true}}});
    assert_eq!(socket.request(&room_topic(world.nord), "phx_join", config).await.0, "ok");
    socket
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_a_code_and_takes_no_number() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = acked(&world, "chloe").await;
    for (event, code) in
        [("messaging:new", "FORBIDDEN"), ("", "VALIDATION_ERROR"), ("a\0b", "VALIDATION_ERROR")]
    {
        let (status, error) = chloe.request(&topic, "broadcast", kept(event, json!({}))).await;
        assert_eq!((status.as_str(), &error["code"]), ("error", &json!(code)), "{event:?} {error}");
        assert!(error["error"].is_string(), "what realtime-js shows: {error}");
    }
    let own = format!("realtime:user:{}", world.server.user("chloe").id);
    let config = json!({"config": {"broadcast": {"ack": true}}});
    chloe.request(&own, "phx_join", config).await;
    let (status, error) = chloe.request(&own, "broadcast", kept("note", json!({}))).await;
    assert_eq!((status.as_str(), &error["code"]), ("error", &json!("NOT_NUMBERED")));
    let said = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(said["changed_seq"], 1);
}

#[tokio::test]
async fn a_kept_broadcast_is_numbered_and_comes_back() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let before = world.server.clock.now().as_millis() - 60_000;
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let mut chloe = acked(&world, "chloe").await;
    // Keys and numbers keep their bytes.
    let payload = json!({"z": 1.50, "a": {"é": [null, "x"]}});
    let (status, ack) = chloe.request(&topic, "broadcast", kept("note", payload.clone())).await;
    assert_eq!((status.as_str(), &ack["seq"]), ("ok", &json!(1)));
    world.send_message(&world.chloe, "Bonjour").await;
    for socket in [&mut emma, &mut chloe] {
        let (heard, meta) = socket.next_broadcast(&topic, "note").await;
        assert_eq!((&heard, &meta), (&payload, &json!({"id": ack["id"], "seq": 1})));
        assert_eq!(socket.next_broadcast(&topic, "messaging:new").await.1["seq"], 2);
    }
    // Supabase refuses to replay on public channels; here all are private, whatever they declare.
    let mut public = Socket::open(&world.server, &world.server.user("awa").token).await;
    let config = json!({"private": false, "broadcast": {"replay": {"since": before, "limit": 1}}});
    let (status, joined) = public.request(&topic, "phx_join", json!({"config": config})).await;
    assert_eq!(
        (status.as_str(), &joined["resume"], &joined["replayed"]),
        ("ok", &json!("truncated"), &json!(1))
    );
    for replay in [json!({"after_seq": 0}), json!({"since": before, "limit": 10})] {
        let mut late = Socket::open(&world.server, &world.server.user("awa").token).await;
        let joined = late.join(&topic, replay).await;
        assert_eq!((&joined["replayed"], &joined["last_seq"]), (&json!(2), &json!(2)));
        let (heard, meta) = late.next_broadcast(&topic, "note").await;
        assert_eq!((&heard, &meta), (&payload, &json!({"id": ack["id"], "seq": 1, "replayed": true})));
    }
}

#[tokio::test]
async fn kept_broadcasts_and_messages_that_race_are_heard_without_holes() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let mut chloe = acked(&world, "chloe").await;
    let path = format!("/clients/{}/messages", world.nord);
    let writing = async {
        for n in 0..20 {
            world.emma.post(&path, json!({"content": format!("n° {n}")})).await.data();
        }
    };
    let keeping = async {
        for n in 0..20 {
            assert_eq!(chloe.request(&topic, "broadcast", kept("note", json!({"n": n}))).await.0, "ok");
        }
    };
    tokio::join!(writing, keeping);
    let mut heard = Vec::new();
    while heard.len() < 40 {
        let frame = emma
            .next_where(|frame| frame.event == "broadcast" && frame.payload["meta"]["seq"].is_i64())
            .await;
        heard.push(frame.payload["meta"]["seq"].as_i64().unwrap());
    }
    assert_eq!(heard, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn over_http_it_is_kept_too_and_a_stranger_keeps_nothing() {
    let world = ChatFixture::new();
    let path = format!("/realtime/v1/api/broadcast/chat%3Aroom%3A{}/events/note", world.nord);
    let url = |query: &str| format!("{}{path}{query}", world.server.url);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |name: &str, query: &str| {
        let request =
            http.post(url(query)).bearer_auth(&world.server.user(name).token).json(&json!({"x": 1}));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("bruno", "?persist=true").await, 403);
    for query in ["?private=true&persist=true", "?persist[ttl]=5", "?persist%5Bttl%5D=5"] {
        assert_eq!(send("chloe", query).await, 202);
    }
    assert_eq!(send("chloe", "?persist=false").await, 202);
    let bytes = http.post(url("?persist=true")).bearer_auth(&world.server.user("chloe").token);
    let bytes = bytes.header("content-type", "application/octet-stream").body(vec![0, 1]);
    assert_eq!(bytes.send().await.unwrap().status(), 422);
    let own = format!(
        "{}/realtime/v1/api/broadcast/user%3A{}/events/note?persist=true",
        world.server.url,
        world.server.user("chloe").id
    );
    let refused = http.post(own).bearer_auth(&world.server.user("chloe").token).json(&json!({}));
    let body: Value = refused.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["code"], "NOT_NUMBERED");
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    assert_eq!(emma.join(&room_topic(world.nord), json!({})).await["last_seq"], 3);
}
