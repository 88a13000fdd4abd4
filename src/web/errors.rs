//! guichet errors for errors of actix and other crates.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use guichet_base::{Error, ErrorKind};

/// The error response of a middleware, to be returned as `Ok`: an `Err` bypasses the middleware in between, and the
/// response would lack the CORS headers that let a browser read it.
pub fn error_response(request: ServiceRequest, error: Error) -> ServiceResponse<BoxBody> {
    request.error_response(error)
}

/// The error for a response of another crate, of which only the status is known.
pub(super) fn from_status(status: StatusCode) -> Error {
    match status.as_u16() {
        401 => Error::unauthenticated(),
        403 => Error::forbidden(),
        404 => Error::not_found("route"),
        405 => Error::new(ErrorKind::MethodNotAllowed, "METHOD_NOT_ALLOWED"),
        406 => Error::new(ErrorKind::Malformed, "NOT_ACCEPTABLE"),
        408 => timeout(),
        409 => Error::conflict(),
        413 => too_large(),
        415 => unsupported_media(),
        503 => Error::new(ErrorKind::Unavailable, "UNAVAILABLE").with_retry_after(1),
        400..500 => bad_request(),
        _ => Error::new(ErrorKind::Internal, "INTERNAL"),
    }
}

pub(super) fn bad_request() -> Error {
    Error::new(ErrorKind::Malformed, "BAD_REQUEST")
}

pub(super) fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "TIMEOUT")
}

pub(super) fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "PAYLOAD_TOO_LARGE")
}

pub(super) fn unsupported_media() -> Error {
    Error::new(ErrorKind::UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
}
