//! Each dialect as a client writes and reads it: one vocabulary in five wire formats.

use serde_json::{Value, json};

/// A request of a client.
pub enum Ask<'a> {
    Join {
        topic: &'a str,
        after_seq: Option<i64>,
        token: Option<&'a str>,
    },
    Leave(&'a str),
    Heartbeat,
    /// A broadcast to the others on a topic.
    Say {
        topic: &'a str,
        event: &'a str,
        payload: Value,
    },
    /// A command; Phoenix sends it on a joined topic.
    Command {
        topic: &'a str,
        name: &'a str,
        payload: Value,
    },
    Token {
        topic: &'a str,
        token: &'a str,
    },
}

/// A frame received by a client.
#[derive(Debug, Clone)]
pub enum ReceivedFrame {
    Reply {
        reference: String,
        status: String,
        response: Value,
    },
    Event {
        topic: String,
        event: String,
        payload: Value,
        meta: Value,
    },
    /// The end of a channel, for good or to be joined again.
    Ended {
        topic: String,
        for_good: bool,
    },
    /// Socket.IO's namespace: connected, or refused with a code.
    Connected,
    Refused(String),
    /// Everything else.
    Other,
}

pub trait Wire: Sync {
    fn name(&self) -> &'static str;

    /// The path, without the token.
    fn path(&self, tenant: &str) -> String;

    /// Sent when the socket has opened.
    fn hello(&self) -> Option<String> {
        None
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String;

    fn read(&self, text: &str) -> ReceivedFrame;

    /// guichet's key in the dialect's naming convention.
    fn key(&self, snake: &str) -> String {
        snake.to_owned()
    }

    /// Whether channels can end without the socket, and joins carry the connection's token.
    fn is_phoenix(&self) -> bool {
        false
    }
}

pub struct V1;
pub struct V2;
pub struct Plain;
pub struct PlainCamel;
pub struct SocketIo;

pub const ALL: [&dyn Wire; 5] = [&V1, &V2, &Plain, &PlainCamel, &SocketIo];

/// Event and payload of a Phoenix push.
fn phoenix(ask: &Ask<'_>) -> (String, &'static str, Value) {
    match ask {
        Ask::Join { topic, after_seq, token } => {
            let replay = after_seq.map(|after| json!({ "after_seq": after }));
            let config = json!({"broadcast": {"ack": true, "replay": replay}, "private": true});
            (format!("realtime:{topic}"), "phx_join", json!({"config": config, "access_token": token}))
        }
        Ask::Leave(topic) => (format!("realtime:{topic}"), "phx_leave", json!({})),
        Ask::Heartbeat => ("phoenix".into(), "heartbeat", json!({})),
        Ask::Say { topic, event, payload } | Ask::Command { topic, name: event, payload } => {
            let inner = json!({"type": "broadcast", "event": event, "payload": payload});
            (format!("realtime:{topic}"), "broadcast", inner)
        }
        Ask::Token { topic, token } => {
            (format!("realtime:{topic}"), "access_token", json!({ "access_token": token }))
        }
    }
}

fn of_phoenix(reference: &Value, topic: &Value, event: &Value, payload: &Value) -> ReceivedFrame {
    let topic = topic.as_str().unwrap();
    let topic = topic.strip_prefix("realtime:").unwrap_or(topic).to_owned();
    match event.as_str().unwrap() {
        "phx_reply" => ReceivedFrame::Reply {
            reference: reference.as_str().unwrap_or_default().to_owned(),
            status: payload["status"].as_str().unwrap().to_owned(),
            response: payload["response"].clone(),
        },
        "broadcast" => ReceivedFrame::Event {
            topic,
            event: payload["event"].as_str().unwrap().to_owned(),
            payload: payload["payload"].clone(),
            meta: payload["meta"].clone(),
        },
        event @ ("phx_close" | "phx_error") => ReceivedFrame::Ended { topic, for_good: event == "phx_close" },
        _ => ReceivedFrame::Other,
    }
}

impl Wire for V1 {
    fn name(&self) -> &'static str {
        "V1"
    }

    fn path(&self, _: &str) -> String {
        "/socket/websocket?vsn=1.0.0".into()
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String {
        let (topic, event, payload) = phoenix(ask);
        json!({"topic": topic, "event": event, "payload": payload, "ref": reference.to_string()}).to_string()
    }

    fn read(&self, text: &str) -> ReceivedFrame {
        let frame: Value = serde_json::from_str(text).unwrap();
        of_phoenix(&frame["ref"], &frame["topic"], &frame["event"], &frame["payload"])
    }

    fn is_phoenix(&self) -> bool {
        true
    }
}

impl Wire for V2 {
    fn name(&self) -> &'static str {
        "V2"
    }

