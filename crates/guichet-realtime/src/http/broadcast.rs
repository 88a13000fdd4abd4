//! Broadcasts over HTTP, which Supabase's clients send before they have joined: `POST …/api/broadcast` with a batch,
//! `POST …/api/broadcast/{topic}/events/{event}` with one.
//!
//! - Everyone who may join a topic may broadcast there; all topics are private, whatever `private` says.
//! - Subscribers, including the sender's own sockets, get an ordinary broadcast. Success is 202 without a body.
//! - The name of a command runs the command, whose failure is always returned. Broadcasts of a batch that the sender
//!   is not authorized for are skipped without an error, as in Supabase; they are logged.
//! - Errors are `{"error": "CODE: sentence", "code", "message", "details"?}`, the shape that these clients read.

use std::collections::HashSet;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use guichet_base::MAX_BODY_BYTES;
use guichet_base::{Actor, Error, ErrorKind, Fault, Locale, Result};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Realtime;
use crate::http::{Query, peer, tokens};
use crate::wire::error_payload;
use crate::wire::{self, BroadcastContent, asks_to_persist, is_sound};

const BATCH: &str = "/realtime/v1/api/broadcast";
/// `%2F` inside a topic is not a separator: the router matches before decoding.
const ONE: &str = "/realtime/v1/api/broadcast/{topic}/events/{event}";

const MAX_MESSAGES: usize = 100;
/// The size limit of a frame.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Names have one byte of length in binary frames, topics including their prefix.
const MAX_NAME_BYTES: usize = 255;
const MAX_TOPIC_BYTES: usize = MAX_NAME_BYTES - wire::PREFIX.len();

pub(super) fn routes(config: &mut web::ServiceConfig) {
    // As resources, so that other methods get 405.
    config
        .service(web::resource(BATCH).route(web::post().to(batch)))
        .service(web::resource(ONE).route(web::post().to(one)));
}

async fn batch(realtime: web::Data<Realtime>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let mut locale = peer(&request).locale;
    let sent = async {
        // Authentication comes first: the body of an unauthenticated request is not read.
        let sender = Sender::admit(&realtime, &request).await?;
        locale = sender.actor.locale;
        sender.send_batch(&request, &read(body).await?).await
    };
    let sent = sent.await;
    answer(sent, locale)
}

async fn one(
    realtime: web::Data<Realtime>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Payload,
) -> HttpResponse {
    let mut locale = peer(&request).locale;
    let sent = async {
        let sender = Sender::admit(&realtime, &request).await?;
        locale = sender.actor.locale;
        let (topic, event) = path.into_inner();
        sender.send_one(&request, &topic, &event, &read(body).await?).await
    };
    let sent = sent.await;
    answer(sent, locale)
}

async fn read(body: web::Payload) -> Result<Bytes> {
    let too_large = || Error::new(ErrorKind::TooLarge, "PAYLOAD_TOO_LARGE");
    match body.to_bytes_limited(MAX_BODY_BYTES).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Err(_) => Err(too_large()),
        Ok(Err(cause)) => Err(match cause.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            StatusCode::REQUEST_TIMEOUT => Error::new(ErrorKind::Timeout, "TIMEOUT"),
            _ => Error::new(ErrorKind::Malformed, "BAD_REQUEST"),
        }),
    }
}

fn answer(sent: Result<()>, locale: Locale) -> HttpResponse {
    let Err(error) = sent else { return HttpResponse::Accepted().finish() };
    let mut body: Value =
        serde_json::from_str(&error_payload::command_error(&error, locale)).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        let reason = body.remove("reason").unwrap_or_default();
        body.insert("error".into(), reason);
    }
    let mut response = HttpResponse::build(error.status_code());
    if let Some(secs) = error.retry_after_secs() {
        response.insert_header((header::RETRY_AFTER, secs));
    }
    response.json(body)
}

/// One message of a batch. Other keys are ignored.
#[derive(Deserialize)]
struct Message<'a> {
    topic: String,
    event: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    persist: Option<Value>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
}

enum Body<'a> {
    Json(&'a RawValue),
    Bytes(&'a [u8]),
}

/// The sender, and the topics authorized by this request.
struct Sender<'r> {
    realtime: &'r Realtime,
    actor: Actor,
    let_in: HashSet<String>,
}

impl<'r> Sender<'r> {
    async fn admit(realtime: &'r Realtime, request: &HttpRequest) -> Result<Self> {
        let tokens = tokens(request, Query::of(request));
        // Only the first token: an invalid bearer token is not replaced by another one.
        let token = tokens.first().ok_or_else(Error::unauthenticated)?;
        let peer = peer(request);
        let credential = realtime.backend.authenticate(token.expose_secret(), peer).await?;
        Ok(Self { realtime, actor: credential.actor, let_in: HashSet::new() })
    }

