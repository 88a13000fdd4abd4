//! Whether a claimed delivery is still to be sent. Pure: planned in one moment, it is asked again in another.

use guichet_base::Timestamp;

use crate::notifications::model::Status;
use crate::preferences::{Category, Channel, Levels, Priority, QuietHours, preference};

/// What is known at the claim.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub channel: Channel,
    pub kind: &'a str,
    pub deadline: Timestamp,
    /// An attempt began, and whoever began it did not say how it ended.
    pub was_sending: bool,
    /// Whether a repeat of such an attempt has no second effect.
    pub bears_repeats: bool,
    /// The channel is switched off for the tenant or for everybody.
    pub is_disabled: bool,
    /// The person is there, and the address is still theirs.
    pub is_theirs: bool,
    pub about: About<'a>,
}

/// What the delivery tells of.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Of itself: a digest, a sample.
    Itself,
    Notification(&'a Current),
    /// A notification that is there no more.
    Gone,
}

/// A notification as it is now, and what its person wants now.
#[derive(Debug, Clone)]
pub struct Current {
    pub category: Category,
    pub priority: Priority,
    pub status: Status,
    pub is_deleted: bool,
    pub expires_at: Option<Timestamp>,
    pub levels: Levels,
    pub quiet: Option<QuietHours>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Send,
    /// Not before this time.
    Wait(Timestamp),
    /// It is not wanted any more; the word is kept as `last_error`.
    Skip(&'static str),
    Fail(&'static str),
    /// It may have left already: nothing is done until somebody settles it.
    Uncertain,
}

pub fn next(known: &Known<'_>, now: Timestamp) -> Next {
    let is_late = now >= known.deadline;
    if known.was_sending && !known.bears_repeats {
        return if is_late { Next::Fail("uncertain") } else { Next::Uncertain };
    }
    if is_late {
        return Next::Fail("deadline");
    }
    if known.is_disabled {
        return Next::Skip("disabled");
    }
    if !known.is_theirs {
        return Next::Skip("no_address");
    }
    match known.about {
        About::Itself => Next::Send,
        About::Gone => Next::Skip("deleted"),
        About::Notification(current) => of_notification(known, current, now),
    }
}

fn of_notification(known: &Known<'_>, current: &Current, now: Timestamp) -> Next {
    if current.is_deleted {
        return Next::Skip("deleted");
    }
    if current.expires_at.is_some_and(|at| at <= now) {
        return Next::Skip("expired");
    }
    // Whoever read a message in the app needs no mail that says there is one. Of other things a mail is a record.
    if known.kind.starts_with("message.") && current.status != Status::Unread {
        return Next::Skip("read");
    }
    if !preference(current.category, known.channel, &current.levels).0 {
        return Next::Skip("preference_off");
    }
    let quiet = current.quiet.filter(|_| current.priority != Priority::Critical);
    match quiet.and_then(|quiet| quiet.end_if_within(now)) {
        None => Next::Send,
        Some(end) if end < known.deadline => Next::Wait(end),
        Some(_) => Next::Skip("quiet_hours"),
    }
}
