//! Ends a run in which a test hangs, naming the test.

use std::collections::BTreeMap;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Several times the longest test on a slow machine.
const LONGEST: Duration = Duration::from_secs(1_200);

static UNDER_WAY: Mutex<BTreeMap<String, (Instant, String)>> = Mutex::new(BTreeMap::new());

/// A test that is watched until this is dropped.
pub struct UnderWay(String);

impl UnderWay {
    /// Watches the test of this thread; `holds` describes its resource.
    pub fn begin(holds: &str) -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| drop(thread::spawn(watch)));
        let test = thread::current().name().unwrap_or("a test").to_owned();
        UNDER_WAY.lock().unwrap().insert(holds.to_owned(), (Instant::now(), test));
        Self(holds.to_owned())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap().remove(&self.0);
    }
}

fn watch() {
    loop {
        thread::park_timeout(Duration::from_secs(1));
        let under_way = UNDER_WAY.lock().unwrap();
        if let Some((_, test)) = under_way.values().find(|(since, _)| since.elapsed() > LONGEST) {
            eprintln!("test {test} hangs: it runs for more than {} minutes", LONGEST.as_secs() / 60);
            std::process::exit(101);
        }
    }
}
