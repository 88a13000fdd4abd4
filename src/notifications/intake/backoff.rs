//! Delays between retries: growing, with jitter so that processes do not retry in step.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

const MIN_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Endless delays from 50 ms, doubling up to 5 s, each with a random part added that is at most as long.
pub(super) struct Backoff {
    delays: ExponentialBackoff,
}

impl Backoff {
    pub fn new() -> Self {
        let policy = ExponentialBuilder::new().with_min_delay(MIN_DELAY).with_max_delay(MAX_DELAY);
        Self { delays: policy.without_max_times().with_jitter().build() }
    }

    /// Starts again at the shortest delay, after a success.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Waits. Returns false if `stop` was cancelled first.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let delay = self.delays.next().unwrap_or(MAX_DELAY);
        stop.run_until_cancelled(tokio::time::sleep(delay)).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_is_longer_up_to_a_limit_and_a_stop_ends_it() {
        let (mut backoff, stop) = (Backoff::new(), CancellationToken::new());
        let mut waits = Vec::new();
        for _ in 0..12 {
            let began = tokio::time::Instant::now();
            assert!(backoff.wait(&stop).await);
            waits.push(began.elapsed());
        }
        assert!(waits.iter().all(|wait| *wait <= 2 * MAX_DELAY + Duration::from_millis(1)), "{waits:?}");
        assert!(waits.last().is_some_and(|wait| *wait >= MAX_DELAY), "{waits:?}");
        backoff.reset();
        stop.cancel();
        assert!(!backoff.wait(&stop).await);
    }
}
