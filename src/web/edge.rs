//! The outermost middleware: gives every request an id, a span and one log line, and renders every error in the
//! envelope.
//!
//! Errors of handlers, of actix and of other crates are rewritten here, because only here the request's language and
//! id are known. Panics are caught and become `INTERNAL`. Causes of 5xx are logged here, and never sent to clients. The
//! query string is never logged, because it may contain tokens.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpMessage, HttpRequest, HttpResponse, ResponseError as _};
use futures_util::FutureExt;
use guichet_base::error_body;
use guichet_base::{Actor, Error, ErrorKind, Locale};
use metrics::histogram;
use tracing::{Instrument, error, info, info_span, warn};

use crate::telemetry::metric_names::HTTP_REQUEST_DURATION_SECONDS;
use crate::web::CallerAddress;
use crate::web::address::caller_address;
use crate::web::body::{self, UnreadBody};
use crate::web::rate_limit::RemainingQuota;
use crate::web::request_id::{RequestId, X_REQUEST_ID};
use crate::web::settings::HttpSettings;
use crate::web::{compress, errors, guard};

/// Properties of a request that are needed after it was handled.
struct RequestContext {
    id: RequestId,
    unread: UnreadBody,
    accept_language: Option<Locale>,
    method: Method,
    is_api: bool,
    is_https: bool,
    error_naming: Option<fn(&str) -> String>,
    started: Instant,
}

/// The outermost middleware; see the module documentation.
pub(super) async fn edge<B: MessageBody + 'static>(
    settings: HttpSettings,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let context = RequestContext::new(&request, &settings);
    let span = info_span!("request", request.id = context.id.as_str());
    // In a separate future, so that a panic in `call` itself is also caught.
    let outcome = AssertUnwindSafe(async move { next.call(request).await }).catch_unwind();
    async move {
        match outcome.await {
            Ok(Ok(response)) => Ok(context.finish_response(response.map_into_boxed_body())),
            Ok(Err(cause)) => Err(context.error_response(convert_error(&cause))),
            Err(panic) => {
                let error = Error::internal(format!("panic: {}", panic_message(&*panic)));
                Err(context.error_response(FailedResponse::from_error(error)))
            }
        }
    }
    .instrument(span)
    .await
}

impl RequestContext {
    fn new(request: &ServiceRequest, settings: &HttpSettings) -> Self {
        let id = RequestId::from_headers(request.headers());
        let unread = UnreadBody::default();
        let mut extensions = request.extensions_mut();
        extensions.insert(id.clone());
        extensions.insert(unread.clone());
        if let Some(peer) = request.peer_addr() {
            let address = caller_address(peer.ip(), request.headers(), &settings.trusted_proxies);
            extensions.insert(CallerAddress(address));
        }
        let language = request.headers().get(header::ACCEPT_LANGUAGE);
        Self {
            id,
            unread,
            accept_language: language.and_then(|value| Locale::from_accept_language(value.to_str().ok()?)),
            method: request.method().clone(),
            is_api: request.path().starts_with("/api"),
            is_https: settings.is_https,
            error_naming: settings.error_naming.and_then(|naming_of_path| naming_of_path(request.path())),
            started: Instant::now(),
        }
    }

    fn finish_response(&self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let (request, mut response) = response.into_parts();
        let actor_locale = || request.extensions().get::<Actor>().map(|actor| actor.locale);
        let locale = || self.accept_language.or_else(actor_locale).unwrap_or_default();
        let rendered = error_of_response(&response).map(|failure| self.render_error(&failure, locale()));
        if let Some(rendered) = rendered {
            response = rendered.replace_body(response.drop_body());
        }
        if let Some(quota) = request.extensions().get::<RemainingQuota>() {
            quota.write_headers(response.headers_mut());
        }
        let response = self.set_headers(response);
        self.log(response.status(), Some(&request));
        ServiceResponse::new(request, response)
    }

    /// The response for errors of middleware and for panics, where the request is no longer available.
    fn error_response(&self, failure: FailedResponse<'_>) -> ActixError {
        let rendered = self.render_error(&failure, self.accept_language.unwrap_or_default());
        let response = rendered.replace_body(HttpResponse::new(failure.status()).drop_body());
        let response = self.set_headers(response);
        self.log(response.status(), None);
        InternalError::from_response(failure.error().code(), response).into()
    }

    fn render_error(&self, failure: &FailedResponse<'_>, locale: Locale) -> RenderedError {
        let (status, error) = (failure.status(), failure.error());
        self.log_cause(error);
        let body = self.apply_naming(error_body::error_envelope(error, locale, Some(self.id.as_str())));
        RenderedError { status, body, locale, retry_after_secs: error.retry_after_secs() }
    }

