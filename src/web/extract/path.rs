//! Path parameters. A malformed id gets 404, like an unknown one.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use guichet_base::{Error, Result};

/// The parameters of a path, in the order of the pattern.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.match_info().iter().any(|(_, value)| is_malformed(value)) {
            return ready(Err(Error::not_found("path")));
        }
        let parsed = web::Path::<T>::from_request(request, payload).into_inner();
        ready(parsed.map(|path| Self(path.into_inner())).map_err(|_| Error::not_found("path")))
    }
}

/// Whether a value contains U+0000, which PostgreSQL rejects, or is a UUID in another form than the hyphenated one.
fn is_malformed(value: &str) -> bool {
    let is_other_uuid_form = Uuid::parse_str(value).is_ok() && value.parse::<Hyphenated>().is_err();
    is_other_uuid_form || value.contains('\0') || value.contains("%00")
}
