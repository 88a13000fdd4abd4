//! Stalled readers over real sockets: they cost the others nothing, and miss nothing in the end.

use std::net::SocketAddr;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use guichet_realtime::{Event, Signal};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::harness::{ChatFixture, TestServer};

/// How long an expected frame may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Few enough bytes that active readers are never behind.
const BATCH_BYTES: i64 = 60_000;
const WINDOW_BYTES: u32 = 4_096;

/// A room with messages of one length, and its readers.
struct Room {
    world: ChatFixture,
    topic: String,
    conversation: Uuid,
    bytes: i64,
    head: i64,
    readers: Vec<Reader>,
}

/// A V2 client that reads only on request.
struct Reader {
    ws: WebSocketStream<TcpStream>,
    /// The number of the last message received.
    has: i64,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Message(i64),
    Ephemeral,
    Resume,
    Reply(Value),
}

impl Room {
    async fn with(readers: usize, bytes: i64) -> Self {
        let world = ChatFixture::on_server(TestServer::start_with(&[("NOTIFICATION_WS_MAX_CONN", "1000")]));
        let said = world.send_message(&world.chloe, "Bonjour").await;
        let conversation = said["conversation_id"].as_str().unwrap().parse().unwrap();
        let topic = format!("chat:room:{}", world.nord);
        let mut room = Self { world, topic, conversation, bytes, head: 1, readers: Vec::new() };
        for _ in 0..readers {
            let reader = room.reader(None).await;
            room.readers.push(reader);
        }
        room
    }

    /// Joined at the room's head.
    async fn reader(&self, window: Option<u32>) -> Reader {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = window {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let address: SocketAddr = self.world.server.url.strip_prefix("http://").unwrap().parse().unwrap();
        let stream = socket.connect(address).await.unwrap();
        let token = &self.world.server.user("emma").token;
        let url = format!("ws://{address}/socket/websocket?vsn=2.0.0&token={token}");
        let (ws, _) = client_async(url, stream).await.unwrap();
        let mut reader = Reader { ws, has: self.head };
        assert_eq!(reader.join(&self.topic, None).await["last_seq"], self.head);
        reader
    }

    /// Commits and publishes `messages`, and waits regularly until active readers have them all.
    async fn say(&mut self, messages: i64) {
        let to = self.head + messages;
        while self.head < to {
            let batch = (BATCH_BYTES / self.bytes).max(1).min(to - self.head);
            self.commit(batch);
            for seq in self.head + 1..=self.head + batch {
                self.world.server.app.chat.hub.publish(self.event(seq));
            }
            self.head += batch;
            let head = self.head;
            join_all(self.readers.iter_mut().map(|reader| reader.hear_up_to(head))).await;
        }
    }

    /// Like a send: message, outbox and counters in one transaction.
    fn commit(&self, messages: i64) {
        let (tenant, client, conversation) =
            (self.world.server.demo.tenant_id, self.world.nord, self.conversation);
        let (chloe, emma) = (self.world.server.user("chloe").id, self.world.server.user("emma").id);
        let (from, to, bytes) = (self.head + 1, self.head + messages, self.bytes);
        let text = format!(
            "BEGIN; SET LOCAL session_replication_role = replica;
             INSERT INTO messages (tenant_id, id, conversation_id, client_id, operator_id, seq, changed_seq,
                 sender_id, sender_type, content, created_at)
             SELECT '{tenant}', gen_random_uuid(), '{conversation}', '{client}', '{emma}', s, s, '{chloe}', 'client', 'x', now()
               FROM generate_series({from}, {to}) s;
             INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id)
             SELECT '{tenant}', '{topic}', s, gen_random_uuid(), 'messaging:new',
                    ('{{\"x\":\"' || repeat('x', {bytes}) || '\"}}')::json, '{{}}', '{client}'
               FROM generate_series({from}, {to}) s;
             UPDATE conversations SET last_seq = {to}, head = {to} WHERE id = '{conversation}';
             COMMIT",
            topic = self.topic,
        );
        self.world.server.database.admin().batch_execute(&text).unwrap();
    }

    fn event(&self, seq: i64) -> Event {
        Event {
            tenant: self.world.server.demo.tenant_id,
            id: Uuid::now_v7(),
            topic: self.topic.as_str().into(),
            seq,
            name: "messaging:new".into(),
            payload: payload(self.bytes),
            copies: Vec::new(),
            side_events: Vec::new(),
            client: Some(self.world.nord),
        }
    }

    fn typing(&self, bytes: i64) {
        self.world.server.app.chat.hub.signal(Signal {
            tenant: self.world.server.demo.tenant_id,
            topic: self.topic.as_str().into(),
            name: "messaging:typing".into(),
            payload: payload(bytes),
            copies: Vec::new(),
        });
    }

    /// What an app does after a reset: it reads everything after its last message, page by page.
    async fn page_from(&self, mut has: i64) -> i64 {
        while has < self.head {
            let path = format!("/clients/{}/messages?after={has}&limit=200", self.world.nord);
            let answer = self.world.emma.get(&path).await;
            let page = answer.data().as_array().unwrap();
            assert!(!page.is_empty(), "nothing after {has}");
            for message in page {
                assert_eq!(message["seq"], has + 1);
                has += 1;
            }
        }
        has
    }
}

