//! The envelope of successful responses: `{"data": …, "error": null, "meta"?: …}`.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, Header as _, HeaderName, HeaderValue, IfNoneMatch};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Responder};
use guichet_base::Error;
use guichet_base::page::Page;
use serde::Serialize;
use serde_json::Value;

use crate::web::etag::Etag;

/// The response of a handler. A GET or HEAD whose `If-None-Match` contains the [`Etag`] gets 304 without a body.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    data: T,
    meta: Option<Value>,
    etag: Option<Etag>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<T: Serialize> Reply<T> {
    pub fn ok(data: T) -> Self {
        Self::with_status(StatusCode::OK, data)
    }

    pub fn created(data: T) -> Self {
        Self::with_status(StatusCode::CREATED, data)
    }

    pub fn accepted(data: T) -> Self {
        Self::with_status(StatusCode::ACCEPTED, data)
    }

    pub fn with_status(status: StatusCode, data: T) -> Self {
        Self { status, data, meta: None, etag: None, headers: Vec::new() }
    }

    /// One page of a list, with the `total` if it was counted.
    pub fn page(data: T, page: Page, total: Option<i64>) -> Self {
        let mut meta = serde_json::json!({ "limit": page.limit, "offset": page.offset });
        if let (Some(total), Some(meta)) = (total, meta.as_object_mut()) {
            meta.insert("total".to_owned(), total.into());
        }
        Self::ok(data).meta(meta)
    }

    pub fn meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }

    pub fn etag(mut self, etag: Etag) -> Self {
        self.etag = Some(etag);
        self
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Marks a stored response that is returned to a repeated request.
    pub fn replayed(self) -> Self {
        self.header(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"))
    }

    fn is_not_modified_for(&self, request: &HttpRequest) -> bool {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_unchanged = |etag: &Etag| match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => etag.matches_any(&tags),
            Ok(IfNoneMatch::Any) | Err(_) => false,
        };
        is_read && self.etag.as_ref().is_some_and(is_unchanged)
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    data: &'a T,
    error: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
}

impl<T: Serialize> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let not_modified = self.is_not_modified_for(request);
        let mut response =
            HttpResponse::build(if not_modified { StatusCode::NOT_MODIFIED } else { self.status });
        if let Some(etag) = &self.etag {
            // Clients may cache the response, and must revalidate it with the ETag each time.
            response.insert_header(etag.to_header());
            response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
        }
        if not_modified {
            return response.finish();
        }
        let envelope = Envelope { data: &self.data, error: (), meta: self.meta.as_ref() };
        let body = match serde_json::to_vec(&envelope) {
            Ok(body) => body,
            Err(cause) => return HttpResponse::from_error(Error::internal(cause)),
        };
        for header in self.headers {
            response.append_header(header);
        }
        response.content_type("application/json").body(body)
    }
}
