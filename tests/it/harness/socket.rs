//! A client of the Phoenix dialect, V2, frame by frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use guichet_base::id::ClientId;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestServer;

/// How long an expected frame may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    reference: u32,
    /// Frames that came before the expected one, in order.
    unread: Vec<Frame>,
}

/// `[join_ref, ref, topic, event, payload]`.
#[derive(Debug, Clone)]
pub struct Frame {
    pub reference: Option<String>,
    pub topic: String,
    pub event: String,
    pub payload: Value,
}

impl Frame {
    /// Whether it is the broadcast `name`.
    pub fn is(&self, name: &str) -> bool {
        self.event == "broadcast" && self.payload["event"] == name
    }
}

pub fn room(client: ClientId) -> String {
    format!("realtime:chat:room:{client}")
}

impl Socket {
    pub async fn open(server: &TestServer, token: &str) -> Self {
        Self::open_with(server, &format!("apikey={token}")).await
    }

    /// With these further query parameters.
    pub async fn open_with(server: &TestServer, query: &str) -> Self {
        let url = server.ws(&format!("/realtime/v1/websocket?vsn=2.0.0&{query}"));
        let (stream, _) = connect_async(url).await.unwrap();
        Self { stream, reference: 0, unread: Vec::new() }
    }

    /// Sends a push and returns its ref.
    pub async fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.reference += 1;
        let reference = self.reference.to_string();
        let frame = json!([null, reference, topic, event, payload]);
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
        reference
    }

    /// Pushes, and returns status and response of the reply.
    pub async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.push(topic, event, payload).await;
        let reply = self
            .next_where(|frame| frame.event == "phx_reply" && frame.reference.as_deref() == Some(&*reference))
            .await;
        (reply.payload["status"].as_str().unwrap_or_default().to_owned(), reply.payload["response"].clone())
    }

    /// Joins with a `config.broadcast.replay`, and returns the response of the ok reply.
    pub async fn join(&mut self, topic: &str, replay: Value) -> Value {
        let config = json!({"config": {"broadcast": {"replay": replay}, "private": true}});
        let (status, response) = self.ask(topic, "phx_join", config).await;
        assert_eq!(status, "ok", "{response}");
        response
    }

    /// The next frame that matches; earlier ones are kept.
    pub async fn next_where(&mut self, fits: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.unread.iter().position(&fits) {
            return self.unread.remove(at);
        }
        loop {
            let frame = self.receive().await;
            if fits(&frame) {
                return frame;
            }
            self.unread.push(frame);
        }
    }

    /// The payload of the next broadcast `name` on `topic`, with its meta.
    pub async fn broadcast(&mut self, topic: &str, name: &str) -> (Value, Value) {
        let frame = self.next_where(|frame| frame.topic == topic && frame.is(name)).await;
        (frame.payload["payload"].clone(), frame.payload["meta"].clone())
    }

    /// How the channel of `topic` ended: the event, and its reason.
    pub async fn ended(&mut self, topic: &str) -> (String, String) {
        let is_end = |event: &str| event == "phx_close" || event == "phx_error";
        let frame = self.next_where(|frame| frame.topic == topic && is_end(&frame.event)).await;
        (frame.event, frame.payload["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// Everything that arrives before the reply to a heartbeat sent now.
    pub async fn settled(&mut self) -> Vec<Frame> {
        let (status, _) = self.ask("phoenix", "heartbeat", json!({})).await;
        assert_eq!(status, "ok");
        std::mem::take(&mut self.unread)
    }

    async fn receive(&mut self) -> Frame {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match message.unwrap().unwrap().unwrap() {
                Message::Text(text) => return frame(&text),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(close) => panic!("closed: {close:?}"),
            }
        }
    }
}

fn frame(text: &str) -> Frame {
    let parts: Vec<Value> = serde_json::from_str(text).unwrap();
    let [_, reference, topic, event, payload] = <[Value; 5]>::try_from(parts).unwrap();
    Frame {
        reference: reference.as_str().map(str::to_owned),
        topic: topic.as_str().unwrap().to_owned(),
        event: event.as_str().unwrap().to_owned(),
        payload,
    }
}
