//! CORS: the web origins that may call, from `CORS_ORIGINS`.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};

/// The web origins that may call the API and open sockets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CorsOrigins {
    /// Only the service's own pages.
    #[default]
    None,
    /// `*`: every origin, except `null`.
    Any,
    List(Vec<String>),
}

impl CorsOrigins {
    /// Parses a comma-separated list, or `*`.
    pub fn parse(text: &str) -> Self {
        let list: Vec<String> = text
            .split(',')
            .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        match list.as_slice() {
            [] => CorsOrigins::None,
            list if list.iter().any(|origin| origin == "*") => CorsOrigins::Any,
            _ => CorsOrigins::List(list),
        }
    }

    /// Whether a page with this `Origin` may call the API or open a socket. `null` may not, since sandboxed frames and
    /// local files of any author send it.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        match (self, origin.to_str()) {
            (_, Err(_) | Ok("null")) | (CorsOrigins::None, _) => false,
            (CorsOrigins::Any, Ok(_)) => true,
            (CorsOrigins::List(list), Ok(origin)) => list.iter().any(|allowed| allowed == origin),
        }
    }
}

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fn header_names<const N: usize>(names: [&'static str; N]) -> [HeaderName; N] {
    names.map(HeaderName::from_static)
}

/// The middleware. Tokens are sent in a header, never in cookies, so credentials are not supported.
pub(super) fn cors(origins: CorsOrigins) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _| origins.allows(origin))
        .allowed_methods(METHODS)
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .allowed_headers([header::ACCEPT_LANGUAGE, header::IF_MATCH, header::IF_NONE_MATCH])
        .allowed_headers(header_names([
            "apikey",
            "x-api-key",
            "x-client-info",
            "idempotency-key",
            "x-request-id",
            "prefer",
        ]))
        .expose_headers([header::ETAG, header::RETRY_AFTER, header::LOCATION, header::CONTENT_DISPOSITION])
        .expose_headers(header_names([
            "x-request-id",
            "idempotent-replayed",
            "ratelimit",
            "ratelimit-policy",
        ]))
        .max_age(3600)
}