    /// Converts the keys of an error on paths with another naming convention.
    fn apply_naming(&self, body: Vec<u8>) -> Vec<u8> {
        match (self.error_naming, std::str::from_utf8(&body)) {
            (Some(rename_keys), Ok(json)) => rename_keys(json).into_bytes(),
            _ => body,
        }
    }

    fn set_headers(&self, mut response: HttpResponse) -> HttpResponse {
        let status = response.status();
        // The body was not read completely, so the connection cannot be reused.
        if matches!(status.as_u16(), 408 | 413 | 415) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let headers = response.headers_mut();
        compress::remove_mark(headers);
        guard::add_security_headers(headers, status, self.is_api, self.is_https);
        if let Ok(id) = HeaderValue::from_str(self.id.as_str()) {
            headers.insert(X_REQUEST_ID, id);
        }
        response.map_body(|_, body| self.unread.attach_to(body))
    }

    fn log_cause(&self, error: &Error) {
        let cause = error.cause().unwrap_or_default();
        match error.kind() {
            ErrorKind::Internal => error!(error.code = error.code(), error.cause = cause, "request failed"),
            ErrorKind::Unavailable => {
                warn!(
                    error.code = error.code(),
                    error.cause = cause,
                    "request failed: a dependency is unavailable"
                )
            }
            _ => {}
        }
    }

    fn log(&self, status: StatusCode, request: Option<&HttpRequest>) {
        let extensions = request.map(HttpMessage::extensions);
        let actor = extensions.as_ref().and_then(|extensions| extensions.get::<Actor>());
        let route = request.and_then(HttpRequest::match_pattern);
        let route = route.as_deref();
        self.record_duration(status, route);
        info!(
            actor.user = actor.map(|actor| tracing::field::display(actor.user)),
            actor.tenant = actor.map(|actor| tracing::field::display(actor.tenant)),
            http.method = self.method.as_str(),
            http.route = route.unwrap_or("-"),
            http.status = status.as_u16(),
            duration_ms = millis(self.started.elapsed()),
            "request completed"
        );
    }

    fn record_duration(&self, status: StatusCode, route: Option<&str>) {
        // A closed set of labels, since clients can send arbitrary methods.
        let method = match self.method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        };
        let route = route.unwrap_or("unmatched").to_owned();
        let status = status.as_str().to_owned();
        histogram!(HTTP_REQUEST_DURATION_SECONDS, "method" => method, "route" => route, "status" => status)
            .record(self.started.elapsed());
    }
}

/// An error envelope that replaces the body of a response.
struct RenderedError {
    status: StatusCode,
    body: Vec<u8>,
    locale: Locale,
    retry_after_secs: Option<u64>,
}

impl RenderedError {
    fn replace_body(self, response: HttpResponse<()>) -> HttpResponse {
        let mut response = response.set_body(BoxBody::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.locale.into_str()));
        headers.remove(header::CONTENT_ENCODING);
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
        response
    }
}

/// The error of a response: that of a handler, or one converted from an error or status of another crate.
enum FailedResponse<'a> {
    Handler(&'a Error),
    Converted(Error, StatusCode),
}

impl FailedResponse<'_> {
    fn from_error(error: Error) -> Self {
        let status = error.status_code();
        FailedResponse::Converted(error, status)
    }

    fn status(&self) -> StatusCode {
        match self {
            FailedResponse::Handler(error) => error.status_code(),
            FailedResponse::Converted(_, status) => *status,
        }
    }

    fn error(&self) -> &Error {
        match self {
            FailedResponse::Handler(error) => error,
            FailedResponse::Converted(error, _) => error,
        }
    }
}

/// The error that replaces the body of a response. `None` for success, and for errors with a JSON body (`/readyz`).
fn error_of_response(response: &HttpResponse) -> Option<FailedResponse<'_>> {
    let status = response.status();
    match response.error() {
        Some(cause) => Some(convert_error(cause)),
        None if !status.is_client_error() && !status.is_server_error() => None,
        None if is_json(response.headers()) => None,
        None => Some(FailedResponse::Converted(errors::from_status(status), status)),
    }
}

fn convert_error(cause: &ActixError) -> FailedResponse<'_> {
    if let Some(error) = cause.as_error::<Error>() {
        return FailedResponse::Handler(error);
    }
    if let Some(cause) = cause.as_error::<PayloadError>() {
        return FailedResponse::from_error(body::payload_error(cause));
    }
    let status = cause.as_response_error().status_code();
    let error = errors::from_status(status);
    let error =
        if error.kind() == ErrorKind::Internal { error.with_source(cause.to_string()) } else { error };
    FailedResponse::Converted(error, status)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("application/json"))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
