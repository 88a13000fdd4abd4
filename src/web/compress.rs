//! Compression: complete responses above a threshold are compressed. Streams are not, since an encoder would delay
//! events.
//!
//! actix's `Compress` has no threshold, but skips responses with a `Content-Encoding`. So small responses are marked
//! `identity` by a middleware below `Compress`, and `edge` removes the mark.

use actix_web::Error as ActixError;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;

/// Minimum size to compress: about one network packet. Below it, compression saves nothing.
const MIN_BYTES: u64 = 1400;

/// Middleware directly below `Compress`: marks small responses and streams with `Content-Encoding: identity`.
pub(super) async fn mark_uncompressed<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, ActixError> {
    let mut response = next.call(request).await?;
    let worthwhile =
        matches!(response.response().body().size(), BodySize::Sized(bytes) if bytes >= MIN_BYTES);
    if !worthwhile && !response.headers().contains_key(header::CONTENT_ENCODING) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(response)
}

pub(super) fn remove_mark(headers: &mut HeaderMap) {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
}
