//! `/notifications/explain`.

use actix_web::get;
use actix_web::web::Data;
use guichet_base::Result;
use guichet_base::id::{EventId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Explanation;
use super::service;
use crate::notifications::Notifications;
use crate::web::{Caller, Query, Reply};

/// The routes of this module, registered before `/notifications/{id}`. They need a `web::Data<Notifications>`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(explain);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    user_id: UserId,
    event_id: EventId,
}

/// Explain why a person was notified of an event, or was not
///
/// Shows for each channel whether it was used, and which rule at which preference level decided. People may ask about
/// themselves, owners and managers about everyone.
#[utoipa::path(tag = "notifications", operation_id = "explain_notification", params(ExplainQuery), responses((status = 200, body = Explanation),
    (status = 404, description = "No such event or person, or the caller may not see it: `NOT_FOUND`")))]
#[get("/notifications/explain")]
async fn explain(
    n: Data<Notifications>,
    caller: Caller,
    Query(query): Query<ExplainQuery>,
) -> Result<Reply<Explanation>> {
    Ok(Reply::ok(service::explain(&n, &caller, query.event_id, query.user_id).await?))
}
