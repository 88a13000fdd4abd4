//! The presence meta of one person on one topic: fields that the client tracks, and fields that the server sets.

use serde_json::{Map, Value};

use guichet_base::id::UserId;
use guichet_base::role::UserType;
use guichet_base::{Error, Fault, PresenceStatus, Result, Timestamp};

/// Size of a tracked payload, as received.
const MAX_TRACKED_BYTES: usize = 4 * 1024;
/// Fields that only the server sets.
const SERVER_FIELDS: [&str; 6] = ["phx_ref", "phx_ref_prev", "user_id", "user_type", "online_at", "status"];

/// The fields of a tracked payload as JSON members, without braces and without the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedFields(Box<str>);

impl TrackedFields {
    /// Errors: not an object, or too large.
    pub fn parse(json: &str) -> Result<Self> {
        if json.len() > MAX_TRACKED_BYTES {
            let fault = Fault::new("payload", "too_long").with_arg("max", MAX_TRACKED_BYTES);
            return Err(Error::validation(vec![fault]));
        }
        let mut fields: Map<String, Value> =
            serde_json::from_str(json).map_err(|_| Error::invalid("payload", "wrong_type"))?;
        for name in SERVER_FIELDS {
            fields.remove(name);
        }
        let object = Value::Object(fields).to_string();
        let members = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        Ok(Self(members.unwrap_or_default().into()))
    }
}

/// Members of a meta, without `phx_ref`.
pub fn encode_members(
    tracked: Option<&TrackedFields>,
    user: UserId,
    user_type: UserType,
    online_at: Option<Timestamp>,
    status: PresenceStatus,
) -> String {
    let tracked = tracked.map_or("", |tracked| &tracked.0);
    let comma = if tracked.is_empty() { "" } else { "," };
    let online_at = online_at.map_or_else(|| "null".to_owned(), |at| format!("\"{at}\""));
    format!(
        r#"{tracked}{comma}"user_id":"{user}","user_type":"{}","online_at":{online_at},"status":"{}""#,
        user_type.into_str(),
        status.into_str(),
    )
}

/// A complete meta. A process never uses a reference twice.
pub fn encode_meta(reference: u64, before: Option<u64>, members: &str) -> String {
    match before {
        Some(before) => {
            format!(r#"{{"phx_ref":"g{reference:x}","phx_ref_prev":"g{before:x}",{members}}}"#)
        }
        None => format!(r#"{{"phx_ref":"g{reference:x}",{members}}}"#),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_can_track_what_the_server_says() {
        let tracked = TrackedFields::parse(
            r#"{"user_id":"forged","status":"online","phx_ref":"x","mood":"é\"","n":1}"#,
        )
        .unwrap();
        let user = UserId::new();
        let members = encode_members(Some(&tracked), user, UserType::Client, None, PresenceStatus::Idle);
        let meta: Value = serde_json::from_str(&encode_meta(10, Some(9), &members)).unwrap();
        assert_eq!(
            meta,
            json!({"phx_ref": "ga", "phx_ref_prev": "g9", "mood": "é\"", "n": 1, "user_id": user,
                "user_type": "client", "online_at": null, "status": "idle"})
        );
    }

    #[test]
    fn only_small_objects_are_tracked() {
        assert!(TrackedFields::parse("{}").is_ok());
        for wrong in ["[]", "1", "null", "\"a\""] {
            assert!(TrackedFields::parse(wrong).is_err(), "{wrong}");
        }
        assert!(TrackedFields::parse(&json!({"a": "x".repeat(MAX_TRACKED_BYTES)}).to_string()).is_err());
    }
}
