//! Test clients over an in-memory socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use guichet_base::Clock;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fakes::{FakeHost, FakeLog, MESSAGES};
use crate::backend::PeerInfo;
use crate::hub::connection::Connection;
use crate::session::socket::{Inbound, Socket};
use crate::session::{Opening, Session};
use crate::wire::Dialect;
use crate::{Hub, HubParts, Realtime, Settings};

pub const ROOM: &str = "realtime:chat:room:1";
pub const BARE_ROOM: &str = "chat:room:1";

struct MemorySocket(mpsc::UnboundedReceiver<Inbound>);

impl Socket for MemorySocket {
    async fn recv(&mut self) -> Option<Inbound> {
        self.0.recv().await
    }
}

/// A process with its hub, backend and log.
pub struct TestProcess {
    pub realtime: Arc<Realtime>,
    pub hub: Arc<Hub>,
    pub backend: Arc<FakeHost>,
    pub log: Arc<FakeLog>,
    pub clock: Clock,
    pub stop: CancellationToken,
}

impl TestProcess {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let (clock, log) = (Clock::system(), Arc::new(FakeLog::default()));
        let parts = HubParts { clock: clock.clone(), tables: vec![&MESSAGES], ..HubParts::default() };
        let hub = Arc::new(Hub::new(parts));
        let backend = Arc::new(FakeHost { log: Arc::clone(&log), ..FakeHost::default() });
        let realtime = Realtime::with_log(
            Arc::clone(&hub),
            Arc::clone(&backend) as _,
            Arc::clone(&log) as _,
            clock.clone(),
            settings,
            TaskTracker::new(),
        );
        Self { realtime: Arc::new(realtime), hub, backend, log, clock, stop: CancellationToken::new() }
    }

    /// Starts the relay too.
    pub fn relayed(self) -> Self {
        self.realtime.spawn(&self.realtime.tracker, &self.stop);
        self
    }

    pub fn connect(&self, dialect: Dialect, tokens: &[&str]) -> Client {
        self.connect_at(dialect, tokens, None)
    }

    /// Connects by a path that names a tenant.
    pub fn connect_at(&self, dialect: Dialect, tokens: &[&str], place: Option<&str>) -> Client {
        let connection = self.realtime.new_connection();
        self.realtime.admit(&connection);
        let (sender, receiver) = mpsc::unbounded_channel();
        let opening = Opening {
            dialect,
            peer: PeerInfo { ip: None, locale: guichet_base::Locale::En },
            place: place.map(Into::into),
            tokens: tokens.iter().map(|token| (*token).to_owned().into()).collect(),
        };
        let session = Session::new(
            MemorySocket(receiver),
            Arc::clone(&self.realtime),
            Arc::clone(&connection),
            opening,
        );
        self.realtime.tracker.spawn(session.run());
        Client { sender, connection, dialect, next_ref: 1, unread: Mutex::default() }
    }

    /// A V2 client of `awa`.
    pub fn awa(&self) -> Client {
        self.connect(Dialect::V2, &["awa"])
    }

    /// Commits an event of the room and publishes it.
    pub fn say(&self, text: &str) -> i64 {
        let event = self.log.commit(BARE_ROOM, &json!({ "text": text }).to_string());
        let seq = event.seq;
        self.hub.publish(event);
        seq
    }

    /// Waits until every session has ended.
    pub async fn all_gone(&self) {
        self.stop.cancel();
        self.realtime.tracker.close();
        self.realtime.tracker.wait().await;
    }
}

pub struct Client {
    sender: mpsc::UnboundedSender<Inbound>,
    pub connection: Arc<Connection>,
    dialect: Dialect,
    next_ref: u32,
    /// Bytes that were written together with the previous frame.
    unread: Mutex<Bytes>,
}

/// A frame as a client sees it, in either serialization.
#[derive(Debug, PartialEq)]
pub struct Got {
    pub join_ref: Value,
    pub reference: Value,
    pub topic: String,
    pub event: String,
    pub payload: Value,
}

impl Got {
    pub fn status(&self) -> &str {
        assert_eq!(self.event, "phx_reply", "{self:?}");
        self.payload["status"].as_str().unwrap()
    }

    pub fn response(&self) -> &Value {
        &self.payload["response"]
    }

    pub fn seq(&self) -> i64 {
        assert_eq!(self.event, "broadcast", "{self:?}");
        self.payload["meta"]["seq"].as_i64().unwrap()
    }
}

