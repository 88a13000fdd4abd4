//! Business events. An event is accepted completely or refused, and takes effect once, even if several sources send it.

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
use self::model::{EventAudience, MAX_INLINE_AUDIENCE, Plan, idempotency_names, payload_uuid};
use self::store::{ChunkResult, NewEvent};
use crate::notifications::model::{AnnouncedEvent, EventProgress};
use crate::notifications::pipeline::{self, AudienceSegment};
use crate::notifications::{Notifications, templates};
use crate::preferences::{Channel, PerChannel, tenant_defaults};

/// How long the idempotency names of an event are honoured.
const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// Accepts an event in a transaction of its own, for sources without a request: Redis, jobs.
///
/// Errors: as for [`announce`].
pub async fn accept_as_system(
    n: &Notifications,
    tenant: TenantId,
    announced: AnnouncedEvent,
) -> Result<Accepted> {
    let task = n.clone();
    n.db.system(tenant, move |tx| announce(tx, &task, tenant, &announced)).await
}

/// Accepts an event: validates it and writes the notifications of a small audience at once. Those of a large audience
/// are left to the [`runner`], which is woken after the commit.
///
/// Errors: `VALIDATION_ERROR` for an unknown event, missing variables, unknown recipients; `IDEMPOTENCY_MISMATCH` if
/// its key named a different event within a day.
pub fn announce(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    announced: &AnnouncedEvent,
) -> Result<Accepted> {
    announce_as(tx, n, tenant, announced, |_| {})
}

/// Like [`announce`], for sources that override properties of the template in the plan.
pub fn announce_as(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    announced: &AnnouncedEvent,
    adjust_plan: impl FnOnce(&mut Plan),
) -> Result<Accepted> {
    let now = n.clock.now();
    let event = EventId::new();
    let names = idempotency_names(announced)?;
    let earlier_event = tx.as_system(|sys| {
        for (index, name) in names.iter().enumerate() {
            if let Some(first) =
                store::claim_name(sys, tenant, name, event, (now, now.minus(IDEMPOTENCY_WINDOW)))?
            {
                // The names claimed in this loop are reassigned to the earlier event, since no new event is created.
                store::reassign_names(sys, tenant, names.get(..index).unwrap_or_default(), first)?;
                return Ok(Some(first));
            }
        }
        Ok(None)
    })?;
    if let Some(first) = earlier_event {
        let progress = store::progress(tx, tenant, first)?.ok_or_else(|| Error::not_found("event"))?;
        return Ok(Accepted { progress, replayed: true });
    }
    // Checked only now: a repeated announcement of an accepted event must succeed even after its expiry.
    let now = n.clock.now();
    if announced.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::validation(vec![Fault::new("expires_at", "in_past")]));
    }
    let (mut plan, audience) = build_plan(n, tx, tenant, announced)?;
    adjust_plan(&mut plan);
    insert_event(tx, n, tenant, event, announced, (plan, audience))
}

/// Reads the tenant's settings, and its changes of the template with this code.
pub(super) fn load_tenant_texts(tx: &mut Tx<'_>, tenant: TenantId, code: &str) -> Result<store::TenantTexts> {
    tx.as_system(|sys| store::load_tenant_texts(sys, tenant, code))
}

/// Builds and validates the plan and the audience of an event.
fn build_plan(
    n: &Notifications,
    tx: &mut Tx<'_>,
    tenant: TenantId,
    announced: &AnnouncedEvent,
) -> Result<(Plan, EventAudience)> {
    let tenant_texts = load_tenant_texts(tx, tenant, &announced.event)?;
    let template = templates::effective(&announced.event, tenant_texts.changes.as_ref())?;
    template.check_payload(&announced.payload, announced.recipients.is_some())?;
    let texts = template.render(&announced.payload)?;
    let audience = match &announced.recipients {
        Some(recipients) => EventAudience::from_recipients(recipients),
        None => {
            template.check_audience(&announced.payload)?;
            EventAudience::from_template(&template, &announced.payload)
        }
    };
    let unknown = tx.as_system(|sys| store::unknown_recipients(sys, tenant, &audience))?;
    if !unknown.is_empty() {
        let fault = |id: &uuid::Uuid| Fault::new(field_of_recipient(announced, *id), "unknown_recipient");
        return Err(Error::validation(unknown.iter().map(fault).collect()));
    }
    let features = n.directory.features_from_settings(&tenant_texts.settings);
    features.require(crate::config::Feature::Notifications)?;
    let plan = Plan {
        category: template.category,
        priority: template.priority,
        channels: PerChannel::from_fn(|channel| template.channels.contains(&channel)),
        prefers: template.channels.first().copied().unwrap_or(Channel::Inapp),
        disabled: disabled_channels(n, &features),
        defaults: tenant_defaults(&tenant_texts.settings).for_category(template.category),
        texts,
        team: payload_uuid(&announced.payload, "team_id").map(TeamId),
        client: payload_uuid(&announced.payload, "client_id").map(ClientId),
        expires_at: announced.expires_at.or(n.settings.default_ttl.map(|ttl| n.clock.now().plus(ttl))),
        payload: announced.payload.clone(),
        code: template.code.clone(),
        is_bulk: false,
    };
    Ok((plan, audience))
}