    async fn send_batch(mut self, request: &HttpRequest, body: &[u8]) -> Result<()> {
        if !is_json(request) {
            return Err(Error::new(ErrorKind::UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"));
        }
        let messages = parse_batch(body)?;
        for _ in &messages {
            self.realtime.backend.count_request(&self.actor)?;
        }
        let empty = serde_json::value::to_raw_value(&Value::Object(serde_json::Map::new()));
        let empty = empty.map_err(Error::internal)?;
        for message in messages {
            let payload = message.payload.unwrap_or(&empty);
            let persist = message.persist.as_ref().is_some_and(asks_to_persist);
            let event = &*message.event;
            let sent = self.send(wire::bare(&message.topic), event, Body::Json(payload), persist).await;
            match sent {
                Err(error) if is_refusal(&error) && !self.realtime.backend.is_command(event) => {
                    tracing::info!(
                        actor.user = %self.actor.user, realtime.event = event, error.code = error.code(),
                        "a broadcast was left out of its batch"
                    );
                }
                sent => sent?,
            }
        }
        Ok(())
    }

    async fn send_one(mut self, request: &HttpRequest, topic: &str, event: &str, body: &[u8]) -> Result<()> {
        self.realtime.backend.count_request(&self.actor)?;
        let persist = persists(request);
        let topic = wire::bare(topic);
        if is_json(request) {
            let text = std::str::from_utf8(body).map_err(|_| Error::malformed_json())?;
            let payload: &RawValue = serde_json::from_str(text).map_err(|_| Error::malformed_json())?;
            return self.send(topic, event, Body::Json(payload), persist).await;
        }
        if request.content_type() == "application/octet-stream" {
            return self.send(topic, event, Body::Bytes(body), persist).await;
        }
        Err(Error::new(ErrorKind::UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"))
    }

    async fn send(&mut self, topic: &str, event: &str, body: Body<'_>, persist: bool) -> Result<()> {
        check(topic, event, &body)?;
        self.enter(topic).await?;
        let (backend, hub) = (&self.realtime.backend, &self.realtime.hub);
        if backend.is_command(event) {
            let Body::Json(payload) = body else { return Err(Error::invalid("payload", "wrong_type")) };
            let payload = serde_json::from_str(payload.get()).map_err(|_| Error::malformed_json())?;
            return backend.run_command(&self.actor, event, payload).await.map(drop);
        }
        // Reserved for the service. Clients compare event names case-insensitively.
        if backend.is_reserved_event(&event.to_lowercase()) {
            return Err(Error::forbidden());
        }
        let content = match body {
            Body::Json(payload) if persist => {
                return backend.persist_broadcast(&self.actor, topic, event, payload).await.map(drop);
            }
            Body::Bytes(_) if persist => return Err(Error::invalid("payload", "wrong_type")),
            Body::Json(payload) => BroadcastContent::Ephemeral { event, payload: payload.get() },
            Body::Bytes(data) => BroadcastContent::Bytes { event, data },
        };
        hub.broadcast(self.actor.tenant, topic, content, None);
        Ok(())
    }

    /// Authorizes the topic, once per request.
    async fn enter(&mut self, topic: &str) -> Result<()> {
        if self.let_in.contains(topic) {
            return Ok(());
        }
        match self.realtime.backend.authorize(&self.actor, topic, None).await {
            Ok(_) => drop(self.let_in.insert(topic.to_owned())),
            // A 404 would tell these clients that the server is too old.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::forbidden()),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Whether the error is a missing authorization.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden)
}

fn check(topic: &str, event: &str, body: &Body<'_>) -> Result<()> {
    let mut faults = Vec::new();
    for (field, name, max) in [("topic", topic, MAX_TOPIC_BYTES), ("event", event, MAX_NAME_BYTES)] {
        match name.len() {
            0 => faults.push(Fault::new(field, "missing")),
            bytes if bytes > max => faults.push(Fault::new(field, "too_long").with_arg("max", max)),
            _ => {}
        }
    }
    let bytes = match body {
        Body::Json(payload) if !is_sound(payload.get()) => {
            faults.push(Fault::new("payload", "invalid"));
            0
        }
        Body::Json(payload) => payload.get().len(),
        Body::Bytes(data) => data.len(),
    };
    if !faults.is_empty() {
        return Err(Error::validation(faults));
    }
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "PAYLOAD_TOO_LARGE"));
    }
    Ok(())
}

fn parse_batch(body: &[u8]) -> Result<Vec<Message<'_>>> {
    let text = std::str::from_utf8(body).map_err(|_| Error::malformed_json())?;
    let batch: Batch<'_> = serde_json::from_str(text).map_err(|cause| match cause.classify() {
        serde_json::error::Category::Data => Error::invalid("messages", "wrong_type"),
        _ => Error::malformed_json(),
    })?;
    match batch.messages.len() {
        0 => Err(Error::validation(vec![Fault::new("messages", "too_few").with_arg("min", 1)])),
        many if many > MAX_MESSAGES => {
            Err(Error::validation(vec![Fault::new("messages", "too_many").with_arg("max", MAX_MESSAGES)]))
        }
        _ => Ok(batch.messages),
    }
}

/// `persist=true`, or `persist[ttl]=seconds`.
fn persists(request: &HttpRequest) -> bool {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    pairs.iter().any(|(name, value)| match name.as_str() {
        "persist" => asks_to_persist(&Value::from(value.as_str())),
        "persist[ttl]" => true,
        _ => false,
    })
}

fn is_json(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("application/json")
}
