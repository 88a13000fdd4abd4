//! The authentication middleware of `/api`: it admits requests with a valid token only.
//!
//! It runs outside all extractors, so that 401 wins over any fault of the body. It counts requests against the rate
//! limits (per person, or per address for unauthenticated callers), and it logs the 403 responses of all handlers in
//! the activity log, so that no handler can forget to.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpMessage};
use guichet_base::{Actor, Error, ErrorKind, Locale, Result, Timestamp};

use crate::activity;
use crate::auth::{Authenticator, RequestedTenant};
use crate::web::rate_limit::LimitKey;
use crate::web::{CallerAddress, RateLimits, error_response};

const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");

/// State of the middleware.
#[derive(Clone)]
pub struct AuthMiddleware {
    pub authenticator: Authenticator,
    pub limits: RateLimits,
}

/// When the token of a request expires. Stored in the request's extensions, beside the [`Actor`].
#[derive(Debug, Clone, Copy)]
pub struct TokenExpiry(pub Timestamp);

/// The middleware, for `actix_web::middleware::from_fn`. Inserts the [`Actor`] into the request's extensions.
pub async fn authenticate<B: MessageBody + 'static>(
    gate: AuthMiddleware,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let (actor, ends) = match gate.admit(&request).await {
        Ok(admitted) => admitted,
        Err(error) => return Ok(challenge(request, error)),
    };
    gate.authenticator.directory.presence().touch(actor.tenant, actor.user);
    gate.authenticator.directory.last_seen().record(&actor, gate.authenticator.directory.clock().now());
    request.extensions_mut().insert(actor.clone());
    request.extensions_mut().insert(ends);
    if let Err(error) = gate.limits.check_request(request.request(), LimitKey::for_actor(&actor)) {
        return Ok(error_response(request, error));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    gate.record_refusal(&actor, &response).await;
    Ok(response)
}

impl AuthMiddleware {
    async fn admit(&self, request: &ServiceRequest) -> Result<(Actor, TokenExpiry)> {
        let address = request.extensions().get::<CallerAddress>().map(|address| address.0);
        let admitted = match bearer(request.headers()) {
            Some(token) => self.authenticator.authenticate(token, address, requested_tenant(request)).await,
            None => Err(Error::unauthenticated()),
        };
        match admitted {
            Ok(credential) => {
                let accepted = accepted_language(request.headers());
                let actor = credential.actor;
                let actor = Actor { locale: accepted.unwrap_or(actor.locale), ..actor };
                Ok((actor, TokenExpiry(credential.expires_at)))
            }
            Err(error) => {
                // Failures count by address, so that guessing tokens is slow.
                if let (ErrorKind::Unauthenticated, Some(address)) = (error.kind(), address) {
                    self.limits.check_request(request.request(), LimitKey::Anonymous(address))?;
                }
                tracing::debug!(error.cause = error.cause().unwrap_or_default(), "a request was not let in");
                Err(error)
            }
        }
    }

    async fn record_refusal(&self, actor: &Actor, response: &ServiceResponse<BoxBody>) {
        let error = response.response().error().and_then(|error| error.as_error::<Error>());
        if error.is_none_or(|error| error.code() != "FORBIDDEN") {
            return;
        }
        let request = response.request();
        let pattern = request.match_pattern().unwrap_or_else(|| "-".to_owned());
        let what = format!("{} {pattern}", request.method());
        let id = request.match_info().iter().next().map(|(_, id)| id.to_owned());
        let on = id.as_deref().map(|id| (entity_type(&pattern), id));
        activity::record_forbidden(self.authenticator.directory.db(), actor, &what, on).await;
    }
}

/// The error response. A 401 carries the `WWW-Authenticate` challenge (RFC 6750, 3).
fn challenge(request: ServiceRequest, error: Error) -> ServiceResponse<BoxBody> {
    let is_challenge = error.kind() == ErrorKind::Unauthenticated;
    let was_tried = request.headers().contains_key(header::AUTHORIZATION);
    let mut response = error_response(request, error);
    if is_challenge {
        let value = if was_tried { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
    }
    response
}

/// The token of the only `Authorization: Bearer …` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (scheme, token) = values.next()?.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    let is_one = values.next().is_none() && !token.is_empty();
    (is_one && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

fn requested_tenant(request: &ServiceRequest) -> RequestedTenant<'_> {
    let makes_tenant = matches!(request.path(), "/api/v1/tenants" | "/api/tenants");
    if request.method() == Method::POST && makes_tenant {
        return RequestedTenant::New;
    }
    let named = request.headers().get(X_TENANT).and_then(|value| value.to_str().ok());
    named.map_or(RequestedTenant::Unspecified, RequestedTenant::Named)
}

fn accepted_language(headers: &HeaderMap) -> Option<Locale> {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| Locale::from_accept_language(value.to_str().ok()?))
}

/// The entity of a route pattern: the segment before its first parameter, in the singular.
fn entity_type(pattern: &str) -> &str {
    let before = pattern.split("/{").next().unwrap_or_default();
    let word = before.rsplit('/').next().unwrap_or_default();
    word.strip_suffix('s').unwrap_or(word)
}
