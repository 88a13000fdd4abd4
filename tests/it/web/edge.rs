//! All errors, from any layer: one envelope, in the caller's language, with the request's id.

use guichet::web::HttpSettings;
use guichet::web::cors::CorsOrigins;

use super::server::{start, start_with};

#[test]
fn a_panic_is_an_internal_error_and_the_server_lives() {
    let server = start();
    for _ in 0..3 {
        let failed = server.get("/api/v1/panics");
        assert_eq!((failed.status, failed.code().as_str()), (500, "INTERNAL"));
        assert!(!String::from_utf8_lossy(&failed.body).contains("secret"));
        assert_eq!(failed.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn the_cause_of_a_failure_is_never_sent() {
    let server = start();
    let failed = server.get("/api/v1/fails");
    assert_eq!((failed.status, failed.code().as_str()), (500, "INTERNAL"));
    assert!(!String::from_utf8_lossy(&failed.body).contains("secret"));
}

#[test]
fn an_unknown_route_is_not_found() {
    let server = start();
    for path in ["/", "/api", "/api/v1/nowhere", "/nowhere?token=secret", "/docs/nowhere.js"] {
        let refused = server.get(path);
        assert_eq!((refused.status, refused.code().as_str()), (404, "NOT_FOUND"), "{path}");
    }
}

#[test]
fn a_wrong_method_says_which_are_right() {
    let server = start();
    let refused = server.send("DELETE", "/api/v1/notes", &[], b"");
    assert_eq!((refused.status, refused.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    let allow = refused.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    // A route that guards its whole resource, as method attributes do.
    let refused = server.send("POST", "/api/v1/attributed", &[], b"");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET")));
    assert_eq!(refused.code(), "METHOD_NOT_ALLOWED");
}

#[test]
fn without_an_actor_nobody_is_anybody() {
    let refused = start().get("/api/v1/me");
    assert_eq!((refused.status, refused.code().as_str()), (401, "UNAUTHENTICATED"));
}

#[test]
fn errors_speak_the_callers_language() {
    let server = start();
    let message = |path: &str, language: &str| {
        let answer = server.send("GET", path, &[&format!("Accept-Language: {language}")], b"");
        answer.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    let (english, french) = ("There is no such resource.", "Cette ressource n’existe pas.");
    assert_eq!(message("/nowhere", "de"), french);
    assert_eq!(message("/nowhere", "en-GB,fr;q=0.5"), english);
    assert_eq!(message("/nowhere", "fr;q=0.9, en;q=0.1"), french);
    // The actor's own language, unless the request asks for another.
    assert_eq!(message("/api/v1/english", "de"), "You are not allowed to do this.");
    assert_eq!(message("/api/v1/english", "fr"), "Vous n’avez pas le droit d’effectuer cette action.");
}

#[test]
fn a_sane_request_id_is_taken_over_and_any_other_is_replaced() {
    let server = start();
    let id = |given: &str| {
        let answer = server.send("GET", "/healthz", &[&format!("X-Request-Id: {given}")], b"");
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("order-42/a"), "order-42/a");
    for insane in ["two words", "é", "", &"x".repeat(129)] {
        assert_eq!(id(insane).len(), 36, "{insane}");
    }
}

#[test]
fn every_answer_carries_the_security_headers() {
    let server = start();
    for path in ["/healthz", "/api/v1/notes", "/nowhere", "/api/v1/fails"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(answer.header("server"), None);
        assert_eq!(answer.header("cache-control").is_some(), path.starts_with("/api"), "{path}");
    }
}

#[test]
fn only_large_whole_answers_are_packed() {
    let server = start();
    let packed = |path: &str| {
        let answer = server.send("GET", path, &["Accept-Encoding: gzip"], b"");
        answer.header("content-encoding").map(str::to_owned)
    };
    assert_eq!(packed("/api/v1/large").as_deref(), Some("gzip"));
    assert_eq!(packed("/api/v1/notes"), None);
    assert_eq!(packed("/api/v1/stream"), None, "an encoder would hold events back");
    assert_eq!(server.get("/api/v1/large").header("content-encoding"), None);
}

#[test]
fn only_listed_origins_may_call() {
    let listed = CorsOrigins::parse("https://app.example.org, https://b.example.org/");
    let server = start_with(HttpSettings { origins: listed, ..HttpSettings::default() });
    let allowed = |origin: &str| {
        let answer = server.send("GET", "/api/v1/me", &[&format!("Origin: {origin}")], b"");
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed("https://evil.example.org"), None);
    assert_eq!(allowed("null"), None);
    // The page that caused an error must be able to read it.
    assert_eq!(allowed("https://app.example.org").as_deref(), Some("https://app.example.org"));
    assert_eq!(allowed("https://b.example.org").as_deref(), Some("https://b.example.org"));
}

#[test]
fn a_preflight_allows_the_headers_of_our_clients() {
    let server = start_with(HttpSettings { origins: CorsOrigins::Any, ..HttpSettings::default() });
    let preflight = |origin: &str, headers: &str| {
        let headers = [
            format!("Origin: {origin}"),
            "Access-Control-Request-Method: PATCH".to_owned(),
            format!("Access-Control-Request-Headers: {headers}"),
        ];
        server.send("OPTIONS", "/api/v1/notes", &headers.each_ref().map(String::as_str), b"")
    };
    let ours = "authorization,apikey,content-type,x-client-info,idempotency-key,if-match";
    let allowed = preflight("https://any.example.org", ours);
    assert_eq!(allowed.status, 200);
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    for (origin, headers) in [("null", ours), ("https://any.example.org", "x-odd")] {
        let refused = preflight(origin, headers);
        assert_eq!((refused.status, refused.code().as_str()), (400, "BAD_REQUEST"), "{origin} {headers}");
    }
}
