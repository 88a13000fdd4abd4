//! The format of events over Redis: `{event, payload, timestamp?, recipients?, actor_id?, idempotency_key?,
//! expires_at?}`, where `payload.tenant_id` names the tenant by id or slug.
//!
//! A channel message is the JSON itself. A stream entry has the JSON in its field `data` (or `json`), or one field per
//! member, with `payload` and `recipients` as JSON.

use std::time::Duration;

use guichet_base::MAX_BODY_BYTES;
use guichet_base::{Error, ErrorKind, Result, Timestamp};
use serde_json::{Map, Value};

use crate::notifications::events::http::EventBody;
use crate::notifications::model::{AnnouncedEvent, EventSource};
use crate::web::parse_value;

/// Entry fields that hold a whole event.
const WHOLE_EVENT_FIELDS: [&str; 2] = ["data", "json"];
/// Entry fields that are JSON rather than text.
const JSON_FIELDS: [&str; 2] = ["payload", "recipients"];
/// Smaller numbers are seconds (up to the year 5138), others milliseconds (from the year 1973).
const MILLIS_THRESHOLD: f64 = 1e11;
/// The last millisecond of the year 9999.
const MAX_MILLIS: i64 = 253_402_300_799_999;

/// Parses a text as a JSON object. Errors: `PAYLOAD_TOO_LARGE`, `MALFORMED_JSON`.
pub fn parse_text(text: &[u8]) -> Result<Value> {
    if text.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let body: Value = serde_json::from_slice(text).map_err(|_| Error::malformed_json())?;
    if body.is_object() { Ok(body) } else { Err(Error::malformed_json()) }
}

/// Builds the object from the fields of an entry. Errors: as for `parse_text`.
pub fn parse_fields(fields: &[(Vec<u8>, Vec<u8>)]) -> Result<Value> {
    if let [(name, text)] = fields
        && WHOLE_EVENT_FIELDS.iter().any(|whole| whole.as_bytes() == name)
    {
        return parse_text(text);
    }
    if fields.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let mut body = Map::new();
    for (name, text) in fields {
        let name = std::str::from_utf8(name).map_err(|_| Error::malformed_json())?;
        let text = std::str::from_utf8(text).map_err(|_| Error::malformed_json())?;
        let value = match JSON_FIELDS.contains(&name) {
            true => serde_json::from_str(text).map_err(|_| Error::malformed_json())?,
            false => Value::from(text),
        };
        body.insert(name.to_owned(), value);
    }
    Ok(Value::Object(body))
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "PAYLOAD_TOO_LARGE")
}

/// The tenant's id or slug as the producer wrote it.
pub fn tenant_name(body: &Value) -> Option<&str> {
    body.get("payload")?.get("tenant_id")?.as_str()
}

/// Whether copies of the event can be recognized: by a key, or by content and time.
pub fn has_identity(body: &Value) -> bool {
    ["idempotency_key", "timestamp", "occurred_at"]
        .iter()
        .any(|key| body.get(key).is_some_and(|value| !value.is_null()))
}

/// Parses an event by the rules of `POST /events`; `occurred_at` may also be named `timestamp`. Errors:
/// `VALIDATION_ERROR`.
pub fn parse_event(body: &Value, source: EventSource) -> Result<AnnouncedEvent> {
    let mut body = body.clone();
    if let Some(Value::Object(payload)) = body.get_mut("payload") {
        payload.remove("tenant_id");
    }
    if let Some(fields) = body.as_object_mut()
        && let Some(timestamp) = fields.remove("timestamp").filter(|value| !value.is_null())
    {
        let time = parse_time(&timestamp).ok_or_else(|| Error::invalid("timestamp", "invalid"))?;
        fields.insert("occurred_at".to_owned(), time.to_string().into());
    }
    parse_value::<EventBody>(&body)?.into_announced(source)
}

