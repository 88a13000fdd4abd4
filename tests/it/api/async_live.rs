//! Live socket frames match the description: no other events, on no other topics, in no other shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::async_spec::{Described, event_key};
use crate::harness::{ChatFixture, TestServer, room_topic};

const PATIENCE: Duration = Duration::from_secs(20);

/// A socket that checks every frame against the description.
struct Watched {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    is_v1: bool,
    described: Described,
    reference: u32,
    /// The expected replies by ref: on success, and on failure.
    awaited: BTreeMap<String, (&'static str, &'static str)>,
    /// The messages that arrived, by key.
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

/// topic, event, ref, payload.
struct Heard(String, String, Option<String>, Value);

impl Watched {
    async fn open(server: &TestServer, token: &str, vsn: &str) -> Self {
        let url = server.socket_url(&format!("/realtime/v1/websocket?vsn={vsn}&apikey={token}"));
        let (stream, _) = connect_async(url).await.unwrap();
        Self {
            stream,
            is_v1: vsn.starts_with('1'),
            described: Described::new(),
            reference: 0,
            awaited: BTreeMap::new(),
            seen: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// Pushes the message `key`, and returns status and response of the reply, which must match `answer`, or
    /// `refusal` on failure.
    async fn ask(
        &mut self,
        topic: &str,
        event: &str,
        payload: Value,
        answers: (&'static str, &'static str),
    ) -> (String, Value) {
        self.reference += 1;
        let reference = self.reference.to_string();
        self.awaited.insert(reference.clone(), answers);
        let frame = match self.is_v1 {
            true => json!({"topic": topic, "event": event, "payload": payload, "ref": reference}),
            false => json!([null, reference, topic, event, payload]),
        };
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
        loop {
            let Heard(_, event, answered, payload) = self.hear().await;
            if event == "phx_reply" && answered.as_deref() == Some(&*reference) {
                let status = payload["status"].as_str().unwrap_or_default().to_owned();
                return (status, payload["response"].clone());
            }
        }
    }

    async fn until(&mut self, key: &str) {
        while !self.seen.contains(key) {
            self.hear().await;
        }
    }

    async fn hear(&mut self) -> Heard {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            if let Message::Text(text) = message.unwrap().unwrap().unwrap() {
                let heard = self.read(&serde_json::from_str(&text).unwrap());
                self.judge(&heard);
                return heard;
            }
        }
    }

    fn read(&mut self, frame: &Value) -> Heard {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if self.is_v1 {
            let keys: Vec<_> = frame.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["event", "payload", "ref", "topic"]);
            let reference = frame["ref"].as_str().map(str::to_owned);
            return Heard(text(&frame["topic"]), text(&frame["event"]), reference, frame["payload"].clone());
        }
        assert_eq!(frame.as_array().map(Vec::len), Some(5), "{frame}");
        Heard(text(&frame[2]), text(&frame[3]), frame[1].as_str().map(str::to_owned), frame[4].clone())
    }

    fn judge(&mut self, Heard(topic, event, reference, payload): &Heard) {
        let mut wrong = Vec::new();
        let key = match event.as_str() {
            "broadcast" => {
                wrong.extend(self.described.faults_of("BroadcastFrame", payload));
                self.judge_broadcast(topic, payload, &mut wrong)
            }
            "phx_reply" => {
                wrong.extend(self.described.faults_of("SocketReply", payload));
                let expected = reference.as_ref().and_then(|reference| self.awaited.remove(reference));
                let Some((answer, refusal)) = expected else {
                    return self.wrong.push(format!("a reply to nothing: {reference:?} {payload}"));
                };
                let key = if payload["status"] == "ok" { answer } else { refusal };
                wrong.extend(self.described.faults(key, &payload["response"]));
                key.to_owned()
            }
            "presence_state" | "presence_diff" | "postgres_changes" | "system" | "phx_error"
            | "phx_close" => {
                wrong.extend(self.described.faults(event, payload));
                event.clone()
            }
            _ => return self.wrong.push(format!("{event} on {topic} is not described")),
        };
        self.wrong.extend(wrong.iter().map(|fault| format!("{event} on {topic}: {fault}: {payload}")));
        self.seen.insert(key);
    }

    fn judge_broadcast(&self, topic: &str, payload: &Value, wrong: &mut Vec<String>) -> String {
        let name = payload["event"].as_str().unwrap_or_default();
        if !self.described.is_event(name) {
            let ours = ["messaging:", "notify:", "presence:", "ticket:", "meeting:"];
            if ours.iter().any(|family| name.starts_with(family)) {
                wrong.push(format!("{name} is not described"));
            }
            return "personal".to_owned();
        }
        let key = event_key(name);
        if !self.described.carries(topic.trim_start_matches("realtime:"), &key) {
            wrong.push(format!("{topic} is not said to carry {name}"));
        }
        wrong.extend(self.described.faults(&key, &payload["payload"]));
        if self.described.message(&key)["x-durable"] == true {
            wrong.extend(self.described.faults_of("EventMeta", &payload["meta"]));
        } else if payload.get("meta").is_some() {
            wrong.push(format!("{name} is of the moment, and has meta"));
        }
        key
    }

    #[track_caller]
    fn saw(&self, keys: &[&str]) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        for key in keys {
            assert!(self.seen.contains(*key), "{key} never came: {:?}", self.seen);
        }
    }
}

const JOIN: (&str, &str) = ("reply_join", "error_join");
const DONE: (&str, &str) = ("reply_empty", "error_command");

fn config(replay: Value, presence: bool) -> Value {
    json!({"config": {"broadcast": {"ack": true, "self": true, "replay": replay}, "presence": {"enabled": presence},
        "private": true}})
}

