//! Polls for an external condition, up to a limit.

use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(10);

/// Polls until there is a value; `None` after the limit. Polls at least once.
pub fn poll_until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = look() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::park_timeout(STEP);
    }
}

/// Whether the condition became true within the limit.
pub fn becomes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    poll_until(limit, || condition().then_some(())).is_some()
}
