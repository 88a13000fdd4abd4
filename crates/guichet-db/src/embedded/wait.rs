//! Waiting for a condition of the outside world, for no longer than a limit.

use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(10);

/// Looks until there is an answer; `None` when the limit has passed. Looks at least once.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
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

/// Whether the condition came true within the limit.
pub fn holds(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    until(limit, || condition().then_some(())).is_some()
}