impl Client {
    pub fn inbound(&self, inbound: Inbound) {
        self.sender.send(inbound).unwrap();
    }

    pub fn text(&self, text: &str) {
        self.inbound(Inbound::Text(text.into()));
    }

    pub fn binary(&self, bytes: &[u8]) {
        self.inbound(Inbound::Binary(Bytes::copy_from_slice(bytes)));
    }

    pub fn frame(&self, join_ref: Value, reference: Value, topic: &str, event: &str, payload: Value) {
        let text = match self.dialect {
            Dialect::V1 => json!({"topic": topic, "event": event, "payload": payload, "ref": reference,
                "join_ref": join_ref}),
            Dialect::V2 => json!([join_ref, reference, topic, event, payload]),
            Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => {
                json!({"topic": topic, "event": event, "payload": payload, "ref": reference})
            }
        };
        self.text(&text.to_string());
    }

    /// Pushes with the next ref, and returns the ref.
    pub fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        let reference = self.next_ref.to_string();
        self.next_ref += 1;
        self.frame(Value::Null, json!(reference), topic, event, payload);
        reference
    }

    /// Joins as realtime-js does, with join_ref = ref, and waits for the reply.
    pub async fn join(&mut self, topic: &str, config: Value) -> Got {
        self.join_with(topic, json!({ "config": config })).await
    }

    pub async fn join_with(&mut self, topic: &str, payload: Value) -> Got {
        let reference = self.next_ref.to_string();
        self.next_ref += 1;
        self.frame(json!(reference), json!(reference), topic, "phx_join", payload);
        let reply = self.next().await;
        assert_eq!(reply.reference, json!(reference), "{reply:?}");
        reply
    }

    /// The next frame. Fails instead of waiting forever.
    pub async fn next(&self) -> Got {
        self.read().await.expect("a frame")
    }

    async fn read(&self) -> Option<Got> {
        let (opcode, payload) = self.raw().await?;
        assert_eq!(opcode, 1, "{payload:?}");
        let mut value: Value = serde_json::from_slice(&payload).unwrap();
        Some(match self.dialect {
            Dialect::V1 => {
                let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
                assert_eq!(keys.len(), 4, "{keys:?}");
                Got {
                    join_ref: Value::Null,
                    reference: value["ref"].take(),
                    topic: value["topic"].as_str().unwrap().into(),
                    event: value["event"].as_str().unwrap().into(),
                    payload: value["payload"].take(),
                }
            }
            Dialect::V2 => {
                assert_eq!(value.as_array().unwrap().len(), 5);
                Got {
                    join_ref: value[0].take(),
                    reference: value[1].take(),
                    topic: value[2].as_str().unwrap().into(),
                    event: value[3].as_str().unwrap().into(),
                    payload: value[4].take(),
                }
            }
            Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => {
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                Got {
                    join_ref: Value::Null,
                    topic: text("topic"),
                    event: text("event"),
                    reference: value["ref"].clone(),
                    payload: value,
                }
            }
        })
    }

    /// The next WebSocket frame: opcode and payload.
    pub async fn raw(&self) -> Option<(u8, Bytes)> {
        let mut bytes = std::mem::take(&mut *self.unread.lock());
        if bytes.is_empty() {
            let polled = std::future::poll_fn(|cx| self.connection.poll_frame(cx));
            bytes = tokio::time::timeout(Duration::from_secs(15), polled).await.expect("a frame in time")?;
        }
        let (header, length) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap()),
            short => (2, usize::from(short)),
        };
        let opcode = bytes[0] & 0x0F;
        *self.unread.lock() = bytes.split_off(header + length);
        Some((opcode, bytes.slice(header..)))
    }

    /// The code with which the server closes; frames before it are skipped.
    pub async fn close_code(&self) -> u16 {
        loop {
            let (opcode, payload) = self.raw().await.expect("a close frame");
            if opcode == 8 {
                assert!(self.raw().await.is_none(), "a frame after the close");
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Checks that nothing is queued: earlier frames have been handled, and the next frame is the reply to this
    /// heartbeat.
    pub async fn nothing(&mut self) -> Got {
        let reference = self.push("phoenix", "heartbeat", json!({}));
        let got = self.next().await;
        assert_eq!(got.reference, json!(reference), "{got:?}");
        got
    }
}
