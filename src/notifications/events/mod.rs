//! Business events: accepted as a whole or not at all, and once, by whichever source they arrive.

pub mod http;
pub mod model;
pub mod runner;
mod store;

use std::time::Duration;

use guichet_base::id::{ClientId, EventId, TeamId, TenantId};
use guichet_base::{Actor, Error, Fault, Result};
use guichet_db::Tx;
use serde_json::{Map, Value};

pub use self::model::Accepted;
use self::model::{EventAudience, INLINE_MAX, Plan, id, names};
use self::store::{NewEvent, Step};
use crate::notifications::model::{Announced, EventProgress};
use crate::notifications::pipeline::{self, AudienceSegment};
use crate::notifications::{Notifications, templates};
use crate::preferences::{Channel, PerChannel, tenant_defaults};

/// How long the idempotency names of an event are stored.
const NAMES_LAST: Duration = Duration::from_secs(24 * 3_600);

/// Accepts an event in a transaction of its own, for sources without a request: Redis, jobs.
///
/// Errors: as for [`announce`].
pub async fn accept_as_system(n: &Notifications, tenant: TenantId, what: Announced) -> Result<Accepted> {
    let task = n.clone();
    n.db.system(tenant, move |tx| announce(tx, &task, tenant, &what)).await
}

/// Accepts an event: validates it and writes the notifications of a small audience at once. Those of a large audience
/// are left to the [`runner`], which is woken after the commit.
///
/// Errors: `VALIDATION_ERROR` for an unknown event, missing variables, unknown recipients; `IDEMPOTENCY_MISMATCH` if
/// its key named a different event within a day.
pub fn announce(tx: &mut Tx<'_>, n: &Notifications, tenant: TenantId, what: &Announced) -> Result<Accepted> {
    announce_as(tx, n, tenant, what, |_| {})
}

/// The same, for sources that override decisions of the template.
pub fn announce_as(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    what: &Announced,
    settle: impl FnOnce(&mut Plan),
) -> Result<Accepted> {
    let now = n.clock.now();
    let event = EventId::new();
    let names = names(what)?;
    let first = tx.as_system(|sys| {
        for (taken, name) in names.iter().enumerate() {
            if let Some(first) = store::take(sys, tenant, name, event, (now, now.minus(NAMES_LAST)))? {
                // The names taken so far belong to the first event too, since no other event is created.
                store::give(sys, tenant, names.get(..taken).unwrap_or_default(), first)?;
                return Ok(Some(first));
            }
        }
        Ok(None)
    })?;
    if let Some(first) = first {
        let progress = store::progress(tx, tenant, first)?.ok_or_else(|| Error::not_found("event"))?;
        return Ok(Accepted { progress, replayed: true });
    }
    // A copy of an event that was announced in time has returned above.
    let now = n.clock.now();
    if what.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::validation(vec![Fault::new("expires_at", "in_past")]));
    }
    let (mut plan, audience) = plan(n, tx, tenant, what)?;
    settle(&mut plan);
    write(tx, n, tenant, event, what, (plan, audience))
}

/// The tenant's settings and texts for an event of this code.
pub(super) fn said(tx: &mut Tx<'_>, tenant: TenantId, code: &str) -> Result<store::TenantTexts> {
    tx.as_system(|sys| store::said(sys, tenant, code))
}

/// Builds and validates the plan and the audience of an event.
fn plan(
    n: &Notifications,
    tx: &mut Tx<'_>,
    tenant: TenantId,
    what: &Announced,
) -> Result<(Plan, EventAudience)> {
    let said = said(tx, tenant, &what.event)?;
    let template = templates::effective(&what.event, said.changes.as_ref())?;
    template.check(&what.payload, what.recipients.is_some())?;
    let texts = template.render(&what.payload)?;
    let audience = match &what.recipients {
        Some(recipients) => EventAudience::named(recipients),
        None => {
            template.check_audience(&what.payload)?;
            EventAudience::of_template(&template, &what.payload)
        }
    };
    let unknown = tx.as_system(|sys| store::unknown(sys, tenant, &audience))?;
    if !unknown.is_empty() {
        let fault = |id: &uuid::Uuid| Fault::new(where_it_stands(what, *id), "unknown_recipient");
        return Err(Error::validation(unknown.iter().map(fault).collect()));
    }
    let features = n.directory.features_from_settings(&said.settings);
    features.require(crate::config::Feature::Notifications)?;
    let plan = Plan {
        category: template.category,
        priority: template.priority,
        channels: PerChannel::from_fn(|channel| template.channels.contains(&channel)),
        prefers: template.channels.first().copied().unwrap_or(Channel::Inapp),
        disabled: disabled(n, &features),
        defaults: tenant_defaults(&said.settings).for_category(template.category),
        texts,
        team: id(&what.payload, "team_id").map(TeamId),
        client: id(&what.payload, "client_id").map(ClientId),
        expires_at: what.expires_at.or(n.settings.default_ttl.map(|ttl| n.clock.now().plus(ttl))),
        payload: what.payload.clone(),
        code: template.code.clone(),
        is_bulk: false,
    };
    Ok((plan, audience))
}

