//! Request ids: one per request, in its log lines and in the header `X-Request-Id` of its response.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LEN: usize = 128;

/// The id of a request, stored in its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id in the request's header if it is 1–128 visible ASCII characters (safe in logs), otherwise a new
    /// one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let header_value = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let valid_id = header_value
            .filter(|id| (1..=MAX_LEN).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
        Self(valid_id.map_or_else(|| Uuid::now_v7().to_string().into(), Arc::from))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
