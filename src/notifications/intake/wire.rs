//! The format of events over Redis: `{event, payload, timestamp?, recipients?, actor_id?, idempotency_key?,
//! expires_at?}`, where `payload.tenant_id` names the tenant by id or slug.
//!
//! The channel carries it as JSON. A stream entry has it as JSON in its field `data` (or `json`), or spread over one
//! field each, with `payload` and `recipients` as JSON.

use std::time::Duration;

use guichet_base::MAX_BODY_BYTES;
use guichet_base::{Error, ErrorKind, Result, Timestamp};
use serde_json::{Map, Value};

use crate::notifications::events::http::EventBody;
use crate::notifications::model::{Announced, EventSource};
use crate::web::parse_value;

/// Entry fields that hold a whole event.
const WHOLE: [&str; 2] = ["data", "json"];
/// Entry fields that are JSON rather than text.
const NESTED: [&str; 2] = ["payload", "recipients"];
/// Smaller numbers are seconds (up to the year 5138), larger ones milliseconds (from the year 1973).
const FIRST_MILLIS: f64 = 1e11;
/// The end of the year 9999.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// Parses a text as a JSON object. Errors: `PAYLOAD_TOO_LARGE`, `MALFORMED_JSON`.
pub fn of_text(text: &[u8]) -> Result<Value> {
    if text.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let body: Value = serde_json::from_slice(text).map_err(|_| Error::malformed_json())?;
    if body.is_object() { Ok(body) } else { Err(Error::malformed_json()) }
}

/// Builds the object from the fields of an entry. Errors: as for `of_text`.
pub fn of_fields(fields: &[(Vec<u8>, Vec<u8>)]) -> Result<Value> {
    if let [(name, text)] = fields
        && WHOLE.iter().any(|whole| whole.as_bytes() == name)
    {
        return of_text(text);
    }
    if fields.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let mut body = Map::new();
    for (name, text) in fields {
        let name = std::str::from_utf8(name).map_err(|_| Error::malformed_json())?;
        let text = std::str::from_utf8(text).map_err(|_| Error::malformed_json())?;
        let value = match NESTED.contains(&name) {
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

/// The producer's name for its tenant.
pub fn tenant_word(body: &Value) -> Option<&str> {
    body.get("payload")?.get("tenant_id")?.as_str()
}

/// Whether copies of the event can be recognized: by a key, or by content and time.
pub fn is_named(body: &Value) -> bool {
    ["idempotency_key", "timestamp", "occurred_at"]
        .iter()
        .any(|key| body.get(key).is_some_and(|value| !value.is_null()))
}

/// Parses the event by the rules of `POST /events`, whose `occurred_at` is called `timestamp` here. Errors:
/// `VALIDATION_ERROR`.
pub fn announced(body: &Value, source: EventSource) -> Result<Announced> {
    let mut body = body.clone();
    if let Some(Value::Object(payload)) = body.get_mut("payload") {
        payload.remove("tenant_id");
    }
    if let Some(fields) = body.as_object_mut()
        && let Some(timestamp) = fields.remove("timestamp").filter(|value| !value.is_null())
    {
        let time = time(&timestamp).ok_or_else(|| Error::invalid("timestamp", "invalid"))?;
        fields.insert("occurred_at".to_owned(), time.to_string().into());
    }
    parse_value::<EventBody>(&body)?.announced(source)
}

/// RFC 3339, or seconds or milliseconds since 1970, as a number or as text.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text).or_else(|| since_1970(text.trim().parse().ok()?)),
        Value::Number(number) => since_1970(number.as_f64()?),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn since_1970(number: f64) -> Option<Timestamp> {
    let seconds = if number >= FIRST_MILLIS { number / 1_000.0 } else { number };
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    // Rounded to the nearest millisecond, since decimal fractions are not exact in binary.
    let millis = since.checked_add(Duration::from_micros(500))?.as_millis();
    i64::try_from(millis).ok().filter(|millis| *millis <= LAST_MILLIS).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(value: Value) -> Option<String> {
        time(&value).map(|time| time.to_string())
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

    fn fields(of: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        of.iter().map(|(name, text)| (name.as_bytes().to_vec(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn an_entry_says_the_same_in_one_field_and_in_many() {
        let body = json!({"event": "e", "payload": {"tenant_id": "demo", "n": 1}, "timestamp": "17"});
        let one = of_fields(&fields(&[("data", &body.to_string())])).unwrap();
        let many = [("event", "e"), ("payload", r#"{"tenant_id": "demo", "n": 1}"#), ("timestamp", "17")];
        let many = of_fields(&fields(&many)).unwrap();
        assert_eq!((&one, &many), (&body, &body));
        let announced = announced(&many, EventSource::Stream).unwrap();
        assert_eq!(Value::Object(announced.payload), json!({"n": 1}));
        assert_eq!(announced.occurred_at, Some(Timestamp::from_millis(17_000)));
    }

    #[test]
    fn what_is_no_object_is_no_event() {
        for text in ["", "x", "[]", "1", "null", "{", "\"\\ud800\""] {
            assert_eq!(of_text(text.as_bytes()).unwrap_err().code(), "MALFORMED_JSON", "{text}");
        }
        assert_eq!(of_fields(&fields(&[("payload", "{")])).unwrap_err().code(), "MALFORMED_JSON");
        let long = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(of_text(&long).unwrap_err().code(), "PAYLOAD_TOO_LARGE");
        assert_eq!(of_fields(&[(b"event".to_vec(), long)]).unwrap_err().code(), "PAYLOAD_TOO_LARGE");
    }

    #[test]
    fn every_wrong_value_is_refused() {
        let good = json!({"event": "e", "payload": {}});
        assert!(announced(&good, EventSource::Channel).is_ok());
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
            let refused = announced(&body, EventSource::Channel).unwrap_err();
            assert_eq!(refused.code(), "VALIDATION_ERROR", "{key}");
        }
    }
}
