//! Changes of the caller's feed. All are idempotent.

use actix_web::web::Data;
use actix_web::{delete, post, put};
use guichet_base::Result;
use guichet_base::id::NotificationId;

use super::dto::{ReadManyBody, ReadWithBody, SnoozeBody};
use crate::notifications::Notifications;
use crate::notifications::feed::model::{Deleted, ReadMany};
use crate::notifications::feed::service;
use crate::notifications::model::Notification;
use crate::web::{Caller, Json, JsonOrEmpty, Path, Reply};

/// Mark many notifications as read, by ids or all up to a time
///
/// The caller's sockets get one `notify:updated` per notification, or one `notify:summary` for more than 50. Deleted
/// notifications are skipped.
#[utoipa::path(tag = "notifications", operation_id = "read_notifications", request_body = ReadManyBody,
    responses((status = 200, body = ReadMany)))]
#[post("/notifications/read")]
pub(super) async fn read_many(
    n: Data<Notifications>,
    caller: Caller,
    body: Json<ReadManyBody>,
) -> Result<Reply<ReadMany>> {
    Ok(Reply::ok(service::read(&n, &caller, body.0.into_selection()?).await?))
}

/// Mark a notification as read
#[utoipa::path(tag = "notifications", operation_id = "ack_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[post("/notifications/{id}/ack")]
pub(super) async fn ack(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Notification>> {
    Ok(Reply::ok(service::ack(&n, &caller, path.0).await?))
}

/// Mark a notification as read
#[utoipa::path(tag = "notifications", operation_id = "read_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[put("/notifications/{id}/read")]
pub(super) async fn read(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Notification>> {
    Ok(Reply::ok(service::ack(&n, &caller, path.0).await?))
}

/// Mark a notification and others as read
#[utoipa::path(tag = "notifications", operation_id = "read_notification_with", params(("id" = NotificationId, Path)),
    request_body = ReadWithBody, responses((status = 200, body = Notification)))]
#[post("/notifications/{id}/read")]
pub(super) async fn read_with(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
    body: JsonOrEmpty<ReadWithBody>,
) -> Result<Reply<Notification>> {
    let others = body.0.others()?;
    Ok(Reply::ok(service::read_with(&n, &caller, path.0, others).await?))
}

/// Archive a notification
///
/// It is removed from the feed and the counter.
#[utoipa::path(tag = "notifications", operation_id = "archive_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[post("/notifications/{id}/archive")]
pub(super) async fn archive(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Notification>> {
    Ok(Reply::ok(service::archive(&n, &caller, path.0).await?))
}

/// Restore an archived notification
///
/// Its former state is restored: unread if it was never read. It becomes read if the feed has a newer unread one of the
/// same conversation.
#[utoipa::path(tag = "notifications", operation_id = "unarchive_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[post("/notifications/{id}/unarchive")]
pub(super) async fn unarchive(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Notification>> {
    Ok(Reply::ok(service::unarchive(&n, &caller, path.0).await?))
}

/// Snooze a notification
///
/// It returns as unread and newest, with a `notify:updated` that has `raised`. Reading or archiving it ends the
/// snooze.
#[utoipa::path(tag = "notifications", operation_id = "snooze_notification", params(("id" = NotificationId, Path)),
    request_body = SnoozeBody, responses((status = 200, body = Notification)))]
#[post("/notifications/{id}/snooze")]
pub(super) async fn snooze(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
    body: Json<SnoozeBody>,
) -> Result<Reply<Notification>> {
    let until = body.0.until(n.clock.now())?;
    Ok(Reply::ok(service::snooze(&n, &caller, path.0, until).await?))
}

/// Delete a notification
#[utoipa::path(tag = "notifications", operation_id = "delete_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Deleted)))]
#[delete("/notifications/{id}")]
pub(super) async fn delete(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Deleted>> {
    Ok(Reply::ok(service::delete(&n, &caller, path.0).await?))
}
