//! `/notification-templates`: the tenant's notification texts.

use std::fmt;

use actix_web::web::Data;
use actix_web::{delete, get, post, put};
use guichet_base::role::UserType;
use guichet_base::{Error, Locale, Result, Timestamp};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::render::{TemplateVariables, variants};
use super::view::TemplateView;
use super::{Concerned, EmailText, Template, Variable, service};
use crate::directory::{Directory, optimistic_lock};
use crate::preferences::{Category, Channel, Priority};
use crate::web::{Caller, IfMatch, Json, JsonOrEmpty, PageQuery, Patch, Path, Query, Reply};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(put).service(delete).service(preview);
}

/// Changes of a template. Absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationTemplateBody, example = json!({
    "priority": "high",
    "channels": ["inapp", "email"],
    "texts": { "fr": { "title": "Rapport prêt : {{ name }}" }, "en": { "title": "Report ready: {{ name }}" } },
    "updated_at": "2026-01-02T10:00:00.123Z"
}))]
struct TemplateBody {
    category: Option<Category>,
    priority: Option<Priority>,
    /// The channels that it may use, the preferred one first.
    channels: Option<Vec<Channel>>,
    /// The audience of events that name no recipients.
    audience: Option<Vec<Concerned>>,
    /// Replaces all variables. New variables must be optional, since producers send those of the built-in template.
    variables: Option<Vec<Variable>>,
    texts: Option<TextsBody>,
    links: Option<LinksBody>,
    /// The version that this change is based on, unless sent as `If-Match`. Required once the tenant has changed the
    /// template.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version. The overwritten version is recorded in the activity log.
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationTextsBody)]
struct TextsBody {
    fr: Option<WordingBody>,
    en: Option<WordingBody>,
}

/// Jinja: `{{ variable }}`, `if`, `for`, and the filters `capitalize`, `date`, `datetime`, `default`, `first`, `last`,
/// `length`, `lower`, `round`, `title`, `trim`, `truncate`, `upper`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationWordingBody)]
struct WordingBody {
    title: Option<String>,
    body: Option<String>,
    /// Subject of the email. Null: the title is used.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email_subject: Patch<String>,
    /// Body of the email. Null: `body` is used.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email_body: Patch<String>,
}

/// The link for each user type. Null: no link.
#[derive(Debug, ToSchema)]
#[schema(as = NotificationLinksBody)]
struct LinksBody {
    #[schema(value_type = Option<String>)]
    client: Patch<String>,
    #[schema(value_type = Option<String>)]
    operator: Patch<String>,
}

impl<'de> Deserialize<'de> for LinksBody {
    /// Accepts objects only: since all members are optional, a derived implementation would also accept an empty array.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            #[serde(default)]
            client: Patch<String>,
            #[serde(default)]
            operator: Patch<String>,
        }

        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = LinksBody;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LinksBody, A::Error> {
                let Members { client, operator } = Members::deserialize(MapAccessDeserializer::new(map))?;
                Ok(LinksBody { client, operator })
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl LinksBody {
    fn changes(self) -> Result<Value> {
        let mut changes = Map::new();
        insert_if_some(&mut changes, "client", self.client.into_change())?;
        insert_if_some(&mut changes, "operator", self.operator.into_change())?;
        Ok(Value::Object(changes))
    }
}

impl TemplateBody {
    /// Converts to the JSON that is merged into a template.
    fn changes(self) -> Result<Value> {
        let mut changes = Map::new();
        insert_if_some(&mut changes, "category", self.category)?;
        insert_if_some(&mut changes, "priority", self.priority)?;
        insert_if_some(&mut changes, "channels", self.channels)?;
        insert_if_some(&mut changes, "audience", self.audience)?;
        insert_if_some(&mut changes, "variables", self.variables)?;
        insert_if_some(&mut changes, "links", self.links.map(LinksBody::changes).transpose()?)?;
        if let Some(TextsBody { fr, en }) = self.texts {
            let mut texts = Map::new();
            insert_if_some(&mut texts, "fr", fr.map(WordingBody::changes).transpose()?)?;
            insert_if_some(&mut texts, "en", en.map(WordingBody::changes).transpose()?)?;
            changes.insert("texts".to_owned(), Value::Object(texts));
        }
        Ok(Value::Object(changes))
    }
}

impl WordingBody {
    fn changes(self) -> Result<Value> {
        let mut changes = Map::new();
        insert_if_some(&mut changes, "title", self.title)?;
        insert_if_some(&mut changes, "body", self.body)?;
        insert_if_some(&mut changes, "email_subject", self.email_subject.into_change())?;
        insert_if_some(&mut changes, "email_body", self.email_body.into_change())?;
        Ok(Value::Object(changes))
    }
}

fn insert_if_some(changes: &mut Map<String, Value>, name: &str, value: Option<impl Serialize>) -> Result<()> {
    if let Some(value) = value {
        changes.insert(name.to_owned(), serde_json::to_value(value).map_err(Error::internal)?);
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationPreviewBody, example = json!({
    "locale": "fr",
    "fields": { "texts": { "fr": { "title": "{{ name }} est là" } } }
}))]
struct PreviewBody {
    /// The payload of an event. If absent, the samples of the variables.
    #[schema(value_type = Option<Object>)]
    payload: Option<Map<String, Value>>,
    /// The default is both.
    locale: Option<Locale>,
    /// The default is both.
    user_type: Option<UserType>,
    /// Unsaved changes, in the format of PUT.
    fields: Option<TemplateBody>,
}

/// The texts for one user type in one language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationPreview)]
struct Preview {
    locale: Locale,
    user_type: UserType,
    #[schema(example = "Rapport disponible : Ventes de février")]
    title: String,
    body: String,
    #[schema(required, example = "/rapports/R-3")]
    link: Option<String>,
    email: EmailText,
}

impl PreviewBody {
    /// Renders the requested variants. Errors: `VALIDATION_ERROR` with the field of every text that fails; for a draft,
    /// fields are prefixed with `fields`.
    fn render(self, template: &Template, is_draft: bool) -> Result<Vec<Preview>> {
        let payload = match self.payload {
            Some(payload) => {
                template.check_payload(&payload, true)?;
                payload
            }
            None => template.sample_payload(),
        };
        let failed = |faults| {
            Error::validation(if is_draft { service::prefix_fields("fields", faults) } else { faults })
        };
        let rendered = template.try_render(&payload).map_err(failed)?;
        let names = TemplateVariables::new(template, &payload);
        let (locale, side) = (self.locale, self.user_type);
        let selected = variants()
            .filter(|variant| locale.is_none_or(|l| l == variant.0) && side.is_none_or(|s| s == variant.1));
        let variant = |(locale, user_type)| {
            let text = rendered.text(locale, user_type).clone();
            let email = template.try_email(&names, locale, user_type).map_err(failed)?;
            Ok(Preview { locale, user_type, title: text.title, body: text.body, link: text.link, email })
        };
        selected.map(variant).collect()
    }
}

fn reply(caller: &Caller, template: TemplateView) -> Reply<TemplateView> {
    let etag = template.etag(caller.tenant);
    Reply::ok(template).etag(etag)
}

/// List the templates in force
///
/// The built-in ones with the tenant's changes. For owners and managers.
#[utoipa::path(tag = "notifications", operation_id = "list_notification_templates", params(PageQuery), responses((status = 200, body = [TemplateView])))]
#[get("/notification-templates")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Vec<TemplateView>>> {
    let page = query.page()?;
    let all = service::list(&directory, &caller).await?;
    let (skip, take) = (usize::try_from(page.offset), usize::try_from(page.limit));
    let total = i64::try_from(all.len()).ok();
    let items = all.into_iter().skip(skip.unwrap_or_default()).take(take.unwrap_or_default()).collect();
    Ok(Reply::page(items, page, total))
}

