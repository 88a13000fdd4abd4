//! Limits concurrent look-ups of joins.
//!
//! Ten thousand phones that return at once would otherwise query the database all together: requests of connected
//! people would wait behind them, and most would be refused. So a few joins are looked up at a time, in order of
//! arrival, and one that would wait too long is asked to join again.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use guichet_base::{Error, Result};

/// Shorter than clients wait for the reply to a join (10 s), so that they get an error instead of a timeout.
const MAX_WAIT: Duration = Duration::from_secs(9);

pub struct JoinLimiter {
    permits: Semaphore,
}

impl JoinLimiter {
    pub fn new(at_once: usize) -> Self {
        Self { permits: Semaphore::new(at_once.max(1)) }
    }

    /// Waits for a permit, which is held until dropped. Errors: `UNAVAILABLE`.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(MAX_WAIT, self.permits.acquire()).await {
            Ok(turn) => turn.map_err(Error::unavailable),
            Err(late) => Err(Error::unavailable(late)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guichet_base::ErrorKind;

    #[tokio::test(start_paused = true)]
    async fn whoever_would_wait_too_long_is_told_to_come_again() {
        let line = JoinLimiter::new(1);
        let turn = line.acquire().await.unwrap();
        assert_eq!(line.acquire().await.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
        drop(turn);
        assert!(line.acquire().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_taken_in_the_order_of_coming() {
        let line = JoinLimiter::new(1);
        let turn = line.acquire().await.unwrap();
        let came = parking_lot::Mutex::new(Vec::new());
        let (line, came) = (&line, &came);
        let waiting = (0..5).map(|number| async move {
            let _turn = line.acquire().await.unwrap();
            came.lock().push(number);
        });
        let leaving = async move { drop(turn) };
        futures_util::join!(futures_util::future::join_all(waiting), leaving);
        assert_eq!(*came.lock(), [0, 1, 2, 3, 4]);
    }
}
