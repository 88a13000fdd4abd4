//! A WebSocket client of the Phoenix protocol (serializer version 2.0.0) that works frame by frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use guichet_base::id::ClientId;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestServer;

/// How long an expected frame may take on a busy machine.
const FRAME_TIMEOUT: Duration = Duration::from_secs(20);

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_reference: u32,
    /// Received frames that no call has returned yet, in order.
    unread: Vec<Frame>,
}

/// A frame `[join_ref, ref, topic, event, payload]`, without `join_ref`.
#[derive(Debug, Clone)]
pub struct Frame {
    pub reference: Option<String>,
    pub topic: String,
    pub event: String,
    pub payload: Value,
}

impl Frame {
    /// Whether the frame is a broadcast of the event `name`.
    pub fn is_broadcast(&self, name: &str) -> bool {
        self.event == "broadcast" && self.payload["event"] == name
    }
}

pub fn room_topic(client: ClientId) -> String {
    format!("realtime:chat:room:{client}")
}

impl Socket {
    pub async fn open(server: &TestServer, token: &str) -> Self {
        Self::open_with(server, &format!("apikey={token}")).await
    }

    /// Opens a socket with the given query parameters.
    pub async fn open_with(server: &TestServer, query: &str) -> Self {
        let url = server.socket_url(&format!("/realtime/v1/websocket?vsn=2.0.0&{query}"));
        let (stream, _) = connect_async(url).await.unwrap();
        Self { stream, last_reference: 0, unread: Vec::new() }
    }

    /// Sends a push and returns its ref.
    pub async fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.last_reference += 1;
        let reference = self.last_reference.to_string();
        let frame = json!([null, reference, topic, event, payload]);
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
        reference
    }

    /// Sends a push, and returns status and response of its reply.
    pub async fn request(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.push(topic, event, payload).await;
        let reply = self
            .next_where(|frame| frame.event == "phx_reply" && frame.reference.as_deref() == Some(&*reference))
            .await;
        (reply.payload["status"].as_str().unwrap_or_default().to_owned(), reply.payload["response"].clone())
    }

    /// Joins a topic with `config.broadcast.replay`, and returns the response. Panics unless the reply is `ok`.
    pub async fn join(&mut self, topic: &str, replay: Value) -> Value {
        let config = json!({"config": {"broadcast": {"replay": replay}, "private": true}});
        let (status, response) = self.request(topic, "phx_join", config).await;
        assert_eq!(status, "ok", "{response}");
        response
    }

    /// The next frame that matches; earlier ones are kept.
    pub async fn next_where(&mut self, matches: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(index) = self.unread.iter().position(&matches) {
            return self.unread.remove(index);
        }
        loop {
            let frame = self.receive().await;
            if matches(&frame) {
                return frame;
            }
            self.unread.push(frame);
        }
    }

    /// Waits for the next broadcast `name` on `topic`, and returns its payload and meta.
    pub async fn next_broadcast(&mut self, topic: &str, name: &str) -> (Value, Value) {
        let frame = self.next_where(|frame| frame.topic == topic && frame.is_broadcast(name)).await;
        (frame.payload["payload"].clone(), frame.payload["meta"].clone())
    }

    /// Waits until the channel of `topic` ends, and returns the event and its reason.
    pub async fn channel_end(&mut self, topic: &str) -> (String, String) {
        let is_end = |event: &str| event == "phx_close" || event == "phx_error";
        let frame = self.next_where(|frame| frame.topic == topic && is_end(&frame.event)).await;
        (frame.event, frame.payload["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a heartbeat, and returns all unread frames that arrived before its reply.
    pub async fn frames_before_heartbeat(&mut self) -> Vec<Frame> {
        let (status, _) = self.request("phoenix", "heartbeat", json!({})).await;
        assert_eq!(status, "ok");
        std::mem::take(&mut self.unread)
    }

    async fn receive(&mut self) -> Frame {
        loop {
            let message = tokio::time::timeout(FRAME_TIMEOUT, self.stream.next()).await;
            match message.unwrap().unwrap().unwrap() {
                Message::Text(text) => return parse_frame(&text),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(close) => panic!("closed: {close:?}"),
            }
        }
    }
}

fn parse_frame(text: &str) -> Frame {
    let parts: Vec<Value> = serde_json::from_str(text).unwrap();
    let [_, reference, topic, event, payload] = <[Value; 5]>::try_from(parts).unwrap();
    Frame {
        reference: reference.as_str().map(str::to_owned),
        topic: topic.as_str().unwrap().to_owned(),
        event: event.as_str().unwrap().to_owned(),
        payload,
    }
}
