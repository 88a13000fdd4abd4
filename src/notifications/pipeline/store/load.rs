//! Loads a segment of an audience: each recipient with their locked feed and preferences.

use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Time, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Locale, Result, Role, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::sql;
use uuid::Uuid;

use crate::notifications::events::model::{EventAudience, Plan};
use crate::notifications::expired::expired_but_counted;
use crate::notifications::pipeline::SEGMENT_SIZE;
use crate::preferences::{ChannelChoices, PerChannel, PreferenceLevels, QuietHours};

/// One recipient with their locked feed.
#[derive(QueryableByName)]
pub struct LockedRecipient {
    #[diesel(sql_type = SqlUuid)]
    pub id: UserId,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    locale: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    /// The unread counter without expired notifications, as the owner sees it.
    #[diesel(sql_type = Integer)]
    pub unread: i32,
    #[diesel(sql_type = Integer)]
    pub held: i32,
    #[diesel(sql_type = Array<Timestamptz>)]
    pub pushes: Vec<Timestamp>,
    #[diesel(sql_type = Bool)]
    pub in_scope: bool,
    #[diesel(sql_type = Nullable<Bool>)]
    own_inapp: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    own_email: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    own_sms: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    own_push: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_inapp: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_email: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_sms: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_push: Option<bool>,
    #[diesel(sql_type = Bool)]
    pub has_digest: bool,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_from: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_to: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Text>)]
    quiet_timezone: Option<String>,
}

impl LockedRecipient {
    pub fn user_type(&self) -> UserType {
        Role::parse_person_role(&self.role).map_or(UserType::Operator, Role::user_type)
    }

    pub fn locale(&self) -> Locale {
        Locale::parse(&self.locale).unwrap_or_default()
    }

    pub fn levels(&self, plan: &Plan) -> PreferenceLevels {
        PreferenceLevels {
            client_override: PerChannel {
                inapp: self.over_inapp,
                email: self.over_email,
                sms: self.over_sms,
                push: self.over_push,
            },
            user: ChannelChoices {
                inapp: self.own_inapp,
                email: self.own_email,
                sms: self.own_sms,
                push: self.own_push,
            },
            tenant_default: plan.defaults,
        }
    }

    pub fn quiet_hours(&self) -> Option<QuietHours> {
        let zone = self.quiet_timezone.as_deref().unwrap_or(&self.timezone);
        QuietHours::from_row(self.quiet_from, self.quiet_to, zone)
    }
}

const COLUMNS: &str = concat!(
    "u.id, u.role, u.locale, u.timezone, u.email, u.phone, f.head, f.held, f.pushes,
    f.unread - (",
    expired_but_counted!("$1", "u.id", "$12"),
    ")::int AS unread,
    p.channel_inapp AS own_inapp, p.channel_email AS own_email, p.channel_sms AS own_sms, p.channel_push AS own_push,
    o.inapp AS over_inapp, o.email AS over_email, o.sms AS over_sms, o.push AS over_push,
    coalesce(s.digest_mode <> 'off', false) AS has_digest, s.quiet_from, s.quiet_to, s.quiet_timezone"
);
const IS_IN_TEAM: &str =
    "EXISTS (SELECT FROM team_members t WHERE t.tenant_id = $1 AND t.team_id = $9 AND t.user_id = u.id)";
const IS_RELATED_TO_CLIENT: &str = "(u.role IN ('owner', 'manager')
    OR EXISTS (SELECT FROM client_members m WHERE u.role = 'client' AND m.tenant_id = $1 AND m.client_id = $10 AND m.user_id = u.id)
    OR EXISTS (SELECT FROM clients c WHERE u.role = 'employee' AND c.tenant_id = $1 AND c.id = $10 AND (c.operator_id = u.id
        OR c.team_id IN (SELECT t.team_id FROM team_members t WHERE t.tenant_id = $1 AND t.user_id = u.id))))";

/// SQL for the next people `u` of an audience, ordered by id, with their feeds `f` locked in that order. It contains
/// only what this audience needs, since PostgreSQL plans most of these statements at each execution. If several clients of a member
/// have overrides, a channel is off if one of them turns it off.
fn load_sql(audience: &EventAudience, plan: &Plan) -> Option<String> {
    let named = audience_sql(audience)?;
    let in_scope = match (plan.team, plan.client) {
        (None, None) => "true".to_owned(),
        (Some(_), None) => IS_IN_TEAM.to_owned(),
        (None, Some(_)) => IS_RELATED_TO_CLIENT.to_owned(),
        (Some(_), Some(_)) => format!("{IS_IN_TEAM} AND {IS_RELATED_TO_CLIENT}"),
    };
    let of_client = if plan.client.is_some() { "AND m.client_id = $10" } else { "" };
    Some(format!(
        "SELECT {COLUMNS}, {in_scope} AS in_scope
           FROM (SELECT named.id FROM ({named}) named (id)
                   JOIN users l ON l.tenant_id = $1 AND l.id = named.id AND l.deleted_at IS NULL
                  WHERE named.id IS DISTINCT FROM $8 ORDER BY named.id LIMIT {SEGMENT_SIZE}) named
           JOIN users u ON u.tenant_id = $1 AND u.id = named.id
           JOIN notification_feeds f ON f.tenant_id = $1 AND f.user_id = u.id
           LEFT JOIN notification_preferences p ON p.tenant_id = $1 AND p.user_id = u.id AND p.category = $11
           LEFT JOIN notification_settings s ON s.tenant_id = $1 AND s.user_id = u.id
           LEFT JOIN LATERAL (
                 SELECT bool_and(v.channel_inapp) AS inapp, bool_and(v.channel_email) AS email,
                        bool_and(v.channel_sms) AS sms, bool_and(v.channel_push) AS push
                   FROM client_members m JOIN notification_overrides v ON v.tenant_id = m.tenant_id AND v.client_id = m.client_id
                  WHERE u.role = 'client' AND m.tenant_id = $1 AND m.user_id = u.id AND v.category = $11 {of_client}) o ON true
          ORDER BY named.id FOR UPDATE OF f"
    ))
}

