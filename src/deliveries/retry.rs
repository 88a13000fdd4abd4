//! The retry policy of deliveries: what follows a failed attempt. Pure: time and randomness are arguments.

use std::time::Duration;

use guichet_base::Timestamp;

use super::sender::SendFailure;

/// Longest delay before the second attempt; doubled with each further one.
const BACKOFF_BASE: Duration = Duration::from_secs(2);
const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Delay after a provider refuses our configuration, which a person has to correct.
const CONFIGURATION_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Another attempt at this time; `counts` tells whether the failed one counts as an attempt.
    Retry {
        at: Timestamp,
        counts_attempt: bool,
    },
    Fail,
    /// The result is unknown: a person has to decide.
    Uncertain,
}

/// `attempts` includes the failed one; `roll` is in [0, 1]. No attempt is planned after `deadline`.
pub fn decide_retry(
    failure: &SendFailure,
    is_idempotent: bool,
    attempts: i32,
    (now, deadline): (Timestamp, Timestamp),
    roll: f64,
) -> RetryDecision {
    let again = |wait: Duration, counts| match now.plus(wait) {
        at if at < deadline => RetryDecision::Retry { at, counts_attempt: counts },
        _ => RetryDecision::Fail,
    };
    match failure {
        SendFailure::Recipient(_) | SendFailure::Bug(_) => RetryDecision::Fail,
        SendFailure::Uncertain(_) if !is_idempotent => RetryDecision::Uncertain,
        SendFailure::Uncertain(_) | SendFailure::Transient(_) => again(backoff(attempts, roll), true),
        SendFailure::Throttled { after } => again(*after, false),
        SendFailure::Configuration(_) => again(CONFIGURATION_PAUSE, false),
    }
}

/// Exponential backoff with full jitter, so that deliveries that failed together do not retry together.
pub fn backoff(attempts: i32, roll: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(30);
    BACKOFF_BASE
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(BACKOFF_MAX)
        .mul_f64(roll.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn decide(failure: &SendFailure, is_idempotent: bool, attempts: i32, left: Duration) -> RetryDecision {
        let now = Timestamp::from_millis(NOW);
        decide_retry(failure, is_idempotent, attempts, (now, now.plus(left)), 1.0)
    }

    fn in_secs(secs: u64, counts: bool) -> RetryDecision {
        RetryDecision::Retry {
            at: Timestamp::from_millis(NOW).plus(Duration::from_secs(secs)),
            counts_attempt: counts,
        }
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn waits_double_from_two_seconds_to_ten_minutes_and_chance_shortens_them() {
        let longest: Vec<u64> = (1..=12).map(|attempts| backoff(attempts, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
        assert_eq!(backoff(i32::MAX, 1.0), BACKOFF_MAX);
        assert_eq!(backoff(5, 0.0), Duration::ZERO);
        assert_eq!(backoff(3, 0.5), Duration::from_secs(4));
        assert_eq!(backoff(0, 1.0), BACKOFF_BASE);
    }

    #[test]
    fn each_class_has_its_own_end() {
        let said = || "said".to_owned();
        assert_eq!(decide(&SendFailure::Recipient(said()), true, 1, DAY), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Bug(said()), true, 1, DAY), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Transient(said()), false, 3, DAY), in_secs(8, true));
        let throttled = SendFailure::Throttled { after: Duration::from_secs(40) };
        assert_eq!(decide(&throttled, false, 7, DAY), in_secs(40, false));
        assert_eq!(decide(&SendFailure::Configuration(said()), false, 7, DAY), in_secs(60, false));
    }

    #[test]
    fn what_may_have_left_is_repeated_only_where_a_repeat_is_none() {
        let unknown = SendFailure::Uncertain("timeout".to_owned());
        assert_eq!(decide(&unknown, false, 1, DAY), RetryDecision::Uncertain);
        assert_eq!(decide(&unknown, true, 1, DAY), in_secs(2, true));
    }

    #[test]
    fn nothing_is_tried_again_after_its_deadline() {
        let minute = Duration::from_secs(60);
        assert_eq!(decide(&SendFailure::Transient(String::new()), true, 6, minute), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Throttled { after: minute }, true, 1, minute), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Transient(String::new()), true, 5, minute), in_secs(32, true));
    }
}
