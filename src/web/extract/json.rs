//! JSON bodies: read within the size limit, and rejected with the path of the invalid field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use guichet_base::{Error, Result};
use serde::de::DeserializeOwned;

use super::{fault, strict};
use crate::web::{body, errors};

/// A body of `application/json`.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// A JSON body that may be empty: `T::default()` is then used.
#[derive(Debug, Clone)]
pub struct JsonOrEmpty<T>(pub T);

type ExtractFuture<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let payload = payload.take();
        Box::pin(async move {
            if !is_json {
                return Err(errors::unsupported_media());
            }
            parse_body(&read_body(payload).await?).map(Json)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for JsonOrEmpty<T> {
    type Error = Error;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let payload = payload.take();
        Box::pin(async move {
            let body = read_body(payload).await?;
            match (body.is_empty(), is_json) {
                (true, _) => Ok(Self(T::default())),
                (false, true) => parse_body(&body).map(Self),
                (false, false) => Err(errors::unsupported_media()),
            }
        })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let Ok(Some(mime)) = request.mime_type() else { return false };
    let is_utf8 = mime.get_param("charset").is_none_or(|charset| charset == "utf-8");
    mime.essence_str() == "application/json" && is_utf8
}

async fn read_body(mut payload: Payload) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|cause: PayloadError| body::payload_error(&cause))?;
        if body.len() + chunk.len() > guichet_base::MAX_BODY_BYTES {
            return Err(errors::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Parses a JSON value of another source (a socket command) with the rules and errors of a body.
pub fn parse_value<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T> {
    parse_body(value.to_string().as_bytes())
}

fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body).map_err(|_| Error::malformed_json())?;
    strict::check_json(text)?;
    // Serde would also accept an array as a struct, with the fields in order.
    if !text.trim_start().starts_with('{') {
        return Err(Error::invalid("", "wrong_type"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|cause| {
        let (path, message) = (cause.path().to_string(), cause.inner().to_string());
        Error::validation(vec![fault::from_serde(&path, &message, "invalid")])
    })
}
