//! Requests of owners and managers: list deliveries, retry them, and send samples.

use std::time::Duration;

use guichet_base::id::DeliveryId;
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, ErrorKind, Locale, Result};
use serde_json::json;

use crate::config::Feature;
use crate::deliveries::model::{Delivery, DeliveryFilter, DeliveryStatus};
use crate::deliveries::render::{self, DeliveryText};
use crate::deliveries::store::list;
use crate::deliveries::store::manage::{self, NewSample, RetryFilter};
use crate::deliveries::{Deliveries, policy};

use crate::notifications::events::disabled_channels;
use crate::notifications::model::DELIVERY_DEADLINE;
use crate::notifications::templates;
use crate::preferences::Channel;
use crate::web::idempotency::{IdempotentRequest, Replayable};

/// Time after which a sample is no longer sent.
/// Short, because the person who requested the sample is waiting for it.
const SAMPLE_DEADLINE: Duration = Duration::from_secs(600);
/// Most deliveries that one request retries.
pub const MAX_RETRIES_PER_REQUEST: i64 = 1_000;

/// Lists the tenant's deliveries that match a filter. Errors: `FORBIDDEN`, `FEATURE_DISABLED`.
pub async fn list(d: &Deliveries, actor: &Actor, filter: DeliveryFilter) -> Result<Vec<Delivery>> {
    policy::may_view(actor)?;
    require_feature(d, actor).await?;
    let tenant = actor.tenant;
    d.notifications.db.read(actor, move |tx| list::list(tx, tenant, &filter)).await
}

/// Makes a delivery due at once if it failed, bounced, was skipped, is queued, or if its result is unknown.
///
/// Errors: `FORBIDDEN`, `FEATURE_DISABLED`, `NOT_FOUND`, `INVALID_TRANSITION`.
pub async fn retry(d: &Deliveries, actor: &Actor, id: DeliveryId) -> Result<Delivery> {
    policy::may_send(actor)?;
    require_feature(d, actor).await?;
    let (tenant, now) = (actor.tenant, d.notifications.clock.now());
    let wake = d.wake.clone();
    d.notifications
        .db
        .write(actor, move |tx| {
            let found = list::find(tx, tenant, id)?.ok_or_else(|| Error::not_found("delivery"))?;
            let queued = manage::requeue(tx, tenant, id, (now, now.plus(DELIVERY_DEADLINE)))?;
            let queued = queued.ok_or_else(|| invalid_transition(found.status))?;
            let wake = wake.clone();
            tx.after_commit(move || wake.notify_one());
            Ok(queued)
        })
        .await
}

/// Queues up to [`MAX_RETRIES_PER_REQUEST`] deliveries that match a filter again. Returns their number.
pub async fn retry_many(d: &Deliveries, actor: &Actor, filter: RetryFilter) -> Result<usize> {
    policy::may_send(actor)?;
    require_feature(d, actor).await?;
    let (tenant, now) = (actor.tenant, d.notifications.clock.now());
    let wake = d.wake.clone();
    d.notifications
        .db
        .write(actor, move |tx| {
            let queued = manage::requeue_many(
                tx,
                tenant,
                &filter,
                MAX_RETRIES_PER_REQUEST,
                (now, now.plus(DELIVERY_DEADLINE)),
            )?;
            let wake = wake.clone();
            tx.after_commit(move || wake.notify_one());
            Ok(queued)
        })
        .await
}

/// Template, channel and language of a sample.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    pub template: String,
    pub channel: Channel,
    /// `None` means the language of the caller.
    pub locale: Option<Locale>,
}

/// Queues a sample of a template to the caller, which the worker sends like all deliveries.
///
/// Errors: `FORBIDDEN`; `FEATURE_DISABLED` if the channel is off; `VALIDATION_ERROR` for an unknown template or a
/// missing address; `RATE_LIMITED`.
pub async fn send_sample(
    d: &Deliveries,
    actor: &Actor,
    request: IdempotentRequest,
    sample_request: SampleRequest,
) -> Result<Replayable<Delivery>> {
    policy::may_send(actor)?;
    let features = d.notifications.directory.features(actor.tenant).await?;
    features.require(Feature::Notifications)?;
    if *disabled_channels(&d.notifications, &features).get(sample_request.channel) {
        return Err(Error::new(ErrorKind::Forbidden, "FEATURE_DISABLED"));
    }
    let (deliveries, caller) = (d.clone(), actor.clone());
    d.notifications
        .db
        .write(actor, move |tx| {
            request.run_once(tx, |tx| {
                let n = &deliveries.notifications;
                let (tenant, now) = (caller.tenant, n.clock.now());
                let minute_ago = now.minus(Duration::from_secs(60));
                let (to, recent_count) = manage::address_and_recent_samples(
                    tx,
                    tenant,
                    caller.user,
                    sample_request.channel,
                    minute_ago,
                )?;
                if recent_count >= i64::try_from(n.settings.rate_per_min).unwrap_or(i64::MAX) {
                    return Err(Error::rate_limited(60));
                }
                let to = to.ok_or_else(|| Error::invalid("channel", "no_address"))?;
                let changes = tx.as_system(|sys| {
                    templates::store::changes(sys.conn(), tenant, &sample_request.template)
                })?;
                let text =
                    sample_text(&sample_request, changes.as_ref(), caller.role.user_type(), caller.locale)?;
                let content = render::render_content(
                    sample_request.channel,
                    &text,
                    deliveries.settings.app_url.as_ref(),
                );
                let content = content.ok_or_else(|| Error::invalid("channel", "unknown_value"))?;
                let sample = NewSample {
                    user: caller.user,
                    channel: sample_request.channel,
                    kind: sample_request.template.clone(),
                    to,
                    rendered: content.to_stored()?,
                    excerpt: render::excerpt(&text),
                };
                let delivery = manage::insert_sample(tx, tenant, &sample, (now, now.plus(SAMPLE_DEADLINE)))?;
                let wake = deliveries.wake.clone();
                tx.after_commit(move || wake.notify_one());
                Ok(delivery)
            })
        })
        .await
}

fn sample_text(
    sample_request: &SampleRequest,
    changes: Option<&serde_json::Value>,
    user_type: UserType,
    locale: Locale,
) -> Result<DeliveryText> {
    let unknown_template = |_| Error::invalid("template", "unknown_value");
    let template = templates::effective(&sample_request.template, changes).map_err(unknown_template)?;
    let (payload, locale) = (template.sample_payload(), sample_request.locale.unwrap_or(locale));
    let rendered = template.render(&payload)?;
    let text = rendered.text(locale, user_type);
    let email = template.render_email(locale, user_type, &payload)?;
    Ok(DeliveryText {
        title: text.title.clone(),
        body: text.body.clone(),
        link: text.link.clone(),
        email: Some((email.subject, email.body)),
    })
}

async fn require_feature(d: &Deliveries, actor: &Actor) -> Result<()> {
    d.notifications.directory.require(actor, Feature::Notifications).await
}

fn invalid_transition(from: DeliveryStatus) -> Error {
    let final_states = DeliveryStatus::RETRYABLE.map(|status| status.into_str());
    let allowed: Vec<&str> = std::iter::once(DeliveryStatus::Queued.into_str()).chain(final_states).collect();
    Error::new(ErrorKind::Conflict, "INVALID_TRANSITION")
        .with_details(json!({ "from": from, "allowed": allowed }))
}
