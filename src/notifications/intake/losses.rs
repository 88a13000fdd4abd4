//! Logs lost messages of the channel together: one line for thousands.

use std::time::Duration;

use tokio::time::Instant;

const SAID_EVERY: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Losses {
    count: u64,
    said: Option<Instant>,
}

impl Losses {
    /// Counts one loss. Returns the number since the last log line, if one is due now.
    pub fn add(&mut self) -> Option<u64> {
        self.count += 1;
        if self.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_said_at_once_and_those_after_it_together() {
        let mut losses = Losses::default();
        assert_eq!(losses.add(), Some(1));
        assert!((0..5_000).all(|_| losses.add().is_none()));
        tokio::time::advance(SAID_EVERY).await;
        assert_eq!(losses.add(), Some(5_001));
    }
}