/// Get a template in force
#[utoipa::path(tag = "notifications", operation_id = "read_notification_template", params(("code" = String, Path, example = "report.generated")),
    responses((status = 200, body = TemplateView)))]
#[get("/notification-templates/{code}")]
async fn read(
    caller: Caller,
    directory: Data<Directory>,
    Path(code): Path<String>,
) -> Result<Reply<TemplateView>> {
    let template = service::read(&directory, &caller, code).await?;
    Ok(reply(&caller, template))
}

/// Change a template
///
/// Takes effect with the next event. A template that cannot be rendered is refused; the error names every faulty field.
#[utoipa::path(tag = "notifications", operation_id = "put_notification_template", params(("code" = String, Path, example = "report.generated")),
    request_body = TemplateBody, responses((status = 200, body = TemplateView)))]
#[put("/notification-templates/{code}")]
async fn put(
    caller: Caller,
    directory: Data<Directory>,
    Path(code): Path<String>,
    if_match: IfMatch,
    Json(body): Json<TemplateBody>,
) -> Result<Reply<TemplateView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let template = service::put(&directory, &caller, code, body.changes()?, based_on).await?;
    Ok(reply(&caller, template))
}

/// Revert a template to the built-in one
///
/// `If-Match` is honoured if sent.
#[utoipa::path(tag = "notifications", operation_id = "delete_notification_template", params(("code" = String, Path, example = "report.generated")),
    responses((status = 200, body = TemplateView), (status = 412, description = "`If-Match` names another version")))]
#[delete("/notification-templates/{code}")]
async fn delete(
    caller: Caller,
    directory: Data<Directory>,
    Path(code): Path<String>,
    if_match: IfMatch,
) -> Result<Reply<TemplateView>> {
    let template = service::delete(&directory, &caller, code, if_match.edit_basis(None, false)).await?;
    Ok(reply(&caller, template))
}

/// Preview a template
///
/// In each language and for each user type, with sample data or a payload, and with unsaved changes if given. Nothing
/// is sent.
#[utoipa::path(tag = "notifications", operation_id = "preview_notification_template", params(("code" = String, Path, example = "report.generated")),
    request_body = PreviewBody, responses((status = 200, body = [Preview])))]
#[post("/notification-templates/{code}/preview")]
async fn preview(
    caller: Caller,
    directory: Data<Directory>,
    Path(code): Path<String>,
    JsonOrEmpty(mut body): JsonOrEmpty<PreviewBody>,
) -> Result<Reply<Vec<Preview>>> {
    let fields = body.fields.take();
    let is_draft = fields.is_some();
    let changes = fields.map(TemplateBody::changes).transpose()?;
    let template = service::draft(&directory, &caller, code, changes).await?;
    Ok(Reply::ok(body.render(&template, is_draft)?))
}
