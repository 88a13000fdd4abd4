//! Query strings. Misspelt and repeated parameters are refused, not ignored.

use std::collections::HashSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use guichet_base::{Error, Fault, Result};
use serde::de::DeserializeOwned;

use super::fault;
use crate::web::errors;

/// The parameters of a query, into a struct with `#[serde(deny_unknown_fields)]`.
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
    check(query)?;
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|cause| {
        let (path, message) = (cause.path().to_string(), cause.inner().to_string());
        // A query contains only text, so a value that its type cannot parse has the wrong type.
        Error::validation(vec![fault::from_serde(&path, &message, "wrong_type")])
    })
}

/// Faults that serde does not notice: bytes that are not UTF-8, U+0000, and repeated names.
fn check(query: &str) -> Result<()> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    let was_replaced = !query.to_ascii_uppercase().contains("%EF%BF%BD");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if was_replaced && (name.contains('\u{FFFD}') || value.contains('\u{FFFD}')) {
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
