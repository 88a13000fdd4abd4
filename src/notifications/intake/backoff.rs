//! Delays between retries: growing, with jitter so that processes do not retry in step.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self { next: FIRST }
    }

    /// Resets the delay after a success.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Waits. Returns false if `stop` was cancelled first.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let longest = self.next;
        self.next = (self.next * 2).min(LONGEST);
        stop.run_until_cancelled(tokio::time::sleep(jittered(longest))).await.is_some()
    }
}

/// Between half of the delay and all of it.
fn jittered(longest: Duration) -> Duration {
    // Without randomness all wait equally long, which is harmless.
    let share = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    longest.mul_f64(0.5 + share / 2.0)
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
        assert!(waits.iter().all(|wait| *wait <= LONGEST + Duration::from_millis(1)), "{waits:?}");
        assert!(waits.last().is_some_and(|wait| *wait >= LONGEST / 2), "{waits:?}");
        backoff.reset();
        stop.cancel();
        assert!(!backoff.wait(&stop).await);
    }
}
