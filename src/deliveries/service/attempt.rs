//! One attempt at each claimed delivery: checked and begun in one transaction, recorded in another.

use guichet_base::id::TenantId;
use guichet_base::{Result, Timestamp};
use guichet_db::Tx;
use uuid::Uuid;

use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::deliveries::model::DeliveryStatus;
use crate::deliveries::recheck::{DeliverySubject, RecheckInput, SendDecision, decide_send};
use crate::deliveries::retry::{RetryDecision, decide_retry};
use crate::deliveries::sender::{DeliveryContent, OutgoingDelivery, SendFailure, SendReceipt};
use crate::deliveries::store::attempt::{self as store, AttemptStart, DeliveryOutcome};
use crate::deliveries::store::load::{self, DeliveryContext};
use crate::deliveries::{Deliveries, content, telemetry};
use crate::notifications::events::disabled;
use crate::preferences::Channel;

/// A delivery whose attempt began.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub delivery: OutgoingDelivery,
    /// Including this one.
    pub number: i32,
}

/// The result of an attempt, as the sender reports it.
#[derive(Debug)]
pub struct AttemptResult {
    pub attempt: Attempt,
    pub result: Result<SendReceipt, SendFailure>,
}

/// The writes for claimed rows.
#[derive(Default)]
struct BatchPlan {
    begun: Vec<AttemptStart>,
    attempts: Vec<Attempt>,
    outcomes: Vec<(DeliveryOutcome, OutgoingDelivery)>,
}

/// Checks claimed rows again, and begins an attempt at those that are still to be sent. The others are recorded as
/// skipped, postponed or failed.
pub async fn begin_attempts(
    d: &Deliveries,
    tenant: TenantId,
    ids: Vec<Uuid>,
    token: Uuid,
) -> Result<Vec<Attempt>> {
    let room = d.clone();
    let plan = d
        .notifications
        .db
        .system(tenant, move |tx| {
            let now = room.notifications.clock.now();
            let mut plan = BatchPlan::default();
            for row in load::load_claimed(tx, tenant, ids.clone(), token)? {
                plan_delivery(&room, tenant, row, now, &mut plan)?;
            }
            store::begin_attempts(tx, tenant, &plan.begun, token, (now, now.plus(room.settings.lease)))?;
            write_outcomes(tx, tenant, &mut plan.outcomes, token, now)?;
            Ok(plan)
        })
        .await?;
    for (outcome, what) in &plan.outcomes {
        telemetry::record_outcome(outcome, what);
    }
    Ok(plan.attempts)
}

/// Records the results of attempts whose lease `token` still holds.
pub async fn record_results(
    d: &Deliveries,
    tenant: TenantId,
    ends: &[AttemptResult],
    token: Uuid,
) -> Result<()> {
    let now = d.notifications.clock.now();
    let outcomes: Vec<(DeliveryOutcome, OutgoingDelivery)> =
        ends.iter().map(|end| (outcome_of_result(d, end, now), end.attempt.delivery.clone())).collect();
    let written = outcomes.clone();
    let settled = d
        .notifications
        .db
        .system(tenant, move |tx| {
            let mut settled = written.clone();
            write_outcomes(tx, tenant, &mut settled, token, now)?;
            Ok(settled)
        })
        .await?;
    for (outcome, what) in &settled {
        telemetry::record_outcome(outcome, what);
    }
    for (outcome, what) in &outcomes {
        if settled.iter().all(|(kept, _)| kept.id != outcome.id) {
            telemetry::record_late_result(outcome, what);
        }
    }
    Ok(())
}

/// Releases claims without an attempt. If this fails, the leases expire.
pub async fn release_claims(d: &Deliveries, tenant: TenantId, ids: Vec<Uuid>, token: Uuid) {
    let released = d
        .notifications
        .db
        .system(tenant, move |tx| store::release_claims(tx, tenant, ids.clone(), token))
        .await;
    if let Err(error) = released {
        tracing::debug!(%error, "claimed deliveries were not given back");
    }
}

