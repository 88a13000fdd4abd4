//! Thousands of corrupted frames on sockets next to an honest one, which receives everything of its room, in order.
//!
//! They come from a generator with a fixed seed: known cases, and corrupted valid frames.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::harness::ChatFixture;

type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Corrupted frames per attacker.
const PER_ATTACKER: usize = 900;
const HONEST: usize = 40;

async fn open(world: &ChatFixture, version: &str, token: &str) -> Ws {
    let url = world.server.socket_url(&format!("/realtime/v1/websocket?vsn={version}&apikey={token}"));
    tokio_tungstenite::connect_async(url).await.unwrap().0
}

fn frame(version: &str, reference: &str, topic: &str, event: &str, payload: &Value) -> String {
    match version {
        "2.0.0" => json!(["1", reference, topic, event, payload]).to_string(),
        _ => json!({"topic": topic, "event": event, "payload": payload, "ref": reference, "join_ref": "1"})
            .to_string(),
    }
}

/// A text frame in either version: (ref, event, payload).
fn read(version: &str, text: &str) -> (Value, String, Value) {
    let value: Value = serde_json::from_str(text).unwrap();
    let (reference, event, payload) = match version {
        "2.0.0" => (&value[1], &value[3], &value[4]),
        _ => (&value["ref"], &value["event"], &value["payload"]),
    };
    (reference.clone(), event.as_str().unwrap_or_default().to_owned(), payload.clone())
}

async fn next(ws: &mut Ws) -> Option<Message> {
    tokio::time::timeout(Duration::from_secs(60), ws.next()).await.expect("nothing came").and_then(Result::ok)
}

async fn join(ws: &mut Ws, version: &str, topic: &str) {
    ws.send(Message::text(frame(version, "1", topic, "phx_join", &json!({"config": {}})))).await.unwrap();
    loop {
        let Some(Message::Text(text)) = next(ws).await else { panic!("the join was not answered") };
        let (reference, event, payload) = read(version, &text);
        if reference == "1" && event == "phx_reply" {
            assert_eq!(payload["status"], "ok", "{text}");
            return;
        }
    }
}

