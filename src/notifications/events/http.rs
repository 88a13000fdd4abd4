//! `/events`: events that other backends announce.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{ResponseError, get, post};
use guichet_base::id::{EventId, UserId};
use guichet_base::{Actor, Fault, Locale, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Accepted, announce, progress};
use crate::notifications::model::{AnnouncedEvent, EventProgress, EventSource, Recipients};
use crate::notifications::{Notifications, policy};
use crate::web::{Caller, ErrorBody, IdempotencyKey, Json, Path, Reply, Validator};

/// Maximum number of events in one bulk request.
const MAX_BULK_EVENTS: usize = 1_000;
/// Maximum number of recipients of each kind that one event names.
const MAX_RECIPIENTS_PER_KIND: usize = 10_000;
const MAX_EVENT_CODE_CHARS: usize = 80;
/// Maximum size of a payload as JSON text.
const MAX_PAYLOAD_BYTES: usize = 16 * 1024;

pub fn routes(config: &mut ServiceConfig) {
    config.service(announce_one).service(announce_many).service(get_progress);
}

/// A business event of a producer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event": "mandat.created",
    "payload": {"user_id": "0198c0de-0000-7000-8000-000000000001", "mandat_id": "42", "title": "Rue des Lilas", "url": "/mandats/42"},
    "idempotency_key": "mandat-42-created"}))]
pub struct EventBody {
    /// The code of a notification template.
    event: String,
    /// The template's variables. Further fields are kept in the notification's `data`.
    #[serde(default)]
    #[schema(value_type = Object)]
    payload: Map<String, Value>,
    /// If absent, the audience that the template defines.
    #[serde(default, deserialize_with = "crate::web::object_or_null")]
    recipients: Option<Recipients>,
    /// The person who caused the event; they get no notification.
    #[serde(default)]
    actor_id: Option<UserId>,
    #[serde(default)]
    occurred_at: Option<Timestamp>,
    /// The same key within 24 h means the same event, which takes effect once.
    #[serde(default)]
    idempotency_key: Option<String>,
    /// When its notifications expire; overrides `NOTIFICATION_DEFAULT_TTL`.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

impl EventBody {
    pub fn into_announced(self, source: EventSource) -> Result<AnnouncedEvent> {
        let mut check = Validator::new();
        let event = check.text("event", self.event, 1..=MAX_EVENT_CODE_CHARS);
        if let Some(recipients) = &self.recipients {
            let lists = [
                ("recipients.users", recipients.users.len()),
                ("recipients.teams", recipients.teams.len()),
                ("recipients.clients", recipients.clients.len()),
                ("recipients.roles", recipients.roles.len()),
            ];
            for (field, length) in lists {
                if length > MAX_RECIPIENTS_PER_KIND {
                    check.add(Fault::new(field, "too_many").with_arg("max", MAX_RECIPIENTS_PER_KIND));
                }
            }
            let is_person = |role: &guichet_base::Role| !role.is_service();
            check.ensure(recipients.roles.iter().all(is_person), "recipients.roles", "unknown_value");
        }
        // The payload is sent to the socket of every recipient.
        let size = serde_json::to_string(&self.payload).map_or(usize::MAX, |text| text.len());
        if size > MAX_PAYLOAD_BYTES {
            check.add(Fault::new("payload", "too_long").with_arg("max", MAX_PAYLOAD_BYTES));
        }
        check.finish()?;
        Ok(AnnouncedEvent {
            event,
            payload: self.payload,
            recipients: self.recipients,
            actor: self.actor_id,
            occurred_at: self.occurred_at,
            idempotency_key: self.idempotency_key,
            source,
            expires_at: self.expires_at,
        })
    }
}

/// Announce a business event
///
/// Up to a hundred recipients get their notifications before the response, more within seconds: `status` is then
/// `running`, and `GET /events/{id}` shows the progress. An event that is refused changes nothing.
#[utoipa::path(tag = "events", operation_id = "announce_event", request_body = EventBody,
    responses((status = 202, description = "Accepted by this request, or by an earlier one (`Idempotent-Replayed`)", body = EventProgress)))]
