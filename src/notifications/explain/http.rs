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

/// Routes under the API's base. They want a `web::Data<Notifications>`, and to stand before `/notifications/{id}`.
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

/// Why somebody was told of an event, or was not
///
/// For each channel, whether it was used, and which rule at which level of the preferences decided. About oneself, or,
/// for owners and managers, about anybody.
#[utoipa::path(tag = "notifications", operation_id = "explain_notification", params(ExplainQuery), responses((status = 200, body = Explanation),
    (status = 404, description = "No such event or person, or not the caller's to know: `NOT_FOUND`")))]
#[get("/notifications/explain")]
async fn explain(
    n: Data<Notifications>,
    caller: Caller,
    Query(query): Query<ExplainQuery>,
) -> Result<Reply<Explanation>> {
    Ok(Reply::ok(service::explain(&n, &caller, query.event_id, query.user_id).await?))
}
