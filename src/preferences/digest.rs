//! When a person's digest is due: every local day or every Monday, at the hour that they chose.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use guichet_base::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::quiet::first_instant_at;

/// How often a person receives a digest.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum DigestMode {
    Off,
    Daily,
    /// On Mondays.
    Weekly,
}

/// The first time after `after` at which the clock in `timezone` shows `hour`. `None` for [`DigestMode::Off`] and for
/// an hour above 23.
///
/// If the clock skips the hour, the time is the first instant after the gap; if it repeats, its first occurrence. A day
/// that a timezone skipped (30 December 2011 in Samoa) has no due time.
pub fn next_due(mode: DigestMode, hour: u32, timezone: Tz, after: Timestamp) -> Option<Timestamp> {
    let time = NaiveTime::from_hms_opt(hour, 0, 0)?;
    let today = after.as_datetime().with_timezone(&timezone).date_naive();
    // Starts yesterday, since a skipped last hour of a day falls on the next day. 15 days: one Monday may be skipped.
    let days = (0..=15).filter_map(|n| today.checked_sub_days(Days::new(1))?.checked_add_days(Days::new(n)));
    days.filter(|day| match mode {
        DigestMode::Off => false,
        DigestMode::Daily => true,
        DigestMode::Weekly => day.weekday() == Weekday::Mon,
    })
    .filter(|day| day_exists(timezone, *day))
    .map(|day| first_instant_at(timezone, day.and_time(time)))
    .find(|due| *due > after)
}

fn day_exists(timezone: Tz, day: NaiveDate) -> bool {
    let first_instant = first_instant_at(timezone, day.and_time(NaiveTime::MIN));
    first_instant.as_datetime().with_timezone(&timezone).date_naive() == day
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Every due time in [`from`, `to`), each computed from the previous one.
    fn due_times(mode: DigestMode, hour: u32, zone: Tz, from: &str, to: &str) -> Vec<Timestamp> {
        std::iter::successors(next_due(mode, hour, zone, at(from)), |due| next_due(mode, hour, zone, *due))
            .take_while(|due| *due < at(to))
            .collect()
    }

    fn count_per_day(zone: Tz, dues: &[Timestamp]) -> BTreeMap<NaiveDate, usize> {
        let mut days = BTreeMap::new();
        for due in dues {
            *days.entry(due.as_datetime().with_timezone(&zone).date_naive()).or_default() += 1;
        }
        days
    }

    #[test]
    fn nobody_without_a_digest_has_one_due() {
        assert_eq!(next_due(DigestMode::Off, 8, Tz::UTC, at("2026-01-01T00:00:00Z")), None);
        assert_eq!(next_due(DigestMode::Daily, 24, Tz::UTC, at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn the_hour_itself_belongs_to_the_digest_before() {
        let eight = at("2026-01-01T08:00:00Z");
        assert_eq!(next_due(DigestMode::Daily, 8, Tz::UTC, eight), Some(at("2026-01-02T08:00:00Z")));
        let before = at("2026-01-01T07:59:59.999Z");
        assert_eq!(next_due(DigestMode::Daily, 8, Tz::UTC, before), Some(eight));
    }

    #[test]
    fn each_local_day_of_a_year_has_one_at_every_hour_in_zones_that_change_their_clocks() {
        let zones = [
            Tz::Europe__Paris,
            Tz::America__New_York,
            Tz::Australia__Lord_Howe,
            Tz::Asia__Kathmandu,
            Tz::Africa__Casablanca,
        ];
        for zone in zones {
            for hour in [0, 1, 2, 3, 8, 23] {
                let found =
                    due_times(DigestMode::Daily, hour, zone, "2026-01-01T00:00:00Z", "2027-01-03T00:00:00Z");
                let days = count_per_day(zone, &found);
                let year = days.iter().filter(|(day, _)| day.year() == 2026);
                assert!(year.clone().all(|(_, n)| *n == 1), "{zone} {hour}: a day has more than one");
                // January 1 may have begun locally before the year began in UTC.
                assert!(year.count() >= 364, "{zone} {hour}: a day has none");
            }
        }
    }

    #[test]
    fn an_hour_that_spring_skips_is_the_moment_after_and_one_that_autumn_repeats_is_the_first() {
        let paris = Tz::Europe__Paris;
        let spring = next_due(DigestMode::Daily, 2, paris, at("2026-03-28T12:00:00Z"));
        assert_eq!(spring, Some(at("2026-03-29T01:00:00Z")), "03:00 summer time");
        let autumn = next_due(DigestMode::Daily, 2, paris, at("2026-10-24T12:00:00Z"));
        assert_eq!(autumn, Some(at("2026-10-25T00:00:00Z")), "02:00 summer time");
        let next = next_due(DigestMode::Daily, 2, paris, at("2026-10-25T00:00:00Z"));
        assert_eq!(next, Some(at("2026-10-26T01:00:00Z")), "not the repeated 02:00 an hour later");
    }

    #[test]
    fn the_last_hour_of_a_saturday_that_the_clock_skips_is_midnight_and_sunday_keeps_its_own() {
        // In Nuuk the clock goes from Saturday 23:00 to Sunday 00:00.
        let nuuk = Tz::America__Nuuk;
        let found = due_times(DigestMode::Daily, 23, nuuk, "2026-03-27T12:00:00Z", "2026-03-31T12:00:00Z");
        let local = found.iter().map(|due| due.as_datetime().with_timezone(&nuuk).naive_local().to_string());
        assert_eq!(
            local.collect::<Vec<_>>(),
            ["2026-03-27 23:00:00", "2026-03-29 00:00:00", "2026-03-29 23:00:00", "2026-03-30 23:00:00"]
        );
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_none() {
        let apia = Tz::Pacific__Apia;
        let found = due_times(DigestMode::Daily, 8, apia, "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z");
        let days = count_per_day(apia, &found);
        let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap();
        assert!(!days.contains_key(&skipped), "{days:?}");
        assert!(days.values().all(|n| *n == 1), "{days:?}");
        assert_eq!(days.len(), 5, "{days:?}");
    }

    #[test]
    fn a_weekly_one_is_due_on_each_monday_of_the_year() {
        let zone = Tz::America__New_York;
        let found = due_times(DigestMode::Weekly, 8, zone, "2026-01-01T12:00:00Z", "2027-01-01T00:00:00Z");
        let local: Vec<_> = found.iter().map(|due| due.as_datetime().with_timezone(&zone)).collect();
        assert_eq!(local.len(), 52);
        assert!(
            local.iter().all(|due| due.weekday() == Weekday::Mon && due.time().to_string() == "08:00:00")
        );
    }
}
