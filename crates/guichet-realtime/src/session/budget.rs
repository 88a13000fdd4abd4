//! Frame limits of a connection: one token bucket for what people do, and one for what clients do on their own
//! (joins, leaves, heartbeats, tokens), so that a reconnecting app is not held back by its own traffic.

use std::time::Duration;

use tokio::time::Instant;

const CONTROL_BURST: f64 = 200.0;
const CONTROL_PER_SEC: f64 = 20.0;

/// Consecutive refused frames beyond the burst before the connection is closed.
const REFUSALS: u32 = 200;

pub struct Budget {
    frames: Option<Bucket>,
    control: Option<Bucket>,
    refused: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetVerdict {
    Pass,
    /// Reply `RATE_LIMITED`; the frame would pass after this many seconds.
    Refuse(u64),
    /// The client continued all the same.
    Close,
}

impl Budget {
    /// `per_10s` frames in ten seconds, with a burst of twice as many; 0 = no limit.
    pub fn new(per_10s: u32, now: Instant) -> Self {
        let limited = per_10s > 0;
        let per_sec = f64::from(per_10s) / 10.0;
        Self {
            frames: limited.then(|| Bucket::new(f64::from(per_10s) * 2.0, per_sec, now)),
            control: limited.then(|| Bucket::new(CONTROL_BURST, CONTROL_PER_SEC, now)),
            refused: 0,
        }
    }

    pub fn spend(&mut self, is_control: bool, now: Instant) -> BudgetVerdict {
        let bucket = if is_control { &mut self.control } else { &mut self.frames };
        let Some(bucket) = bucket else { return BudgetVerdict::Pass };
        match bucket.take(now) {
            Ok(left) => {
                // Refusals are forgotten once half of the burst has refilled.
                if left > bucket.burst / 2.0 {
                    self.refused = 0;
                }
                BudgetVerdict::Pass
            }
            Err(_) if self.refused >= REFUSALS => BudgetVerdict::Close,
            Err(wait) => {
                self.refused += 1;
                BudgetVerdict::Refuse(wait.as_secs().max(1))
            }
        }
    }
}

struct Bucket {
    burst: f64,
    per_sec: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new(burst: f64, per_sec: f64, at: Instant) -> Self {
        Self { burst, per_sec, tokens: burst, at }
    }

    fn take(&mut self, now: Instant) -> Result<f64, Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_sec).min(self.burst);
        self.at = now;
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64(((1.0 - self.tokens) / self.per_sec).clamp(0.0, 3_600.0)));
        }
        self.tokens -= 1.0;
        Ok(self.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_waits_then_closes_who_goes_on() {
        let now = Instant::now();
        let mut budget = Budget::new(60, now);
        for _ in 0..120 {
            assert_eq!(budget.spend(false, now), BudgetVerdict::Pass);
        }
        assert_eq!(budget.spend(false, now), BudgetVerdict::Refuse(1));
        assert_eq!(budget.spend(true, now), BudgetVerdict::Pass, "control frames have their own");
        assert_eq!(budget.spend(false, now + Duration::from_secs(1)), BudgetVerdict::Pass);
        let last = (0..500).map(|_| budget.spend(false, now + Duration::from_secs(1))).last();
        assert_eq!(last, Some(BudgetVerdict::Close));
    }

    #[test]
    fn zero_is_no_limit() {
        let now = Instant::now();
        let mut budget = Budget::new(0, now);
        assert!((0..10_000).all(|n| budget.spend(n % 2 == 0, now) == BudgetVerdict::Pass));
    }
}
