//! SQL statements of choices, overrides and settings. Row-level security decides which rows the actor may see and
//! change.

use chrono::NaiveTime;
use chrono_tz::Tz;
use diesel::PgConnection;
use diesel::prelude::*;
use guichet_base::id::{ClientId, UserId};
use guichet_base::{Actor, Error, Result, Timestamp};
use serde_json::Value;

use super::model::{Category, Channel, ChannelChoices};
use super::settings::PersonalSettings;
use crate::schema::{
    client_members, clients, notification_overrides, notification_preferences, notification_settings,
    tenants, users,
};

/// Limit of queries with one row per category; above the number of categories.
const MAX_CATEGORIES: i64 = 50;
/// Limit of the query of a member's overrides; above what the clients of one person can have.
const MAX_OVERRIDES: i64 = 10_000;

type ChoicesRow = (String, Option<bool>, Option<bool>, Option<bool>, Option<bool>);

fn parse_choices((category, inapp, email, sms, push): ChoicesRow) -> Option<(Category, ChannelChoices)> {
    Some((category.parse::<Category>().ok()?, ChannelChoices { inapp, email, sms, push }))
}

/// Change of channel choices. `None` leaves a channel unchanged, `Some(None)` clears its choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelChoicesChange {
    pub channel_inapp: Option<Option<bool>>,
    pub channel_email: Option<Option<bool>>,
    pub channel_sms: Option<Option<bool>>,
    pub channel_push: Option<Option<bool>>,
}

impl ChannelChoicesChange {
    /// Whether it turns the channel off; absent and null do not.
    pub fn switches_off(self, channel: Channel) -> bool {
        let change = match channel {
            Channel::Inapp => self.channel_inapp,
            Channel::Email => self.channel_email,
            Channel::Sms => self.channel_sms,
            Channel::Push => self.channel_push,
        };
        change == Some(Some(false))
    }

    pub fn apply_to(self, choices: ChannelChoices) -> ChannelChoices {
        ChannelChoices {
            inapp: self.channel_inapp.unwrap_or(choices.inapp),
            email: self.channel_email.unwrap_or(choices.email),
            sms: self.channel_sms.unwrap_or(choices.sms),
            push: self.channel_push.unwrap_or(choices.push),
        }
    }
}

/// The tenant's settings.
pub fn tenant_settings(conn: &mut PgConnection, actor: &Actor) -> Result<Value> {
    let found = tenants::table.find(actor.tenant).select(tenants::settings).first(conn).optional()?;
    found.ok_or_else(|| Error::not_found("tenant"))
}

/// The person's own timezone.
pub fn user_timezone(conn: &mut PgConnection, actor: &Actor) -> Result<Tz> {
    let row = users::table.find((actor.tenant, actor.user)).select(users::timezone);
    let name: Option<String> = row.first(conn).optional()?;
    Ok(super::settings::timezone_or(name.as_deref(), Tz::UTC))
}

pub fn own_choices(conn: &mut PgConnection, actor: &Actor) -> Result<Vec<(Category, ChannelChoices)>> {
    use notification_preferences as p;
    let rows: Vec<ChoicesRow> = p::table
        .filter(p::tenant_id.eq(actor.tenant).and(p::user_id.eq(actor.user)))
        .select((p::category, p::channel_inapp, p::channel_email, p::channel_sms, p::channel_push))
        .limit(MAX_CATEGORIES)
        .load(conn)?;
    Ok(rows.into_iter().filter_map(parse_choices).collect())
}

