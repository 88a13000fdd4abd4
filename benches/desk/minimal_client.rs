//! A minimal Phoenix client, so that ten thousand of them fit beside the service: no buffer of its own except for a
//! partial frame, and frames are parsed where they were read.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

/// Clients per local address; a client's port is one of some 28,000.
const CLIENTS_PER_ADDRESS: usize = 10_000;
const BUFFER_BYTES: usize = 256 * 1024;

thread_local! {
    /// Shared read buffer of all clients.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

pub struct MinimalClient {
    stream: TcpStream,
    /// A partial frame, or frames that were not asked for yet.
    held: Vec<u8>,
    refs: u32,
}

/// Returned by callbacks on frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Please,
    /// This was the expected frame; later ones are kept.
    Enough,
}

impl MinimalClient {
    /// `number` spreads clients over local addresses.
    pub async fn connect(server: SocketAddr, token: &str, number: usize) -> Result<Self> {
        Self::with_window(server, token, number, None).await
    }

    /// With a receive buffer so small that a stalled reader is noticed soon.
    pub async fn with_window(
        server: SocketAddr,
        token: &str,
        number: usize,
        window: Option<u32>,
    ) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = window {
            socket.set_recv_buffer_size(bytes)?;
        }
        let host = u8::try_from(1 + number / CLIENTS_PER_ADDRESS)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
        let mut stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /socket/websocket?vsn=2.0.0&token={token} HTTP/1.1\r\nhost: bench\r\nupgrade: websocket\r\n\
             connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut light = Self { stream, held: Vec::new(), refs: 0 };
        light.shake_hands().await?;
        Ok(light)
    }

    async fn shake_hands(&mut self) -> Result<()> {
        loop {
            if let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                ensure!(
                    self.held.starts_with(b"HTTP/1.1 101"),
                    "no upgrade: {}",
                    String::from_utf8_lossy(&self.held)
                );
                self.held.drain(..end + 4);
                self.held.shrink_to_fit();
                return Ok(());
            }
            self.stream.readable().await?;
            self.read(|_, _| Ok(More::Please), false)?;
        }
    }

    /// Pushes; the frame is masked with zeros, which is valid.
    pub async fn push(&mut self, topic: &str, event: &str, payload: &str) -> Result<()> {
        self.refs += 1;
        let text = format!(r#"["1","{}","{topic}","{event}",{payload}]"#, self.refs);
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ ..126) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Passes each text frame to `look`, in order, until it has enough.
    pub async fn frames(&mut self, mut look: impl FnMut(&str) -> Result<More>) -> Result<()> {
        let mut look = |opcode: u8, payload: &[u8]| match opcode {
            1 => look(std::str::from_utf8(payload)?),
            8 => bail!("the socket was closed: {}", String::from_utf8_lossy(payload)),
            _ => Ok(More::Please),
        };
        if self.look_at_held(&mut look)? == More::Enough {
            return Ok(());
        }
        loop {
            self.stream.readable().await?;
            if self.read(&mut look, true)? == More::Enough {
                return Ok(());
            }
        }
    }

    /// The reply to the last push.
    pub async fn reply(&mut self) -> Result<String> {
        let begin = format!(r#"["1","{}","#, self.refs);
        let mut reply = String::new();
        self.frames(|text| {
            if text.starts_with(&begin) && text.contains(r#""phx_reply""#) {
                text.clone_into(&mut reply);
                return Ok(More::Enough);
            }
            Ok(More::Please)
        })
        .await?;
        Ok(reply)
    }

    /// Joins, and fails if the join is refused.
    pub async fn join(&mut self, topic: &str) -> Result<()> {
        self.push(topic, "phx_join", r#"{"config":{"broadcast":{"self":false}}}"#).await?;
        let reply = self.reply().await?;
        ensure!(reply.contains(r#""status":"ok""#), "the join of {topic} was answered with {reply}");
        Ok(())
    }

    /// Reads what is available, once.
    fn read(&mut self, mut look: impl FnMut(u8, &[u8]) -> Result<More>, as_frames: bool) -> Result<More> {
        BUFFER.with_borrow_mut(|buffer| {
            let read = match self.stream.try_read(buffer) {
                Ok(0) => bail!("the socket was closed without a word"),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(More::Please),
                Err(error) => return Err(error.into()),
            };
            let new = buffer.get(..read).context("more was read than there is room")?;
            if !as_frames || !self.held.is_empty() {
                self.held.extend_from_slice(new);
                return if as_frames { self.look_at_held(&mut look) } else { Ok(More::Please) };
            }
            let (used, more) = walk(new, &mut look)?;
            self.held.extend_from_slice(new.get(used..).unwrap_or_default());
            Ok(more)
        })
    }

    fn look_at_held(&mut self, look: &mut impl FnMut(u8, &[u8]) -> Result<More>) -> Result<More> {
        let (used, more) = walk(&self.held, look)?;
        self.held.drain(..used);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        Ok(more)
    }
}

/// Passes complete frames to `look`. Returns the number of bytes consumed.
fn walk(bytes: &[u8], look: &mut impl FnMut(u8, &[u8]) -> Result<More>) -> Result<(usize, More)> {
    let mut at = 0;
    while let Some((opcode, start, length)) = header(bytes.get(at..).unwrap_or_default()) {
        let Some(payload) = bytes.get(at + start..at + start + length) else { break };
        at += start + length;
        if look(opcode, payload)? == More::Enough {
            return Ok((at, More::Enough));
        }
    }
    Ok((at, More::Please))
}

/// The opcode, and the payload's start and length.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, length) = (bytes.first()?, bytes.get(1)?);
    let opcode = first & 0x0F;
    match length {
        126 => Some((opcode, 4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into())),
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            Some((opcode, 10, usize::try_from(length).ok()?))
        }
        short => Some((opcode, 2, usize::from(*short))),
    }
}
