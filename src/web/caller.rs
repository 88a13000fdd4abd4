//! Extractor of the authenticated actor.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use guichet_base::{Actor, Error};

/// The actor that the authentication middleware put into the request; 401 without one.
///
/// Synchronous, because extractors run together and the first error wins: an asynchronous one would lose to a bad
/// body.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Actor>().cloned().map(Caller).ok_or_else(Error::unauthenticated))
    }
}
