//! A client of any dialect, frame by frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::wires::{Ask, ReceivedFrame, Wire};
use crate::harness::ChatFixture;

/// How long an expected frame may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct Client {
    pub wire: &'static dyn Wire,
    stream: Ws,
    reference: u32,
    /// Frames that came before the expected one, in order.
    unread: Vec<ReceivedFrame>,
}

impl Client {
    /// Opens a socket, with or without a token, and sends only what the dialect requires.
    pub async fn connect(world: &ChatFixture, wire: &'static dyn Wire, token: Option<&str>) -> Self {
        let token = token.map(|token| format!("&token={token}")).unwrap_or_default();
        let path = wire.path(&world.server.demo.tenant_id.to_string());
        let (stream, _) = connect_async(world.server.socket_url(&format!("{path}{token}"))).await.unwrap();
        Self::over(wire, stream).await
    }

    /// On a socket that is open already.
    pub async fn over(wire: &'static dyn Wire, stream: Ws) -> Self {
        let mut client = Self { wire, stream, reference: 0, unread: Vec::new() };
        if let Some(hello) = wire.hello() {
            client.text(&hello).await;
        }
        client
    }

    /// As one of the demo's people, ready to receive.
    pub async fn open(world: &ChatFixture, wire: &'static dyn Wire, name: &str) -> Self {
        let mut client = Self::connect(world, wire, Some(&world.server.user(name).token)).await;
        client.settled().await;
        client
    }

    /// As a person who also joined `topic`.
    pub async fn on(world: &ChatFixture, wire: &'static dyn Wire, name: &str, topic: &str) -> Self {
        let mut client = Self::open(world, wire, name).await;
        client.join(topic, None).await;
        client
    }

    pub async fn text(&mut self, text: &str) {
        self.stream.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub async fn binary(&mut self, bytes: Vec<u8>) {
        self.stream.send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends a request, and returns its ref.
    pub async fn push(&mut self, ask: &Ask<'_>) -> String {
        self.reference += 1;
        let text = self.wire.write(self.reference, ask);
        self.text(&text).await;
        self.reference.to_string()
    }

    /// Sends a request, and returns status and response of the reply.
    pub async fn ask(&mut self, ask: &Ask<'_>) -> (String, Value) {
        let asked = self.push(ask).await;
        let reply = self
            .next_where(
                |heard| matches!(heard, ReceivedFrame::Reply { reference, .. } if *reference == asked),
            )
            .await;
        let ReceivedFrame::Reply { status, response, .. } = reply else { unreachable!() };
        (status, response)
    }

    pub async fn ok(&mut self, ask: &Ask<'_>) -> Value {
        let (status, response) = self.ask(ask).await;
        assert_eq!(status, "ok", "{}: {response}", self.wire.name());
        response
    }

    /// The code of a refusal.
    pub async fn refusal(&mut self, ask: &Ask<'_>) -> String {
        let (status, response) = self.ask(ask).await;
        assert_eq!(status, "error", "{}: {response}", self.wire.name());
        let reason = response["reason"].as_str().unwrap().split(':').next().unwrap().to_owned();
        if !response["code"].is_null() {
            assert_eq!(response["code"], reason, "{}", self.wire.name());
        }
        reason
    }

    pub async fn join(&mut self, topic: &str, after_seq: Option<i64>) -> Value {
        self.ok(&Ask::Join { topic, after_seq, token: None }).await
    }

    /// The value of guichet's `key` in the dialect's naming convention.
    pub fn at<'v>(&self, value: &'v Value, key: &str) -> &'v Value {
        &value[self.wire.key(key)]
    }

    /// Payload and meta of the next event `name` on `topic`.
    pub async fn event(&mut self, topic: &str, name: &str) -> (Value, Value) {
        let fits = |heard: &ReceivedFrame| matches!(heard, ReceivedFrame::Event { topic: on, event, .. } if on == topic && event == name);
        let ReceivedFrame::Event { payload, meta, .. } = self.next_where(fits).await else { unreachable!() };
        (payload, meta)
    }

    /// The next frame that matches; earlier ones are kept.
    pub async fn next_where(&mut self, fits: impl Fn(&ReceivedFrame) -> bool) -> ReceivedFrame {
        if let Some(at) = self.unread.iter().position(&fits) {
            return self.unread.remove(at);
        }
        loop {
            let heard = match self.receive().await {
                Ok(heard) => heard,
                Err(code) => panic!("{} was closed with {code} after {:?}", self.wire.name(), self.unread),
            };
            if fits(&heard) {
                return heard;
            }
            self.unread.push(heard);
        }
    }

    /// Everything that arrives before the reply to a heartbeat sent now.
    pub async fn settled(&mut self) -> Vec<ReceivedFrame> {
        if self.wire.hello().is_some() && self.reference == 0 {
            self.next_where(|heard| matches!(heard, ReceivedFrame::Connected)).await;
        }
        self.ok(&Ask::Heartbeat).await;
        std::mem::take(&mut self.unread)
    }

    /// The code with which the server closes; earlier frames are kept.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.receive().await {
                Ok(heard) => self.unread.push(heard),
                Err(code) => return code,
            }
        }
    }

    async fn receive(&mut self) -> Result<ReceivedFrame, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message.unwrap_or_else(|_| panic!("{} fell silent", self.wire.name()));
            match message.unwrap().unwrap() {
                Message::Text(text) => return Ok(self.wire.read(&text)),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(close) => return Err(close.map_or(0, |close| close.code.into())),
            }
        }
    }
}