/// The field of the event that contains `id`.
fn where_it_stands(what: &Announced, id: uuid::Uuid) -> String {
    let Some(named) = &what.recipients else {
        let names = |(_, value): &(&String, &Value)| {
            value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&id.to_string()))
        };
        return what
            .payload
            .iter()
            .find(names)
            .map_or_else(|| "payload".to_owned(), |(name, _)| format!("payload.{name}"));
    };
    let lists = [
        ("users", named.users.iter().position(|user| user.0 == id)),
        ("teams", named.teams.iter().position(|team| team.0 == id)),
        ("clients", named.clients.iter().position(|client| client.0 == id)),
    ];
    let found = lists.into_iter().find_map(|(list, at)| Some(format!("recipients.{list}[{}]", at?)));
    found.unwrap_or_else(|| "recipients".to_owned())
}

/// Channels that are off for the tenant or for the whole service.
pub fn disabled(n: &Notifications, features: &crate::directory::FeatureSet) -> PerChannel<bool> {
    use crate::config::Feature;
    PerChannel {
        inapp: false,
        email: !(n.settings.email_enabled && features.is_on(Feature::Email)),
        sms: !(n.settings.sms_enabled && features.is_on(Feature::Sms)),
        push: !features.is_on(Feature::Push),
    }
}

fn write(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    event: EventId,
    what: &Announced,
    (mut plan, audience): (Plan, EventAudience),
) -> Result<Accepted> {
    let now = n.clock.now();
    // A few named people need not be counted: they are looked up when their notifications are written.
    let is_small = !audience.everyone
        && audience.roles.is_empty()
        && audience.clients.is_empty()
        && audience.teams.is_empty()
        && audience.operators_of.is_empty()
        && i64::try_from(audience.users.len()).is_ok_and(|named| named <= INLINE_MAX);
    let planned = match is_small {
        true => 0,
        false => tx.as_system(|sys| pipeline::count(sys, tenant, &audience, what.actor))?,
    };
    plan.is_bulk = planned > INLINE_MAX;
    let new = NewEvent { id: event, what, audience: &audience, plan: &plan, planned, now };
    tx.as_system(|sys| store::insert(sys, tenant, &new))?;
    let mut progress = EventProgress {
        id: event,
        event: what.event.clone(),
        status: "running".to_owned(),
        planned,
        written: 0,
        skipped: 0,
        delivered: 0,
        failed: 0,
    };
    if plan.is_bulk {
        let wake = n.wake.clone();
        tx.after_commit(move || wake.notify_one());
        return Ok(Accepted { progress, replayed: false });
    }
    let stretch = AudienceSegment {
        event,
        plan: &plan,
        audience: &audience,
        actor: what.actor,
        group_key: None,
        up_to: None,
        looking: &[],
    };
    let done = pipeline::step(n, tx, tenant, &stretch)?;
    let step =
        Step { written: done.written, skipped: done.skipped, up_to: done.up_to, is_last: done.is_last };
    tx.as_system(|sys| store::advance(sys, tenant, event, &step, now))?;
    (progress.written, progress.skipped) = (done.written.into(), done.skipped.into());
    if done.is_last {
        "done".clone_into(&mut progress.status);
        progress.planned = progress.written + progress.skipped;
    }
    Ok(Accepted { progress, replayed: false })
}

/// The progress of an event. Errors: `NOT_FOUND`.
pub async fn progress(n: &Notifications, actor: &Actor, id: EventId) -> Result<EventProgress> {
    let tenant = actor.tenant;
    n.db.read(actor, move |tx| store::progress(tx, tenant, id)?.ok_or_else(|| Error::not_found("event")))
        .await
}

/// Builds the payload of an event of guichet itself.
pub fn payload<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
