//! Reads a feed.

use actix_web::get;
use actix_web::web::Data;
use guichet_base::Result;
use guichet_base::id::NotificationId;
use serde_json::json;

use super::dto::{FeedQuery, PeriodQuery, UnreadQuery};
use crate::notifications::Notifications;
use crate::notifications::feed::model::{NotificationStatistics, UnreadSummary};
use crate::notifications::feed::service;
use crate::notifications::model::Notification;
use crate::web::{Caller, Path, Query, Reply};

/// List the caller's notifications
///
/// Snoozed, expired and deleted ones are excluded. `meta.next` is the `cursor` of the next page, null on the last;
/// `meta.unread` is the counter; `meta.head` is the number of the last event on `client:notifications:{user}` before
/// the page was read: join with `after_seq = head` to miss nothing.
#[utoipa::path(tag = "notifications", operation_id = "list_notifications", params(FeedQuery),
    responses((status = 200, body = [Notification])))]
#[get("/notifications")]
pub(super) async fn list(
    n: Data<Notifications>,
    caller: Caller,
    query: Query<FeedQuery>,
) -> Result<Reply<Vec<Notification>>> {
    let has_cursor = query.0.has_cursor();
    let page_query = query.0.into_page_query()?;
    let (limit, offset) = (page_query.limit, page_query.offset);
    let (page, feed, next) = service::list(&n, &caller, page_query).await?;
    let next = next.map(|next| next.to_string());
    let mut meta = json!({"limit": limit, "next": next, "head": feed.head, "unread": feed.unread});
    if let Some(meta) = meta.as_object_mut().filter(|_| !has_cursor) {
        meta.insert("offset".to_owned(), offset.into());
    }
    Ok(Reply::ok(page).meta(meta))
}

/// Count the caller's unread notifications, with the newest of them
#[utoipa::path(tag = "notifications", operation_id = "list_unread_notifications", params(UnreadQuery),
    responses((status = 200, body = UnreadSummary)))]
#[get("/notifications/unread")]
pub(super) async fn unread(
    n: Data<Notifications>,
    caller: Caller,
    query: Query<UnreadQuery>,
) -> Result<Reply<UnreadSummary>> {
    let page_query = query.0.into_page_query()?;
    let limit = page_query.limit;
    let (summary, feed) = service::unread(&n, &caller, page_query).await?;
    Ok(Reply::ok(summary).meta(json!({"limit": limit, "head": feed.head})))
}

/// Get one of the caller's notifications
#[utoipa::path(tag = "notifications", operation_id = "get_notification", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[get("/notifications/{id}")]
pub(super) async fn get(
    n: Data<Notifications>,
    caller: Caller,
    path: Path<NotificationId>,
) -> Result<Reply<Notification>> {
    Ok(Reply::ok(service::get(&n, &caller, path.0).await?))
}

/// Statistics of notifications by template and channel (owners, managers)
///
/// Counts notifications created in the period: `created` in feeds or as deliveries, `delivered` to sockets or
/// providers, later `opened` and `read`, and the median time from creation to reading.
#[utoipa::path(tag = "notifications", operation_id = "analyse_notifications", params(PeriodQuery),
    responses((status = 200, body = [NotificationStatistics])))]
#[get("/notifications/analytics")]
pub(super) async fn analytics(
    n: Data<Notifications>,
    caller: Caller,
    query: Query<PeriodQuery>,
) -> Result<Reply<Vec<NotificationStatistics>>> {
    let (from, to) = query.0.period(n.clock.now())?;
    let statistics = service::analytics(&n, &caller, from, to).await?;
    Ok(Reply::ok(statistics).meta(json!({"from": from, "to": to})))
}
