//! HTTP endpoints of deliveries: `/deliveries`, and `/notifications/test-delivery` for samples.

use actix_web::web::Data;
use actix_web::{get, post};
use guichet_base::id::{DeliveryId, NotificationId, UserId};
use guichet_base::{Locale, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Deliveries;
use super::model::{Delivery, DeliveryCursor, DeliveryFilter, DeliveryStatus, OUTBOUND_CHANNELS};
use super::store::manage::RetryFilter;
use crate::deliveries::service::manage::{self, SampleRequest};
use crate::preferences::Channel;
use crate::web::{Caller, IdempotencyKey, Json, Path, Query, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(retry_many).service(retry).service(send_sample);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// queued, sending, sent, delivered, opened, bounced, failed or skipped.
    status: Option<String>,
    /// email, sms or push.
    channel: Option<String>,
    /// A template's code.
    #[serde(rename = "type")]
    kind: Option<String>,
    user_id: Option<UserId>,
    notification_id: Option<NotificationId>,
    /// The start of `last_error`: `recipient`, `preference_off` …
    error: Option<String>,
    /// Created at or after this time.
    since: Option<Timestamp>,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// `meta.next` of the previous page.
    cursor: Option<String>,
}

impl DeliveriesQuery {
    fn into_filter(self) -> Result<DeliveryFilter> {
        let mut check = Validator::new();
        let page = check.page(self.limit, None);
        let filter = DeliveryFilter {
            status: self.status.and_then(|word| check.parse_enum("status", &word, |name| name.parse().ok())),
            channel: self.channel.and_then(|word| check.parse_enum("channel", &word, parse_outbound_channel)),
            kind: check.text_opt("type", self.kind, 1..=80),
            user: self.user_id,
            notification: self.notification_id,
            error_prefix: check.text_opt("error", self.error, 1..=200),
            since: self.since,
            after: self.cursor.and_then(|cursor| check.parse_enum("cursor", &cursor, DeliveryCursor::parse)),
            limit: page.limit,
        };
        check.finish()?;
        Ok(filter)
    }
}

/// List emails, SMS and pushes, newest first (owners, managers)
#[utoipa::path(tag = "notifications", operation_id = "list_deliveries", params(DeliveriesQuery), responses((status = 200, body = [Delivery])))]
#[get("/deliveries")]
async fn list(
    d: Data<Deliveries>,
    caller: Caller,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Reply<Vec<Delivery>>> {
    let mut filter = query.into_filter()?;
    let limit = filter.limit;
    // One row more than requested shows whether there is a next page.
    filter.limit += 1;
    let mut deliveries = manage::list(&d, &caller, filter).await?;
    let has_more = usize::try_from(limit).is_ok_and(|limit| deliveries.len() > limit);
    if has_more {
        deliveries.pop();
    }
    let next = deliveries.last().filter(|_| has_more);
    let next = next.map(|last| DeliveryCursor { created_at: last.created_at, id: last.id }.to_string());
    Ok(Reply::ok(deliveries).meta(json!({ "limit": limit, "next": next })))
}

/// Retry a delivery that failed, bounced or was skipped (owners, managers)
///
/// The content stays; attempt count and deadline are reset. A delivery that waits for its next attempt is due at once.
/// A delivery that is `sending` and `uncertain` is retried too: the recipient may then receive it twice.
#[utoipa::path(tag = "notifications", operation_id = "retry_delivery", params(("id" = DeliveryId, Path)),
    responses((status = 200, body = Delivery), (status = 409, description = "`INVALID_TRANSITION`: it is being sent, or was delivered")))]
#[post("/deliveries/{id}/retry")]
async fn retry(d: Data<Deliveries>, caller: Caller, path: Path<DeliveryId>) -> Result<Reply<Delivery>> {
    Ok(Reply::ok(manage::retry(&d, &caller, path.0).await?))
}

/// Filter of the deliveries to retry.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "failed", "channel": "email", "error": "configuration"}))]
struct RetryManyBody {
    /// failed, bounced or skipped.
    status: String,
    /// email, sms or push.
    #[serde(default)]
    channel: Option<String>,
    /// A template's code.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// The start of `last_error`.
    #[serde(default)]
    error: Option<String>,
}

/// The number of deliveries queued again. If it is 1,000, more deliveries may match.
#[derive(Serialize, ToSchema)]
struct RetryManyResult {
    #[schema(example = 12)]
    requeued: usize,
}

/// Retry the newest 1,000 deliveries that match a filter (owners, managers)
#[utoipa::path(tag = "notifications", operation_id = "retry_deliveries", request_body = RetryManyBody, responses((status = 200, body = RetryManyResult)))]
#[post("/deliveries/retry")]
async fn retry_many(
    d: Data<Deliveries>,
    caller: Caller,
    body: Json<RetryManyBody>,
) -> Result<Reply<RetryManyResult>> {
    let mut check = Validator::new();
    let status = check.parse_enum("status", &body.0.status, parse_retryable_status);
    let channel = body.0.channel.and_then(|word| check.parse_enum("channel", &word, parse_outbound_channel));
    let kind = check.text_opt("type", body.0.kind, 1..=80);
    let error = check.text_opt("error", body.0.error, 1..=200);
    check.finish()?;
    let filter =
        RetryFilter { status: status.unwrap_or(DeliveryStatus::Failed), channel, kind, error_prefix: error };
    Ok(Reply::ok(RetryManyResult { requeued: manage::retry_many(&d, &caller, filter).await? }))
}

/// Template, channel and language of a sample.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"template": "ticket.created", "channel": "email", "locale": "fr"}))]
struct SampleBody {
    /// A template's code.
    template: String,
    /// email, sms or push.
    channel: String,
    /// The default is the caller's language.
    #[serde(default)]
    locale: Option<Locale>,
}

/// Send a sample of a template to the caller, by one channel (owners, managers)
///
/// Uses the tenant's current template. The sample is processed like every delivery; `GET /deliveries` shows the result.
#[utoipa::path(tag = "notifications", operation_id = "test_delivery", request_body = SampleBody, responses((status = 202, body = Delivery)))]
#[post("/notifications/test-delivery")]
async fn send_sample(
    d: Data<Deliveries>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<SampleBody>,
) -> Result<Reply<Delivery>> {
    let idempotent_request = key.bind_body(&body.0)?;
    let mut check = Validator::new();
    let template = check.text("template", body.0.template, 1..=80);
    let channel = check.parse_enum("channel", &body.0.channel, parse_outbound_channel);
    check.finish()?;
    let sample =
        SampleRequest { template, channel: channel.unwrap_or(Channel::Email), locale: body.0.locale };
    let response = manage::send_sample(&d, &caller, idempotent_request, sample).await?;
    let reply = Reply::accepted(response.value);
    Ok(if response.replayed { reply.replayed() } else { reply })
}

fn parse_outbound_channel(text: &str) -> Option<Channel> {
    text.parse::<Channel>().ok().filter(|channel| OUTBOUND_CHANNELS.contains(channel))
}

fn parse_retryable_status(text: &str) -> Option<DeliveryStatus> {
    text.parse::<DeliveryStatus>().ok().filter(|status| DeliveryStatus::RETRYABLE.contains(status))
}
