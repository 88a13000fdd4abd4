//! Request ids: one per request, in its log lines and in its response.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LEN: usize = 128;

/// In the extensions of every request.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The caller's own id if it is 1–128 visible ASCII characters, so that a log line stays one line; else a new
    /// one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let sane = given
            .filter(|id| (1..=MAX_LEN).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
        Self(sane.map_or_else(|| Uuid::now_v7().to_string().into(), Arc::from))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
