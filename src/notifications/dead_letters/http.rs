//! `/events/rejected`: what came over Redis and could not be accepted.

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

/// Before `/events/{id}`, which would take the first of them.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(retry);
}

/// Events from Redis that could not be accepted, the newest first (producers, owners, managers)
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

/// What is mended of a rejected event.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payload": {"user_id": "0198c0de-0000-7000-8000-000000000001", "mandat_id": "42", "title": "Rue des Lilas"}}))]
struct RetryBody {
    /// Instead of the payload that it came with.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    payload: Option<Map<String, Value>>,
}

/// Announces a rejected event again
///
/// As it came, or with a mended `payload`. Once it was accepted, the answer is the event that it became. Where it is
/// refused again, its `reason` and `retries` say so.
#[utoipa::path(tag = "events", operation_id = "retry_rejected_event", params(("id" = Uuid, Path)),
    request_body = RetryBody,
    responses((status = 202, description = "Taken over, now or before (`Idempotent-Replayed`)", body = EventProgress)))]
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
