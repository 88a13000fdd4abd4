//! The rows of clients and their members. Row-level security decides which of them the actor sees.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::{PgConnection, PgTextExpressionMethods};
use guichet_base::id::{ClientId, ConversationId, TenantId, UserId};
use guichet_base::page::Page;
use guichet_base::{Error, Result};
use guichet_db::on_constraint;

use super::model::{Client, ClientChange, NewClient};
use crate::directory::like_pattern;
use crate::directory::users::User;
use crate::schema::{client_members, clients, conversations, users};

/// Filter and order of a list of clients.
#[derive(Debug, Clone, Default)]
pub struct ClientFilter {
    pub search: Option<String>,
    pub status: Option<&'static str>,
    pub sort: ClientSort,
    pub descending: bool,
    /// The people online, for [`ClientSort::Online`].
    pub online: Vec<UserId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientSort {
    #[default]
    Name,
    CreatedAt,
    UpdatedAt,
    /// Clients with one of [`ClientFilter::online`] first.
    Online,
}

pub fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    wanted: &ClientFilter,
    page: Page,
) -> Result<Vec<Client>> {
    let mut query =
        clients::table.filter(clients::tenant_id.eq(tenant)).select(Client::as_select()).into_boxed::<Pg>();
    if let Some(status) = wanted.status {
        query = query.filter(clients::status.eq(status));
    }
    if let Some(words) = &wanted.search {
        query = query.filter(clients::name.ilike(like_pattern::like_contains(words)));
    }
    let query = match (wanted.sort, wanted.descending) {
        (ClientSort::Name, false) => query.order((clients::name.asc(), clients::id.asc())),
        (ClientSort::Name, true) => query.order((clients::name.desc(), clients::id.desc())),
        (ClientSort::CreatedAt, false) => query.order((clients::created_at.asc(), clients::id.asc())),
        (ClientSort::CreatedAt, true) => query.order((clients::created_at.desc(), clients::id.desc())),
        (ClientSort::UpdatedAt, false) => query.order((clients::updated_at.asc(), clients::id.asc())),
        (ClientSort::Online, _) => {
            let there = client_members::table
                .filter(
                    client_members::tenant_id.eq(tenant).and(client_members::user_id.eq_any(&wanted.online)),
                )
                .select(client_members::client_id);
            let is_there = clients::id.eq_any(there);
            query.order((is_there.desc(), clients::updated_at.desc(), clients::id.asc()))
        }
        (ClientSort::UpdatedAt, true) => query.order((clients::updated_at.desc(), clients::id.desc())),
    };
    Ok(query.limit(page.limit).offset(page.offset).load(conn)?)
}

pub fn find(conn: &mut PgConnection, tenant: TenantId, id: ClientId) -> Result<Option<Client>> {
    Ok(clients::table.find((tenant, id)).select(Client::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends. `None` if the actor may not change it.
pub fn lock(conn: &mut PgConnection, tenant: TenantId, id: ClientId) -> Result<Option<Client>> {
    Ok(clients::table.find((tenant, id)).select(Client::as_select()).for_update().first(conn).optional()?)
}

/// Inserts the client and its room. `None` if it exists already.
pub fn insert(conn: &mut PgConnection, client: &NewClient) -> Result<Option<Client>> {
    let made = diesel::insert_into(clients::table)
        .values(client)
        .on_conflict_do_nothing()
        .returning(Client::as_returning())
        .get_result(conn)
        .optional()
        .map_err(on_constraint("clients_team_fkey", unknown_team))?;
    if made.is_some() {
        let room = (
            conversations::tenant_id.eq(client.tenant_id),
            conversations::id.eq(ConversationId::new()),
            conversations::kind.eq("client"),
            conversations::client_id.eq(client.id),
        );
        diesel::insert_into(conversations::table).values(room).execute(conn)?;
    }
    Ok(made)
}

/// `change` must not be empty.
pub fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ClientId,
    change: &ClientChange,
) -> Result<Client> {
    diesel::update(clients::table.find((tenant, id)))
        .set(change)
        .returning(Client::as_returning())
        .get_result(conn)
        .map_err(on_constraint("clients_team_fkey", unknown_team))
}

fn unknown_team() -> Error {
    Error::invalid("team_id", "unknown_id")
}

/// The members of each of `ids` that the actor may see.
pub fn members_by_client(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[ClientId],
) -> Result<Vec<(ClientId, UserId)>> {
    let rows = client_members::table
        .filter(client_members::tenant_id.eq(tenant).and(client_members::client_id.eq_any(ids)));
    Ok(rows.select((client_members::client_id, client_members::user_id)).limit(10_000).load(conn)?)
}

pub fn members(conn: &mut PgConnection, tenant: TenantId, id: ClientId, page: Page) -> Result<Vec<User>> {
    let ids = client_members::table
        .filter(client_members::tenant_id.eq(tenant).and(client_members::client_id.eq(id)))
        .select(client_members::user_id);
    let query = users::table
        .filter(users::tenant_id.eq(tenant).and(users::id.eq_any(ids)).and(users::deleted_at.is_null()))
        .select(User::as_select());
    let order = (users::display_name, users::id);
    Ok(query.order(order).limit(page.limit).offset(page.offset).load(conn)?)
}

/// Returns false if the person was a member before.
pub fn add_member(conn: &mut PgConnection, tenant: TenantId, id: ClientId, user: UserId) -> Result<bool> {
    let row = (
        client_members::tenant_id.eq(tenant),
        client_members::client_id.eq(id),
        client_members::user_id.eq(user),
    );
    Ok(diesel::insert_into(client_members::table).values(row).on_conflict_do_nothing().execute(conn)? == 1)
}

/// Returns false if the person was not a member.
pub fn remove_member(conn: &mut PgConnection, tenant: TenantId, id: ClientId, user: UserId) -> Result<bool> {
    Ok(diesel::delete(client_members::table.find((tenant, id, user))).execute(conn)? == 1)
}
