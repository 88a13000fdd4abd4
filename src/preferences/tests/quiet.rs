//! Quiet hours over midnight and around clock changes.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use guichet_base::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use super::{at, quiet};
use crate::preferences::QuietHours;
use crate::preferences::quiet::first_instant_at;

const ZONES: [Tz; 9] = [
    Tz::UTC,
    Tz::Europe__Paris,
    Tz::America__New_York,
    Tz::America__St_Johns,
    // Daylight saving of half an hour.
    Tz::Australia__Lord_Howe,
    // Daylight saving starts at midnight: that day has no 00:30.
    Tz::Africa__Cairo,
    // It starts in the last hour of a Saturday.
    Tz::America__Nuuk,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
];

fn end(quiet: QuietHours, now: &str) -> Option<String> {
    quiet.end_if_within(at(now)).map(|end| end.to_string())
}

#[test]
fn over_midnight_they_end_in_the_morning_after() {
    let night = quiet("22:00", "07:00", Tz::Europe__Paris);
    for (now, ends) in [
        ("2026-07-01T19:59:59Z", None),
        ("2026-07-01T20:00:00Z", Some("2026-07-02T05:00:00.000Z")),
        ("2026-07-01T23:59:00Z", Some("2026-07-02T05:00:00.000Z")),
        ("2026-07-02T04:59:59Z", Some("2026-07-02T05:00:00.000Z")),
        ("2026-07-02T05:00:00Z", None),
        ("2026-12-31T22:00:00Z", Some("2027-01-01T06:00:00.000Z")),
    ] {
        assert_eq!(end(night, now).as_deref(), ends, "{now}");
    }
}

#[test]
fn within_a_day_they_end_on_that_day() {
    let lunch = quiet("12:00", "14:30", Tz::America__New_York);
    for (now, ends) in [
        ("2026-01-05T16:59:59Z", None),
        ("2026-01-05T17:00:00Z", Some("2026-01-05T19:30:00.000Z")),
        ("2026-01-05T19:29:59Z", Some("2026-01-05T19:30:00.000Z")),
        ("2026-01-05T19:30:00Z", None),
        ("2026-01-06T04:00:00Z", None),
    ] {
        assert_eq!(end(lunch, now).as_deref(), ends, "{now}");
    }
}

#[test]
fn an_end_that_spring_skips_is_the_first_moment_of_summer_to_the_minute() {
    for to in ["02:00", "02:20", "02:59"] {
        let night = quiet("22:00", to, Tz::Europe__Paris);
        assert_eq!(end(night, "2026-03-29T00:30:00Z").unwrap(), "2026-03-29T01:00:00.000Z", "{to}");
    }
    let night = quiet("22:00", "00:10", Tz::Africa__Cairo);
    assert_eq!(end(night, "2026-04-23T21:00:00Z").unwrap(), "2026-04-23T22:00:00.000Z", "01:00 there");
}

#[test]
fn an_end_that_autumn_repeats_is_the_next_one_and_never_behind() {
    let night = quiet("22:00", "02:30", Tz::Europe__Paris);
    for (now, ends) in [
        ("2026-10-24T23:00:00Z", Some("2026-10-25T00:30:00.000Z")),
        // After the first 02:30, before the clock goes back.
        ("2026-10-25T00:45:00Z", None),
        // 02:15 for the second time.
        ("2026-10-25T01:15:00Z", Some("2026-10-25T01:30:00.000Z")),
        ("2026-10-25T01:30:00Z", None),
    ] {
        assert_eq!(end(night, now).as_deref(), ends, "{now}");
    }
}

#[test]
fn a_time_that_a_clock_skips_is_the_moment_after() {
    let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    for (zone, skipped, first) in [
        (Tz::Europe__Paris, "2026-03-29 02:07", "2026-03-29T01:00:00Z"),
        (Tz::Australia__Lord_Howe, "2026-10-04 02:10", "2026-10-03T15:30:00Z"),
        (Tz::Pacific__Apia, "2011-12-30 12:01", "2011-12-30T10:00:00Z"),
    ] {
        assert_eq!(first_instant_at(zone, local(skipped)), at(first), "{zone} {skipped}");
    }
}

/// The same answer by scanning minute by minute: when does the clock next show `to`, or skip it?
fn end_by_minute_scan(quiet: QuietHours, now: DateTime<Tz>) -> Option<DateTime<Tz>> {
    let minutes = |time: NaiveTime| time.hour() * 60 + time.minute();
    let (from, to) = (minutes(quiet.from), minutes(quiet.to));
    let shows = minutes(now.time());
    let mut is_quiet = shows == from;
    // Scan from `from`: the quiet hours are the minutes before `to`.
    let mut hand = from;
    while hand != to {
        is_quiet |= hand == shows;
        hand = (hand + 1) % (24 * 60);
    }
    if !is_quiet {
        return None;
    }
    let mut before = now;
    loop {
        let after = before.to_owned() + TimeDelta::minutes(1);
        let leap = after.naive_local() - before.naive_local();
        let shown = (1..=leap.num_minutes().max(1)).map(|n| {
            let first = after.naive_local() - TimeDelta::minutes(leap.num_minutes().max(1) - n);
            minutes(first.time())
        });
        if shown.into_iter().any(|shown| shown == to) {
            return Some(after);
        }
        before = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn they_end_when_the_clock_on_the_wall_says_so(
        zone in select(ZONES.to_vec()),
        from in 0..24 * 60_u32,
        // At least two hours of the day are not quiet, more than any clock skips.
        length in 1..=22 * 60_u32,
        minute in 0..10 * 366 * 24 * 60_i64,
        // Half of the instants are near a clock change.
        near in any::<bool>(),
    ) {
        let time = |minutes: u32| NaiveTime::from_hms_opt(minutes / 60 % 24, minutes % 60, 0).unwrap();
        let quiet = QuietHours { from: time(from), to: time((from + length) % (24 * 60)), timezone: zone };
        let start = at("2024-01-01T00:00:00Z").as_datetime() + TimeDelta::minutes(minute);
        let now = if near { near_a_change(zone, start, minute) } else { start };
        let found = quiet.end_if_within(Timestamp::from_datetime(now));
        let seen = end_by_minute_scan(quiet, now.with_timezone(&zone)).map(|end| Timestamp::from_datetime(end.to_utc()));
        prop_assert_eq!(found, seen, "{} {:?} at {}", zone, quiet, now);
        if let Some(end) = found {
            prop_assert!(end > Timestamp::from_datetime(now));
            prop_assert_eq!(quiet.end_if_within(end), None, "it is over when it is over");
        }
    }
}

/// An instant within a day of the next clock change after `start`, if there is one within a year.
fn near_a_change(zone: Tz, start: DateTime<chrono::Utc>, seed: i64) -> DateTime<chrono::Utc> {
    use chrono::Offset;
    let offset = |hours: i64| (start + TimeDelta::hours(hours)).with_timezone(&zone).offset().fix();
    let change = (1..366 * 24).find(|hours| offset(*hours) != offset(0));
    change.map_or(start, |hours| start + TimeDelta::hours(hours - 20) + TimeDelta::minutes(seed % (24 * 60)))
}
