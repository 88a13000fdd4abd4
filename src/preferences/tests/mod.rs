//! Tests of the decision: a table written by hand, and properties.

mod properties;
mod quiet;
mod table;

use chrono::NaiveTime;
use chrono_tz::Tz;
use guichet_base::Timestamp;

use super::{PerChannel, QuietHours};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn quiet(from: &str, to: &str, timezone: Tz) -> QuietHours {
    QuietHours { from: time(from), to: time(to), timezone }
}

/// `value` for every channel.
fn all<T: Copy>(value: T) -> PerChannel<T> {
    PerChannel::from_fn(|_| value)
}