#[post("/events")]
async fn announce_one(
    n: Data<Notifications>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<EventBody>,
) -> Result<Reply<EventProgress>> {
    policy::may_announce(&caller)?;
    let idempotent = key.bind_body(&body.0)?;
    let announced_event = body.0.into_announced(EventSource::Http)?;
    let (task, tenant) = (n.get_ref().clone(), caller.tenant);
    let result = n
        .db
        .write(&caller, move |tx| idempotent.run_once(tx, |tx| announce(tx, &task, tenant, &announced_event)))
        .await?;
    let answer = Reply::accepted(result.value.progress);
    Ok(if result.replayed || result.value.replayed { answer.replayed() } else { answer })
}

/// Up to 1,000 events.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"events": [{"event": "report.generated", "idempotency_key": "report-3",
    "payload": {"user_id": "0198c0de-0000-7000-8000-000000000001", "report_id": "3", "name": "Ventes de février"}}]}))]
struct BulkBody {
    /// In order of processing.
    #[schema(value_type = Vec<EventBody>, min_items = 1, max_items = 1000)]
    events: Vec<Value>,
}

/// The result of one event of a bulk request.
#[derive(Serialize, Deserialize, ToSchema)]
struct BulkItem {
    index: usize,
    /// The status that a single request would have got.
    #[schema(example = 202)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventProgress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
}

/// Announce up to 1,000 events in order
///
/// Each is accepted or refused on its own. Give each an `idempotency_key`, so that a repeated request takes effect
/// once.
#[utoipa::path(tag = "events", operation_id = "announce_events", request_body = BulkBody,
    responses((status = 200, description = "The result of each event", body = [BulkItem])))]
#[post("/events/bulk")]
async fn announce_many(
    n: Data<Notifications>,
    caller: Caller,
    body: Json<BulkBody>,
) -> Result<Reply<Vec<BulkItem>>> {
    policy::may_announce(&caller)?;
    let mut check = Validator::new();
    let count = body.0.events.len();
    if count == 0 || count > MAX_BULK_EVENTS {
        let code = if count == 0 { "too_few" } else { "too_many" };
        check.add(Fault::new("events", code).with_arg("min", 1).with_arg("max", MAX_BULK_EVENTS));
    }
    check.finish()?;
    let mut items = Vec::with_capacity(count);
    for (index, event) in body.0.events.into_iter().enumerate() {
        items.push(bulk_item(index, caller.locale, announce_bulk_item(&n, &caller, &event).await)?);
    }
    Ok(Reply::ok(items))
}

async fn announce_bulk_item(n: &Notifications, actor: &Actor, event: &Value) -> Result<Accepted> {
    let announced_event = crate::web::parse_value::<EventBody>(event)?.into_announced(EventSource::Http)?;
    let (task, tenant) = (n.clone(), actor.tenant);
    n.db.write(actor, move |tx| announce(tx, &task, tenant, &announced_event)).await
}

fn bulk_item(index: usize, locale: Locale, outcome: Result<Accepted>) -> Result<BulkItem> {
    Ok(match outcome {
        Ok(accepted) => BulkItem {
            index,
            status: StatusCode::ACCEPTED.as_u16(),
            event: Some(accepted.progress),
            error: None,
        },
        Err(error) => {
            let body = serde_json::to_value(ErrorBody::new(&error, locale, None));
            let body = body.map_err(guichet_base::Error::internal)?;
            BulkItem { index, status: error.status_code().as_u16(), event: None, error: Some(body) }
        }
    })
}

/// Get the progress of an event
#[utoipa::path(tag = "events", operation_id = "get_event", params(("id" = EventId, Path)),
    responses((status = 200, body = EventProgress)))]
#[get("/events/{id}")]
async fn get_progress(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<EventId>,
) -> Result<Reply<EventProgress>> {
    policy::may_view_events(&caller)?;
    Ok(Reply::ok(progress(&n, &caller, path.0).await?))
}
