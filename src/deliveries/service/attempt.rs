//! Attempts of claimed deliveries: one transaction rechecks and begins them, another records their results.

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
use crate::notifications::events::disabled_channels;
use crate::preferences::Channel;

/// A delivery whose attempt began.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub delivery: OutgoingDelivery,
    /// Number of this attempt, counted from 1.
    pub number: i32,
}

/// The result of an attempt, as the sender reports it.
#[derive(Debug)]
pub struct AttemptResult {
    pub attempt: Attempt,
    pub result: Result<SendReceipt, SendFailure>,
}

/// Attempts to begin and outcomes to write for a batch of claimed rows.
#[derive(Default)]
struct BatchPlan {
    attempt_starts: Vec<AttemptStart>,
    attempts: Vec<Attempt>,
    outcomes: Vec<(DeliveryOutcome, OutgoingDelivery)>,
}

/// Rechecks claimed rows and begins an attempt for those that are still to be sent. The others are recorded as
/// skipped, postponed, failed or uncertain.
pub async fn begin_attempts(
    d: &Deliveries,
    tenant: TenantId,
    ids: Vec<Uuid>,
    token: Uuid,
) -> Result<Vec<Attempt>> {
    let deliveries = d.clone();
    let plan = d
        .notifications
        .db
        .system(tenant, move |tx| {
            let now = deliveries.notifications.clock.now();
            let mut plan = BatchPlan::default();
            for row in load::load_claimed(tx, tenant, ids.clone(), token)? {
                plan_delivery(&deliveries, tenant, row, now, &mut plan)?;
            }
            store::begin_attempts(
                tx,
                tenant,
                &plan.attempt_starts,
                token,
                (now, now.plus(deliveries.settings.lease)),
            )?;
            write_outcomes(tx, tenant, &mut plan.outcomes, token, now)?;
            Ok(plan)
        })
        .await?;
    for (outcome, delivery) in &plan.outcomes {
        telemetry::record_outcome(outcome, delivery);
    }
    Ok(plan.attempts)
}

/// Records the results of attempts whose rows still have the lease token `token`; logs the results of the others.
pub async fn record_results(
    d: &Deliveries,
    tenant: TenantId,
    results: &[AttemptResult],
    token: Uuid,
) -> Result<()> {
    let now = d.notifications.clock.now();
    let outcomes: Vec<(DeliveryOutcome, OutgoingDelivery)> = results
        .iter()
        .map(|result| (outcome_of_result(d, result, now), result.attempt.delivery.clone()))
        .collect();
    let to_write = outcomes.clone();
    let recorded = d
        .notifications
        .db
        .system(tenant, move |tx| {
            let mut recorded = to_write.clone();
            write_outcomes(tx, tenant, &mut recorded, token, now)?;
            Ok(recorded)
        })
        .await?;
    for (outcome, delivery) in &recorded {
        telemetry::record_outcome(outcome, delivery);
    }
    for (outcome, delivery) in &outcomes {
        if recorded.iter().all(|(other, _)| other.id != outcome.id) {
            telemetry::record_late_result(outcome, delivery);
        }
    }
    Ok(())
}

