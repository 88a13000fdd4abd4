//! Rate limits, and the addresses to which they apply.

use std::net::IpAddr;

use guichet::web::HttpSettings;
use guichet::web::rate_limit::{LimitKey, Rate, RateLimitSettings, RateLimits};
use guichet_base::ErrorKind;
use guichet_base::id::{TenantId, UserId};

use super::server::{start, start_with};

fn limits(rps: u32, burst: u32) -> RateLimits {
    let rate = Rate { rps, burst };
    RateLimits::new(RateLimitSettings { person: rate, service: rate, webhook: rate, anonymous: rate })
}

fn address(text: &str) -> LimitKey {
    LimitKey::Anonymous(text.parse::<IpAddr>().unwrap())
}

#[test]
fn beyond_the_burst_comes_a_refusal_that_says_when_to_return() {
    let limits = limits(1, 2);
    let key = LimitKey::Person(TenantId::new(), UserId::new());
    assert_eq!(limits.check(key).unwrap().unwrap().remaining, 1);
    assert!(limits.check(key).is_ok());
    let error = limits.check(key).unwrap_err();
    assert_eq!((error.kind(), error.retry_after_secs()), (ErrorKind::RateLimited, Some(1)));
    assert!(
        limits.check(LimitKey::Person(TenantId::new(), UserId::new())).is_ok(),
        "others are not concerned"
    );
}

#[test]
fn a_network_of_one_household_counts_as_one_address() {
    let limits = limits(1, 1);
    assert!(limits.check(address("2001:db8::1")).is_ok());
    assert!(limits.check(address("2001:db8::ffff:2")).is_err());
    assert!(limits.check(address("2001:db8:0:1::1")).is_ok());
    assert!(limits.check(address("192.0.2.1")).is_ok());
    assert!(limits.check(address("::ffff:192.0.2.1")).is_err(), "an IPv4 address in IPv6 clothes");
}

#[test]
fn a_rate_of_zero_is_no_limit() {
    let limits = limits(0, 0);
    assert!((0..1000).all(|_| matches!(limits.check(address("192.0.2.1")), Ok(None))));
}

#[test]
fn callers_at_rest_are_forgotten() {
    let limits = limits(1_000_000, 1);
    for number in 0..20_000_u32 {
        limits.check(LimitKey::Anonymous(IpAddr::V4(number.into()))).unwrap();
    }
    assert!(limits.key_count() <= 8192, "{}", limits.key_count());
}

#[test]
fn answers_say_what_is_left() {
    let server = start();
    let first = server.get("/api/v1/limited");
    assert_eq!(first.header("ratelimit-policy"), Some("\"anonymous\";q=2;w=2"));
    assert_eq!(first.header("ratelimit"), Some("\"anonymous\";r=1;t=1"));
    let refused =
        std::iter::repeat_with(|| server.get("/api/v1/limited")).find(|answer| answer.status != 200);
    let refused = refused.unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
    let secs: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(refused.json()["error"]["details"]["retry_after"], secs);
    assert!(refused.header("ratelimit").unwrap().contains("r=0"));
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let whence = |trusted: &[&str], forwarded: &[&str]| {
        let trusted = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let server = start_with(HttpSettings { trusted_proxies: trusted, ..HttpSettings::default() });
        let headers: Vec<_> = forwarded.iter().map(|hops| format!("X-Forwarded-For: {hops}")).collect();
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let answer = server.send("GET", "/api/v1/whence", &headers, b"");
        answer.json()["data"].as_str().unwrap().to_owned()
    };
    let local = ["127.0.0.0/8", "10.0.0.0/8"];
    assert_eq!(whence(&[], &["203.0.113.7"]), "127.0.0.1", "the peer is nobody we trust");
    assert_eq!(whence(&local, &[]), "127.0.0.1");
    assert_eq!(whence(&local, &["203.0.113.7"]), "203.0.113.7");
    assert_eq!(whence(&local, &["1.1.1.1, 203.0.113.7, 10.0.0.2"]), "203.0.113.7", "the left can be forged");
    assert_eq!(whence(&local, &["1.1.1.1, 203.0.113.7", "10.0.0.2"]), "203.0.113.7");
    assert_eq!(whence(&local, &["1.1.1.1, nonsense, 10.0.0.2"]), "10.0.0.2");
}
