//! Latencies, and medians.

use std::fmt;
use std::time::Duration;

/// Durations, for their percentiles.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// 0 without samples.
    pub fn percentile(&mut self, hundredths: usize) -> Duration {
        self.0.sort_unstable();
        let at = self.0.len().saturating_sub(1) * hundredths / 100;
        self.0.get(at).copied().unwrap_or_default()
    }

    pub fn summary(&mut self) -> Summary {
        Summary { p50: self.percentile(50), p99: self.percentile(99) }
    }
}

pub struct Summary {
    pub p50: Duration,
    pub p99: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1} ms, p99 {:.1} ms", millis(self.p50), millis(self.p99))
    }
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

/// 0 if there are none.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Counts stay far below 2^52, where `f64` is exact.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
pub fn count(number: usize) -> f64 {
    number as f64
}
