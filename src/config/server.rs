//! The environment, addresses, data folder, limits and trusted proxies of the HTTP server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;

use ipnet::IpNet;
use reqwest::Url;

use super::config_value::ConfigValue;
use super::reader::section;
use super::values::AllowedOrigins;

section! {
    /// The service
    pub struct ServerConfig {
        /// development or production. Production refuses unsafe values: a generated JWT secret, JIT_USERS,
        /// and CORS_ORIGINS=*.
        pub environment: Environment = "GUICHET_ENV", "development";
        /// Address and port for HTTP and WebSocket. Port 0: any free port.
        pub bind: SocketAddr = "BIND", "127.0.0.1:8080";
        /// Public URL of the service, for links and the API description. Not set: http:// and the address of BIND.
        pub(super) public_url: Option<Url> = "PUBLIC_URL", "";
        /// Folder for the embedded PostgreSQL and the generated JWT secret.
        pub data_dir: PathBuf = "DATA_DIR", ".data";
        /// Threads that serve HTTP. 0: one per core.
        pub(super) http_workers: usize = "HTTP_WORKERS", "0", in 0..=1024;
        /// Largest request body in bytes; uploads have limits of their own.
        pub body_limit_bytes: usize = "BODY_LIMIT_BYTES", "1048576", in 1024..=104_857_600;
        /// Web origins that may call the API and open sockets: comma-separated, none, or * for all. Example:
        /// https://app.example.com,https://admin.example.com
        pub cors_origins: AllowedOrigins = "CORS_ORIGINS", "*";
        /// Proxies in front of the service whose X-Forwarded-For is trusted: comma-separated addresses or networks.
        /// Example: 10.0.0.0/8,192.168.1.7
        pub trusted_proxies: Vec<IpNet> = "TRUSTED_PROXIES", "";
        /// Whether this process runs scheduled jobs. With several processes on one database, each run happens in one
        /// of them.
        pub jobs_enabled: bool = "JOBS_ENABLED", "true";
        /// Maximum seconds of a graceful shutdown.
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

    /// The public URL without a trailing slash. `bound` is the listener's address: its port is known even if `BIND`
    /// has port 0.
    pub fn public_url(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", connectable_address(bound)),
        }
    }
}

/// Replaces an unspecified address (`0.0.0.0`), which clients cannot connect to, by the loopback address.
fn connectable_address(mut address: SocketAddr) -> SocketAddr {
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

impl ConfigValue for Environment {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Environment::Development),
            "production" => Ok(Environment::Production),
            _ => Err("must be development or production".to_owned()),
        }
    }
}