/// The field of the event that contains `id`.
fn field_of_recipient(announced: &AnnouncedEvent, id: uuid::Uuid) -> String {
    let Some(recipients) = &announced.recipients else {
        let is_id = |(_, value): &(&String, &Value)| {
            value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&id.to_string()))
        };
        return announced
            .payload
            .iter()
            .find(is_id)
            .map_or_else(|| "payload".to_owned(), |(name, _)| format!("payload.{name}"));
    };
    let lists = [
        ("users", recipients.users.iter().position(|user| user.0 == id)),
        ("teams", recipients.teams.iter().position(|team| team.0 == id)),
        ("clients", recipients.clients.iter().position(|client| client.0 == id)),
    ];
    let found = lists.into_iter().find_map(|(list, at)| Some(format!("recipients.{list}[{}]", at?)));
    found.unwrap_or_else(|| "recipients".to_owned())
}

/// The channels that are disabled for the tenant or for the whole service.
pub fn disabled_channels(n: &Notifications, features: &crate::directory::FeatureSet) -> PerChannel<bool> {
    use crate::config::Feature;
    PerChannel {
        inapp: false,
        email: !(n.settings.email_enabled && features.is_on(Feature::Email)),
        sms: !(n.settings.sms_enabled && features.is_on(Feature::Sms)),
        push: !features.is_on(Feature::Push),
    }
}

fn insert_event(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    event: EventId,
    announced: &AnnouncedEvent,
    (mut plan, audience): (Plan, EventAudience),
) -> Result<Accepted> {
    let now = n.clock.now();
    // A short list of people is not counted: they are looked up when their notifications are written.
    let is_small = !audience.everyone
        && audience.roles.is_empty()
        && audience.clients.is_empty()
        && audience.teams.is_empty()
        && audience.operators_of.is_empty()
        && i64::try_from(audience.users.len()).is_ok_and(|count| count <= MAX_INLINE_AUDIENCE);
    let planned = match is_small {
        true => 0,
        false => tx.as_system(|sys| pipeline::count_audience(sys, tenant, &audience, announced.actor))?,
    };
    plan.is_bulk = planned > MAX_INLINE_AUDIENCE;
    let new = NewEvent { id: event, announced, audience: &audience, plan: &plan, planned, now };
    tx.as_system(|sys| store::insert(sys, tenant, &new))?;
    let mut progress = EventProgress {
        id: event,
        event: announced.event.clone(),
        status: "running".to_owned(),
        planned,
        written: 0,
        skipped: 0,
        delivered: 0,
        failed: 0,
    };
    if plan.is_bulk {
        let wake = n.audiences_due.clone();
        tx.after_commit(move || wake.notify_one());
        return Ok(Accepted { progress, replayed: false });
    }
    let segment = AudienceSegment {
        event,
        plan: &plan,
        audience: &audience,
        actor: announced.actor,
        group_key: None,
        after: None,
        viewers: &[],
    };
    let result = pipeline::process_segment(n, tx, tenant, &segment)?;
    let step = ChunkResult {
        written: result.written,
        skipped: result.skipped,
        up_to: result.last_user,
        is_last: result.is_last,
    };
    tx.as_system(|sys| store::record_chunk(sys, tenant, event, &step, now))?;
    (progress.written, progress.skipped) = (result.written.into(), result.skipped.into());
    if result.is_last {
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

/// Builds the payload of an event that guichet itself announces.
pub fn payload<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
