//! A Phoenix client: joins topics and reads broadcasts.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Clients per local address; a client's port is one of some 28,000.
const CLIENTS_PER_ADDRESS: usize = 10_000;
/// The library's default of 128 KiB would exhaust memory with ten thousand clients.
const READ_BUFFER_BYTES: usize = 4 * 1024;

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    refs: u32,
}

/// A V2 frame: two references, topic, event, payload.
#[derive(Deserialize)]
struct Frame<'a>(
    IgnoredAny,
    IgnoredAny,
    #[serde(borrow)] &'a str,
    #[serde(borrow)] &'a str,
    #[serde(borrow)] &'a RawValue,
);

#[derive(Deserialize)]
struct Reply {
    status: String,
    response: Joined,
}

#[derive(Deserialize)]
struct Joined {
    last_seq: Option<i64>,
}

/// A received broadcast.
pub struct ReceivedEvent {
    pub topic: String,
    pub event: String,
    pub seq: Option<i64>,
    pub payload: Box<RawValue>,
}

#[derive(Deserialize)]
struct Broadcast {
    event: String,
    payload: Box<RawValue>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    seq: i64,
}

impl Socket {
    /// `number` spreads clients over local addresses.
    pub async fn connect(server: SocketAddr, token: &str, number: usize) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let host = u8::try_from(1 + number / CLIENTS_PER_ADDRESS)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{server}/socket/websocket?vsn=2.0.0&token={token}");
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let (stream, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self { stream, refs: 0 })
    }

    /// Returns the topic's head if it is numbered.
    pub async fn join(&mut self, topic: &str) -> Result<Option<i64>> {
        self.push(topic, "phx_join", r#"{"config":{"broadcast":{"self":false}}}"#).await?;
        loop {
            let text = self.text().await?;
            let frame: Frame<'_> = serde_json::from_str(&text)?;
            if frame.3 == "phx_reply" && frame.2 == topic {
                let reply: Reply = serde_json::from_str(frame.4.get()).with_context(|| text.clone())?;
                ensure!(reply.status == "ok", "the join of {topic} was answered with {text}");
                return Ok(reply.response.last_seq);
            }
        }
    }

    pub async fn push(&mut self, topic: &str, event: &str, payload: &str) -> Result<()> {
        self.refs += 1;
        let frame = format!(r#"["1","{}","{topic}","{event}",{payload}]"#, self.refs);
        Ok(self.stream.send(Message::text(frame)).await?)
    }

    /// The next broadcast.
    pub async fn hear(&mut self) -> Result<ReceivedEvent> {
        loop {
            let text = self.text().await?;
            let frame: Frame<'_> = serde_json::from_str(&text)?;
            if frame.3 == "broadcast" {
                let said: Broadcast = serde_json::from_str(frame.4.get())?;
                let seq = said.meta.map(|meta| meta.seq);
                return Ok(ReceivedEvent {
                    topic: frame.2.to_owned(),
                    event: said.event,
                    seq,
                    payload: said.payload,
                });
            }
            ensure!(frame.3 == "phx_reply", "the socket said {text}");
        }
    }

    async fn text(&mut self) -> Result<String> {
        loop {
            match self.stream.next().await.context("the socket was closed")?? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => bail!("the socket was closed: {frame:?}"),
                _ => {}
            }
        }
    }
}