/// Emma receives and sends every message, in one serialization of Phoenix.
async fn a_day_at_the_desk(vsn: &str) {
    let world = ChatFixture::new();
    let (emma, topic) = (world.server.user("emma"), room_topic(world.nord));
    let own = format!("realtime:user:{}", emma.id);
    let mut socket = Watched::open(&world.server, &emma.token, vsn).await;
    let first = world.send_message(&world.chloe, "Bonjour").await;
    let (status, _) = socket.ask(&topic, "phx_join", config(json!({"after_seq": 0}), true), JOIN).await;
    assert_eq!(status, "ok");
    socket.until("event_messaging_new").await;
    assert_eq!(
        socket.ask(&own, "phx_join", config(json!({"after": "2020-01-01T00:00:00Z"}), false), JOIN).await.0,
        "ok"
    );

    let send = json!({"client_id": world.nord, "content": "Bonjour Chloé",
        "related": {"type": "order", "id": "A-1042", "preview": {"title": "Commande", "url": "/orders/1", "lot": 7}}});
    let answers = ("reply_messaging_send", "error_command");
    let (status, sent) = socket.ask(&topic, "messaging:send", send, answers).await;
    assert_eq!(status, "ok", "{sent}");
    let read = json!({"message_id": first["id"]});
    let answers = ("reply_messaging_read", "error_command");
    assert_eq!(socket.ask(&topic, "messaging:read", read, answers).await.0, "ok");
    let typing = json!({"client_id": world.nord, "typing": true});
    socket.ask(&topic, "messaging:typing", typing, ("reply_messaging_typing", "error_command")).await;
    socket.ask(&topic, "messaging:join", json!({}), ("reply_messaging_join", "error_command")).await;
    socket.ask(&topic, "presence:ping", json!({}), ("reply_presence_ping", "error_command")).await;
    socket.ask("phoenix", "heartbeat", json!({}), ("reply_heartbeat", "error_command")).await;
    let cursor = json!({"type": "broadcast", "event": "cursor", "payload": {"x": 1}});
    socket.ask(&topic, "broadcast", cursor, DONE).await;
    let track = json!({"type": "presence", "event": "track", "payload": {"page": "/inbox"}});
    socket.ask(&topic, "presence", track, DONE).await;

    // Others act, and Emma receives the events.
    let path = format!("/messages/{}", first["id"].as_str().unwrap());
    world.chloe.patch(&path, json!({"content": "Bonsoir"})).await.data();
    world.chloe.delete(&path).await.data();
    let conversation = first["conversation_id"].as_str().unwrap();
    world.chloe.post(&format!("/conversations/{conversation}/typing"), json!({"typing": true})).await.data();
    let mut chloe = Watched::open(&world.server, &world.server.user("chloe").token, vsn).await;
    chloe.ask(&topic, "phx_join", config(json!({"after_seq": 0}), false), JOIN).await;
    for key in ["updated", "deleted", "read", "typing", "delivered", "unread"] {
        socket.until(&format!("event_messaging_{key}")).await;
    }

    // Then refused requests.
    let (status, _) = socket.ask(&topic, "messaging:send", json!({"content": " "}), DONE).await;
    assert_eq!(status, "error");
    let foreign = json!({"type": "broadcast", "event": "messaging:new", "payload": {}});
    assert_eq!(socket.ask(&topic, "broadcast", foreign, DONE).await.0, "error");
    assert_eq!(socket.ask(&room_topic(world.sud), "phx_join", json!({}), JOIN).await.0, "error");
    let (status, reset) = socket.ask(&topic, "phx_join", config(json!({"after_seq": 999}), true), JOIN).await;
    assert_eq!((status.as_str(), &reset["resume"]), ("ok", &json!("reset")));
    socket.ask(&topic, "phx_leave", json!({}), DONE).await;
    socket.until("phx_close").await;

    chloe.ask("phoenix", "heartbeat", json!({}), ("reply_heartbeat", "error_command")).await;
    chloe.saw(&["reply_join", "event_messaging_new"]);
    socket.saw(&[
        "reply_join",
        "error_join",
        "reply_empty",
        "error_command",
        "reply_heartbeat",
        "reply_messaging_send",
        "reply_messaging_read",
        "reply_messaging_typing",
        "reply_messaging_join",
        "reply_presence_ping",
        "presence_state",
        "personal",
        "phx_close",
    ]);
}

#[tokio::test]
async fn what_a_phoenix_v2_socket_hears_is_described() {
    a_day_at_the_desk("2.0.0").await;
}

#[tokio::test]
async fn what_a_phoenix_v1_socket_hears_is_described() {
    a_day_at_the_desk("1.0.0").await;
}

#[tokio::test]
async fn an_operator_may_join_what_the_description_says() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma");
    let tenant = world.emma.get("/me").await.data()["tenant"]["id"].as_str().unwrap().to_owned();
    let mut socket = Watched::open(&world.server, &emma.token, "2.0.0").await;
    for topic in [room_topic(world.nord), format!("user:{}", emma.id), format!("realtime:tenant:{tenant}")] {
        let (status, response) = socket.ask(&topic, "phx_join", json!({}), JOIN).await;
        assert_eq!(status, "ok", "{topic} {response}");
        let numbered = socket.described.carries(topic.trim_start_matches("realtime:"), "event_messaging_new")
            && !topic.starts_with("user:");
        assert_eq!(response["last_seq"].is_i64(), numbered, "{topic}");
    }
    let mut chloe = Watched::open(&world.server, &world.server.user("chloe").token, "2.0.0").await;
    let (status, _) = chloe.ask(&format!("tenant:{tenant}"), "phx_join", json!({}), JOIN).await;
    assert_eq!(status, "error", "tenant topics are the operators'");
    chloe.saw(&["error_join"]);
    socket.saw(&["reply_join"]);
}
