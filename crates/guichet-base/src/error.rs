//! The common error type. The kind fixes the HTTP status and the socket error; the code is stable and documented; the
//! cause is logged once at the edge and never sent to a client.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde_json::Value;

use crate::text::{Locale, localize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of failure. It fixes the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: not JSON, not UTF-8.
    Malformed,
    /// 401.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    Timeout,
    /// 409.
    Conflict,
    /// 412: `If-Match` named another version.
    PreconditionFailed,
    /// 413.
    TooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 422.
    Validation,
    /// 428.
    PreconditionRequired,
    /// 429.
    RateLimited,
    /// 500: a bug or a failure of guichet itself.
    Internal,
    /// 503.
    Unavailable,
}

impl ErrorKind {
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Validation => 422,
            Self::PreconditionRequired => 428,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// A validation error of one value: its field, a stable code, and the arguments of its message.
///
/// `code` is also the key of its message: `fault-too-long` for `too_long` (`locales/`).
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Path of the value in the body or query: `content`, `related.preview.title`.
    pub field: Cow<'static, str>,
    pub code: &'static str,
    pub args: Vec<(&'static str, String)>,
}

impl Fault {
    pub fn new(field: impl Into<Cow<'static, str>>, code: &'static str) -> Self {
        Self { field: field.into(), code, args: Vec::new() }
    }

    pub fn with_arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// The localized message, with the key `fault-<code>`.
    pub fn message(&self, locale: Locale) -> String {
        localize(locale, &message_key("fault", self.code), &self.args)
    }
}

/// Details of an error response.
#[derive(Debug, Clone, PartialEq)]
pub enum ErrorDetails {
    None,
    Faults(Vec<Fault>),
    Object(Value),
}

pub struct Error {
    inner: Box<ErrorInner>,
}

// Boxed, so that a `Result` stays small.
struct ErrorInner {
    kind: ErrorKind,
    code: &'static str,
    args: Vec<(&'static str, String)>,
    details: ErrorDetails,
    retry_after_secs: Option<u64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its own `code`. Its message has the key `error-<code>` in `locales/`.
    pub fn new(kind: ErrorKind, code: &'static str) -> Self {
        Self {
            inner: Box::new(ErrorInner {
                kind,
                code,
                args: Vec::new(),
                details: ErrorDetails::None,
                retry_after_secs: None,
                source: None,
            }),
        }
    }

    pub fn malformed_json() -> Self {
        Self::new(ErrorKind::Malformed, "MALFORMED_JSON")
    }

    pub fn unauthenticated() -> Self {
        Self::new(ErrorKind::Unauthenticated, "UNAUTHENTICATED")
    }

    pub fn forbidden() -> Self {
        Self::new(ErrorKind::Forbidden, "FORBIDDEN")
    }

    /// `thing` names the kind of record in logs; clients only learn that the record does not exist.
    pub fn not_found(thing: &'static str) -> Self {
        Self::new(ErrorKind::NotFound, "NOT_FOUND").with_arg("thing", thing)
    }

    pub fn conflict() -> Self {
        Self::new(ErrorKind::Conflict, "CONFLICT")
    }

    /// An error that reports all `faults` of one request. `faults` must not be empty.
    pub fn validation(faults: Vec<Fault>) -> Self {
        let mut error = Self::new(ErrorKind::Validation, "VALIDATION_ERROR");
        error.inner.details = ErrorDetails::Faults(faults);
        error
    }

    pub fn invalid(field: impl Into<Cow<'static, str>>, code: &'static str) -> Self {
        Self::validation(vec![Fault::new(field, code)])
    }

    pub fn rate_limited(retry_after_secs: u64) -> Self {
        let retry_after_secs = retry_after_secs.max(1);
        Self::new(ErrorKind::RateLimited, "RATE_LIMITED")
            .with_details(serde_json::json!({ "retry_after": retry_after_secs }))
            .with_retry_after(retry_after_secs)
    }

    /// PostgreSQL or another dependency is down or overloaded: the same request may succeed later.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Unavailable, "UNAVAILABLE").with_retry_after(1).with_source(source)
    }

    /// A bug or a failure of guichet itself, never caused by input.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, "INTERNAL").with_source(source)
    }

    pub fn with_arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.inner.args.push((name, value.to_string()));
        self
    }

    pub fn with_details(mut self, details: Value) -> Self {
        self.inner.details = ErrorDetails::Object(details);
        self
    }

    pub fn with_retry_after(mut self, secs: u64) -> Self {
        self.inner.retry_after_secs = Some(secs);
        self
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    pub fn code(&self) -> &'static str {
        self.inner.code
    }

    pub fn args(&self) -> &[(&'static str, String)] {
        &self.inner.args
    }

    pub fn details(&self) -> &ErrorDetails {
        &self.inner.details
    }

    pub fn retry_after_secs(&self) -> Option<u64> {
        self.inner.retry_after_secs
    }

    /// The localized message, with the key `error-<code>`.
    pub fn message(&self, locale: Locale) -> String {
        localize(locale, &message_key("error", self.code()), self.args())
    }

    /// The chain of causes in one line, for the log.
    pub fn cause(&self) -> Option<String> {
        let mut next: Option<&dyn StdError> = self.inner.source.as_deref().map(|e| e as &dyn StdError);
        let mut text = String::new();
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        (!text.is_empty()).then_some(text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("code", &self.inner.code)
            .field("args", &self.inner.args)
            .field("details", &self.inner.details)
            .field("cause", &self.cause())
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.inner.code)?;
        match self.cause() {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The key of a code's message: `error-not-found` for `NOT_FOUND`.
fn message_key(prefix: &str, code: &str) -> String {
    format!("{prefix}-{}", code.to_ascii_lowercase().replace('_', "-"))
}
