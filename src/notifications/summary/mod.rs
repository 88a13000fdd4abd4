//! Summaries of notifications that the throttle held: a job sends each person's summary when the window allows another
//! notification.

mod store;

use std::sync::Arc;

use guichet_base::id::{TenantId, UserId};
use guichet_base::text::localize;
use guichet_base::{Locale, Result, Timestamp};

use crate::notifications::Notifications;
use crate::notifications::socket_events::{self, FeedSummary};

/// Maximum number of people per query; those of one tenant are processed in one transaction.
const PEOPLE_PER_QUERY: i64 = 500;

/// Sends the summaries that are due and returns their number. A failure in one tenant does not stop the others;
/// people with locked feeds wait for the next run.
pub async fn send_due(n: &Notifications, now: Timestamp) -> Result<u64> {
    let (mut sent, mut failure, mut tried) = (0, None, Vec::new());
    loop {
        let excluded = tried.clone();
        let due =
            n.db.worker(move |tx| store::due_summaries(tx, now, PEOPLE_PER_QUERY, excluded.clone())).await?;
        let is_last = i64::try_from(due.len()).is_ok_and(|found| found < PEOPLE_PER_QUERY);
        tried.extend(due.iter().map(|(_, user)| user.0));
        for people in due.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((tenant, _)) = people.first().copied() else { continue };
            match send_in_tenant(n, tenant, people.iter().map(|(_, user)| *user).collect(), now).await {
                Ok(count) => sent += count,
                Err(error) => {
                    tracing::warn!(%error, tenant.id = %tenant, "failed to send summaries");
                    failure = Some(error);
                }
            }
        }
        if is_last {
            return failure.map_or(Ok(sent), Err);
        }
    }
}

async fn send_in_tenant(
    n: &Notifications,
    tenant: TenantId,
    people: Vec<UserId>,
    now: Timestamp,
) -> Result<u64> {
    let task = n.clone();
    n.db.system(tenant, move |tx| {
        let events = tx.as_system(|sys| {
            let held = store::lock_due_feeds(sys, tenant, &people, now)?;
            let mut events = Vec::with_capacity(held.len());
            for person in &held {
                let payload = FeedSummary { count: person.held.into(), since: person.held_since };
                events.push(socket_events::event(
                    tenant,
                    person.user_id,
                    person.head + 1,
                    socket_events::SUMMARY,
                    &payload,
                )?);
            }
            let mails: Vec<_> = held.iter().filter_map(|one| summary_mail(one, now)).collect();
            if !held.is_empty() {
                store::write_summaries(sys, tenant, (&held, &events, &mails), now)?;
            }
            Ok(events)
        })?;
        let sent = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let hub = Arc::clone(&task.hub);
        tx.after_commit(move || {
            for event in events {
                hub.publish(Arc::new(event));
            }
        });
        Ok(sent)
    })
    .await
}

/// The email to a person whose emails the throttle withheld.
fn summary_mail(held: &store::ThrottledPerson, now: Timestamp) -> Option<store::SummaryMail> {
    let address = held.email.clone().filter(|_| held.has_mail)?;
    let locale = Locale::parse(&held.locale).unwrap_or_default();
    let text = |key: &str| localize(locale, key, &[("count", held.held.to_string())]);
    Some(store::SummaryMail {
        user: held.user_id,
        address,
        subject: text("notifications-summary-subject"),
        text: text("notifications-summary-body"),
        not_before: held.quiet_hours().and_then(|quiet| quiet.end_if_within(now)).unwrap_or(now),
    })
}
