//! Decides after the claim whether a planned delivery is still to be sent. Without I/O.

use guichet_base::Timestamp;

use crate::notifications::model::Status;
use crate::preferences::{Category, Channel, PreferenceLevels, Priority, QuietHours, resolve_preference};

/// A delivery and its circumstances at the claim.
#[derive(Debug, Clone, Copy)]
pub struct RecheckInput<'a> {
    pub channel: Channel,
    pub kind: &'a str,
    pub deadline: Timestamp,
    /// An attempt began, and its result was not recorded.
    pub has_unfinished_attempt: bool,
    /// [`Sender::is_idempotent`](super::Sender::is_idempotent) of the channel's sender.
    pub is_sender_idempotent: bool,
    /// The channel is off for the tenant or the service.
    pub is_channel_disabled: bool,
    /// The person exists, and the address is still theirs.
    pub is_address_current: bool,
    pub subject: DeliverySubject<'a>,
}

/// What a delivery is about.
#[derive(Debug, Clone, Copy)]
pub enum DeliverySubject<'a> {
    /// No notification: a digest or a sample.
    Standalone,
    Notification(&'a CurrentNotification),
    /// A notification that no longer exists.
    DeletedNotification,
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
    /// Send at this time, after the end of quiet hours.
    Wait(Timestamp),
    /// No longer wanted; the reason is stored as `last_error`.
    Skip(&'static str),
    Fail(&'static str),
    /// It may have been sent already, and a repeat may arrive twice: it waits for a manual retry.
    Uncertain,
}

pub fn decide_send(input: &RecheckInput<'_>, now: Timestamp) -> SendDecision {
    let is_late = now >= input.deadline;
    if input.has_unfinished_attempt && !input.is_sender_idempotent {
        return if is_late { SendDecision::Fail("uncertain") } else { SendDecision::Uncertain };
    }
    if is_late {
        return SendDecision::Fail("deadline");
    }
    if input.is_channel_disabled {
        return SendDecision::Skip("disabled");
    }
    if !input.is_address_current {
        return SendDecision::Skip("no_address");
    }
    match input.subject {
        DeliverySubject::Standalone => SendDecision::Send,
        DeliverySubject::DeletedNotification => SendDecision::Skip("deleted"),
        DeliverySubject::Notification(current) => decide_for_notification(input, current, now),
    }
}

fn decide_for_notification(
    input: &RecheckInput<'_>,
    current: &CurrentNotification,
    now: Timestamp,
) -> SendDecision {
    if current.is_deleted {
        return SendDecision::Skip("deleted");
    }
    if current.expires_at.is_some_and(|at| at <= now) {
        return SendDecision::Skip("expired");
    }
    // A message that was read in the app needs no email. Emails of other kinds also serve as a record.
    if input.kind.starts_with("message.") && current.status != Status::Unread {
        return SendDecision::Skip("read");
    }
    if !resolve_preference(current.category, input.channel, &current.levels).0 {
        return SendDecision::Skip("preference_off");
    }
    let quiet = current.quiet_hours.filter(|_| current.priority != Priority::Critical);
    match quiet.and_then(|quiet| quiet.end_if_within(now)) {
        None => SendDecision::Send,
        Some(end) if end < input.deadline => SendDecision::Wait(end),
        Some(_) => SendDecision::Skip("quiet_hours"),
    }
}