fn payload(bytes: i64) -> Box<RawValue> {
    let filler = "x".repeat(usize::try_from(bytes).unwrap());
    RawValue::from_string(format!(r#"{{"x":"{filler}"}}"#)).unwrap()
}

impl Reader {
    /// Joins, after a number or at the head, and returns the reply's response.
    async fn join(&mut self, topic: &str, after: Option<i64>) -> Value {
        let replay = after.map_or(json!({}), |after| json!({ "after_seq": after }));
        let config = json!({"config": {"broadcast": {"replay": replay}}});
        let frame = json!(["1", "1", topic, "phx_join", config]);
        self.ws.send(Message::text(frame.to_string())).await.unwrap();
        loop {
            if let Heard::Reply(payload) = self.next().await {
                assert_eq!(payload["status"], "ok", "{payload}");
                return payload["response"].clone();
            }
        }
    }

    async fn next(&mut self) -> Heard {
        let message = tokio::time::timeout(PATIENCE, self.ws.next()).await;
        let Ok(Some(Ok(Message::Text(text)))) = message else { panic!("no frame in time: {message:?}") };
        // Numbers are searched, not parsed: there are hundreds of thousands of frames.
        if text.contains(r#""messaging:new""#) {
            let (_, meta) = text.rsplit_once(r#""seq":"#).unwrap();
            let digits: String = meta.chars().take_while(char::is_ascii_digit).collect();
            return Heard::Message(digits.parse().unwrap());
        }
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame[3].as_str().unwrap() {
            "phx_reply" => Heard::Reply(frame[4].clone()),
            "phx_error" => {
                assert!(frame[4]["reason"].as_str().unwrap().starts_with("RESUME"), "{frame}");
                Heard::Resume
            }
            "broadcast" => Heard::Ephemeral,
            other => panic!("{other}: {frame}"),
        }
    }

    async fn hear_up_to(&mut self, seq: i64) {
        while self.has < seq {
            match self.next().await {
                Heard::Message(heard) => assert_eq!(heard, self.has + 1),
                // Delivered marks.
                Heard::Ephemeral => continue,
                other => panic!("{other:?}"),
            }
            self.has += 1;
        }
    }

    /// Reads what was queued before the connection could take no more.
    async fn hear_until_told_to_resume(&mut self) {
        loop {
            match self.next().await {
                Heard::Message(seq) => {
                    assert_eq!(seq, self.has + 1);
                    self.has = seq;
                }
                Heard::Resume => return,
                Heard::Ephemeral => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_stops_while_five_thousand_messages_pass_has_each_of_them_once_in_the_end() {
    let mut room = Room::with(50, 1_000).await;
    let mut stalled = room.reader(Some(WINDOW_BYTES)).await;
    room.say(5_000).await;
    assert!(room.readers.iter().all(|reader| reader.has == 5_001), "the others have everything");
    stalled.hear_until_told_to_resume().await;
    assert!(stalled.has < 5_001, "its queue was never full");
    let joined = stalled.join(&room.topic, Some(stalled.has)).await;
    match joined["resume"].as_str().unwrap() {
        // More than a thousand were missed: the app reads pages by REST.
        "reset" => stalled.has = room.page_from(stalled.has).await,
        resume => assert_eq!(resume, "complete"),
    }
    stalled.hear_up_to(5_001).await;
    room.say(10).await;
    stalled.hear_up_to(5_011).await;
}

#[tokio::test]
async fn a_reader_that_missed_little_gets_the_rest_from_the_log() {
    let mut room = Room::with(3, 20_000).await;
    let mut stalled = room.reader(Some(WINDOW_BYTES)).await;
    room.say(600).await;
    stalled.hear_until_told_to_resume().await;
    let missed = 601 - stalled.has;
    assert!(missed > 0);
    let joined = stalled.join(&room.topic, Some(stalled.has)).await;
    assert_eq!((&joined["resume"], &joined["replayed"]), (&json!("complete"), &json!(missed)));
    room.say(5).await;
    stalled.hear_up_to(606).await;
}

#[tokio::test]
async fn typing_is_what_a_reader_that_stops_misses_first() {
    const TYPED: usize = 1_500;
    let mut room = Room::with(0, 1_000).await;
    let mut stalled = room.reader(Some(WINDOW_BYTES)).await;
    for _ in 0..TYPED {
        room.typing(8_000);
    }
    room.say(200).await;
    for _ in 0..TYPED {
        room.typing(8_000);
    }
    let mut typed = 0;
    while stalled.has < 201 {
        match stalled.next().await {
            Heard::Message(seq) => {
                assert_eq!(seq, stalled.has + 1);
                stalled.has = seq;
            }
            Heard::Ephemeral => typed += 1,
            other => panic!("no message was lost, so nothing is to resume: {other:?}"),
        }
    }
    assert!(typed < 2 * TYPED, "all was taken in: nothing had to go");
}
