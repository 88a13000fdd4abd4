//! Settings of the conventions that every request follows.

use std::sync::Arc;

use ipnet::IpNet;

use crate::web::cors::CorsOrigins;
use crate::web::guard::BodySettings;

/// The naming convention of a path, if it has one of its own.
pub type ErrorNaming = fn(&str) -> Option<fn(&str) -> String>;

/// Settings of the conventions.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    pub origins: CorsOrigins,
    pub trusted_proxies: Arc<[IpNet]>,
    pub body: BodySettings,
    /// Whether the service is reached over TLS, so that HSTS may be sent.
    pub is_https: bool,
    /// Other JSON key names of errors, on paths with their own naming convention.
    pub error_naming: Option<ErrorNaming>,
}
