//! Errors in socket frames.

use serde_json::{Map, Value, json};

use guichet_base::error::ErrorDetails;
use guichet_base::text::localize;
use guichet_base::{Error, ErrorKind, Locale};

/// `{"reason": "CODE: sentence"}`: the reply to a refused join.
pub fn join_error(error: &Error, locale: Locale) -> String {
    log_error(error);
    json!({ "reason": reason(error, locale) }).to_string()
}

/// `{"reason", "code", "message", "details"?}`: the reply to a refused command.
pub fn command_error(error: &Error, locale: Locale) -> String {
    log_error(error);
    let mut body = Map::new();
    body.insert("reason".into(), reason(error, locale).into());
    body.insert("code".into(), error.code().into());
    body.insert("message".into(), error.message(locale).into());
    if let Some(details) = details(error, locale) {
        body.insert("details".into(), details);
    }
    Value::Object(body).to_string()
}

/// `{"reason", "code", "message"}`: the reply to a malformed frame, with a technical reason.
pub fn malformed_error(why: &str, locale: Locale) -> String {
    let message = localize(locale, "error-malformed-frame", &[]);
    json!({"reason": format!("MALFORMED_FRAME: {why}"), "code": "MALFORMED_FRAME", "message": message})
        .to_string()
}

/// `CODE: sentence`.
pub fn reason(error: &Error, locale: Locale) -> String {
    format!("{}: {}", error.code(), error.message(locale))
}

fn details(error: &Error, locale: Locale) -> Option<Value> {
    match error.details() {
        ErrorDetails::None => None,
        ErrorDetails::Object(object) => Some(object.clone()),
        ErrorDetails::Faults(faults) => Some(
            faults
                .iter()
                .map(|fault| {
                    json!({
                        "field": fault.field,
                        "code": fault.code,
                        "message": fault.message(locale),
                    })
                })
                .collect(),
        ),
    }
}

/// Logs the cause of errors that are not the client's fault.
fn log_error(error: &Error) {
    match error.kind() {
        ErrorKind::Internal => tracing::error!(%error, "a socket frame failed"),
        ErrorKind::Unavailable => tracing::warn!(%error, "a socket frame could not be served"),
        _ => tracing::debug!(%error, "a socket frame was refused"),
    }
}