/// SQL for the distinct ids after `$2`. Large parts are limited to one segment, plus one row for the excluded actor,
/// which does not change the first segment of the union.
fn audience_sql(audience: &EventAudience) -> Option<String> {
    let has_roles = |client: bool| audience.roles.iter().any(|role| (*role == Role::Client) == client);
    let limit = format!("ORDER BY r.id LIMIT {SEGMENT_SIZE} + 1");
    let all_users = "SELECT r.id FROM users r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL AND r.id > $2";
    let parts = [
        (!audience.users.is_empty(), "SELECT id FROM unnest($3::uuid[]) w (id) WHERE id > $2".to_owned()),
        (
            !audience.teams.is_empty(),
            "SELECT t.user_id FROM team_members t WHERE t.tenant_id = $1 AND t.team_id = ANY ($4) AND t.user_id > $2"
                .to_owned(),
        ),
        // Written to match the predicate of the partial index on people who are not clients.
        (has_roles(false), format!("({all_users} AND r.role <> 'client' AND r.role = ANY ($5) {limit})")),
        (has_roles(true), format!("({all_users} AND r.role = 'client' {limit})")),
        (
            !audience.clients.is_empty(),
            "SELECT m.user_id FROM client_members m WHERE m.tenant_id = $1 AND m.client_id = ANY ($6) AND m.user_id > $2"
                .to_owned(),
        ),
        (
            !audience.operators_of.is_empty(),
            "SELECT c.operator_id FROM clients c WHERE c.tenant_id = $1 AND c.id = ANY ($7) AND c.operator_id > $2
             UNION
             SELECT t.user_id FROM clients c JOIN team_members t ON t.tenant_id = c.tenant_id AND t.team_id = c.team_id
              WHERE c.tenant_id = $1 AND c.id = ANY ($7) AND c.operator_id IS NULL AND t.user_id > $2"
                .to_owned(),
        ),
        (audience.everyone, format!("({all_users} {limit})")),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(is_named, part)| is_named.then_some(part)).collect();
    match parts.as_slice() {
        [] => None,
        [one] => Some(format!("SELECT DISTINCT one.id FROM ({one}) one (id)")),
        many => Some(many.join(" UNION ")),
    }
}

/// Locks and reads the next people after `up_to`, at most [`SEGMENT_SIZE`]; fewer if the audience ends.
pub fn lock_recipients(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    (audience, plan): (&EventAudience, &Plan),
    actor: Option<UserId>,
    (up_to, now): (Option<Uuid>, Timestamp),
) -> Result<Vec<LockedRecipient>> {
    let Some(text) = load_sql(audience, plan) else { return Ok(Vec::new()) };
    Ok(sql(text)
        .bind(tenant)
        .bind(up_to.unwrap_or(Uuid::nil()))
        .bind(audience.users.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.teams.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.roles.iter().map(|role| role.into_str().to_owned()).collect::<Vec<_>>())
        .bind(audience.clients.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.operators_of.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(actor)
        .bind(plan.team)
        .bind(plan.client)
        .bind(plan.category.into_str())
        .bind(now)
        .load(sys.conn())?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const COUNT: &str = "
    SELECT count(*) AS number FROM users u WHERE u.tenant_id = $1 AND u.deleted_at IS NULL AND u.id IS DISTINCT FROM $2
       AND ($3 OR u.role = ANY ($4) OR u.id = ANY ($5) OR u.id IN (
            SELECT t.user_id FROM team_members t WHERE t.tenant_id = $1 AND t.team_id = ANY ($6)
            UNION ALL SELECT m.user_id FROM client_members m WHERE m.tenant_id = $1 AND m.client_id = ANY ($7)
            UNION ALL SELECT c.operator_id FROM clients c WHERE c.tenant_id = $1 AND c.id = ANY ($8)
            UNION ALL SELECT t.user_id FROM clients c JOIN team_members t ON t.tenant_id = c.tenant_id AND t.team_id = c.team_id
                       WHERE c.tenant_id = $1 AND c.id = ANY ($8) AND c.operator_id IS NULL))";

/// Counts the people of an audience without the actor.
pub fn count_audience(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    audience: &EventAudience,
    actor: Option<UserId>,
) -> Result<i64> {
    let found: Count = sql(COUNT)
        .bind(tenant)
        .bind(actor)
        .bind(audience.everyone)
        .bind(audience.roles.iter().map(|role| role.into_str().to_owned()).collect::<Vec<_>>())
        .bind(audience.users.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.teams.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.clients.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.operators_of.iter().map(|id| id.0).collect::<Vec<_>>())
        .get_result(sys.conn())?;
    Ok(found.number)
}
