//! A real Redis without persistence: one for the whole run, or one of a test's own that it can stop and start.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Ends Redis when its standard input closes: with the test process, however that ends.
const KEEPER: &str = "redis-server \"$@\" & read -r _; kill -9 $! 2>/dev/null; wait";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Redis {
    port: u16,
    /// So that no other server on this port is mistaken for it.
    password: String,
    keeper: Option<Child>,
}

impl Redis {
    /// The server of this test process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of its own.
    pub fn start() -> Self {
        let mut redis = Self::stopped();
        redis.start_again();
        redis
    }

    /// The address of a server that is not started yet.
    pub fn stopped() -> Self {
        let password = format!("of-{}-{}", std::process::id(), next());
        Self { port: free_port(), password, keeper: None }
    }

    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// A prefix for keys and channels that no other test uses.
    pub fn prefix() -> String {
        format!("t{}:", next())
    }

    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Starts it again, empty, on its former port.
    pub fn start_again(&mut self) {
        assert!(self.keeper.is_none(), "it runs");
        let port = self.port.to_string();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "redis-server", "--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "/"])
            .args(["--requirepass", &self.password])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let client = redis::Client::open(self.url()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while client.get_connection().is_err() {
            assert!(Instant::now() < deadline, "no Redis: is redis-server installed? `make setup` does it");
            std::thread::yield_now();
        }
    }

    /// Kills it. Its data is lost.
    pub fn stop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Below the ephemeral ports, so that it stays free while the server is stopped.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 400).unwrap() * 25 + 20_000;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
