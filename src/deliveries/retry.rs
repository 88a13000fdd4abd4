//! The retry policy of deliveries after a failed attempt. Without I/O: time and randomness are arguments.

use std::time::Duration;

use guichet_base::Timestamp;

use super::sender::SendFailure;

/// Longest delay before the second attempt; it doubles with each further attempt.
const BACKOFF_BASE: Duration = Duration::from_secs(2);
const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Delay after a provider refused our configuration, which an operator of the service has to correct.
const CONFIGURATION_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Another attempt at `at`. `counts_attempt`: whether the failed attempt adds to the attempt count.
    Retry {
        at: Timestamp,
        counts_attempt: bool,
    },
    Fail,
    /// The result is unknown, and a repeat may arrive twice: only a manual retry repeats it.
    Uncertain,
}

/// `attempts` includes the failed one; `jitter` is random in [0, 1]. No attempt is planned at or after `deadline`.
pub fn decide_retry(
    failure: &SendFailure,
    is_idempotent: bool,
    attempts: i32,
    (now, deadline): (Timestamp, Timestamp),
    jitter: f64,
) -> RetryDecision {
    let retry_after = |delay: Duration, counts_attempt| match now.plus(delay) {
        at if at < deadline => RetryDecision::Retry { at, counts_attempt },
        _ => RetryDecision::Fail,
    };
    match failure {
        SendFailure::Recipient(_) | SendFailure::Bug(_) => RetryDecision::Fail,
        SendFailure::Uncertain(_) if !is_idempotent => RetryDecision::Uncertain,
        SendFailure::Uncertain(_) | SendFailure::Transient(_) => retry_after(backoff(attempts, jitter), true),
        SendFailure::Throttled { after } => retry_after(*after, false),
        SendFailure::Configuration(_) => retry_after(CONFIGURATION_PAUSE, false),
    }
}

/// Exponential backoff with full jitter, so that deliveries that failed together do not retry together.
pub fn backoff(attempts: i32, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(30);
    BACKOFF_BASE
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(BACKOFF_MAX)
        .mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn decide(
        failure: &SendFailure,
        is_idempotent: bool,
        attempts: i32,
        time_left: Duration,
    ) -> RetryDecision {
        let now = Timestamp::from_millis(NOW);
        decide_retry(failure, is_idempotent, attempts, (now, now.plus(time_left)), 1.0)
    }

    fn retry_in_secs(secs: u64, counts_attempt: bool) -> RetryDecision {
        RetryDecision::Retry {
            at: Timestamp::from_millis(NOW).plus(Duration::from_secs(secs)),
            counts_attempt,
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
        let message = || "said".to_owned();
        assert_eq!(decide(&SendFailure::Recipient(message()), true, 1, DAY), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Bug(message()), true, 1, DAY), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Transient(message()), false, 3, DAY), retry_in_secs(8, true));
        let throttled = SendFailure::Throttled { after: Duration::from_secs(40) };
        assert_eq!(decide(&throttled, false, 7, DAY), retry_in_secs(40, false));
        assert_eq!(decide(&SendFailure::Configuration(message()), false, 7, DAY), retry_in_secs(60, false));
    }

    #[test]
    fn what_may_have_left_is_repeated_only_where_a_repeat_is_none() {
        let unknown = SendFailure::Uncertain("timeout".to_owned());
        assert_eq!(decide(&unknown, false, 1, DAY), RetryDecision::Uncertain);
        assert_eq!(decide(&unknown, true, 1, DAY), retry_in_secs(2, true));
    }

    #[test]
    fn nothing_is_tried_again_after_its_deadline() {
        let minute = Duration::from_secs(60);
        assert_eq!(decide(&SendFailure::Transient(String::new()), true, 6, minute), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Throttled { after: minute }, true, 1, minute), RetryDecision::Fail);
        assert_eq!(decide(&SendFailure::Transient(String::new()), true, 5, minute), retry_in_secs(32, true));
    }
}
