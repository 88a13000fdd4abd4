//! Query strings. Unknown and repeated parameters are rejected, not ignored.

use std::collections::HashSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use guichet_base::{Error, Fault, Result};
use serde::de::DeserializeOwned;

use super::fault;
use crate::web::errors;

/// Extractor of the query parameters. `T` needs `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Query))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T> {
    check_pairs(query)?;
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|cause| {
        let (path, message) = (cause.path().to_string(), cause.inner().to_string());
        // A query contains only text, so a value that its type cannot parse has the wrong type.
        Error::validation(vec![fault::from_serde(&path, &message, "wrong_type")])
    })
}

/// Reports faults that serde does not detect: invalid UTF-8, U+0000, and repeated names.
fn check_pairs(query: &str) -> Result<()> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    let is_replacement_char_absent = !query.to_ascii_uppercase().contains("%EF%BF%BD");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if is_replacement_char_absent && (name.contains('\u{FFFD}') || value.contains('\u{FFFD}')) {
            return Err(errors::bad_request());
        }
        if name.contains('\0') || value.contains('\0') {
            faults.push(Fault::new(name.replace('\0', ""), "nul"));
        }
        if !seen.insert(name.clone()) {
            faults.push(Fault::new(name.into_owned(), "duplicate"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::validation(faults)) }
}
