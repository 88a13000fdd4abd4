//! The handshake: `GET /realtime/v1/websocket` and `GET /socket/websocket` for Phoenix; `dialect_routes` has the
//! other dialects, `broadcast` the broadcasts over HTTP.
//!
//! Almost all errors are sent over the open socket, since clients cannot see the status of a refused upgrade. The
//! upgrade itself is refused only for an unsupported protocol version, a foreign origin, and while the process stops.

pub(crate) mod actix_socket;
pub(crate) mod broadcast;
pub(crate) mod dialect_routes;
pub(crate) mod frame_guard;

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurposeConfig;
use guichet_base::CallerAddress;
use guichet_base::Locale;
use secrecy::SecretString;
use serde_json::json;

use super::Realtime;
use super::session::{Opening, Session};
use crate::backend::PeerInfo;
use crate::wire::Dialect;

/// The paths of Supabase's clients, and of phoenix.js.
const PATHS: [&str; 2] = ["/realtime/v1/websocket", "/socket/websocket"];

const BEARER: &str = "base64url.bearer.phx.";
/// Longer tokens are ignored.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Mounts the sockets. Needs a `web::Data<Realtime>` in the application.
pub fn routes(config: &mut web::ServiceConfig) {
    for path in PATHS {
        config.route(path, web::get().to(connect));
    }
    dialect_routes::routes(config);
    crate::http::broadcast::routes(config);
}

async fn connect(realtime: web::Data<Realtime>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let query = Query::of(&request);
    let Some(dialect) = Dialect::of_version(query.vsn.as_deref()) else {
        return refusal(StatusCode::FORBIDDEN, "unsupported protocol version: use vsn 1.0.0 or 2.0.0");
    };
    answer(&realtime.into_inner(), &request, payload, query, Door { dialect, place: None })
}

/// The route of a connection.
pub(super) struct Door {
    pub dialect: Dialect,
    /// The tenant in the path.
    pub place: Option<Box<str>>,
}

pub(super) fn answer(
    realtime: &Arc<Realtime>,
    request: &HttpRequest,
    payload: web::Payload,
    query: Query,
    door: Door,
) -> HttpResponse {
    if !origin_is_welcome(request, realtime.settings.origins.as_deref()) {
        return refusal(StatusCode::FORBIDDEN, "this origin is not allowed");
    }
    if !realtime.accepts_connections() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the service restarts: try again soon");
    }
    let Door { dialect, place } = door;
    let opening = Opening { dialect, peer: peer(request), tokens: tokens(request, query), place };
    match upgrade(realtime, request, payload, opening) {
        Ok(response) => response,
        Err(error) => error.error_response(),
    }
}

fn upgrade(
    realtime: &Arc<Realtime>,
    request: &HttpRequest,
    payload: web::Payload,
    opening: Opening,
) -> actix_web::Result<HttpResponse> {
    let settings = &realtime.settings;
    let connection = realtime.new_connection();
    let (response, socket) =
        actix_socket::accept(request, payload, Arc::clone(&connection), settings.max_frame_bytes)?;
    realtime.admit(&connection);
    let session = Session::new(socket, Arc::clone(realtime), connection, opening);
    realtime.tracker.spawn_local(session.run());
    Ok(response)
}

fn refusal(status: StatusCode, error: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": error }))
}

pub(super) fn peer(request: &HttpRequest) -> PeerInfo {
    let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    PeerInfo {
        ip: request.extensions().get::<CallerAddress>().map(|address| address.0),
        locale: language.and_then(Locale::from_accept_language).unwrap_or_default(),
    }
}

/// A request without `Origin` does not come from a browser.
fn origin_is_welcome(request: &HttpRequest, origins: Option<&[String]>) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    match (origin.to_str(), origins) {
        // Sent by sandboxed frames and local files: the page of any author.
        (Err(_) | Ok("null"), _) => false,
        (Ok(_), None) => true,
        (Ok(origin), Some(origins)) => origins.iter().any(|welcome| welcome == origin),
    }
}

