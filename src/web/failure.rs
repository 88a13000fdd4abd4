//! How a failure reads: its HTTP status, and the error envelope in the caller's language.
//!
//! `base::Error` answers by itself in French and without a request id; `edge`, which knows the request, writes
//! the body again with both. Causes never get into a body.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;

use crate::base::error::Details;
use crate::base::text::say;
use crate::base::{Error, Fault, Kind, Locale};

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.kind())
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(secs) = self.retry_after_secs() {
            response.insert_header((header::RETRY_AFTER, secs));
        }
        response.content_type("application/json").body(body(self, Locale::default(), None))
    }
}

pub(crate) const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Timeout => StatusCode::REQUEST_TIMEOUT,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Validation => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Our error for a refusal that actix or another crate made: all there is to go by is its status.
pub(super) fn of_status(status: StatusCode) -> Error {
    match status.as_u16() {
        401 => Error::unauthenticated(),
        403 => Error::forbidden(),
        404 => Error::not_found("route"),
        405 => Error::new(Kind::MethodNotAllowed, "METHOD_NOT_ALLOWED"),
        406 => Error::new(Kind::Malformed, "NOT_ACCEPTABLE"),
        408 => timeout(),
        409 => Error::conflict(),
        413 => too_large(),
        415 => unsupported_media(),
        503 => Error::new(Kind::Unavailable, "UNAVAILABLE").retry_after(1),
        400..500 => bad_request(),
        _ => Error::new(Kind::Internal, "INTERNAL"),
    }
}

pub(super) fn bad_request() -> Error {
    Error::new(Kind::Malformed, "BAD_REQUEST")
}

pub(super) fn timeout() -> Error {
    Error::new(Kind::Timeout, "TIMEOUT")
}

pub(super) fn too_large() -> Error {
    Error::new(Kind::TooLarge, "PAYLOAD_TOO_LARGE")
}

pub(super) fn unsupported_media() -> Error {
    Error::new(Kind::UnsupportedMedia, "UNSUPPORTED_MEDIA_TYPE")
}

#[derive(Serialize)]
struct Envelope<'a> {
    data: (),
    error: ErrorBody<'a>,
}

/// The object under `error`; also what bulk answers and sockets say of one item that failed.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<DetailsBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DetailsBody<'a> {
    Faults(Vec<FaultBody<'a>>),
    Object(&'a Value),
}

#[derive(Serialize)]
struct FaultBody<'a> {
    field: &'a str,
    code: &'static str,
    message: String,
}

impl<'a> ErrorBody<'a> {
    pub fn new(error: &'a Error, locale: Locale, request_id: Option<&'a str>) -> Self {
        let details = match error.get_details() {
            Details::None => None,
            Details::Faults(faults) => {
                Some(DetailsBody::Faults(faults.iter().map(|fault| FaultBody::new(fault, locale)).collect()))
            }
            Details::Object(object) => Some(DetailsBody::Object(object)),
        };
        let message = say(locale, &key("error", error.code()), error.args());
        Self { code: error.code(), message, details, request_id }
    }
}

impl<'a> FaultBody<'a> {
    fn new(fault: &'a Fault, locale: Locale) -> Self {
        let message = say(locale, &key("fault", fault.code), &fault.args);
        Self { field: &fault.field, code: fault.code, message }
    }
}

/// The error envelope as JSON.
pub(super) fn body(error: &Error, locale: Locale, request_id: Option<&str>) -> Vec<u8> {
    let envelope = Envelope { data: (), error: ErrorBody::new(error, locale, request_id) };
    // Strings and a `Value` always serialize; were they not to, the status still says what happened.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// The key of a code's sentence: `error-not-found` for `NOT_FOUND`.
fn key(prefix: &str, code: &str) -> String {
    let word: String = code.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    format!("{prefix}-{word}")
}
