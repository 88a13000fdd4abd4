//! Hostile values as bytes of a body: some cannot be produced by a JSON library.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::spec::{alternatives, kinds};

/// A value and its description.
pub struct HostileValues {
    pub label: String,
    pub json: Vec<u8>,
    /// Its JSON type; `None` if it is not JSON, or must never be accepted.
    pub kind: Option<&'static str>,
}

fn is(kind: &'static str, label: &str, json: impl Into<Vec<u8>>) -> HostileValues {
    HostileValues { label: label.to_owned(), json: json.into(), kind: Some(kind) }
}

fn never(label: &str, json: impl Into<Vec<u8>>) -> HostileValues {
    HostileValues { label: label.to_owned(), json: json.into(), kind: None }
}

fn text(label: &str, text: &str) -> HostileValues {
    is("string", label, Value::from(text).to_string())
}

/// For any field.
pub fn values() -> Vec<HostileValues> {
    let mut all = vec![
        is("null", "null", "null"),
        is("boolean", "true", "true"),
        is("integer", "zero", "0"),
        is("integer", "negative", "-1"),
        is("number", "fraction", "0.5"),
        is("integer", "the largest i64", "9223372036854775807"),
        is("integer", "the smallest i64", "-9223372036854775808"),
        is("number", "beyond i64", "18446744073709551616"),
        is("number", "1e308", "1e308"),
        never("beyond f64", "1e999"),
        is("array", "an array", "[]"),
        is("array", "an array of null", "[null]"),
        is("object", "an object", "{}"),
        is("object", "an operator", r#"{"$ne": null}"#),
        is("object", "a prototype", r#"{"__proto__": {"role": "owner"}, "constructor": 1}"#),
        never("nested 40 deep", format!("{}{}", "[".repeat(40), "]".repeat(40))),
        never("nested 10,000 deep", "[".repeat(10_000)),
        never("U+0000", r#""a\u0000b""#),
        never("U+0000 alone", r#""\u0000""#),
        never("half a surrogate pair", r#""\ud800""#),
        never("surrogates the wrong way round", r#""\udc00\ud800""#),
        never("bytes that are not UTF-8", b"\"a\xFF\xFEb\"".to_vec()),
        never("an overlong encoding", b"\"\xC0\xAF\"".to_vec()),
        never("a raw control character", b"\"a\x01b\"".to_vec()),
        never("no value", ""),
        never("NaN", "NaN"),
        never("a comment", "/* */ 1"),
        never("single quotes", "'a'"),
    ];
    all.extend(texts());
    all
}

fn texts() -> Vec<HostileValues> {
    let mut all: Vec<HostileValues> = [
        ("empty", ""),
        ("a space", " "),
        ("odd spaces", "\u{00A0}\u{2003}\u{FEFF}"),
        ("a number as text", "1"),
        ("emoji", "👩‍👩‍👧‍👦🏳️‍🌈"),
        ("right to left", "\u{202E}gnp.exe\u{202C} مرحبا"),
        ("combining marks", "Z̸̢̛͍̬͙͇a̵͉̼̋l̸̰͐g̷̞̐o̶̫̍"),
        ("control characters", "\u{1}\u{7}\u{8}\u{1B}[31m\u{7F}\u{85}\u{9B}"),
        ("lines of a header", "a\r\nSet-Cookie: x=1\r\n\r\n<html>"),
        ("a noncharacter", "\u{FFFE}\u{FFFF}\u{10FFFF}"),
        ("zero width", "\u{200B}\u{200D}\u{2060}"),
        ("SQL", "'; DROP TABLE users; --"),
        ("SQL in LIKE", "%_\\%'\" OR 1=1 /*"),
        ("SQL placeholders", "$1 $2 ? :name"),
        ("a search query", "\"unclosed & | ! <-> :* (((("),
        ("HTML", "<script>alert(1)</script><img src=x onerror=alert(1)>"),
        ("a template", "${7*7}{{7*7}}<%= 7*7 %>#{7*7}"),
        ("Fluent", "{ $thing } { -term } {\"x\"}"),
        ("a format", "%s%n%x{}{:?}{0}"),
        ("a path", "../../../../etc/passwd\\..\\win.ini"),
        ("a lookup", "${jndi:ldap://127.0.0.1/a}"),
        ("a script URL", "javascript:alert(1)"),
        ("the nil id", "00000000-0000-0000-0000-000000000000"),
        ("the last id", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("an id in braces", "{0198c0de-0000-7000-8000-000000000001}"),
        ("a time with a leap second", "2016-12-31T23:59:60Z"),
        ("a time before all", "-262143-01-01T00:00:00Z"),
        ("a time after all", "+262142-12-31T23:59:59Z"),
        ("a time of PostgreSQL's", "infinity"),
        ("a day that is none", "2026-02-30T00:00:00Z"),
    ]
    .into_iter()
    .map(|(label, value)| text(label, value))
    .collect();
    all.push(text("12,000 characters", &"é".repeat(12_000)));
    all.push(text("400,000 characters", &"x".repeat(400_000)));
    all
}

/// Whether no value of this schema can be `hostile`.
pub fn is_wrong(schema: &Value, hostile: &HostileValues) -> bool {
    let Some(kind) = hostile.kind else { return true };
    let kinds = kinds(schema);
    if !fits(&kinds, kind) {
        return true;
    }
    // No text field is that long; members of free objects have any type.
    kind == "string" && (hostile.json.len() > 300_000 || is_closed(schema, &hostile.json))
}

fn fits(kinds: &BTreeSet<String>, kind: &str) -> bool {
    kinds.is_empty() || kinds.contains(kind) || (kind == "integer" && kinds.contains("number"))
}

/// Whether the text is none of the words, ids or times that the schema accepts.
fn is_closed(schema: &Value, json: &[u8]) -> bool {
    let Ok(Value::String(text)) = serde_json::from_slice(json) else { return true };
    alternatives(schema).into_iter().filter(|schema| kinds(schema).contains("string")).all(|schema| {
        if let Some(words) = schema["enum"].as_array() {
            return !words.contains(&Value::from(text.as_str()));
        }
        match schema["format"].as_str() {
            // A well-formed id may be unknown, and may or may not be refused.
            Some("uuid") => uuid::Uuid::parse_str(&text).is_err(),
            Some("date-time") => guichet_base::Timestamp::parse(&text).is_none(),
            _ => false,
        }
    })
}
