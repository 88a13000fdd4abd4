//! The OpenAPI description, generated from the routes.

use anyhow::Context;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Components, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Server};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_actix_web::AppExt;

use super::afritalk::{self, openapi_names::AfriTalkSchemas};
use super::api;

/// The envelope of an error.
#[derive(ToSchema)]
#[schema(as = ErrorAnswer)]
#[expect(dead_code, reason = "a shape for the description alone")]
struct ErrorEnvelopeSchema {
    #[schema(value_type = Option<Object>)]
    data: (),
    error: ErrorBodySchema,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape for the description alone")]
#[schema(as = ErrorBody)]
struct ErrorBodySchema {
    /// For programs; stable.
    #[schema(example = "VALIDATION_ERROR")]
    code: String,
    /// For people, in the caller's language.
    #[schema(example = "Certaines valeurs ne conviennent pas.")]
    message: String,
    /// A list of `{field, code, message}` for `VALIDATION_ERROR`, else an object that depends on `code`.
    details: Option<serde_json::Value>,
    /// The `X-Request-Id` of the request, to quote in support requests.
    request_id: Option<String>,
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "guichet", description = "The desk between a business and its customers.\n\nEvery response is \
`{\"data\": …, \"error\": null}` or `{\"data\": null, \"error\": {…}}`; the schemas below show `data`. The same routes \
are served under `/api`.\n\nThe sockets are described [on a page of their own](/docs/sockets) and in \
[asyncapi.yaml](/asyncapi.yaml).", license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")),
    components(schemas(ErrorEnvelopeSchema, ErrorBodySchema)),
    tags(
        (name = "me", description = "The caller"),
        (name = "provisioning", description = "Tenants, people, teams, clients, projects"),
        (name = "realtime", description = "HTTP endpoints of the sockets"),
        (name = "presence", description = "Who is online"),
        (name = "afritalk", description = "Direct messages and presence as AfriTalk's front end calls them: under `/api/tenants`, in camelCase"),
        (name = "chat", description = "Client rooms: messages, receipts, search"),
        (name = "notifications", description = "Events, templates and feeds"),
        (name = "events", description = "Events of other backends"),
        (name = "preferences", description = "Channels by category: people's choices, and overrides for a client"),
        (name = "activity", description = "Who did what"),
    )
)]
struct ApiDoc;

/// Responses that any operation may return besides its own.
const COMMON_RESPONSES: [(&str, &str); 7] = [
    ("400", "The request is not valid HTTP or JSON: `MALFORMED_JSON`, `BAD_REQUEST`"),
    ("401", "No valid token: `UNAUTHENTICATED`"),
    ("403", "The caller lacks the right: `FORBIDDEN`, `FEATURE_DISABLED`"),
    ("422", "A value is invalid: `VALIDATION_ERROR`, with all faults; `IDEMPOTENCY_MISMATCH`"),
    ("429", "Too many requests: `RATE_LIMITED`, with `Retry-After`"),
    ("500", "An error of the server: `INTERNAL`"),
    ("503", "A database or service is unreachable: `UNAVAILABLE`, with `Retry-After`"),
];
const ID_RESPONSE: (&str, &str) = ("404", "No such record, or the caller may not see it: `NOT_FOUND`");
const BODY_RESPONSES: [(&str, &str); 4] = [
    ("408", "The body did not arrive in time: `TIMEOUT`"),
    ("409", "`CONFLICT`, or a repeat while the first request is still running"),
    ("413", "The body is too large: `PAYLOAD_TOO_LARGE`"),
    ("415", "Not JSON, or compressed: `UNSUPPORTED_MEDIA_TYPE`"),
];

const VERSION_RESPONSES: [(&str, &str); 2] = [
    ("412", "`If-Match` names another version; `details` has the current record"),
    ("428", "The change does not say which version it is based on: `PRECONDITION_REQUIRED`"),
];

/// The description of every route of the API.
pub fn describe() -> OpenApi {
    let (_, mut description) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(ApiDoc::openapi())
        .service(utoipa_actix_web::scope("/api/v1").configure(api::routes))
        .split_for_parts();
    description.servers = Some(vec![Server::new("/")]);
    if let Some(components) = description.components.as_mut() {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
    let components = description.components.clone().unwrap_or_default();
    let mut dialect = AfriTalkSchemas::default();
    for (path, item) in &mut description.paths.paths {
        let is_afritalks = afritalk::http::is_afritalk_path(path);
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            complete_operation(path, operation, &components);
            if is_afritalks {
                dialect.convert_operation(operation);
            }
        }
    }
    if let Some(described) = description.components.as_mut() {
        described.schemas.extend(dialect.schemas(&components));
    }
    description
}

fn complete_operation(path: &str, operation: &mut Operation, components: &Components) {
    operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    let mut statuses: Vec<_> = COMMON_RESPONSES.to_vec();
    if path.contains('{') {
        statuses.push(ID_RESPONSE);
    }
    if operation.request_body.is_some() {
        statuses.extend(BODY_RESPONSES);
    }
    if is_versioned(operation, components) {
        statuses.extend(VERSION_RESPONSES);
    }
    for (status, description) in statuses {
        let response = ResponseBuilder::new().description(description).build();
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
    }
    for (status, response) in &mut operation.responses.responses {
        if !status.starts_with('2') {
            document_error(response);
        }
        wrap_in_envelope(response);
    }
}

/// Whether the body may name the version that it is based on.
fn is_versioned(operation: &Operation, components: &Components) -> bool {
    let name = || {
        let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
        let RefOr::T(content) = body.content.get("application/json")? else { return None };
        let RefOr::Ref(schema) = content.schema.as_ref()? else { return None };
        schema.ref_location.rsplit('/').next()
    };
    match name().and_then(|name| components.schemas.get(name)) {
        Some(RefOr::T(Schema::Object(object))) => object.properties.contains_key("updated_at"),
        _ => false,
    }
}

/// Puts an error response into the envelope, including those that a handler documents itself.
fn document_error(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorAnswer"))).build();
    response.content.insert("application/json".to_owned(), content.into());
}

/// Puts the documented body under `data`, as in the actual response.
fn wrap_in_envelope(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let Some(RefOr::T(content)) = response.content.get_mut("application/json") else { return };
    let Some(data) = content.schema.take() else { return };
    if matches!(&data, RefOr::Ref(r) if r.ref_location.ends_with("/ErrorAnswer")) {
        content.schema = Some(data);
        return;
    }
    let null = ObjectBuilder::new().schema_type(Type::Null).build();
    let envelope = ObjectBuilder::new()
        .property("data", data)
        .required("data")
        .property("error", Schema::Object(null))
        .required("error")
        .property("meta", ObjectBuilder::new().description(Some("Of lists: limit, offset or next, total")));
    content.schema = Some(RefOr::T(Schema::Object(envelope.build())));
}

/// The text of `openapi.yaml`.
pub fn yaml() -> anyhow::Result<String> {
    describe().to_yaml().context("the API description could not be written")
}
