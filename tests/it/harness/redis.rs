//! A Redis server without persistence: one shared by the whole run, or one that a single test can stop and start.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Shell script that kills Redis when standard input closes, which happens in any case when the test process ends.
const WRAPPER_SCRIPT: &str = "redis-server \"$@\" & read -r _; kill -9 $! 2>/dev/null; wait";
const START_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Redis {
    port: u16,
    /// Unique, so that another server on the same port is not mistaken for this one.
    password: String,
    wrapper: Option<Child>,
}

impl Redis {
    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server for one test.
    pub fn start() -> Self {
        let mut redis = Self::stopped();
        redis.start_again();
        redis
    }

    /// A server with an address that is not started yet.
    pub fn stopped() -> Self {
        let password = format!("of-{}-{}", std::process::id(), next_number());
        Self { port: free_port(), password, wrapper: None }
    }

    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// A prefix for keys and channels that no other test uses.
    pub fn prefix() -> String {
        format!("t{}:", next_number())
    }

    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Starts the server, empty, on its port.
    pub fn start_again(&mut self) {
        assert!(self.wrapper.is_none(), "Redis is already running");
        let port = self.port.to_string();
        let wrapper = Command::new("sh")
            .args(["-c", WRAPPER_SCRIPT, "redis-server", "--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "/"])
            .args(["--requirepass", &self.password])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.wrapper = Some(wrapper);
        let client = redis::Client::open(self.url()).unwrap();
        let deadline = Instant::now() + START_TIMEOUT;
        while client.get_connection().is_err() {
            assert!(Instant::now() < deadline, "no Redis: is redis-server installed? `make setup` does it");
            std::thread::yield_now();
        }
    }

    /// Kills the server. Its data is lost.
    pub fn stop(&mut self) {
        let Some(mut wrapper) = self.wrapper.take() else { return };
        drop(wrapper.stdin.take());
        wrapper.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A free port below the ephemeral range, so that no other process gets it while the server is stopped.
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