#[derive(Default)]
pub(super) struct Query {
    vsn: Option<String>,
    token: Option<String>,
    ticket: Option<String>,
    apikey: Option<String>,
    /// Engine.IO's version.
    pub eio: Option<String>,
    /// Engine.IO's session, sent by a client that started with another transport.
    pub sid: Option<String>,
}

impl Query {
    /// Parses known parameters and ignores all others.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let mut query = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "vsn" => query.vsn = Some(value),
                "token" => query.token = Some(value),
                "ticket" => query.ticket = Some(value),
                "apikey" => query.apikey = Some(value),
                "EIO" => query.eio = Some(value),
                "sid" => query.sid = Some(value),
                _ => {}
            }
        }
        query
    }
}

/// The tokens of a request, most specific first; a connect token excludes others. Supabase's API keys are not tokens.
pub(super) fn tokens(request: &HttpRequest, query: Query) -> Vec<SecretString> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned());
    let subprotocol = text("sec-websocket-protocol").and_then(subprotocol_token);
    let api_key = text("x-api-key").or_else(|| text("apikey")).map(str::to_owned);
    let found = [query.ticket, authorization, query.token, subprotocol, api_key, query.apikey];
    let mut tokens: Vec<String> = found
        .into_iter()
        .flatten()
        .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && !token.starts_with("sb_"))
        .collect();
    tokens.dedup();
    tokens.into_iter().map(SecretString::from).collect()
}

/// phoenix.js encodes its token as standard base64 without padding, despite the prefix; both alphabets are accepted.
fn subprotocol_token(offered: &str) -> Option<String> {
    let encoded = offered.split(',').find_map(|protocol| protocol.trim().strip_prefix(BEARER))?;
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [base64::alphabet::STANDARD, base64::alphabet::URL_SAFE].iter().find_map(|alphabet| {
        let bytes = base64::engine::GeneralPurpose::new(alphabet, lenient).decode(encoded).ok()?;
        String::from_utf8(bytes).ok()
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn found(request: TestRequest) -> Vec<String> {
        let request = request.to_http_request();
        let query = Query::of(&request);
        tokens(&request, query).iter().map(|token| token.expose_secret().to_owned()).collect()
    }

    #[test]
    fn every_place_of_a_token_is_read_and_api_keys_are_skipped() {
        let uri = "/socket/websocket?apikey=sb_publishable_1&token=two&ticket=ct_zero&vsn=2.0.0&a%5Bb%5D=1&log_level=info";
        let request = TestRequest::with_uri(uri)
            .insert_header(("authorization", "bearer one"))
            .insert_header(("sec-websocket-protocol", "phoenix, base64url.bearer.phx.dGhyZWU"));
        assert_eq!(found(request), ["ct_zero", "one", "two", "three"]);
        assert_eq!(found(TestRequest::with_uri("/?apikey=four")), ["four"]);
    }

    #[test]
    fn a_page_of_another_site_is_not_welcome() {
        let origins = vec!["https://app.example".to_owned()];
        let from = |origin: &str| TestRequest::default().insert_header(("origin", origin)).to_http_request();
        assert!(origin_is_welcome(&from("https://app.example"), Some(&origins)));
        assert!(!origin_is_welcome(&from("https://app.example.evil"), Some(&origins)));
        assert!(!origin_is_welcome(&from("null"), Some(&origins)));
        assert!(origin_is_welcome(&TestRequest::default().to_http_request(), Some(&origins)));
        assert!(origin_is_welcome(&from("https://any"), None));
        assert!(!origin_is_welcome(&from("null"), None));
    }

    #[test]
    fn versions_choose_the_serialization() {
        assert_eq!(Dialect::of_version(None), Some(Dialect::V1));
        assert_eq!(Dialect::of_version(Some("1.0.0")), Some(Dialect::V1));
        assert_eq!(Dialect::of_version(Some("2.0.0")), Some(Dialect::V2));
        assert_eq!(Dialect::of_version(Some("3.0.0")), None);
    }
}
