//! Limits log lines about lost channel messages: at most one line every 10 seconds, with the number of losses.

use std::time::Duration;

use tokio::time::Instant;

const LOG_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct LossLog {
    count: u64,
    last_logged: Option<Instant>,
}

impl LossLog {
    /// Counts one loss. Returns the number since the last log line, if one is due now.
    pub fn add(&mut self) -> Option<u64> {
        self.count += 1;
        if self.last_logged.is_some_and(|last| last.elapsed() < LOG_INTERVAL) {
            return None;
        }
        self.last_logged = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_said_at_once_and_those_after_it_together() {
        let mut losses = LossLog::default();
        assert_eq!(losses.add(), Some(1));
        assert!((0..5_000).all(|_| losses.add().is_none()));
        tokio::time::advance(LOG_INTERVAL).await;
        assert_eq!(losses.add(), Some(5_001));
    }
}
