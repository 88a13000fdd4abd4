//! Quiet hours: a local time span of a person, possibly over midnight, in a timezone with clock changes.

use chrono::{Days, NaiveTime, TimeZone};
use chrono_tz::Tz;

use guichet_base::Timestamp;

/// Quiet hours from `from` (inclusive) to `to` (exclusive), local time. If both are equal, the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: NaiveTime,
    pub to: NaiveTime,
    pub timezone: Tz,
}

impl QuietHours {
    /// Builds them from the columns of a row. `None` if a time is NULL. An invalid timezone counts as UTC.
    pub fn from_row(from: Option<NaiveTime>, to: Option<NaiveTime>, timezone: &str) -> Option<Self> {
        Some(Self { from: from?, to: to?, timezone: timezone.parse().unwrap_or(Tz::UTC) })
    }

    /// When the quiet hours end, if `now` is within them; always later than `now`. An end that the clock skips in
    /// spring becomes the first instant after the gap; if the end repeats in autumn, it is the next occurrence.
    pub fn end_if_within(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.as_datetime().with_timezone(&self.timezone);
        let (time, today) = (local.time(), local.date_naive());
        let ends_tomorrow = match self.from < self.to {
            true if self.from <= time && time < self.to => false,
            true => return None,
            false if time >= self.from => true,
            false if time < self.to => false,
            false => return None,
        };
        let day = if ends_tomorrow { today.checked_add_days(Days::new(1))? } else { today };
        let end = day.and_time(self.to);
        let first = first_instant_at(self.timezone, end);
        if first > now {
            return Some(first);
        }
        // `now` is between the two occurrences.
        self.timezone.from_local_datetime(&end).latest().map(|at| Timestamp::from_datetime(at.to_utc()))
    }
}

/// The first instant at which the local clock shows `local` or later; for a repeated time, its first occurrence.
pub fn first_instant_at(timezone: Tz, local: chrono::NaiveDateTime) -> Timestamp {
    // No timezone skips more than a day, and all skip whole minutes.
    let steps = (0..=24 * 60).map(|minutes| local + chrono::TimeDelta::minutes(minutes));
    let found = steps.filter_map(|at| timezone.from_local_datetime(&at).earliest()).next();
    Timestamp::from_datetime(found.map_or_else(|| local.and_utc(), |at| at.to_utc()))
}
