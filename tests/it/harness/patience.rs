//! Watchdog: if a test hangs, prints its name and ends the test process.

use std::collections::BTreeMap;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Several times the longest test on a slow machine.
const MAX_TEST_DURATION: Duration = Duration::from_secs(1_200);

static RUNNING_TESTS: Mutex<BTreeMap<String, (Instant, String)>> = Mutex::new(BTreeMap::new());

/// A test that is watched until this is dropped.
pub struct WatchedTest(String);

impl WatchedTest {
    /// Watches the test of this thread under `key`, which must be unique: the name of its database.
    pub fn begin(key: &str) -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| drop(thread::spawn(exit_on_hanging_test)));
        let test = thread::current().name().unwrap_or("a test").to_owned();
        RUNNING_TESTS.lock().unwrap().insert(key.to_owned(), (Instant::now(), test));
        Self(key.to_owned())
    }
}

impl Drop for WatchedTest {
    fn drop(&mut self) {
        RUNNING_TESTS.lock().unwrap().remove(&self.0);
    }
}

fn exit_on_hanging_test() {
    loop {
        thread::park_timeout(Duration::from_secs(1));
        let running_tests = RUNNING_TESTS.lock().unwrap();
        if let Some((_, test)) = running_tests.values().find(|(since, _)| since.elapsed() > MAX_TEST_DURATION)
        {
            eprintln!(
                "test {test} hangs: it runs for more than {} minutes",
                MAX_TEST_DURATION.as_secs() / 60
            );
            std::process::exit(101);
        }
    }
}
