//! Rejects encoded, oversized and slow bodies before any extractor runs. Sets the security headers of
//! responses.
//!
//! actix decompresses bodies before the limits of extractors apply: 400 bytes can become 256 MB. So encoded
//! bodies are rejected.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpMessage};
use guichet_base::Result;

use crate::web::body::{self, BodyLimits, UnreadBody};
use crate::web::errors;

/// Limits of a request body.
#[derive(Debug, Clone, Copy)]
pub struct BodySettings {
    pub max_bytes: u64,
    /// Limit for paths for which `is_upload` returns true.
    pub upload_max_bytes: u64,
    pub is_upload: fn(&str) -> bool,
    /// The time that every body has, independent of its size.
    pub grace: Duration,
    /// A body may take one more second, beyond the grace period, for each `min_bytes_per_sec` bytes received.
    pub min_bytes_per_sec: u32,
}

impl Default for BodySettings {
    fn default() -> Self {
        Self {
            max_bytes: 1024 * 1024,
            upload_max_bytes: 26 * 1024 * 1024,
            is_upload: |_| false,
            grace: Duration::from_secs(10),
            min_bytes_per_sec: 4096,
        }
    }
}

/// Middleware that checks the headers of a body and limits its stream.
pub(super) async fn guard<B: MessageBody>(
    settings: BodySettings,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, ActixError> {
    let is_upload = (settings.is_upload)(request.path());
    let max_bytes = if is_upload { settings.upload_max_bytes } else { settings.max_bytes };
    // Before the header check, so that after a rejection the connection is closed and the body not read.
    if !is_websocket(&request) {
        let limits =
            BodyLimits { max_bytes, grace: settings.grace, min_bytes_per_sec: settings.min_bytes_per_sec };
        let unread = request.extensions().get::<UnreadBody>().cloned().unwrap_or_default();
        let payload = body::limit_body(request.take_payload(), limits, unread);
        request.set_payload(payload);
    }
    if let Err(error) = check_headers(request.headers(), max_bytes) {
        return Ok(errors::error_response(request, error).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn check_headers(headers: &HeaderMap, max_bytes: u64) -> Result<()> {
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).all(is_identity) {
        return Err(errors::unsupported_media());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > max_bytes) {
        return Err(errors::too_large());
    }
    Ok(())
}

/// Whether the request is a WebSocket upgrade. Its "body" is the socket, which has its own limits.
fn is_websocket(request: &ServiceRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    request.method() == Method::GET
        && upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Adds headers that the response does not set itself (the docs page has its own policy).
pub(super) fn add_security_headers(
    headers: &mut HeaderMap,
    status: StatusCode,
    is_api: bool,
    is_https: bool,
) {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let hsts = (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    let conditional_headers = [is_api.then_some(no_store), is_https.then_some(hsts)];
    for (name, value) in SECURITY_HEADERS.into_iter().chain(conditional_headers.into_iter().flatten()) {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
}
