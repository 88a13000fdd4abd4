//! The wire formats of the description: where each dialect is served, and the same conversation in each.

use serde_json::{Map, Value, json};

use super::catalogue::CatalogueMessage;
use super::commands::{COMMANDS, read, read_state};
use super::control::{command_refused, heads, join, joined};
use super::events::{self, EVENTS};

#[derive(Clone, Copy, PartialEq, Eq)]
enum WireFormat {
    V1,
    V2,
    Plain,
    SocketIo,
}

struct ServerEntry {
    key: &'static str,
    form: WireFormat,
    title: &'static str,
    pathname: &'static str,
    description: &'static str,
}

const SERVERS: [ServerEntry; 4] = [
    ServerEntry {
        key: "phoenixV2",
        form: WireFormat::V2,
        title: "Phoenix Channels, serialization 2",
        pathname: "/realtime/v1/websocket?vsn=2.0.0",
        description: "For `@supabase/realtime-js`, phoenix.js, the Supabase Flutter, Swift and Kotlin clients, unmodified. \
               Frames are `[join_ref, ref, topic, event, payload]`; events arrive as `broadcast`. Also at \
               `/socket/websocket`. Topics may carry the prefix `realtime:`, as Supabase's clients put it.",
    },
    ServerEntry {
        key: "phoenixV1",
        form: WireFormat::V1,
        title: "Phoenix Channels, serialization 1",
        pathname: "/realtime/v1/websocket?vsn=1.0.0",
        description: "For realtime-py and older clients. Frames are `{topic, event, payload, ref}`, from the client \
               `join_ref` besides. Without `vsn`, this form is spoken.",
    },
    ServerEntry {
        key: "plain",
        form: WireFormat::Plain,
        title: "Plain frames",
        pathname: "/ws/notifications",
        description: "For anything that can open a WebSocket. Frames are `{event, topic, payload, meta, ref}`, what is not \
               needed left out; a frame with `ref` is answered by `reply`. The person's own topics are joined on \
               connect. On `/api/tenants/{tenantId}/messaging/socket` the same, with keys in camelCase.",
    },
    ServerEntry {
        key: "socketIo",
        form: WireFormat::SocketIo,
        title: "Socket.IO 4",
        pathname: "/socket.io/?EIO=4&transport=websocket",
        description: "For `socket.io-client` with `transports: ['websocket']`. An event is `42[event, payload, {topic, \
               meta}]`, an acknowledgement `43`; keys in camelCase. Also at \
               `/api/tenants/{tenantId}/messaging/socket`. The token may come as `auth.token`. Polling is refused.",
    },
];

/// The servers of the document.
pub fn servers() -> Value {
    let all = SERVERS.iter().map(|server| {
        let described = json!({
            "host": "{host}",
            "protocol": "ws",
            "pathname": server.pathname,
            "title": server.title,
            "description": server.description,
            "variables": {"host": {"default": "127.0.0.1:8080",
                "description": "Where the service listens; `wss` behind a proxy that speaks TLS"}},
            "security": [
                {"$ref": "#/components/securitySchemes/bearer"},
                {"$ref": "#/components/securitySchemes/apikey"},
                {"$ref": "#/components/securitySchemes/token"},
                {"$ref": "#/components/securitySchemes/ticket"},
            ],
            "x-frames": frames(server.form),
        });
        (server.key.to_owned(), described)
    });
    Value::Object(all.collect())
}

pub fn server_refs() -> Value {
    SERVERS.iter().map(|server| json!({ "$ref": format!("#/servers/{}", server.key) })).collect()
}

/// One conversation, frame by frame.
fn frames(form: WireFormat) -> Value {
    let topic = "chat:room:0198c0de-0000-7000-8000-000000000002";
    let mut frames = handshake_frames(form);
    let mut line = |from: &str, message: &str, frame: String| {
        frames.push(json!({"from": from, "message": message, "frame": frame}));
    };
    let wire = FrameWriter { form, topic };
    line("client", "join", wire.request_line("phx_join", "join", "1", &join_payload(form)));
    line("server", "reply_join", wire.reply("1", "ok", &joined()));
    if let Some(event) = EVENTS.iter().find(|event| event.key == "event_messaging_read") {
        line("server", event.key, wire.event_line(event, &events::read()));
    }
    if let Some(event) = EVENTS.iter().find(|event| event.key == "event_messaging_typing") {
        line("server", event.key, wire.event_line(event, &events::typing()));
    }
    if let Some(command) = COMMANDS.iter().find(|command| command.request.key == "command_messaging_read") {
        let name = command.request.name;
        line("client", command.request.key, wire.request_line(name, name, "2", &read()));
        line("server", command.reply.key, wire.reply("2", "ok", &read_state()));
        line("client", command.request.key, wire.request_line(name, name, "3", &read()));
        line("server", "error_command", wire.reply("3", "error", &command_refused()));
    }
    let alone = FrameWriter { form, topic: "phoenix" };
    line("client", "heartbeat", alone.request_line("heartbeat", "heartbeat", "4", &json!({})));
    line("server", "reply_heartbeat", alone.reply("4", "ok", &heads()));
    frames.into()
}

