//! Settings of the middleware and extractors that handle every request.

use std::sync::Arc;

use ipnet::IpNet;

use crate::web::cors::CorsOrigins;
use crate::web::guard::BodySettings;

/// Returns the function that converts the JSON keys of an error, for paths with another naming convention.
pub type ErrorNaming = fn(&str) -> Option<fn(&str) -> String>;

/// Settings of `web::wrap`.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    pub origins: CorsOrigins,
    pub trusted_proxies: Arc<[IpNet]>,
    pub body: BodySettings,
    /// Whether the service is reached over TLS, so that HSTS may be sent.
    pub is_https: bool,
    /// Converts the JSON keys of errors on paths with another naming convention.
    pub error_naming: Option<ErrorNaming>,
}
