//! `/presence`, `/clients/{id}/presence`.

use actix_web::get;
use actix_web::web::Data;
use guichet_base::id::{ClientId, UserId};
use guichet_base::page::Page;
use guichet_base::{Actor, Result};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{ClientPresence, PresenceView};
use super::service::{self, PresenceFilter};
use crate::directory::Directory;
use crate::web::{Caller, Path, Query, Reply, Validator};

/// Most ids in one request.
const MAX_IDS: usize = 200;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(read_client);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PresenceQuery {
    /// Comma-separated ids, 200 at most. People that the caller may not see are left out.
    pub user_ids: Option<String>,
    /// 1–200; the default is 50. Not with `user_ids`.
    pub limit: Option<i64>,
    /// The default is 0. Not with `user_ids`.
    pub offset: Option<i64>,
}

impl PresenceQuery {
    fn into_filter(self, check: &mut Validator) -> (PresenceFilter, Page) {
        let page = check.page(self.limit, self.offset);
        let Some(ids) = self.user_ids else { return (PresenceFilter::All(page), page) };
        for (field, is_absent) in [("limit", self.limit.is_none()), ("offset", self.offset.is_none())] {
            check.ensure(is_absent, field, "ambiguous");
        }
        let words: Vec<&str> = ids.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        let mut users: Vec<UserId> = words.iter().filter_map(|word| word.parse().ok()).collect();
        check.ensure(users.len() == words.len(), "user_ids", "wrong_type");
        users.sort_unstable();
        users.dedup();
        let users = check.items("user_ids", users, 0..=MAX_IDS);
        let limit = i64::try_from(users.len()).unwrap_or(0);
        (PresenceFilter::Users(users), Page { limit, offset: 0 })
    }
}

/// List the presence of people that the caller may see
///
/// With `user_ids`, of these people; otherwise of all, ordered by name.
#[utoipa::path(tag = "presence", operation_id = "list_presence", params(PresenceQuery), responses((status = 200, body = [PresenceView])))]
#[get("/presence")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<PresenceQuery>,
) -> Result<Reply<Vec<PresenceView>>> {
    list_reply(&directory, &caller, query).await
}

/// The presence of people as `actor` may see it. Also serves AfriTalk's list.
pub async fn list_reply(
    directory: &Directory,
    actor: &Actor,
    query: PresenceQuery,
) -> Result<Reply<Vec<PresenceView>>> {
    let mut check = Validator::new();
    let (wanted, page) = query.into_filter(&mut check);
    check.finish()?;
    Ok(Reply::page(service::list(directory, actor, wanted).await?, page, None))
}

/// Get the presence of a client: its members, and the operator in charge
#[utoipa::path(tag = "presence", operation_id = "read_client_presence", params(("id" = ClientId, Path)), responses((status = 200, body = ClientPresence)))]
#[get("/clients/{id}/presence")]
async fn read_client(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
) -> Result<Reply<ClientPresence>> {
    Ok(Reply::ok(service::read_client(&directory, &caller, id).await?))
}
