//! `/realtime/ticket`.

use actix_web::post;
use actix_web::web::{Data, ReqData};
use guichet_base::{Result, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::service;
use crate::auth::middleware::TokenExpiry;
use crate::directory::Directory;
use crate::web::{Caller, Reply};

pub fn routes(config: &mut ServiceConfig) {
    config.service(issue);
}

/// A connect token. It is returned only once.
#[derive(Serialize, ToSchema)]
struct ConnectTokenView {
    /// For the `?ticket=` parameter of a socket's URL.
    #[schema(example = "ct_7fXk0mC3n2gq8Jw1sYtQvB5rLzE9aHdUoP4iNxM6ybc")]
    ticket: String,
    expires_at: Timestamp,
}

/// Issue a one-time ticket to open a socket with
///
/// Use it in the socket's URL (`?ticket=…`) instead of a token, which proxies would write to their logs. It opens one
/// socket within 30 s, which acts for the caller until the caller's token expires. `Idempotency-Key` has no effect:
/// each call issues another ticket.
#[utoipa::path(tag = "realtime", operation_id = "make_connect_ticket", responses((status = 201, body = ConnectTokenView)))]
#[post("/realtime/ticket")]
async fn issue(
    caller: Caller,
    directory: Data<Directory>,
    ends: ReqData<TokenExpiry>,
) -> Result<Reply<ConnectTokenView>> {
    let (ticket, expires_at) = service::issue(&directory, &caller, ends.0).await?;
    Ok(Reply::created(ConnectTokenView { ticket: ticket.reveal().to_owned(), expires_at }))
}