/// Releases claims for which no attempt began. If this fails, the leases expire instead.
pub async fn release_claims(d: &Deliveries, tenant: TenantId, ids: Vec<Uuid>, token: Uuid) {
    let released = d
        .notifications
        .db
        .system(tenant, move |tx| store::release_claims(tx, tenant, ids.clone(), token))
        .await;
    if let Err(error) = released {
        tracing::debug!(%error, "failed to release claimed deliveries");
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
    let input = RecheckInput {
        channel,
        kind: &row.kind,
        deadline: row.deadline_at,
        has_unfinished_attempt: row.status == DeliveryStatus::Sending.into_str(),
        is_sender_idempotent: sender.is_idempotent(),
        is_channel_disabled: is_channel_disabled(d, &row, channel),
        is_address_current: row.is_address_current,
        subject: match &current {
            Some(current) => DeliverySubject::Notification(current),
            // Digests, summaries and samples have no event. A delivery with an event may have outlived its
            // notification.
            None if row.event_id.is_none() => DeliverySubject::Standalone,
            None => DeliverySubject::DeletedNotification,
        },
    };
    let decision = decide_send(&input, now);
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
    if decision != SendDecision::Send {
        // A delivery that is not sent needs no content.
        let delivery = outgoing(DeliveryContent::Sms { text: String::new() });
        plan.outcomes.push((outcome_without_attempt(&row, decision, now), delivery));
        return Ok(());
    }
    match content::build_content(&row, channel, d.settings.app_url.as_ref()) {
        Ok((content, excerpt)) => {
            plan.attempt_starts.push(AttemptStart {
                id: row.id,
                rendered: content.to_stored()?,
                payload_excerpt: excerpt,
            });
            plan.attempts.push(Attempt { delivery: outgoing(content), number: row.attempts + 1 });
        }
        Err(error) => {
            tracing::error!(%error, delivery.id = %row.id, delivery.r#type = row.kind, "failed to render a delivery");
            let delivery = outgoing(DeliveryContent::Sms { text: String::new() });
            plan.outcomes.push((
                outcome_without_attempt(
                    &row,
                    SendDecision::Fail("bug: the content could not be rendered"),
                    now,
                ),
                delivery,
            ));
        }
    }
    Ok(())
}

/// Whether the channel is off now, for the tenant or the service.
fn is_channel_disabled(d: &Deliveries, row: &DeliveryContext, channel: Channel) -> bool {
    let features = d.notifications.directory.features_from_settings(&row.tenant_settings);
    *disabled_channels(&d.notifications, &features).get(channel)
}

/// The outcome of a row without an attempt.
fn outcome_without_attempt(row: &DeliveryContext, decision: SendDecision, now: Timestamp) -> DeliveryOutcome {
    let (status, next_attempt_at, last_error) = match decision {
        SendDecision::Skip(reason) => (DeliveryStatus::Skipped, now, Some(reason.to_owned())),
        SendDecision::Fail("deadline") => {
            // The last failure is stored too, since it is the reason why the deadline passed.
            let cause = row.last_error.as_deref().filter(|_| row.attempts > 0);
            (
                DeliveryStatus::Failed,
                now,
                Some(format!("deadline{}", cause.map(|c| format!(": {c}")).unwrap_or_default())),
            )
        }
        SendDecision::Fail(reason) => (DeliveryStatus::Failed, now, Some(reason.to_owned())),
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

const NO_RESULT_ERROR: &str = "uncertain: no result of the last attempt was recorded";

fn outcome_of_result(d: &Deliveries, result: &AttemptResult, now: Timestamp) -> DeliveryOutcome {
    let Attempt { delivery, number: attempts } = &result.attempt;
    let outcome = |status, attempts, next_attempt_at| DeliveryOutcome {
        id: delivery.id,
        status,
        attempts,
        next_attempt_at,
        provider: None,
        provider_id: None,
        last_error: None,
        sent_at: None,
    };
    let failure = match &result.result {
        Ok(receipt) => {
            return DeliveryOutcome {
                provider: Some(receipt.provider.to_owned()),
                provider_id: receipt.provider_id.clone(),
                sent_at: Some(now),
                ..outcome(DeliveryStatus::Sent, *attempts, now)
            };
        }
        Err(failure) => failure,
    };
    let is_idempotent = d.senders.for_channel(delivery.channel).is_some_and(|sender| sender.is_idempotent());
    let after_failure =
        match decide_retry(failure, is_idempotent, *attempts, (now, delivery.deadline), random_fraction()) {
            RetryDecision::Retry { at, counts_attempt: counts } => {
                outcome(DeliveryStatus::Queued, if counts { *attempts } else { attempts - 1 }, at)
            }
            RetryDecision::Fail => outcome(DeliveryStatus::Failed, *attempts, now),
            // Due again at its deadline, when the recheck marks it as failed.
            RetryDecision::Uncertain => outcome(DeliveryStatus::Sending, *attempts, delivery.deadline),
        };
    DeliveryOutcome { last_error: Some(failure.to_last_error()), ..after_failure }
}

/// A random number in [0, 1].
fn random_fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

/// Writes outcomes, keeps in `outcomes` those whose lease `token` holds, and records failures in the activity log.
fn write_outcomes(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    outcomes: &mut Vec<(DeliveryOutcome, OutgoingDelivery)>,
    token: Uuid,
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<DeliveryOutcome> = outcomes.iter().map(|(outcome, _)| outcome.clone()).collect();
    let written_ids = store::write_outcomes(tx, tenant, &rows, token, now)?;
    outcomes.retain(|(outcome, _)| written_ids.contains(&outcome.id));
    for (outcome, delivery) in outcomes.iter().filter(|(outcome, _)| outcome.status == DeliveryStatus::Failed)
    {
        let details = serde_json::json!({
            "recipient_id": delivery.user,
            "type": delivery.kind,
            "channel": delivery.channel,
            "error": outcome.last_error,
        });
        let entry =
            ActivityEntry::new(ActivityAction::EmailFailed, "delivery", outcome.id).with_details(details);
        activity::record_as_service(tx, &entry)?;
    }
    Ok(())
}
