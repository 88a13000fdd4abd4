//! Rate limits by GCRA: a steady rate of requests per second, with a burst.
//!
//! One limiter per class; a class with rate 0 has no limit. A rejection states when to retry, and every response states
//! the remaining quota (`RateLimit`, `RateLimit-Policy`). Idle keys are removed regularly, so memory only grows with
//! the number of recent callers.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Error, Result};

/// Number of checks of a class after which its idle keys are removed.
const CHECKS_PER_SWEEP: u32 = 4096;

/// Requests per second, and the burst. A rate of 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub rps: u32,
    pub burst: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitSettings {
    pub person: Rate,
    pub service: Rate,
    pub webhook: Rate,
    pub anonymous: Rate,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            person: Rate { rps: 20, burst: 60 },
            service: Rate { rps: 500, burst: 1000 },
            webhook: Rate { rps: 50, burst: 200 },
            anonymous: Rate { rps: 10, burst: 50 },
        }
    }
}

/// The key by which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKey {
    Person(TenantId, UserId),
    Service(TenantId, UserId),
    Webhook(IpAddr),
    Anonymous(IpAddr),
}

impl LimitKey {
    pub fn for_actor(actor: &Actor) -> Self {
        if actor.role.is_service() {
            LimitKey::Service(actor.tenant, actor.user)
        } else {
            LimitKey::Person(actor.tenant, actor.user)
        }
    }

    /// Reduces IPv6 addresses to their /64 network, which is what one household has.
    fn normalized(self) -> Self {
        match self {
            LimitKey::Webhook(address) => LimitKey::Webhook(network_prefix(address)),
            LimitKey::Anonymous(address) => LimitKey::Anonymous(network_prefix(address)),
            LimitKey::Person(..) | LimitKey::Service(..) => self,
        }
    }
}

fn network_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The remaining quota of a caller after this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemainingQuota {
    class: &'static str,
    rate: Rate,
    pub remaining: u32,
    /// 0 for an admitted request.
    pub retry_after_secs: u64,
}

impl RemainingQuota {
    /// The fields of the IETF draft `ratelimit-headers`.
    pub(super) fn write_headers(&self, headers: &mut HeaderMap) {
        let RemainingQuota { class, rate, remaining, retry_after_secs } = self;
        let window_secs = rate.burst.div_ceil(rate.rps.max(1)).max(1);
        let used = rate.burst.saturating_sub(*remaining);
        let reset_secs = u64::from(used.div_ceil(rate.rps.max(1))).max(*retry_after_secs);
        let fields = [
            ("ratelimit-policy", format!("\"{class}\";q={};w={window_secs}", rate.burst)),
            ("ratelimit", format!("\"{class}\";r={remaining};t={reset_secs}")),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }

    fn into_result(self) -> Result<Self> {
        if self.retry_after_secs == 0 { Ok(self) } else { Err(Error::rate_limited(self.retry_after_secs)) }
    }
}

/// The rate limits of this process. Clones share their state.
#[derive(Clone)]
pub struct RateLimits {
    classes: Arc<LimitClasses>,
}

struct LimitClasses {
    person: LimitClass,
    service: LimitClass,
    webhook: LimitClass,
    anonymous: LimitClass,
}

impl RateLimits {
    pub fn new(settings: RateLimitSettings) -> Self {
        let classes = LimitClasses {
            person: LimitClass::new("person", settings.person),
            service: LimitClass::new("service", settings.service),
            webhook: LimitClass::new("webhook", settings.webhook),
            anonymous: LimitClass::new("anonymous", settings.anonymous),
        };
        Self { classes: Arc::new(classes) }
    }

    /// Counts one request. `None` if its class has no limit. Errors: `RATE_LIMITED`.
    pub fn check(&self, key: LimitKey) -> Result<Option<RemainingQuota>> {
        self.count(key).map(RemainingQuota::into_result).transpose()
    }

    /// As [`RateLimits::check`]; the response to `request` then has the quota headers.
    pub fn check_request(&self, request: &HttpRequest, key: LimitKey) -> Result<()> {
        let Some(quota) = self.count(key) else { return Ok(()) };
        request.extensions_mut().insert(quota);
        quota.into_result().map(|_| ())
    }

    fn count(&self, key: LimitKey) -> Option<RemainingQuota> {
        let class = match key {
            LimitKey::Person(..) => &self.classes.person,
            LimitKey::Service(..) => &self.classes.service,
            LimitKey::Webhook(_) => &self.classes.webhook,
            LimitKey::Anonymous(_) => &self.classes.anonymous,
        };
        class.count(key.normalized())
    }

    /// Number of keys in memory, for metrics.
    pub fn key_count(&self) -> usize {
        let LimitClasses { person, service, webhook, anonymous } = &*self.classes;
        [person, service, webhook, anonymous]
            .iter()
            .map(|class| class.limiter.as_ref().map_or(0, Limiter::len))
            .sum()
    }
}

type Limiter = governor::RateLimiter<
    LimitKey,
    DefaultKeyedStateStore<LimitKey>,
    DefaultClock,
    StateInformationMiddleware,
>;

struct LimitClass {
    name: &'static str,
    rate: Rate,
    limiter: Option<Limiter>,
    checks: AtomicU32,
}

impl LimitClass {
    fn new(name: &'static str, rate: Rate) -> Self {
        let limiter = NonZeroU32::new(rate.rps).map(|rps| {
            let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
            let quota = governor::Quota::per_second(rps).allow_burst(burst);
            governor::RateLimiter::keyed(quota).with_middleware()
        });
        Self { name, rate, limiter, checks: AtomicU32::new(0) }
    }

    fn count(&self, key: LimitKey) -> Option<RemainingQuota> {
        let limiter = self.limiter.as_ref()?;
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_PER_SWEEP == CHECKS_PER_SWEEP - 1 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        let (remaining, retry_after_secs) = match limiter.check_key(&key) {
            Ok(state) => (state.remaining_burst_capacity(), 0),
            Err(denied) => {
                let wait = denied.wait_time_from(limiter.clock().now());
                (0, wait.as_secs() + 1)
            }
        };
        Some(RemainingQuota { class: self.name, rate: self.rate, remaining, retry_after_secs })
    }
}
