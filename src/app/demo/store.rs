//! The rows of the demo tenant, each created or restored.

use diesel::prelude::*;
use guichet_base::Result;
use guichet_base::id::{ClientId, TenantId, UserId};
use uuid::Uuid;

use super::{CLIENTS, PEOPLE, SLUG, demo_email, demo_id};
use crate::schema::{client_members, clients, conversations, tenants, users};

pub fn ensure_tenant(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    let row = (tenants::id.eq(tenant.0), tenants::slug.eq(SLUG), tenants::name.eq("Démonstration"));
    diesel::insert_into(tenants::table).values(row).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

pub fn upsert_people_and_clients(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    for (word, role, name, locale) in PEOPLE {
        let user = demo_id(word);
        let profile = (
            users::role.eq(role.into_str()),
            users::display_name.eq(name),
            users::email.eq(demo_email(word)),
            users::locale.eq(locale.into_str()),
            users::deleted_at.eq(None::<guichet_base::Timestamp>),
        );
        diesel::insert_into(users::table)
            .values((users::tenant_id.eq(tenant.0), users::id.eq(user), profile.clone()))
            .on_conflict((users::tenant_id, users::id))
            .do_update()
            .set(profile)
            .execute(conn)?;
    }
    for (word, name, operator, member) in CLIENTS {
        upsert_client(conn, tenant, ClientId(demo_id(word)), name, UserId(demo_id(operator)))?;
        let row = (
            client_members::tenant_id.eq(tenant.0),
            client_members::client_id.eq(demo_id(word)),
            client_members::user_id.eq(demo_id(member)),
        );
        diesel::insert_into(client_members::table).values(row).on_conflict_do_nothing().execute(conn)?;
    }
    Ok(())
}

fn upsert_client(
    conn: &mut PgConnection,
    tenant: TenantId,
    client: ClientId,
    name: &str,
    operator: UserId,
) -> Result<()> {
    let record = (
        clients::name.eq(name),
        clients::operator_id.eq(Some(operator.0)),
        clients::team_id.eq(None::<Uuid>),
        clients::status.eq("active"),
    );
    diesel::insert_into(clients::table)
        .values((clients::tenant_id.eq(tenant.0), clients::id.eq(client.0), record))
        .on_conflict((clients::tenant_id, clients::id))
        .do_update()
        .set(record)
        .execute(conn)?;
    let room = (
        conversations::tenant_id.eq(tenant.0),
        conversations::id.eq(Uuid::now_v7()),
        conversations::kind.eq("client"),
        conversations::client_id.eq(client.0),
    );
    diesel::insert_into(conversations::table).values(room).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}
