//! Request parameters and bodies of feeds, and their limits.

use std::time::Duration;

use guichet_base::id::{NotificationId, TeamId};
use guichet_base::{Error, Fault, Result, Timestamp};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::notifications::feed::query::{FeedCursor, FeedFilter, FeedPageQuery, FeedSort, FeedStates};
use crate::notifications::feed::service::ReadSelection;
use crate::web::Validator;

/// Maximum number of ids in one request.
const MAX_IDS: usize = 1_000;
const MAX_SNOOZE_MINUTES: i64 = 366 * 24 * 60;
const MAX_PERIOD_DAYS: u64 = 366;
const DEFAULT_PERIOD_DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Filter and order of a feed page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedQuery {
    /// `unread` (default): unread first; `recent`; `priority`: critical first, of the newest 10,000. Within
    /// each, newest first.
    sort: Option<String>,
    /// `unread`, `read`, `archived`, `all`; if absent, unread and read. Snoozed notifications are never included.
    status: Option<String>,
    /// A template's code, such as `mandat.created`.
    #[serde(rename = "type")]
    kind: Option<String>,
    category: Option<String>,
    /// `low`, `normal`, `high`, `critical`.
    priority: Option<String>,
    /// Sent on this channel: `inapp`, `email`, `sms`, `push`.
    channel: Option<String>,
    is_read: Option<bool>,
    team_id: Option<TeamId>,
    /// Only notifications with a last event at or after this time.
    since: Option<Timestamp>,
    /// Search in title and body: words, `"a phrase"`, `-excluded`; ignores accents and case. Of the newest 10,000.
    q: Option<String>,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0. Not with `cursor`.
    offset: Option<i64>,
    /// `meta.next` of the previous page; `sort` must be the same.
    cursor: Option<String>,
}

