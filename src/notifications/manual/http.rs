//! `/notifications/test`.

use actix_web::post;
use actix_web::web::Data;
use guichet_base::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Notice;
use crate::notifications::Notifications;
use crate::notifications::model::{EventProgress, Recipients};
use crate::preferences::{Channel, Priority};
use crate::web::{Caller, IdempotencyKey, Json, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(send);
}

/// A manual notice.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Maintenance ce soir", "body": "L'espace client sera fermé de 22 h à 23 h.",
    "recipients": {"roles": ["employee"]}, "priority": "high"}))]
struct NoticeBody {
    /// If absent, the caller.
    #[serde(default, deserialize_with = "crate::web::object_or_null")]
    recipients: Option<Recipients>,
    /// 1–150 characters.
    title: String,
    /// 1–5,000 characters.
    body: String,
    #[serde(default)]
    priority: Option<Priority>,
    /// A path within the app: `/factures/42`.
    #[serde(default)]
    link: Option<String>,
    /// If absent, the channels of the template `system.notice` (in-app).
    #[serde(default)]
    channels: Option<Vec<Channel>>,
}

/// Send a manual notice
///
/// For owners and managers. It is recorded in the activity log.
#[utoipa::path(tag = "notifications", operation_id = "send_notice", request_body = NoticeBody,
    responses((status = 202, body = EventProgress)))]
#[post("/notifications/test")]
async fn send(
    n: Data<Notifications>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<NoticeBody>,
) -> Result<Reply<EventProgress>> {
    crate::notifications::policy::may_send_notice(&caller)?;
    let idempotent = key.bind_body(&body.0)?;
    let mut check = Validator::new();
    let notice = Notice {
        recipients: body.0.recipients,
        title: check.text("title", body.0.title, 1..=150),
        body: check.text("body", body.0.body, 1..=5_000),
        link: body.0.link,
        priority: body.0.priority,
        channels: body.0.channels,
    };
    if let Some(link) = &notice.link {
        check.ensure(crate::notifications::is_relative(link), "link", "not_relative");
    }
    check.ensure(notice.channels.as_ref().is_none_or(|all| !all.is_empty()), "channels", "missing");
    check.finish()?;
    let result = super::send(&n, &caller, idempotent, notice).await?;
    let answer = Reply::accepted(result.value.progress);
    Ok(if result.replayed { answer.replayed() } else { answer })
}
