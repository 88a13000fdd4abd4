//! What every endpoint of AfriTalk shares: its caller and its response.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Responder};
use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Result};
use serde::Serialize;

use super::{AfriTalkReader, response_to_afritalk};
use crate::web::Reply;

/// The caller, if the path names their tenant. The first argument of handlers, so that its error wins.
pub(super) struct AfriTalkCaller(Actor);

impl Deref for AfriTalkCaller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl FromRequest for AfriTalkCaller {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let actor = request.extensions().get::<Actor>().cloned().ok_or_else(Error::unauthenticated);
        let named = request.match_info().get("tenantId").unwrap_or_default().parse::<TenantId>();
        ready(match (actor, named) {
            (Err(error), _) => Err(error),
            (Ok(_), Err(_)) => Err(Error::not_found("path")),
            (Ok(actor), Ok(named)) if named == actor.tenant => Ok(Self(actor)),
            (Ok(_), Ok(_)) => Err(Error::forbidden()),
        })
    }
}

/// A response in AfriTalk's names.
pub(super) struct AfriTalkReply<T>(pub(super) Reply<T>);

impl<T: Serialize> Responder for AfriTalkReply<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let reader = request
            .extensions()
            .get::<Actor>()
            .map(|actor| AfriTalkReader { tenant: actor.tenant, user: actor.user });
        self.0.respond_to(request).map_body(|_, body| match body.try_into_bytes() {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(json) => BoxBody::new(response_to_afritalk(json, reader)),
                Err(_) => BoxBody::new(bytes),
            },
            Err(body) => body,
        })
    }
}
