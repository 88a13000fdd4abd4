//! Hostile frames in every dialect, from an unauthenticated client, from a member of another client and from within
//! the room, next to an honest client in each dialect, who gets every message once and nothing forged.
//!
//! An attack is sent in batches: the reply to the heartbeat at the end shows that the batch was read. A batch that
//! ended its socket is sent once more, one frame at a time, so that every frame is known to have been read.

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::arsenal::{self, Aim};
use crate::harness::{ChatFixture, TestServer};
use crate::realtime::conformance::client::{Client, PATIENCE, Ws};
use crate::realtime::conformance::wires::{ALL, Ask, ReceivedFrame, Wire};

/// Per attacker; there are three in each dialect.
const FRAMES: usize = 720;
const BATCH: usize = 60;
/// Sent in the room, and nowhere else.
const CANARY: &str = "canary-0198c0de";
/// Close codes that a client can act on: done, protocol, kind, encoding, policy, size.
const CODES: [u16; 6] = [1000, 1002, 1003, 1007, 1008, 1009];

struct Attacker<'a> {
    wire: &'static dyn Wire,
    /// The owner of the socket; `None` if unauthenticated.
    name: Option<&'static str>,
    world: &'a ChatFixture,
    aim: Aim,
    beats: u32,
    opened: usize,
    /// Whether it may receive the canary.
    is_within: bool,
}

impl Attacker<'_> {
    async fn open(&mut self) -> Ws {
        self.opened += 1;
        let token = self.name.map(|name| format!("&token={}", self.world.server.user(name).token));
        let path = self.wire.path(&self.world.server.demo.tenant_id.to_string());
        let url = self.world.server.socket_url(&format!("{path}{}", token.unwrap_or_default()));
        let (mut ws, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        if let Some(hello) = self.wire.hello() {
            ws.send(Message::text(hello)).await.unwrap();
        }
        if self.name.is_some() {
            let own = Ask::Join { topic: &self.aim.own, after_seq: None, token: None };
            let _ = ws.send(Message::text(self.wire.write(1, &own))).await;
        }
        ws
    }

    async fn attack(&mut self, frames: &[Message], progress: &mpsc::UnboundedSender<()>) {
        for batch in frames.chunks(BATCH) {
            let ws = self.open().await;
            if self.send(ws, batch).await.is_err() {
                for frame in batch {
                    let ws = self.open().await;
                    if let Err(code) = self.send(ws, std::slice::from_ref(frame)).await {
                        let (who, wire) = (self.name.unwrap_or("a stranger"), self.wire.name());
                        assert!(CODES.contains(&code), "{wire}, {who}: closed with {code} after {frame:?}");
                    }
                }
            }
            progress.send(()).unwrap();
        }
    }

    /// Sends, reading all the while, until the heartbeat after it is answered. Error: the close code.
    async fn send(&mut self, ws: Ws, frames: &[Message]) -> Result<(), u16> {
        self.beats += 1;
        let beat = 770_000_000 + self.beats;
        let ask = match self.wire.hello() {
            // Engine.IO answers before authentication.
            Some(_) => format!("2{beat}"),
            None => self.wire.write(beat, &Ask::Heartbeat),
        };
        let (mut write, mut read) = ws.split();
        let speak = async {
            for frame in frames {
                if write.send(frame.clone()).await.is_err() {
                    return;
                }
            }
            let _ = write.send(Message::text(ask)).await;
        };
        let answered = beat.to_string();
        let hear = async {
            loop {
                let next = tokio::time::timeout(PATIENCE, read.next()).await;
                let next = next.unwrap_or_else(|_| panic!("{} fell silent: {frames:?}", self.wire.name()));
                let text = match next {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Close(close))) => return Err(close.map_or(0, |close| close.code.into())),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return Err(0),
                };
                assert!(self.is_within || !text.contains(CANARY), "{} leaks: {text}", self.wire.name());
                if text.contains(&answered) {
                    return Ok(());
                }
            }
        };
        tokio::join!(speak, hear).1
    }
}