/// Sends everything while reading, so that it is not a slow reader; the socket must still reply. Returns how often it
/// was reopened: some frames may end a socket, with a code.
async fn attack(world: &ChatFixture, version: &str, token: &str, topic: &str, frames: &[Message]) -> usize {
    let mut again = 0;
    let mut left = frames;
    loop {
        let mut ws = open(world, version, token).await;
        if !token.is_empty() {
            join(&mut ws, version, topic).await;
        }
        let (mut write, mut read_half) = ws.split();
        let send = async {
            for (n, frame) in left.iter().enumerate() {
                if write.send(frame.clone()).await.is_err() {
                    return n;
                }
            }
            let beat = frame(version, "end", "phoenix", "heartbeat", &json!({}));
            let _ = write.send(Message::text(beat)).await;
            left.len()
        };
        let hear = async {
            loop {
                let next = tokio::time::timeout(Duration::from_secs(60), read_half.next()).await;
                match next.expect("an attacker's socket fell silent") {
                    Some(Ok(Message::Text(text))) if read(version, &text).0 == "end" => return Ok(()),
                    Some(Ok(Message::Close(frame))) => {
                        return Err(frame.map_or(0, |frame| u16::from(frame.code)));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(0),
                }
            }
        };
        let (sent, heard) = tokio::join!(send, hear);
        match heard {
            Ok(()) => return again,
            Err(code) => {
                assert!(
                    matches!(code, 1000 | 1002 | 1003 | 1007..=1009),
                    "closed with {code} at frame {sent}"
                );
                again += 1;
                left = &left[(sent + 1).min(left.len())..];
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_neighbour_hears_everything_in_order_beside_broken_frames() {
    let world = ChatFixture::new();
    let room = format!("realtime:chat:room:{}", world.nord);
    let other = format!("realtime:chat:room:{}", world.sud);
    let token = |name: &str| world.server.user(name).token.clone();
    let (chloe, bruno) = (token("chloe"), token("bruno"));
    let mut honest = open(&world, "2.0.0", &chloe).await;
    join(&mut honest, "2.0.0", &room).await;
    let attacks = [
        ("2.0.0", chloe.as_str(), room.as_str(), 1),
        ("1.0.0", bruno.as_str(), other.as_str(), 2),
        ("2.0.0", bruno.as_str(), other.as_str(), 3),
        ("2.0.0", "", room.as_str(), 4),
        ("1.0.0", "", room.as_str(), 5),
    ];
    let frames: Vec<Vec<Message>> =
        attacks.iter().map(|(version, _, topic, seed)| broken(version, topic, *seed, &world)).collect();
    let assault = futures_util::future::join_all(
        attacks
            .iter()
            .zip(&frames)
            .map(|((version, token, topic, _), frames)| attack(&world, version, token, topic, frames)),
    );
    let talk = async {
        for n in 0..HONEST {
            world.send_message(&world.emma, &format!("honest {n}")).await;
        }
    };
    let hear = async {
        let (mut expected, mut said, mut last) = (None, 0, 0);
        while said < HONEST {
            let Some(Message::Text(text)) = next(&mut honest).await else {
                panic!("the honest socket was closed")
            };
            let (_, _, payload) = read("2.0.0", &text);
            let Some(seq) = payload["meta"]["seq"].as_i64() else { continue };
            assert!(expected.is_none_or(|expected| expected == seq), "{seq} after {last}");
            (expected, last) = (Some(seq + 1), seq);
            if payload["payload"]["message"]["content"] == format!("honest {said}") {
                said += 1;
            }
        }
    };
    let (again, (), ()) = tokio::join!(assault, talk, hear);
    let sent: usize = frames.iter().map(Vec::len).sum();
    println!(
        "hostile frames: {sent} on {} sockets, opened anew {again:?}, {HONEST} honest messages in order",
        attacks.len()
    );
    assert!(sent >= 2_000);
    world.send_message(&world.emma, "still here").await;
}

/// Corrupted frames for one socket.
fn broken(version: &str, topic: &str, seed: u64, world: &ChatFixture) -> Vec<Message> {
    let mut dice = ByteMutator::of(seed);
    let right = right(version, topic, world);
    let mut frames: Vec<Message> = by_hand(version, topic).into_iter().map(Message::text).collect();
    frames.extend(binary_by_hand(topic).into_iter().map(Message::binary));
    while frames.len() < PER_ATTACKER {
        let base = &right[dice.below(right.len())];
        let bytes = dice.spoil(base.as_bytes());
        frames.push(match dice.below(4) {
            0 if version == "2.0.0" => {
                let kind = u8::try_from(dice.below(5)).unwrap();
                Message::binary([&[kind][..], &dice.spoil(&kind_three(topic))[1..]].concat())
            }
            1 => Message::binary(bytes),
            _ => Message::text(String::from_utf8_lossy(&bytes).into_owned()),
        });
    }
    frames
}

/// Valid frames to corrupt.
fn right(version: &str, topic: &str, world: &ChatFixture) -> Vec<String> {
    let one = |event: &str, payload: Value| frame(version, "7", topic, event, &payload);
    let send = json!({"client_id": world.sud, "content": "x", "related": {"type": "order", "id": "1"}});
    vec![
        one(
            "broadcast",
            json!({"type": "broadcast", "event": "cursor", "payload": {"x": 1, "y": [1, 2, "é"]}}),
        ),
        one("broadcast", json!({"type": "broadcast", "event": "messaging:send", "payload": send})),
        one("messaging:send", send),
        one("messaging:read", json!({"message_id": "0198c0de-0000-7000-8000-000000000001"})),
        one("messaging:typing", json!({"client_id": world.nord, "typing": true})),
        one("presence", json!({"type": "presence", "event": "track", "payload": {"online_at": "now"}})),
        one("heartbeat", json!({})),
        frame(
            version,
            "8",
            &format!("{topic}:x"),
            "phx_join",
            &json!({"config": {"broadcast": {"ack": true,
            "self": true, "replay": {"after_seq": 3, "since": 1, "limit": 5}}, "presence": {"key": "", "enabled": true},
            "postgres_changes": [{"event": "*", "schema": "public", "table": "messages", "filter": "id=eq.1"}]}}),
        ),
    ]
}

fn by_hand(version: &str, topic: &str) -> Vec<String> {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_payload = format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000));
    let mut all: Vec<String> = [
        "",
        " ",
        "null",
        "1",
        "\"x\"",
        "true",
        "[]",
        "{}",
        "[[]]",
        "[null]",
        "[null,null,null,null,null]",
        "{",
        "[",
        "[1,2,3,4",
        "nonsense",
        "\u{0}",
        "[\"1\",\"1\"]",
        "[1,2,\"t\",\"e\",{}]",
        "[\"1\",\"1\",1,1,1]",
        "[\"1\",\"1\",\"\",\"\",{}]",
        "[\"1\",\"1\",\"phoenix\",\"heartbeat\",null]",
        "[\"1\",\"1\",\"phoenix\",\"heartbeat\"]",
        "[\"1\",\"1\",\"phoenix\",\"heartbeat\",{},{}]",
        "[\"1\",\"1\",\"phoenix\",\"phx_join\",{}]",
        "[\"1\",\"1\",\"realtime:\",\"phx_join\",{}]",
        "{\"topic\":1,\"event\":2,\"payload\":3,\"ref\":4}",
        "{\"topic\":\"phoenix\",\"event\":\"heartbeat\"}",
        "{\"topic\":\"a\",\"topic\":\"b\",\"event\":\"phx_join\",\"payload\":{},\"ref\":\"1\"}",
        "<html>",
        "GET / HTTP/1.1\r\n\r\n",
        "0{\"sid\":\"x\"}",
        "42[\"messaging:send\",{}]",
        "\u{FEFF}[\"1\",\"1\",\"phoenix\",\"heartbeat\",{}]",
        "👩‍👩‍👧‍👦",
        "\u{202E}",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(deep);
    let raw = |topic: &str, event: &str, payload: &str| match version {
        "2.0.0" => format!("[\"1\",\"9\",{topic},{event},{payload}]"),
        _ => format!(
            "{{\"topic\":{topic},\"event\":{event},\"payload\":{payload},\"ref\":\"9\",\"join_ref\":\"1\"}}"
        ),
    };
    let quoted = Value::from(topic).to_string();
    let events = [
        "broadcast",
        "presence",
        "phx_join",
        "phx_leave",
        "access_token",
        "messaging:send",
        "messaging:read",
        "messaging:typing",
        "presence:ping",
        "messaging:new",
        "phx_reply",
        "phx_close",
        "phx_error",
        "system",
        "",
    ];
    let payloads = [
        "null",
        "1",
        "\"x\"",
        "[]",
        "{}",
        "{\"a\":\"\\u0000\"}",
        "{\"content\":\"\\ud800\"}",
        "1e999",
        "{\"event\":null}",
        "{\"event\":1,\"payload\":1}",
        "{\"type\":\"broadcast\",\"event\":\"messaging:send\",\"payload\":[]}",
        "{\"type\":\"broadcast\",\"event\":\"messaging:new\",\"payload\":{\"message\":{}}}",
        "{\"access_token\":null}",
        "{\"access_token\":\"x.y.z\"}",
        "{\"access_token\":1}",
        "{\"config\":1}",
        "{\"config\":{\"broadcast\":[],\"presence\":\"x\",\"postgres_changes\":{}}}",
        "{\"config\":{\"postgres_changes\":[1,null,\"x\"]}}",
        "{\"config\":{\"broadcast\":{\"replay\":{\"after_seq\":-9223372036854775808}}}}",
        "{\"config\":{\"broadcast\":{\"replay\":{\"after_seq\":9223372036854775807}}}}",
        "{\"config\":{\"broadcast\":{\"replay\":{\"since\":9223372036854775807,\"limit\":-1}}}}",
        "{\"config\":{\"broadcast\":{\"replay\":{\"after_seq\":\"x\"}}}}",
        "{\"after\":\"infinity\"}",
        "{\"content\":\"x\",\"client_id\":\"x\"}",
        "{\"content\":\"\\u0000\"}",
        "{\"typing\":1}",
        "{\"message_id\":\"1\"}",
    ];
    for event in events {
        for payload in payloads.into_iter().chain([deep_payload.as_str()]) {
            all.push(raw(&quoted, &Value::from(event).to_string(), payload));
        }
    }
    let long = Value::from("x".repeat(60_000)).to_string();
    for odd in [
        "\"\"",
        "\"realtime:\"",
        "\"realtime:chat:room:\"",
        "\"realtime:chat:room:x\"",
        "\"realtime:user:x\"",
        "\"realtime:\\u0000\"",
        "\"\\ud800\"",
        "null",
        "1",
        "[]",
        long.as_str(),
    ] {
        all.push(raw(odd, "\"phx_join\"", "{}"));
        all.push(raw(odd, "\"broadcast\"", "{}"));
    }
    all.push(raw(&quoted, &long, "{}"));
    all
}

pub fn binary_by_hand(topic: &str) -> Vec<Vec<u8>> {
    let whole = kind_three(topic);
    let mut all: Vec<Vec<u8>> = vec![vec![], vec![0], vec![3], vec![255; 300], vec![0; 300], vec![3; 60_000]];
    // Cut at each byte of the header, and with each size wrong.
    all.extend((0..whole.len().min(60)).map(|end| whole[..end].to_vec()));
    for at in 0..7 {
        for lie in [0, 1, 127, 254, 255] {
            let mut frame = whole.clone();
            frame[at] = lie;
            all.push(frame);
        }
    }
    let mut odd = whole.clone();
    odd.truncate(40);
    odd.extend([0xFF, 0xFE, 0x00]);
    all.push(odd);
    all
}

/// A binary user broadcast of V2, with JSON inside.
fn kind_three(topic: &str) -> Vec<u8> {
    let (join_ref, reference, event) = ("1", "9", "cursor");
    let size = |text: &str| u8::try_from(text.len()).unwrap();
    let mut frame = vec![3, size(join_ref), size(reference), size(topic), size(event), 0, 1];
    frame.extend(format!("{join_ref}{reference}{topic}{event}").bytes());
    frame.extend(br#"{"x":1}"#);
    frame
}

/// A deterministic random source (xorshift).
pub struct ByteMutator(u64);

impl ByteMutator {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).unwrap()
    }

    /// Corrupts it in one to four places.
    pub fn spoil(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut bytes = frame.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match self.below(6) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = self.throw().to_le_bytes()[0],
                2 => bytes.insert(at, b"{}[]\",:\\\0\xFF"[self.below(10)]),
                3 => drop(bytes.remove(at)),
                4 => bytes.extend_from_within(..at),
                _ => bytes[at..].reverse(),
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        bytes
    }
}
