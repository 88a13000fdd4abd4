//! Routes of the other dialects: `/ws/notifications` speaks plain; `/socket.io/` and
//! `/api/tenants/{tenant}/messaging/socket` speak Socket.IO to clients that send `EIO=4`, and the latter speaks plain
//! in camelCase to all others.
//!
//! Socket.IO clients try polling first by default: they get Engine.IO's own error, which they show.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::Realtime;
use crate::http::{Door, Query, answer};
use crate::wire::Dialect;

const PLAIN: &str = "/ws/notifications";
const SOCKET_IO: [&str; 2] = ["/socket.io", "/socket.io/"];
const OF_A_TENANT: [&str; 2] =
    ["/api/tenants/{tenant}/messaging/socket", "/api/tenants/{tenant}/messaging/socket/"];

/// The only supported version of Engine.IO.
const ENGINE: &str = "4";

/// Engine.IO's errors, by the codes that its clients know.
#[derive(Clone, Copy)]
enum Refusal {
    Transport,
    Session,
    Version,
}

impl Refusal {
    fn response(self) -> HttpResponse {
        let (code, message) = match self {
            Refusal::Transport => (0, "Transport unknown: use transports: ['websocket']"),
            Refusal::Session => (1, "Session ID unknown: connect by WebSocket from the start"),
            Refusal::Version => (5, "Unsupported protocol version: use Engine.IO 4 (Socket.IO 3 or 4)"),
        };
        HttpResponse::BadRequest().json(json!({"code": code, "message": message}))
    }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route(PLAIN, web::get().to(plain));
    // Every method, since a polling client also posts.
    for path in SOCKET_IO {
        config.route(path, web::route().to(socket_io));
    }
    for path in OF_A_TENANT {
        config.route(path, web::route().to(of_a_tenant));
    }
}

async fn plain(realtime: web::Data<Realtime>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let door = Door { dialect: Dialect::Plain, place: None };
    answer(&realtime.into_inner(), &request, payload, Query::of(&request), door)
}

async fn socket_io(
    realtime: web::Data<Realtime>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let query = Query::of(&request);
    if let Err(refusal) = engine(&request, &query) {
        return refusal.response();
    }
    let door = Door { dialect: Dialect::SocketIo, place: None };
    answer(&realtime.into_inner(), &request, payload, query, door)
}

async fn of_a_tenant(
    realtime: web::Data<Realtime>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let query = Query::of(&request);
    let dialect = match (&query.eio, engine(&request, &query)) {
        (None, _) if is_upgrade(&request) => Dialect::PlainCamel,
        (None, _) => return Refusal::Transport.response(),
        (Some(_), Ok(())) => Dialect::SocketIo,
        (Some(_), Err(refusal)) => return refusal.response(),
    };
    let place = Some(request.match_info().query("tenant").into());
    answer(&realtime.into_inner(), &request, payload, query, Door { dialect, place })
}

fn engine(request: &HttpRequest, query: &Query) -> Result<(), Refusal> {
    if query.eio.as_deref().is_some_and(|version| version != ENGINE) {
        return Err(Refusal::Version);
    }
    if !is_upgrade(request) || query.eio.is_none() {
        return Err(Refusal::Transport);
    }
    if query.sid.is_some() {
        return Err(Refusal::Session);
    }
    Ok(())
}

fn is_upgrade(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.to_ascii_lowercase().contains("websocket"))
}
