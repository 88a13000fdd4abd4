//! The configuration of a join. Parsed leniently: clients write booleans as text, nulls for defaults, and keys of
//! their own.

use serde_json::{Value, json};

use guichet_base::{Error, Fault, Result, Timestamp};

const DEFAULT_LIMIT: i64 = 25;
pub const MAX_REPLAY: i64 = 1_000;
const MAX_BINDINGS: usize = 100;

#[derive(Debug, Default)]
pub struct JoinConfig {
    pub token: Option<String>,
    /// Reply to each broadcast.
    pub ack: bool,
    /// Echo broadcasts to the sender.
    pub own: bool,
    pub presence: bool,
    /// The requested presence key.
    pub presence_key: Option<String>,
    /// The bindings to be echoed, without their ids.
    pub bindings: Vec<Value>,
    pub resume: Option<Resume>,
    /// For topics without numbers: when the client went offline.
    pub after: Option<Timestamp>,
    /// An own topic of a dialect without joins.
    pub unasked: bool,
    /// No `config` at all: a phoenix.js client, which waits for a reply to each push.
    pub plain_phoenix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// guichet's own: everything after this number.
    AfterSeq(i64),
    /// Supabase's: the newest `limit` events since a time.
    Since(Timestamp, i64),
}

impl JoinConfig {
    pub fn parse(payload: &Value) -> Result<Self> {
        let config = at(payload, "config");
        let broadcast = at(config, "broadcast");
        let replay = at(broadcast, "replay");
        let token = ["access_token", "user_token"].iter().find_map(|key| at(payload, key).as_str());
        Ok(Self {
            token: token.map(str::to_owned),
            ack: truthy(at(broadcast, "ack")),
            own: truthy(at(broadcast, "self")),
            presence: truthy(at(at(config, "presence"), "enabled")),
            presence_key: at(at(config, "presence"), "key").as_str().map(str::to_owned),
            bindings: bindings(at(config, "postgres_changes"))?,
            resume: resume(replay)?,
            after: [at(replay, "after"), at(payload, "after"), at(replay, "since")]
                .into_iter()
                .find_map(time),
            unasked: false,
            plain_phoenix: !config.is_object(),
        })
    }
}

/// Converts the payload of a plain join, which has no `config`, to the form with one.
pub fn with_config(payload: Value) -> Value {
    let token =
        [at(&payload, "access_token"), at(&payload, "token")].into_iter().find(|token| token.is_string());
    json!({
        "access_token": token,
        "after": at(&payload, "after"),
        "config": {
            // In this dialect a `ref` asks for a reply.
            "broadcast": {"ack": true, "self": at(&payload, "self"), "replay": &payload},
            "presence": at(&payload, "presence"),
            "postgres_changes": at(&payload, "postgres_changes"),
        },
    })
}

/// The bindings with ids: positive integers, unique in the channel.
pub fn with_ids(bindings: Vec<Value>) -> Value {
    bindings
        .into_iter()
        .zip(1..)
        .map(|(mut binding, id): (Value, i32)| {
            if let Some(object) = binding.as_object_mut() {
                object.insert("id".into(), json!(id));
            }
            binding
        })
        .collect()
}

fn bindings(list: &Value) -> Result<Vec<Value>> {
    let Some(list) = list.as_array() else { return Ok(Vec::new()) };
    if list.len() > MAX_BINDINGS {
        let fault = Fault::new("config.postgres_changes", "too_many").with_arg("max", MAX_BINDINGS);
        return Err(Error::validation(vec![fault]));
    }
    if list.iter().any(|binding| !binding.is_object()) {
        return Err(Error::invalid("config.postgres_changes", "wrong_type"));
    }
    Ok(list.clone())
}

fn resume(replay: &Value) -> Result<Option<Resume>> {
    if let Some(after) = integer(at(replay, "after_seq"), "config.broadcast.replay.after_seq")? {
        return Ok(Some(Resume::AfterSeq(after.max(0))));
    }
    let limit = integer(at(replay, "limit"), "config.broadcast.replay.limit")?.unwrap_or(DEFAULT_LIMIT);
    let since = integer(at(replay, "since"), "config.broadcast.replay.since")?;
    Ok(since.map(|since| Resume::Since(Timestamp::from_millis(since), limit.clamp(1, MAX_REPLAY))))
}

fn integer(value: &Value, field: &'static str) -> Result<Option<i64>> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_i64().map(Some).ok_or_else(|| Error::invalid(field, "wrong_type")),
        Value::String(text) => text.parse().map(Some).map_err(|_| Error::invalid(field, "wrong_type")),
        _ => Err(Error::invalid(field, "wrong_type")),
    }
}

/// The value of `key`, or null.
fn at<'v>(value: &'v Value, key: &str) -> &'v Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn truthy(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_str() == Some("true")
}

/// RFC 3339, or milliseconds since the epoch.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(millis) => millis.as_i64().map(Timestamp::from_millis),
        Value::String(text) => Timestamp::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_of_phoenix_js_is_all_defaults() {
        let config = JoinConfig::parse(&json!({"room": 1})).unwrap();
        assert!(config.plain_phoenix && !config.ack && !config.own && !config.presence);
        assert!(config.resume.is_none() && config.token.is_none());
    }

    #[test]
    fn text_booleans_nulls_and_the_old_token_name_are_read() {
        let payload = json!({"user_token": "t", "config": {"broadcast": {"ack": "true", "self": null,
            "replay": {"since": 1_700_000_000_000i64}}, "presence": {"enabled": true}, "postgres_changes": null}});
        let config = JoinConfig::parse(&payload).unwrap();
        assert!(config.ack && !config.own && config.presence && !config.plain_phoenix);
        assert_eq!(config.token.as_deref(), Some("t"));
        assert_eq!(config.resume, Some(Resume::Since(Timestamp::from_millis(1_700_000_000_000), 25)));
    }

    #[test]
    fn after_seq_wins_over_since_and_must_be_a_number() {
        let config = |replay: Value| JoinConfig::parse(&json!({"config": {"broadcast": {"replay": replay}}}));
        let both = config(json!({"after_seq": 7, "since": 1, "limit": 5000})).unwrap();
        assert_eq!(both.resume, Some(Resume::AfterSeq(7)));
        assert!(config(json!({"after_seq": 1.5})).is_err());
        let since = config(json!({"since": 1, "limit": 5000})).unwrap();
        assert_eq!(since.resume, Some(Resume::Since(Timestamp::from_millis(1), 1_000)));
    }

    #[test]
    fn bindings_are_echoed_with_ids_from_one() {
        let bindings =
            vec![json!({"event": "*", "schema": "public"}), json!({"event": "INSERT", "filter": "a=eq.1"})];
        assert_eq!(
            with_ids(bindings),
            json!([{"event": "*", "schema": "public", "id": 1}, {"event": "INSERT", "filter": "a=eq.1", "id": 2}])
        );
    }
}