fn plan_delivery(
    d: &Deliveries,
    tenant: TenantId,
    row: DeliveryContext,
    now: Timestamp,
    plan: &mut BatchPlan,
) -> Result<()> {
    let Some(channel) = row.channel.parse::<Channel>().ok() else { return Ok(()) };
    let Some(sender) = d.senders.for_channel(channel) else { return Ok(()) };
    let current = row.current_notification();
    let known = RecheckInput {
        channel,
        kind: &row.kind,
        deadline: row.deadline_at,
        has_unfinished_attempt: row.status == DeliveryStatus::Sending.into_str(),
        is_idempotent: sender.is_idempotent(),
        is_disabled: is_disabled(d, &row, channel),
        is_address_current: row.is_address_current,
        subject: match &current {
            Some(current) => DeliverySubject::Notification(current),
            // Digests, summaries and samples have no event. A delivery with an event may have outlived its
            // notification.
            None if row.event_id.is_none() => DeliverySubject::Standalone,
            None => DeliverySubject::Missing,
        },
    };
    let next = decide_send(&known, now);
    let outgoing = |content| OutgoingDelivery {
        tenant,
        id: row.id,
        user: row.user_id,
        channel,
        kind: row.kind.clone(),
        to: row.to_address.clone(),
        content,
        deadline: row.deadline_at,
    };
    if next != SendDecision::Send {
        // A delivery that is not sent needs no content.
        let what = outgoing(DeliveryContent::Sms { text: String::new() });
        plan.outcomes.push((outcome_unsent(&row, next, now), what));
        return Ok(());
    }
    match content::build_content(&row, channel, d.settings.app_url.as_ref()) {
        Ok((content, excerpt)) => {
            plan.begun.push(AttemptStart {
                id: row.id,
                rendered: content.to_stored()?,
                payload_excerpt: excerpt,
            });
            plan.attempts.push(Attempt { delivery: outgoing(content), number: row.attempts + 1 });
        }
        Err(error) => {
            tracing::error!(%error, delivery.id = %row.id, delivery.r#type = row.kind, "a delivery could not be rendered");
            let what = outgoing(DeliveryContent::Sms { text: String::new() });
            plan.outcomes
                .push((outcome_unsent(&row, SendDecision::Fail("bug: it could not be rendered"), now), what));
        }
    }
    Ok(())
}

/// Whether the channel is off now, for the tenant or the service.
fn is_disabled(d: &Deliveries, row: &DeliveryContext, channel: Channel) -> bool {
    let features = d.notifications.directory.features_from_settings(&row.tenant_settings);
    *disabled(&d.notifications, &features).get(channel)
}

/// The outcome of a row without an attempt.
fn outcome_unsent(row: &DeliveryContext, next: SendDecision, now: Timestamp) -> DeliveryOutcome {
    let (status, next_attempt_at, last_error) = match next {
        SendDecision::Skip(why) => (DeliveryStatus::Skipped, now, Some(why.to_owned())),
        SendDecision::Fail("deadline") => {
            // The last failure says more than that the deadline passed.
            let cause = row.last_error.as_deref().filter(|_| row.attempts > 0);
            (
                DeliveryStatus::Failed,
                now,
                Some(format!("deadline{}", cause.map(|c| format!(": {c}")).unwrap_or_default())),
            )
        }
        SendDecision::Fail(why) => (DeliveryStatus::Failed, now, Some(why.to_owned())),
        SendDecision::Wait(until) => (DeliveryStatus::Queued, until, row.last_error.clone()),
        SendDecision::Uncertain => {
            (DeliveryStatus::Sending, row.deadline_at, Some(NO_RESULT_ERROR.to_owned()))
        }
        SendDecision::Send => (DeliveryStatus::Queued, now, row.last_error.clone()),
    };
    DeliveryOutcome {
        id: row.id,
        status,
        attempts: row.attempts,
        next_attempt_at,
        provider: None,
        provider_id: None,
        last_error: last_error.map(|text| text.chars().take(1_000).collect()),
        sent_at: None,
    }
}

const NO_RESULT_ERROR: &str = "uncertain: whoever sent it did not say how that ended";

fn outcome_of_result(d: &Deliveries, end: &AttemptResult, now: Timestamp) -> DeliveryOutcome {
    let Attempt { delivery: what, number: attempts } = &end.attempt;
    let outcome = |status, attempts, next_attempt_at| DeliveryOutcome {
        id: what.id,
        status,
        attempts,
        next_attempt_at,
        provider: None,
        provider_id: None,
        last_error: None,
        sent_at: None,
    };
    let failure = match &end.result {
        Ok(sent) => {
            return DeliveryOutcome {
                provider: Some(sent.provider.to_owned()),
                provider_id: sent.provider_id.clone(),
                sent_at: Some(now),
                ..outcome(DeliveryStatus::Sent, *attempts, now)
            };
        }
        Err(failure) => failure,
    };
    let is_idempotent = d.senders.for_channel(what.channel).is_some_and(|sender| sender.is_idempotent());
    let ended = match decide_retry(failure, is_idempotent, *attempts, (now, what.deadline), random_fraction())
    {
        RetryDecision::Retry { at, counts_attempt: counts } => {
            outcome(DeliveryStatus::Queued, if counts { *attempts } else { attempts - 1 }, at)
        }
        RetryDecision::Fail => outcome(DeliveryStatus::Failed, *attempts, now),
        // Checked again at its deadline, when it counts as failed.
        RetryDecision::Uncertain => outcome(DeliveryStatus::Sending, *attempts, what.deadline),
    };
    DeliveryOutcome { last_error: Some(failure.to_last_error()), ..ended }
}

/// A random number in [0, 1].
fn random_fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

/// Writes outcomes, returns those whose lease `token` held, and records failures in the activity log.
fn write_outcomes(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    outcomes: &mut Vec<(DeliveryOutcome, OutgoingDelivery)>,
    token: Uuid,
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<DeliveryOutcome> = outcomes.iter().map(|(outcome, _)| outcome.clone()).collect();
    let settled = store::write_outcomes(tx, tenant, &rows, token, now)?;
    outcomes.retain(|(outcome, _)| settled.contains(&outcome.id));
    for (outcome, what) in outcomes.iter().filter(|(outcome, _)| outcome.status == DeliveryStatus::Failed) {
        let details = serde_json::json!({
            "recipient_id": what.user,
            "type": what.kind,
            "channel": what.channel,
            "error": outcome.last_error,
        });
        let entry =
            ActivityEntry::new(ActivityAction::EmailFailed, "delivery", outcome.id).with_details(details);
        activity::record_as_service(tx, &entry)?;
    }
    Ok(())
}
