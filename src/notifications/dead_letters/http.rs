//! `/events/rejected`: events from Redis that could not be accepted.

use actix_web::web::Data;
use actix_web::{get, post};
use guichet_base::Result;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{RejectedEvent, service};
use crate::notifications::Notifications;
use crate::notifications::model::EventProgress;
use crate::web::{Caller, JsonOrEmpty, PageQuery, Path, Query, Reply};

/// Registered before `/events/{id}`, which would match `rejected`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(retry);
}

/// List rejected events from Redis, newest first (producers, owners, managers)
#[utoipa::path(tag = "events", operation_id = "list_rejected_events", params(PageQuery),
    responses((status = 200, body = [RejectedEvent])))]
#[get("/events/rejected")]
async fn list(
    n: Data<Notifications>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Vec<RejectedEvent>>> {
    let page = query.page()?;
    Ok(Reply::page(service::list(&n, &caller, page).await?, page, None))
}

/// An optional correction of a rejected event.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payload": {"user_id": "0198c0de-0000-7000-8000-000000000001", "mandat_id": "42", "title": "Rue des Lilas"}}))]
struct RetryBody {
    /// Replaces the original payload.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    payload: Option<Map<String, Value>>,
}

/// Announce a rejected event again
///
/// Unchanged, or with a corrected `payload`. If it is accepted, or already was, the response is the resulting event.
/// If it is refused again, its `reason` and `retries` are updated.
#[utoipa::path(tag = "events", operation_id = "retry_rejected_event", params(("id" = Uuid, Path)),
    request_body = RetryBody,
    responses((status = 202, description = "Accepted by this request, or by an earlier one (`Idempotent-Replayed`)", body = EventProgress)))]
#[post("/events/rejected/{id}/retry")]
async fn retry(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<Uuid>,
    body: JsonOrEmpty<RetryBody>,
) -> Result<Reply<EventProgress>> {
    let accepted = service::retry(&n, &caller, path.0, body.0.payload).await?;
    let reply = Reply::accepted(accepted.progress);
    Ok(if accepted.replayed { reply.replayed() } else { reply })
}
