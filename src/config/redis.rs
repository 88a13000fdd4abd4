//! The connection to Redis, which is optional.

use secrecy::SecretString;

use super::config_value::{ConfigValue, mask_password};
use super::reader::section;

section! {
    /// Redis
    pub struct RedisConfig {
        /// URL of Redis 7 or later, where events of other backends are read: redis:// or, over TLS, rediss://. Not set:
        /// events arrive over HTTP only. Example: redis://:secret@redis.example.com:6379/0
        pub url: Option<RedisUrl> = "REDIS_URL", "";
        /// Prefix of every channel, stream and key, so that several installations can share one Redis. With "desk:",
        /// producers publish to desk:notifications.events.
        pub prefix: String = "REDIS_PREFIX", "";
    }
}

/// A Redis URL. Stored as a secret, since it may contain a password.
#[derive(Debug, Clone)]
pub struct RedisUrl(pub SecretString);

impl ConfigValue for RedisUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let is_tcp = text.starts_with("redis://") || text.starts_with("rediss://");
        // Redis's own parser also checks the database number and the options.
        if is_tcp && redis::Client::open(text).is_ok() {
            Ok(RedisUrl(SecretString::from(text)))
        } else {
            Err("must be redis:// or rediss:// with a host, such as redis://:secret@redis.example.com:6379/0"
                .to_owned())
        }
    }

    fn display_text(text: &str) -> String {
        mask_password(text)
    }
}