impl FeedQuery {
    pub(super) fn has_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    pub(super) fn into_page_query(self) -> Result<FeedPageQuery> {
        let mut check = Validator::new();
        let sort = self
            .sort
            .and_then(|word| check.parse_enum("sort", &word, |name| name.parse().ok()))
            .unwrap_or_default();
        let states = self.status.and_then(|word| check.parse_enum("status", &word, FeedStates::parse));
        let filter = FeedFilter {
            kind: check.text_opt("type", self.kind, 1..=80),
            category: self
                .category
                .and_then(|word| check.parse_enum("category", &word, |name| name.parse().ok())),
            priority: self
                .priority
                .and_then(|word| check.parse_enum("priority", &word, |name| name.parse().ok())),
            channel: self
                .channel
                .and_then(|word| check.parse_enum("channel", &word, |name| name.parse().ok())),
            is_read: self.is_read,
            team: self.team_id,
            since: self.since,
            search: check.text_opt("q", self.q, 1..=200),
        };
        check.ensure(self.cursor.is_none() || self.offset.is_none(), "cursor", "ambiguous");
        let after = self
            .cursor
            .and_then(|cursor| check.parse_enum("cursor", &cursor, |cursor| FeedCursor::parse(cursor, sort)));
        let page = check.page(self.limit, self.offset);
        check.finish()?;
        let states = states.unwrap_or_default();
        Ok(FeedPageQuery { sort, states, filter, after, offset: page.offset, limit: page.limit })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UnreadQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
}

impl UnreadQuery {
    pub(super) fn into_page_query(self) -> Result<FeedPageQuery> {
        let mut check = Validator::new();
        let page = check.page(self.limit, None);
        check.finish()?;
        let shown = FeedStates::Only(crate::notifications::model::Status::Unread);
        Ok(FeedPageQuery {
            sort: FeedSort::Unread,
            states: shown,
            limit: page.limit,
            ..FeedPageQuery::default()
        })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeriodQuery {
    /// At or after this time; the default is 30 days before `to`.
    from: Option<Timestamp>,
    /// Before this time; the default is now. At most 366 days after `from`.
    to: Option<Timestamp>,
}

impl PeriodQuery {
    pub(super) fn period(&self, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
        let to = self.to.unwrap_or(now);
        let from =
            self.from.unwrap_or_else(|| to.minus(DAY * u32::try_from(DEFAULT_PERIOD_DAYS).unwrap_or(1)));
        let earliest = to.minus(Duration::from_secs(MAX_PERIOD_DAYS * DAY.as_secs()));
        if from < earliest || from >= to {
            return Err(Error::validation(vec![
                Fault::new("from", "out_of_range").with_arg("min", earliest).with_arg("max", to),
            ]));
        }
        Ok((from, to))
    }
}

/// Either `ids` or `until`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until": "2026-01-02T10:00:00.123Z"}))]
pub(super) struct ReadManyBody {
    /// 1–1,000.
    #[serde(default)]
    ids: Option<Vec<NotificationId>>,
    /// All notifications with a last event at or before this time.
    #[serde(default)]
    until: Option<Timestamp>,
}

impl ReadManyBody {
    pub(super) fn into_selection(self) -> Result<ReadSelection> {
        match (self.ids, self.until) {
            (Some(ids), None) => {
                let mut check = Validator::new();
                let ids = check.items("ids", ids, 1..=MAX_IDS);
                check.finish()?;
                Ok(ReadSelection::Ids(ids))
            }
            (None, Some(until)) => Ok(ReadSelection::UpTo(until)),
            (None, None) => Err(Error::invalid("ids", "missing")),
            (Some(_), Some(_)) => Err(Error::invalid("ids", "ambiguous")),
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": []}))]
pub(super) struct ReadWithBody {
    /// Further notifications to mark as read, at most 1,000.
    #[serde(default)]
    ids: Option<Vec<NotificationId>>,
}

impl ReadWithBody {
    pub(super) fn others(self) -> Result<Vec<NotificationId>> {
        let mut check = Validator::new();
        let ids = check.items("ids", self.ids.unwrap_or_default(), 0..=MAX_IDS);
        check.finish()?;
        Ok(ids)
    }
}

/// Either `minutes` or `until`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"minutes": 60}))]
pub(super) struct SnoozeBody {
    /// 1 minute to 366 days.
    #[serde(default)]
    minutes: Option<i64>,
    /// In the future, at most 366 days ahead.
    #[serde(default)]
    until: Option<Timestamp>,
}

impl SnoozeBody {
    pub(super) fn until(&self, now: Timestamp) -> Result<Timestamp> {
        let minutes_from_now =
            |minutes: i64| now.plus(Duration::from_secs(minutes.unsigned_abs().saturating_mul(60)));
        let mut check = Validator::new();
        let until = match (self.minutes, self.until) {
            (Some(minutes), None) => {
                minutes_from_now(check.range("minutes", minutes, 1..=MAX_SNOOZE_MINUTES))
            }
            (None, Some(until)) => {
                let first = now.plus(Duration::from_millis(1));
                check.range("until", until, first..=minutes_from_now(MAX_SNOOZE_MINUTES))
            }
            (None, None) => return Err(Error::invalid("minutes", "missing")),
            (Some(_), Some(_)) => return Err(Error::invalid("minutes", "ambiguous")),
        };
        check.finish()?;
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn until(minutes: Option<i64>, until: Option<i64>) -> Option<i64> {
        let body = SnoozeBody { minutes, until: until.map(Timestamp::from_millis) };
        body.until(Timestamp::from_millis(NOW)).ok().map(|until| until.as_millis() - NOW)
    }

    #[test]
    fn a_snooze_lasts_a_minute_at_least_and_a_year_at_most() {
        assert_eq!((until(Some(1), None), until(Some(0), None)), (Some(60_000), None));
        let year = MAX_SNOOZE_MINUTES * 60_000;
        assert_eq!(until(Some(MAX_SNOOZE_MINUTES), None), Some(year));
        for minutes in [MAX_SNOOZE_MINUTES + 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(until(Some(minutes), None), None, "{minutes}");
        }
        assert_eq!((until(None, Some(NOW + 1)), until(None, Some(NOW))), (Some(1), None));
        assert_eq!((until(None, Some(NOW + year)), until(None, Some(NOW + year + 1))), (Some(year), None));
        assert_eq!((until(None, None), until(Some(1), Some(NOW + 1))), (None, None));
    }
}
