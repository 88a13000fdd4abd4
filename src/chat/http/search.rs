//! Message search, by words or by entity.

use actix_web::get;
use actix_web::web::Data;
use guichet_base::Result;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::chat::Chat;
use crate::chat::model::{Message, SearchHit};
use crate::chat::service;
use crate::web::{Caller, Query, Reply, Validator};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// Words, `"a phrase"`, `-without`; accents and case are ignored.
    q: String,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
}

/// Search the messages of all rooms that the caller may read, newest first
#[utoipa::path(tag = "chat", operation_id = "search_messages", params(SearchQuery), responses((status = 200, body = [SearchHit])))]
#[get("/messages/search")]
pub(super) async fn search(
    chat: Data<Chat>,
    caller: Caller,
    query: Query<SearchQuery>,
) -> Result<Reply<Vec<SearchHit>>> {
    let mut check = Validator::new();
    let words = check.text("q", query.0.q, 1..=200);
    let page = check.page(query.0.limit, query.0.offset);
    check.finish()?;
    Ok(Reply::page(service::search(&chat, &caller, words, page).await?, page, None))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RelatedQuery {
    /// A kind of entity, such as `order`.
    related_type: String,
    /// Its id.
    related_id: String,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
}

/// List the messages about an entity in all rooms that the caller may read, newest first
#[utoipa::path(tag = "chat", operation_id = "list_related_messages", params(RelatedQuery), responses((status = 200, body = [Message])))]
#[get("/messages")]
pub(super) async fn list_related(
    chat: Data<Chat>,
    caller: Caller,
    query: Query<RelatedQuery>,
) -> Result<Reply<Vec<Message>>> {
    let mut check = Validator::new();
    let kind = check.text("related_type", query.0.related_type, 1..=80);
    let id = check.text("related_id", query.0.related_id, 1..=200);
    let page = check.page(query.0.limit, query.0.offset);
    check.finish()?;
    Ok(Reply::page(service::list_related(&chat, &caller, kind, id, page).await?, page, None))
}