/// The person's choices for `category`. The row is created if missing, and locked until the transaction ends.
pub fn lock_own_choices(
    conn: &mut PgConnection,
    actor: &Actor,
    category: Category,
) -> Result<ChannelChoices> {
    use notification_preferences as p;
    let key = (actor.tenant, actor.user, category.into_str());
    diesel::insert_into(p::table)
        .values((p::tenant_id.eq(key.0), p::user_id.eq(key.1), p::category.eq(key.2)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let (inapp, email, sms, push) = p::table
        .find(key)
        .select((p::channel_inapp, p::channel_email, p::channel_sms, p::channel_push))
        .for_update()
        .first(conn)?;
    Ok(ChannelChoices { inapp, email, sms, push })
}

pub fn update_own_choices(
    conn: &mut PgConnection,
    actor: &Actor,
    category: Category,
    choices: ChannelChoices,
) -> Result<()> {
    use notification_preferences as p;
    diesel::update(p::table.find((actor.tenant, actor.user, category.into_str())))
        .set((
            p::channel_inapp.eq(choices.inapp),
            p::channel_email.eq(choices.email),
            p::channel_sms.eq(choices.sms),
            p::channel_push.eq(choices.push),
        ))
        .execute(conn)?;
    Ok(())
}

/// A person's digest and quiet hours as stored.
#[derive(Queryable, Selectable, AsChangeset)]
#[diesel(table_name = notification_settings, treat_none_as_null = true)]
struct SettingsRow {
    digest_mode: String,
    digest_hour: i32,
    digest_timezone: Option<String>,
    digest_due_at: Option<Timestamp>,
    quiet_from: Option<NaiveTime>,
    quiet_to: Option<NaiveTime>,
    quiet_timezone: Option<String>,
}

macro_rules! same_fields {
    ($($from:ident => $to:ident),+) => {$(
        impl From<$from> for $to {
            fn from(row: $from) -> Self {
                let $from { digest_mode, digest_hour, digest_timezone, digest_due_at, quiet_from, quiet_to, quiet_timezone } = row;
                Self { digest_mode, digest_hour, digest_timezone, digest_due_at, quiet_from, quiet_to, quiet_timezone }
            }
        }
    )+};
}

same_fields!(SettingsRow => PersonalSettings, PersonalSettings => SettingsRow);

pub fn settings(conn: &mut PgConnection, actor: &Actor) -> Result<PersonalSettings> {
    let row = notification_settings::table.find((actor.tenant, actor.user)).select(SettingsRow::as_select());
    Ok(row.first(conn).optional()?.map(PersonalSettings::from).unwrap_or_default())
}

/// The person's digest and quiet hours. The row is created if missing, and locked until the transaction ends.
pub fn lock_settings(conn: &mut PgConnection, actor: &Actor) -> Result<PersonalSettings> {
    use notification_settings as s;
    diesel::insert_into(s::table)
        .values((s::tenant_id.eq(actor.tenant), s::user_id.eq(actor.user)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let row = s::table.find((actor.tenant, actor.user)).select(SettingsRow::as_select()).for_update();
    Ok(row.first(conn)?.into())
}

pub fn update_settings(conn: &mut PgConnection, actor: &Actor, settings: PersonalSettings) -> Result<()> {
    let row = notification_settings::table.find((actor.tenant, actor.user));
    diesel::update(row).set(SettingsRow::from(settings)).execute(conn)?;
    Ok(())
}

/// The overrides for the clients of which the actor is a member.
pub fn overrides_on_member(
    conn: &mut PgConnection,
    actor: &Actor,
) -> Result<Vec<(Category, ChannelChoices)>> {
    use notification_overrides as o;
    let own_clients = client_members::table
        .filter(client_members::tenant_id.eq(actor.tenant).and(client_members::user_id.eq(actor.user)))
        .select(client_members::client_id);
    let rows: Vec<ChoicesRow> = o::table
        .filter(o::tenant_id.eq(actor.tenant).and(o::client_id.eq_any(own_clients)))
        .select((o::category, o::channel_inapp, o::channel_email, o::channel_sms, o::channel_push))
        .limit(MAX_OVERRIDES)
        .load(conn)?;
    Ok(rows.into_iter().filter_map(parse_choices).collect())
}

/// Whether the actor may see the client.
pub fn is_client_visible(conn: &mut PgConnection, actor: &Actor, client: ClientId) -> Result<bool> {
    let found = clients::table.find((actor.tenant, client)).select(clients::id);
    Ok(found.first::<ClientId>(conn).optional()?.is_some())
}

/// An override as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override {
    pub choices: ChannelChoices,
    pub updated_by: Option<UserId>,
    pub updated_at: Timestamp,
}

type OverrideRow = (Option<bool>, Option<bool>, Option<bool>, Option<bool>, Option<UserId>, Timestamp);

impl From<OverrideRow> for Override {
    fn from((inapp, email, sms, push, updated_by, updated_at): OverrideRow) -> Self {
        Self { choices: ChannelChoices { inapp, email, sms, push }, updated_by, updated_at }
    }
}

pub fn overrides(
    conn: &mut PgConnection,
    actor: &Actor,
    client: ClientId,
) -> Result<Vec<(Category, Override)>> {
    use notification_overrides as o;
    let rows: Vec<(String, OverrideRow)> = o::table
        .filter(o::tenant_id.eq(actor.tenant).and(o::client_id.eq(client)))
        .select((
            o::category,
            (
                o::channel_inapp,
                o::channel_email,
                o::channel_sms,
                o::channel_push,
                o::updated_by,
                o::updated_at,
            ),
        ))
        .order(o::category)
        .limit(MAX_CATEGORIES)
        .load(conn)?;
    let parse_row =
        |(category, row): (String, OverrideRow)| Some((category.parse::<Category>().ok()?, row.into()));
    Ok(rows.into_iter().filter_map(parse_row).collect())
}

pub fn find_override(
    conn: &mut PgConnection,
    actor: &Actor,
    (client, category): (ClientId, Category),
) -> Result<Option<Override>> {
    use notification_overrides as o;
    let columns =
        (o::channel_inapp, o::channel_email, o::channel_sms, o::channel_push, o::updated_by, o::updated_at);
    let found: Option<OverrideRow> =
        o::table.find((actor.tenant, client, category.into_str())).select(columns).first(conn).optional()?;
    Ok(found.map(Override::from))
}

/// Locks the override until the transaction ends, and creates the row if it is missing. `None` if another request
/// deleted it concurrently.
pub fn lock_override(
    conn: &mut PgConnection,
    actor: &Actor,
    (client, category): (ClientId, Category),
) -> Result<Option<Override>> {
    use notification_overrides as o;
    diesel::insert_into(o::table)
        .values((
            o::tenant_id.eq(actor.tenant),
            o::client_id.eq(client),
            o::category.eq(category.into_str()),
            o::updated_by.eq(actor.user),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let columns =
        (o::channel_inapp, o::channel_email, o::channel_sms, o::channel_push, o::updated_by, o::updated_at);
    let row = o::table.find((actor.tenant, client, category.into_str())).select(columns).for_update();
    Ok(row.first::<OverrideRow>(conn).optional()?.map(Override::from))
}

pub fn update_override(
    conn: &mut PgConnection,
    actor: &Actor,
    (client, category): (ClientId, Category),
    choices: ChannelChoices,
) -> Result<Override> {
    use notification_overrides as o;
    let row: OverrideRow = diesel::update(o::table.find((actor.tenant, client, category.into_str())))
        .set((
            o::channel_inapp.eq(choices.inapp),
            o::channel_email.eq(choices.email),
            o::channel_sms.eq(choices.sms),
            o::channel_push.eq(choices.push),
        ))
        .returning((
            o::channel_inapp,
            o::channel_email,
            o::channel_sms,
            o::channel_push,
            o::updated_by,
            o::updated_at,
        ))
        .get_result(conn)?;
    Ok(row.into())
}

/// Deletes the override and returns its choices, if there was one.
pub fn delete_override(
    conn: &mut PgConnection,
    actor: &Actor,
    (client, category): (ClientId, Category),
) -> Result<Option<ChannelChoices>> {
    use notification_overrides as o;
    type Channels = (Option<bool>, Option<bool>, Option<bool>, Option<bool>);
    let deleted = diesel::delete(o::table.find((actor.tenant, client, category.into_str())))
        .returning((o::channel_inapp, o::channel_email, o::channel_sms, o::channel_push))
        .get_result::<Channels>(conn)
        .optional()?;
    Ok(deleted.map(|(inapp, email, sms, push)| ChannelChoices { inapp, email, sms, push }))
}
