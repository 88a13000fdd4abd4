//! Rate limits per person, service token, and address.

use super::reader::section;

section! {
    /// Rate limits; 0 requests per second turns one off
    pub struct LimitsConfig {
        /// Requests per second of one person.
        pub person_rps: u32 = "RATE_LIMIT_RPS", "20";
        /// Requests that one person may make at once before RATE_LIMIT_RPS applies.
        pub person_burst: u32 = "RATE_LIMIT_BURST", "60", in 1..=1_000_000;
        /// Requests per second of one service token.
        pub service_rps: u32 = "RATE_LIMIT_SERVICE_RPS", "500";
        /// Requests that one service token may make at once before RATE_LIMIT_SERVICE_RPS applies.
        pub service_burst: u32 = "RATE_LIMIT_SERVICE_BURST", "1000", in 1..=1_000_000;
        /// Requests per second from one IP address without a valid token.
        pub anonymous_rps: u32 = "RATE_LIMIT_ANON_RPS", "10";
        /// Requests that one address may make at once without a valid token.
        pub anonymous_burst: u32 = "RATE_LIMIT_ANON_BURST", "50", in 1..=1_000_000;
    }
}

/// A rate limit: the steady rate, and the requests allowed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Never 0.
    pub requests_per_second: u32,
    /// Never 0.
    pub burst: u32,
}

impl LimitsConfig {
    /// `None` means no limit.
    pub fn person_limit(&self) -> Option<RateLimitConfig> {
        rate_limit(self.person_rps, self.person_burst)
    }

    /// `None` means no limit.
    pub fn service_limit(&self) -> Option<RateLimitConfig> {
        rate_limit(self.service_rps, self.service_burst)
    }

    /// `None` means no limit.
    pub fn address_limit(&self) -> Option<RateLimitConfig> {
        rate_limit(self.anonymous_rps, self.anonymous_burst)
    }
}

fn rate_limit(requests_per_second: u32, burst: u32) -> Option<RateLimitConfig> {
    (requests_per_second > 0).then_some(RateLimitConfig { requests_per_second, burst })
}
