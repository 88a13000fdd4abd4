//! Where the service listens, keeps its files, and whom it trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;

use ipnet::IpNet;
use reqwest::Url;

use super::reader::section;
use super::setting::Setting;
use super::values::AllowedOrigins;

section! {
    /// The service
    pub struct ServerConfig {
        /// development or production. Production refuses unsafe defaults by name: a made-up JWT secret,
        /// JIT_USERS, and CORS_ORIGINS=*.
        pub environment: Environment = "GUICHET_ENV", "development";
        /// Address and port that HTTP and WebSocket listen on. Port 0 takes a free one.
        pub bind: SocketAddr = "BIND", "127.0.0.1:8080";
        /// Where others reach the service, as links and the API description name it. Not set: http:// and
        /// BIND.
        pub(super) public_url: Option<Url> = "PUBLIC_URL", "";
        /// Folder for all that is kept beside a given database: the embedded PostgreSQL, the JWT secret.
        pub data_dir: PathBuf = "DATA_DIR", ".data";
        /// Threads that serve HTTP. 0: one per core.
        pub(super) http_workers: usize = "HTTP_WORKERS", "0", in 0..=1024;
        /// Greatest request body, in bytes; uploads have limits of their own.
        pub body_limit_bytes: usize = "BODY_LIMIT_BYTES", "1048576", in 1024..=104_857_600;
        /// Web pages that may call the API and open sockets: origins with commas between, none, or * for
        /// all. Example: https://app.example.com,https://admin.example.com
        pub cors_origins: AllowedOrigins = "CORS_ORIGINS", "*";
        /// Proxies in front of the service, whose X-Forwarded-For is believed: addresses or networks with
        /// commas between. Example: 10.0.0.0/8,192.168.1.7
        pub trusted_proxies: Vec<IpNet> = "TRUSTED_PROXIES", "";
        /// Whether this process runs the jobs of the clock. Where several processes share a database, each run is one
        /// process's anyway.
        pub jobs_enabled: bool = "JOBS_ENABLED", "true";
        /// Time that a stop may take, in seconds.
        pub shutdown_grace_secs: u64 = "SHUTDOWN_GRACE_SECS", "25", in 1..=600;
    }
}

impl ServerConfig {
    /// Threads that serve HTTP: at least one.
    pub fn workers(&self) -> usize {
        match self.http_workers {
            0 => available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }

    /// Where others reach the service, without a slash at its end. `bound` is the address that was in fact
    /// bound, which names the port where `BIND` left it open.
    pub fn public_url(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", reachable(bound)),
        }
    }
}

/// An unspecified address (`0.0.0.0`) can be bound but not called.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    /// Unsafe defaults are refused.
    Production,
}

impl Setting for Environment {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Environment::Development),
            "production" => Ok(Environment::Production),
            _ => Err("must be development or production".to_owned()),
        }
    }
}
