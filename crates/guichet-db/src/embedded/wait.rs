//! Polls for an external condition, up to a limit.

use std::thread;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Calls `probe` until it returns a value; `None` after the limit. Calls it at least once.
pub fn poll_until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = probe() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::park_timeout(POLL_INTERVAL);
    }
}

/// Whether the condition became true within the limit.
pub fn becomes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    poll_until(limit, || condition().then_some(())).is_some()
}