/// Receives everything until the last message.
async fn hear(listener: &mut Client, topic: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let (payload, meta) = listener.event(topic, "messaging:new").await;
        assert!(meta["seq"].is_i64(), "{}: {payload} was forged", listener.wire.name());
        let content = payload["message"]["content"].as_str().unwrap().to_owned();
        let is_last = content.ends_with("last");
        heard.push(content);
        if is_last {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_dialect_an_honest_neighbour_gets_each_message_once_and_nothing_leaks() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("NOTIFICATION_WS_MAX_CONN", "1000")]));
    let (nord, sud) = (format!("chat:room:{}", world.nord), format!("chat:room:{}", world.sud));
    let mut listeners = join_all(ALL.map(|wire| Client::on(&world, wire, "emma", &nord))).await;
    let victims: Vec<String> = vec![
        nord.clone(),
        format!("user:{}", world.server.user("emma").id),
        format!("client:notifications:{}", world.server.user("emma").id),
        format!("tenant:{}", world.server.demo.tenant_id),
        format!("tenant:{}", Uuid::now_v7()),
        format!("chat:room:{}", Uuid::now_v7()),
    ];
    let mut attackers: Vec<Attacker<'_>> = Vec::new();
    for wire in ALL {
        for (name, own) in [(None, &nord), (Some("bruno"), &sud), (Some("chloe"), &nord)] {
            let aim = Aim {
                own: own.clone(),
                victims: victims.clone(),
                forged: world.server.user("emma").id.to_string(),
            };
            let is_within = name == Some("chloe");
            attackers.push(Attacker { wire, name, world: &world, aim, beats: 0, opened: 0, is_within });
        }
    }
    let arms: Vec<Vec<Message>> = (1_u64..)
        .zip(&attackers)
        .map(|(seed, attacker)| arsenal::frames(attacker.wire, &attacker.aim, seed, FRAMES))
        .collect();
    let (progress, mut told) = mpsc::unbounded_channel();
    let assault = async {
        let progress = progress;
        join_all(
            attackers.iter_mut().zip(&arms).map(|(attacker, frames)| attacker.attack(frames, &progress)),
        )
        .await;
    };
    let talk = async {
        let mut said = Vec::new();
        while told.recv().await.is_some() {
            said.push(format!("{CANARY} {}", said.len()));
            world.send_message(&world.emma, said.last().unwrap()).await;
        }
        said.push(format!("{CANARY} last"));
        world.send_message(&world.emma, said.last().unwrap()).await;
        said
    };
    let neighbours = join_all(listeners.iter_mut().map(|listener| hear(listener, &nord)));
    let ((), said, heard) = tokio::join!(assault, talk, neighbours);
    for (listener, heard) in listeners.iter().zip(&heard) {
        assert_eq!(heard, &said, "{}", listener.wire.name());
    }
    let sent: usize = arms.iter().map(Vec::len).sum();
    let opened: usize = attackers.iter().map(|attacker| attacker.opened).sum();
    println!("hostile frames: {sent} in five dialects on {opened} sockets, {} honest messages", said.len());
    assert!(sent >= 10_000);
    still_serves(&world, &mut listeners, &nord, &sud).await;
}

/// Nothing of the attackers is left, and everyone is served as before.
async fn still_serves(world: &ChatFixture, listeners: &mut [Client], nord: &str, sud: &str) {
    let hub = &world.server.app.chat.hub;
    let tenant = world.server.demo.tenant_id;
    let until = std::time::Instant::now() + PATIENCE;
    // Topics without subscribers are dropped, however many there were.
    while hub.position(tenant, sud).is_some() {
        assert!(std::time::Instant::now() < until, "the attackers' topic is still held");
        crate::harness::pause_between_polls().await;
    }
    world.send_message(&world.emma, "still here").await;
    for listener in listeners {
        let wire = listener.wire.name();
        let (payload, _) = listener.event(nord, "messaging:new").await;
        assert_eq!(payload["message"]["content"], "still here", "{wire}");
        let said: Vec<ReceivedFrame> = listener.settled().await;
        let is_forged = |heard: &ReceivedFrame| {
            matches!(heard, ReceivedFrame::Event { event, payload, .. }
                if event.contains(':') && payload.to_string().contains(arsenal::FORGERY))
        };
        assert!(!said.iter().any(is_forged), "{wire}: something forged was passed on");
        let answer =
            listener.ok(&Ask::Command { topic: nord, name: "presence:ping", payload: json!({}) }).await;
        assert_eq!(answer, json!({}), "{wire}");
    }
}
