//! Checks again at the claim whether a planned delivery is still to be sent. Pure.

use guichet_base::Timestamp;

use crate::notifications::model::Status;
use crate::preferences::{Category, Channel, PreferenceLevels, Priority, QuietHours, resolve_preference};

/// The state at the claim.
#[derive(Debug, Clone, Copy)]
pub struct RecheckInput<'a> {
    pub channel: Channel,
    pub kind: &'a str,
    pub deadline: Timestamp,
    /// An attempt began, and its result was not recorded.
    pub has_unfinished_attempt: bool,
    /// Whether repeating such an attempt has no second effect.
    pub is_idempotent: bool,
    /// The channel is off for the tenant or the service.
    pub is_disabled: bool,
    /// The person exists, and the address is still theirs.
    pub is_address_current: bool,
    pub subject: DeliverySubject<'a>,
}

/// The subject of a delivery.
#[derive(Debug, Clone, Copy)]
pub enum DeliverySubject<'a> {
    /// None but itself: a digest, a sample.
    Standalone,
    Notification(&'a CurrentNotification),
    /// A notification that no longer exists.
    Missing,
}

/// A notification and its owner's preferences as of now.
#[derive(Debug, Clone)]
pub struct CurrentNotification {
    pub category: Category,
    pub priority: Priority,
    pub status: Status,
    pub is_deleted: bool,
    pub expires_at: Option<Timestamp>,
    pub levels: PreferenceLevels,
    pub quiet_hours: Option<QuietHours>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendDecision {
    Send,
    /// Not before this time.
    Wait(Timestamp),
    /// No longer wanted; the reason is stored as `last_error`.
    Skip(&'static str),
    Fail(&'static str),
    /// It may have been sent already: a person has to decide.
    Uncertain,
}

pub fn decide_send(known: &RecheckInput<'_>, now: Timestamp) -> SendDecision {
    let is_late = now >= known.deadline;
    if known.has_unfinished_attempt && !known.is_idempotent {
        return if is_late { SendDecision::Fail("uncertain") } else { SendDecision::Uncertain };
    }
    if is_late {
        return SendDecision::Fail("deadline");
    }
    if known.is_disabled {
        return SendDecision::Skip("disabled");
    }
    if !known.is_address_current {
        return SendDecision::Skip("no_address");
    }
    match known.subject {
        DeliverySubject::Standalone => SendDecision::Send,
        DeliverySubject::Missing => SendDecision::Skip("deleted"),
        DeliverySubject::Notification(current) => decide_for_notification(known, current, now),
    }
}

fn decide_for_notification(
    known: &RecheckInput<'_>,
    current: &CurrentNotification,
    now: Timestamp,
) -> SendDecision {
    if current.is_deleted {
        return SendDecision::Skip("deleted");
    }
    if current.expires_at.is_some_and(|at| at <= now) {
        return SendDecision::Skip("expired");
    }
    // A message read in the app needs no mail about it. For other categories the mail is a record.
    if known.kind.starts_with("message.") && current.status != Status::Unread {
        return SendDecision::Skip("read");
    }
    if !resolve_preference(current.category, known.channel, &current.levels).0 {
        return SendDecision::Skip("preference_off");
    }
    let quiet = current.quiet_hours.filter(|_| current.priority != Priority::Critical);
    match quiet.and_then(|quiet| quiet.end_if_within(now)) {
        None => SendDecision::Send,
        Some(end) if end < known.deadline => SendDecision::Wait(end),
        Some(_) => SendDecision::Skip("quiet_hours"),
    }
}
