//! The JSON of an error: `{"code", "message", "details"?, "request_id"?}`. It never contains causes.

use serde::Serialize;
use serde_json::Value;

use crate::error::ErrorDetails;
use crate::{Error, Fault, Locale};

#[derive(Serialize)]
struct Envelope<'a> {
    data: (),
    error: ErrorBody<'a>,
}

/// The object under `error` of a response, and the error of one item in bulk responses.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<DetailsBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DetailsBody<'a> {
    Faults(Vec<FaultBody<'a>>),
    Object(&'a Value),
}

#[derive(Serialize)]
struct FaultBody<'a> {
    field: &'a str,
    code: &'static str,
    message: String,
}

impl<'a> ErrorBody<'a> {
    pub fn new(error: &'a Error, locale: Locale, request_id: Option<&'a str>) -> Self {
        let details = match error.details() {
            ErrorDetails::None => None,
            ErrorDetails::Faults(faults) => {
                Some(DetailsBody::Faults(faults.iter().map(|fault| FaultBody::new(fault, locale)).collect()))
            }
            ErrorDetails::Object(object) => Some(DetailsBody::Object(object)),
        };
        Self { code: error.code(), message: error.message(locale), details, request_id }
    }
}

impl<'a> FaultBody<'a> {
    fn new(fault: &'a Fault, locale: Locale) -> Self {
        Self { field: &fault.field, code: fault.code, message: fault.message(locale) }
    }
}

/// The error envelope, `{"data": null, "error": {…}}`, as JSON.
pub fn error_envelope(error: &Error, locale: Locale, request_id: Option<&str>) -> Vec<u8> {
    let envelope = Envelope { data: (), error: ErrorBody::new(error, locale, request_id) };
    // Strings and a `Value` always serialize. If one failed, the body would be empty and the status correct.
    serde_json::to_vec(&envelope).unwrap_or_default()
}
