//! A bad network: a TCP proxy that cuts connections, also in the middle of a frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::ports::Port;
use super::random::Random;

const LEAST_BYTES: u64 = 5_000;

/// Open or closed; a closed one refuses connections.
pub struct Proxy {
    port: Port,
    target: u16,
    cuts: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Proxy {
    pub fn to(target: u16) -> Result<Self> {
        Ok(Self { port: Port::take()?, target, cuts: Arc::default(), tasks: JoinSet::new() })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// A network without cuts.
    pub async fn open(&mut self) -> Result<()> {
        self.listen(None).await
    }

    /// Each connection is cut after a random number of bytes, `bytes` at most.
    pub async fn open_cutting(&mut self, random: Random, bytes: u64) -> Result<()> {
        self.listen(Some((random, bytes))).await
    }

    /// Ends every connection at once.
    pub async fn close(&mut self) {
        self.tasks.shutdown().await;
    }

    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }

    async fn listen(&mut self, mut cutting: Option<(Random, u64)>) -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port.number)).await?;
        let (target, cuts) = (self.target, Arc::clone(&self.cuts));
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let budget = cutting.as_mut().map(|(random, most)| random.between(LEAST_BYTES, *most));
                let cuts = Arc::clone(&cuts);
                connections.spawn(async move {
                    if pass(near, target, budget).await.is_err() {
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(())
    }
}

/// The connection was cut.
struct Cut;

async fn pass(near: TcpStream, target: u16, budget: Option<u64>) -> Result<(), Cut> {
    let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { return Ok(()) };
    for end in [&near, &far] {
        // Small frames must not wait for each other.
        let _ = end.set_nodelay(true);
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let left = AtomicUsize::new(budget.and_then(|bytes| bytes.try_into().ok()).unwrap_or(usize::MAX));
    tokio::select! {
        result = carry(near_in, far_out, &left) => result,
        result = carry(far_in, near_out, &left) => result,
    }
}

/// Both directions count towards the same number of bytes, so that a cut comes where the traffic is.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    left: &AtomicUsize,
) -> Result<(), Cut> {
    let mut buffer = [0; 4096];
    loop {
        let Ok(read) = from.read(&mut buffer).await else { return Ok(()) };
        let allowed = read.min(left.load(Ordering::Relaxed));
        if to.write_all(&buffer[..allowed]).await.is_err() || read == 0 {
            return Ok(());
        }
        left.fetch_sub(allowed, Ordering::Relaxed);
        if allowed < read {
            return Err(Cut);
        }
    }
}
