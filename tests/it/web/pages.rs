//! Health and documentation pages, outside the API.

use super::server::start;

#[test]
fn a_process_lives_whatever_its_engines_do() {
    let answer = start().get("/healthz");
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({"status": "ok"})));
}

#[test]
fn a_failed_check_is_named_and_its_cause_is_not() {
    let answer = start().get("/readyz");
    assert_eq!(answer.status, 503);
    let expected = serde_json::json!({
        "status": "failing",
        "checks": [{"name": "database", "ok": false, "millis": null}],
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn the_docs_need_no_other_host() {
    let server = start();
    let page = server.get("/docs/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(!html.contains("https://"), "{html}");
    assert_eq!(server.get("/docs/swagger-ui-bundle.js").status, 200);
    let initializer = server.get("/docs/swagger-initializer.js");
    assert!(String::from_utf8_lossy(&initializer.body).contains("/openapi.yaml"));
    assert_eq!(server.get("/docs").header("location"), Some("/docs/"));
    assert_eq!(server.get("/openapi.yaml").body, b"openapi: 3.1.0");
    assert_eq!(server.get("/asyncapi.yaml").body, b"asyncapi: 3.0.0");
    let sockets = server.get("/docs/sockets");
    assert_eq!(sockets.body, b"<h1>sockets</h1>");
    assert!(sockets.header("content-security-policy").unwrap().contains("default-src 'none'"));
}
