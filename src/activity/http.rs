//! `/activity-logs`.

use actix_web::get;
use actix_web::web::Data;
use guichet_base::id::UserId;
use guichet_base::{Result, Timestamp};
use guichet_db::Db;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{ActivityCursor, ActivityFilter, ActivityRecord};
use super::service;
use crate::web::{Caller, Query, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ActivityQuery {
    /// An action: `message.send`, `forbidden_attempt`, `client.update` …
    action: Option<String>,
    /// Only actions of this person.
    user_id: Option<UserId>,
    /// Only actions on this kind of entity.
    entity_type: Option<String>,
    /// Only actions on this entity; requires `entity_type`.
    entity_id: Option<String>,
    /// At or after this time.
    from: Option<Timestamp>,
    /// Before this time.
    to: Option<Timestamp>,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// `meta.next` of the previous page.
    cursor: Option<String>,
}

impl ActivityQuery {
    fn into_filter(self) -> Result<ActivityFilter> {
        let mut check = Validator::new();
        let page = check.page(self.limit, None);
        let action = self.action.and_then(|word| check.parse_enum("action", &word, |name| name.parse().ok()));
        let entity_type = check.text_opt("entity_type", self.entity_type, 1..=80);
        let entity_id = check.text_opt("entity_id", self.entity_id, 1..=200);
        check.ensure(entity_id.is_none() || entity_type.is_some(), "entity_type", "missing");
        let after = self.cursor.and_then(|cursor| check.parse_enum("cursor", &cursor, ActivityCursor::parse));
        check.finish()?;
        Ok(ActivityFilter {
            action,
            user: self.user_id,
            entity_type,
            entity_id,
            from: self.from,
            to: self.to,
            after,
            limit: page.limit,
        })
    }
}

/// List the activity of the tenant, newest first (owners only)
#[utoipa::path(tag = "activity", operation_id = "list_activity", params(ActivityQuery), responses((status = 200, body = [ActivityRecord])))]
#[get("/activity-logs")]
async fn list(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<ActivityQuery>,
) -> Result<Reply<Vec<ActivityRecord>>> {
    let mut filter = query.into_filter()?;
    let limit = filter.limit;
    // One row more than requested shows whether there is a next page.
    filter.limit += 1;
    let mut records = service::list(&db, &caller, filter).await?;
    let has_more = usize::try_from(limit).is_ok_and(|limit| records.len() > limit);
    if has_more {
        records.pop();
    }
    let next = records.last().filter(|_| has_more);
    let next = next.map(|last| ActivityCursor { created_at: last.created_at, id: last.id }.to_string());
    Ok(Reply::ok(records).meta(json!({ "limit": limit, "next": next })))
}