/// Parses RFC 3339, or a Unix time in seconds or milliseconds, as a number or as text.
fn parse_time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text).or_else(|| from_unix_time(text.trim().parse().ok()?)),
        Value::Number(number) => from_unix_time(number.as_f64()?),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn from_unix_time(number: f64) -> Option<Timestamp> {
    let seconds = if number >= MILLIS_THRESHOLD { number / 1_000.0 } else { number };
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    // Rounded to the nearest millisecond, since decimal fractions are not exact in binary.
    let millis = since.checked_add(Duration::from_micros(500))?.as_millis();
    i64::try_from(millis).ok().filter(|millis| *millis <= MAX_MILLIS).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(value: Value) -> Option<String> {
        parse_time(&value).map(|time| time.to_string())
    }

    #[test]
    fn a_time_is_read_however_producers_write_it() {
        let expected = Some("2026-11-21T07:00:00.123Z".to_owned());
        assert_eq!(at(json!("2026-11-21T07:00:00.123Z")), expected);
        assert_eq!(at(json!("2026-11-21T08:00:00.123456+01:00")), expected);
        assert_eq!(at(json!(1_795_244_400_123_i64)), expected);
        assert_eq!(at(json!(1_795_244_400.123)), expected);
        assert_eq!(at(json!("1795244400.123")), expected);
        assert_eq!(at(json!(1_795_244_400)), Some("2026-11-21T07:00:00.000Z".to_owned()));
        for wrong in [
            json!("yesterday"),
            json!(""),
            json!("NaN"),
            json!("inf"),
            json!(-1),
            json!(1e300),
            json!([1]),
            json!(true),
        ] {
            assert_eq!(at(wrong.clone()), None, "{wrong}");
        }
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        pairs.iter().map(|(name, text)| (name.as_bytes().to_vec(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn an_entry_says_the_same_in_one_field_and_in_many() {
        let body = json!({"event": "e", "payload": {"tenant_id": "demo", "n": 1}, "timestamp": "17"});
        let one = parse_fields(&fields(&[("data", &body.to_string())])).unwrap();
        let many = [("event", "e"), ("payload", r#"{"tenant_id": "demo", "n": 1}"#), ("timestamp", "17")];
        let many = parse_fields(&fields(&many)).unwrap();
        assert_eq!((&one, &many), (&body, &body));
        let announced = parse_event(&many, EventSource::Stream).unwrap();
        assert_eq!(Value::Object(announced.payload), json!({"n": 1}));
        assert_eq!(announced.occurred_at, Some(Timestamp::from_millis(17_000)));
    }

    #[test]
    fn what_is_no_object_is_no_event() {
        for text in ["", "x", "[]", "1", "null", "{", "\"\\ud800\""] {
            assert_eq!(parse_text(text.as_bytes()).unwrap_err().code(), "MALFORMED_JSON", "{text}");
        }
        assert_eq!(parse_fields(&fields(&[("payload", "{")])).unwrap_err().code(), "MALFORMED_JSON");
        let long = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(parse_text(&long).unwrap_err().code(), "PAYLOAD_TOO_LARGE");
        assert_eq!(parse_fields(&[(b"event".to_vec(), long)]).unwrap_err().code(), "PAYLOAD_TOO_LARGE");
    }

    #[test]
    fn every_wrong_value_is_refused() {
        let good = json!({"event": "e", "payload": {}});
        assert!(parse_event(&good, EventSource::Channel).is_ok());
        let wrong = [
            ("event", json!(1)),
            ("payload", json!([])),
            ("timestamp", json!("soon")),
            ("recipients", json!({"user": []})),
            ("actor_id", json!("me")),
            ("idempotency_key", json!(1)),
            ("recipient", json!({})),
        ];
        for (key, value) in wrong {
            let mut body = good.clone();
            body.as_object_mut().unwrap().insert(key.to_owned(), value);
            let refused = parse_event(&body, EventSource::Channel).unwrap_err();
            assert_eq!(refused.code(), "VALIDATION_ERROR", "{key}");
        }
    }
}