/// The frames before the first one with content.
fn handshake_frames(form: WireFormat) -> Vec<Value> {
    if form != WireFormat::SocketIo {
        return Vec::new();
    }
    let packets = [
        (
            "server",
            r#"0{"sid":"7f3a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#,
        ),
        ("client", r#"40{"token":"eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"}"#),
        ("server", r#"40{"sid":"9c1e"}"#),
        ("server", "2"),
        ("client", "3"),
    ];
    packets.iter().map(|(from, frame)| json!({"from": from, "message": null, "frame": frame})).collect()
}

/// Phoenix has `config.broadcast.replay.after_seq`; the others may have `after_seq` at the top level.
fn join_payload(form: WireFormat) -> Value {
    match form {
        WireFormat::V1 | WireFormat::V2 => join(),
        WireFormat::Plain | WireFormat::SocketIo => json!({ "after_seq": 54 }),
    }
}

struct FrameWriter {
    form: WireFormat,
    topic: &'static str,
}

impl FrameWriter {
    /// Whether it belongs to the connection, which has a topic only in Phoenix.
    fn is_connection_level(&self) -> bool {
        self.topic == "phoenix"
    }

    fn join_ref(&self) -> Option<&'static str> {
        (!self.is_connection_level()).then_some("1")
    }

    fn request_line(&self, phoenix: &str, plain: &str, reference: &str, payload: &Value) -> String {
        let topic = self.topic;
        match self.form {
            WireFormat::V1 => json!({"topic": topic, "event": phoenix, "payload": payload, "ref": reference,
                "join_ref": self.join_ref()})
            .to_string(),
            WireFormat::V2 => json!([self.join_ref(), reference, topic, phoenix, payload]).to_string(),
            WireFormat::Plain if self.is_connection_level() => {
                json!({"event": plain, "payload": payload, "ref": reference}).to_string()
            }
            WireFormat::Plain => {
                json!({"event": plain, "topic": topic, "payload": payload, "ref": reference}).to_string()
            }
            WireFormat::SocketIo if self.is_connection_level() => {
                format!("42{reference}{}", json!([plain, payload]))
            }
            WireFormat::SocketIo => {
                format!("42{reference}{}", json!([plain, camel_keys(payload), {"topic": topic}]))
            }
        }
    }

    fn reply(&self, reference: &str, status: &str, response: &Value) -> String {
        let payload = json!({"status": status, "response": response});
        match self.form {
            WireFormat::V1 => {
                json!({"topic": self.topic, "event": "phx_reply", "payload": payload, "ref": reference})
                    .to_string()
            }
            WireFormat::V2 => {
                json!([self.join_ref(), reference, self.topic, "phx_reply", payload]).to_string()
            }
            WireFormat::Plain => json!({"event": "reply", "ref": reference, "payload": payload}).to_string(),
            WireFormat::SocketIo => format!("43{reference}{}", json!([camel_keys(&payload)])),
        }
    }

    fn event_line(&self, event: &CatalogueMessage, payload: &Value) -> String {
        let (name, topic) = (event.name, self.topic);
        let meta = if event.durable { meta() } else { json!({}) };
        let mut inner = json!({"type": "broadcast", "event": name, "payload": payload});
        if let (true, Some(inner)) = (event.durable, inner.as_object_mut()) {
            inner.insert("meta".to_owned(), meta.clone());
        }
        match self.form {
            WireFormat::V1 => {
                json!({"topic": topic, "event": "broadcast", "payload": inner, "ref": null}).to_string()
            }
            WireFormat::V2 => json!([null, null, topic, "broadcast", inner]).to_string(),
            WireFormat::Plain => {
                json!({"event": name, "topic": topic, "payload": payload, "meta": meta}).to_string()
            }
            WireFormat::SocketIo => {
                format!("42{}", json!([name, camel_keys(payload), {"topic": topic, "meta": meta}]))
            }
        }
    }
}

pub fn meta() -> Value {
    json!({"id": "0198c0de-0000-7000-8000-00000000000e", "seq": 57})
}

/// guichet's own keys in AfriTalk's spelling. The examples here have no keys of producers.
fn camel_keys(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let renamed = members.iter().map(|(key, value)| (camel_key(key), camel_keys(value)));
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(camel_keys).collect(),
        other => other.clone(),
    }
}

fn camel_key(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
