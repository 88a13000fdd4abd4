//! Wrong values in bodies, queries and paths: their fields and codes.

use super::server::start;

#[test]
fn a_wrong_body_names_its_field() {
    let server = start();
    for (body, fault) in [
        (r#"{"title": 1}"#, "title wrong_type"),
        (r#"{"title": null}"#, "title wrong_type"),
        (r#"[]"#, "title missing"),
        (r#""text""#, " wrong_type"),
        (r#"{}"#, "title missing"),
        (r#"{"title": "a", "colour": 1}"#, "colour unknown_field"),
        (r#"{"title": "a", "title": "b"}"#, "title duplicate"),
        (r#"{"title": "a", "stars": 256}"#, "stars invalid"),
        (r#"{"title": "a", "stars": -1}"#, "stars invalid"),
        (r#"{"title": "a", "stars": 1.5}"#, "stars wrong_type"),
        (r#"{"title": "a", "kind": "odd"}"#, "kind unknown_value"),
        (r#"{"title": "a", "related": {"id": "odd"}}"#, "related.id invalid"),
        (r#"{"title": "a", "related": {}}"#, "related.id missing"),
        (
            r#"{"title": "a", "related": {"id": "0190163d-8694-739b-aea5-966c26f8ad91", "at": "odd"}}"#,
            "related.at invalid",
        ),
        (
            r#"{"title": "a", "related": {"id": "0190163d-8694-739b-aea5-966c26f8ad91", "x": 1}}"#,
            "related.x unknown_field",
        ),
    ] {
        let refused = server.post_json("/api/v1/notes", body);
        if body == "[]" {
            assert_eq!(refused.status, 422, "{body}");
            continue;
        }
        assert_eq!(refused.faults(), [fault], "{body}");
    }
}

#[test]
fn u0000_is_refused_wherever_it_hides() {
    let server = start();
    for (body, fault) in [
        (r#"{"title": "a\u0000"}"#, "title nul"),
        (r#"{"title": "a", "payload": {"deep": [1, "\u0000"]}}"#, "payload.deep[1] nul"),
    ] {
        assert_eq!(server.post_json("/api/v1/notes", body).faults(), [fault], "{body}");
    }
    let key = server.post_json("/api/v1/notes", r#"{"title": "a", "payload": {"\u0000": 1}}"#);
    assert!(key.faults()[0].ends_with(" nul"));
    assert_eq!(
        server.post_json("/api/v1/notes", r#"{"title": "\\u0000"}"#).status,
        201,
        "an escaped backslash"
    );
    assert_eq!(server.get("/api/v1/search?text=a%00").faults(), ["text nul"]);
    assert_eq!(server.get("/api/v1/notes/%00").status, 404);
}

#[test]
fn all_value_faults_come_at_once() {
    let server = start();
    let refused = server.post_json("/api/v1/notes", r#"{"title": " ", "stars": 9}"#);
    assert_eq!(refused.faults(), ["title too_short", "stars out_of_range"]);
}

#[test]
fn lengths_count_characters_of_the_trimmed_text() {
    let server = start();
    let ten = server.post_json("/api/v1/notes", r#"{"title": "  éééééééééé  "}"#);
    assert_eq!(ten.json()["data"]["title"], "éééééééééé");
    assert_eq!(
        server.post_json("/api/v1/notes", r#"{"title": "éééééééééé😀"}"#).faults(),
        ["title too_long"]
    );
}

#[test]
fn a_wrong_query_names_its_parameter() {
    let server = start();
    for (query, fault) in [
        ("", "text missing"),
        ("text=a&colour=1", "colour unknown_field"),
        ("text=a&max=many", "max wrong_type"),
        ("text=a&max=-1", "max wrong_type"),
        ("text=a&open=1", "open wrong_type"),
        ("text=a&text=b", "text duplicate"),
    ] {
        assert_eq!(server.get(&format!("/api/v1/search?{query}")).faults(), [fault], "{query}");
    }
    assert_eq!(server.get("/api/v1/search?text=%ff").code(), "BAD_REQUEST");
    let good = server.get("/api/v1/search?text=caf%C3%A9+%EF%BF%BD&open=true&max=3");
    assert_eq!(good.json()["data"], "café \u{FFFD} Some(true) Some(3)");
}

#[test]
fn pages_outside_their_limits_are_refused_not_clamped() {
    let server = start();
    for (query, faults) in [
        ("limit=0", vec!["limit out_of_range"]),
        ("limit=201&offset=-1", vec!["limit out_of_range", "offset out_of_range"]),
        ("offset=9223372036854775807", vec!["offset out_of_range"]),
        ("offset=9223372036854775808", vec!["offset wrong_type"]),
        ("limit=", vec!["limit wrong_type"]),
        ("page=1", vec!["page unknown_field"]),
    ] {
        assert_eq!(server.get(&format!("/api/v1/notes?{query}")).faults(), faults, "{query}");
    }
    let list = server.get("/api/v1/notes").json();
    assert_eq!(list["meta"], serde_json::json!({"limit": 50, "offset": 0, "total": 2}));
    assert_eq!(list["error"], serde_json::Value::Null);
}

#[test]
fn a_malformed_id_in_a_path_names_no_record() {
    let server = start();
    for id in [
        "1",
        "odd",
        "0190163d8694739baea5966c26f8ad91",
        "%7B0190163d-8694-739b-aea5-966c26f8ad91%7D",
        "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
        "%ff%fe",
        "a%00",
    ] {
        let refused = server.get(&format!("/api/v1/notes/{id}"));
        assert_eq!((refused.status, refused.code().as_str()), (404, "NOT_FOUND"), "{id}");
    }
    assert_eq!(server.get("/api/v1/notes/0190163d-8694-739b-aea5-966c26f8ad91").status, 200);
}

#[test]
fn a_patch_tells_absent_from_null() {
    let server = start();
    let patch = |body: &[u8]| {
        server.send("PATCH", "/api/v1/patch", &["Content-Type: application/json"], body).json()["data"]
            .clone()
    };
    assert_eq!(patch(b"{}"), "Absent");
    assert_eq!(patch(br#"{"phone": null}"#), "Null");
    assert_eq!(patch(br#"{"phone": "1"}"#), "Value(\"1\")");
}