    fn path(&self, _: &str) -> String {
        "/realtime/v1/websocket?vsn=2.0.0".into()
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String {
        let (topic, event, payload) = phoenix(ask);
        json!([null, reference.to_string(), topic, event, payload]).to_string()
    }

    fn read(&self, text: &str) -> ReceivedFrame {
        let frame: Value = serde_json::from_str(text).unwrap();
        of_phoenix(&frame[1], &frame[2], &frame[3], &frame[4])
    }

    fn is_phoenix(&self) -> bool {
        true
    }
}

/// Event, topic and payload in the plain dialects.
fn plainly<'a>(wire: &dyn Wire, ask: &'a Ask<'_>) -> (&'a str, Option<&'a str>, Value) {
    match ask {
        Ask::Join { topic, after_seq, token } => {
            let mut payload = json!({});
            for (key, value) in [("after_seq", json!(after_seq)), ("access_token", json!(token))] {
                if !value.is_null() {
                    payload[wire.key(key)] = value;
                }
            }
            ("join", Some(topic), payload)
        }
        Ask::Leave(topic) => ("leave", Some(topic), json!({})),
        Ask::Heartbeat => ("heartbeat", None, json!({})),
        Ask::Say { topic, event, payload } => (event, Some(topic), payload.clone()),
        Ask::Command { name, payload, .. } => {
            let payload = payload.as_object().unwrap();
            let payload = payload.iter().map(|(key, value)| (wire.key(key), value.clone()));
            (name, None, Value::Object(payload.collect()))
        }
        Ask::Token { token, .. } => ("access_token", None, json!({ wire.key("access_token"): token })),
    }
}

fn plain_frame(wire: &dyn Wire, reference: u32, ask: &Ask<'_>) -> String {
    let (event, topic, payload) = plainly(wire, ask);
    let mut frame = json!({"event": event, "payload": payload, "ref": reference});
    if let Some(topic) = topic {
        frame["topic"] = topic.into();
    }
    frame.to_string()
}

fn of_plain(event: &str, topic: Option<&str>, payload: &Value, meta: &Value) -> ReceivedFrame {
    let topic = topic.map(str::to_owned);
    match (event, topic) {
        ("left", Some(topic)) => ReceivedFrame::Ended { topic, for_good: true },
        ("resume", Some(topic)) => ReceivedFrame::Ended { topic, for_good: false },
        (event, Some(topic)) => ReceivedFrame::Event {
            topic,
            event: event.to_owned(),
            payload: payload.clone(),
            meta: meta.clone(),
        },
        ("error", None) => ReceivedFrame::Refused(payload["code"].as_str().unwrap().to_owned()),
        (_, None) => ReceivedFrame::Other,
    }
}

fn read_plain(text: &str) -> ReceivedFrame {
    let frame: Value = serde_json::from_str(text).unwrap();
    if frame["event"] == "reply" {
        return ReceivedFrame::Reply {
            reference: frame["ref"].to_string(),
            status: frame["payload"]["status"].as_str().unwrap().to_owned(),
            response: frame["payload"]["response"].clone(),
        };
    }
    of_plain(frame["event"].as_str().unwrap(), frame["topic"].as_str(), &frame["payload"], &frame["meta"])
}

/// As a front end's own code would convert.
fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |out, word| out + &word[..1].to_uppercase() + &word[1..])
}

impl Wire for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn path(&self, _: &str) -> String {
        "/ws/notifications?".into()
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String {
        plain_frame(self, reference, ask)
    }

    fn read(&self, text: &str) -> ReceivedFrame {
        read_plain(text)
    }
}

impl Wire for PlainCamel {
    fn name(&self) -> &'static str {
        "plain camelCase"
    }

    fn path(&self, tenant: &str) -> String {
        format!("/api/tenants/{tenant}/messaging/socket?")
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String {
        plain_frame(self, reference, ask)
    }

    fn read(&self, text: &str) -> ReceivedFrame {
        read_plain(text)
    }

    fn key(&self, snake: &str) -> String {
        camel(snake)
    }
}

impl Wire for SocketIo {
    fn name(&self) -> &'static str {
        "Socket.IO"
    }

    fn path(&self, _: &str) -> String {
        "/socket.io/?EIO=4&transport=websocket".into()
    }

    fn hello(&self) -> Option<String> {
        Some("40".into())
    }

    fn write(&self, reference: u32, ask: &Ask<'_>) -> String {
        let (event, topic, payload) = plainly(self, ask);
        let items = match topic {
            Some(topic) => json!([event, payload, { "topic": topic }]),
            None => json!([event, payload]),
        };
        format!("42{reference}{items}")
    }

    fn read(&self, text: &str) -> ReceivedFrame {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        if let Some(rest) = text.strip_prefix("42") {
            let items = json(rest);
            return of_plain(
                items[0].as_str().unwrap(),
                items[2]["topic"].as_str(),
                &items[1],
                &items[2]["meta"],
            );
        }
        if let Some(rest) = text.strip_prefix("43") {
            let (reference, answer) = rest.split_once('[').unwrap();
            let answer = json(answer.strip_suffix(']').unwrap());
            return ReceivedFrame::Reply {
                reference: reference.to_owned(),
                status: answer["status"].as_str().unwrap().to_owned(),
                response: answer["response"].clone(),
            };
        }
        match (text.get(..2), text.get(2..)) {
            (Some("40"), _) => ReceivedFrame::Connected,
            (Some("44"), Some(rest)) => {
                ReceivedFrame::Refused(json(rest)["data"]["code"].as_str().unwrap().to_owned())
            }
            _ => ReceivedFrame::Other,
        }
    }

    fn key(&self, snake: &str) -> String {
        camel(snake)
    }
}
