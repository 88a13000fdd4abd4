//! A minimal HTTP client: one kept-alive connection, one request at a time.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Http {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Http {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::new() })
    }

    /// With the bearer `token`; an empty one means none.
    pub async fn get(&mut self, path: &str, token: &str) -> Result<&[u8]> {
        self.ask("GET", path, token, "").await
    }

    pub async fn post(&mut self, path: &str, token: &str, json: &str) -> Result<&[u8]> {
        self.ask("POST", path, token, json).await
    }

    /// The body of the response, which must be a success.
    async fn ask(&mut self, method: &str, path: &str, token: &str, json: &str) -> Result<&[u8]> {
        self.request.clear();
        write!(self.request, "{method} {path} HTTP/1.1\r\nhost: bench\r\n")?;
        if !token.is_empty() {
            write!(self.request, "authorization: Bearer {token}\r\n")?;
        }
        if !json.is_empty() {
            write!(self.request, "content-type: application/json\r\ncontent-length: {}\r\n", json.len())?;
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(json.as_bytes());
        self.stream.write_all(&self.request).await?;
        let (status, body_at) = self.read().await?;
        let body = self.answer.get(body_at..).unwrap_or_default();
        if !(200..300).contains(&status) {
            bail!("{method} {path} was answered with {status}: {}", String::from_utf8_lossy(body));
        }
        Ok(body)
    }

    /// Reads one response. Returns its status, and the start of its body.
    async fn read(&mut self) -> Result<(u16, usize)> {
        self.answer.clear();
        let mut whole = None;
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the connection was closed");
            if whole.is_none()
                && let Some(end) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            {
                let head = std::str::from_utf8(self.answer.get(..end).unwrap_or_default())?;
                whole = Some((status(head)?, end + 4, content_length(head)?));
            }
            if let Some((status, body_at, length)) = whole
                && self.answer.len() >= body_at + length
            {
                return Ok((status, body_at));
            }
        }
    }
}

fn status(head: &str) -> Result<u16> {
    head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")
}

fn content_length(head: &str) -> Result<usize> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.trim().parse().ok()).context("no content-length")
}
