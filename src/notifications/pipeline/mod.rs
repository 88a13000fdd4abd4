//! From an audience to rows, one segment of people at a time: lock, decide, write.

mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{EventId, NotificationId, TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Locale, Result, Timestamp};
use guichet_db::Tx;
use guichet_realtime::Event;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::store::count;
use self::store::{
    Batch, LockedRecipient, NewDelivery, NewNotification, Raised, RenderedText, UnreadOfGroup, load,
    standing, write,
};
use crate::notifications::Notifications;
use crate::notifications::events::model::{EventAudience, Plan};
use crate::notifications::model::{Notification, Status};
use crate::notifications::socket_events::{self, NewNotificationEvent, NotificationUpdated, UnreadCount};
use crate::preferences::{self, Channel, Decision, DecisionRule, PerChannel, Priority, RecipientProfile};

/// People processed in one transaction; their feeds are locked for its duration.
pub const CHUNK: i64 = 500;
/// The window of the rate limit for pushes.
pub const WINDOW: Duration = Duration::from_secs(60);

/// One event for a segment of people.
pub struct AudienceSegment<'a> {
    pub event: EventId,
    pub plan: &'a Plan,
    pub audience: &'a EventAudience,
    pub actor: Option<UserId>,
    /// At most one unread notification per person has this key.
    pub group_key: Option<&'a str>,
    pub up_to: Option<Uuid>,
    /// Recipients who have the subject of the event open.
    pub looking: &'a [UserId],
}

/// The result for a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentOutcome {
    pub written: i32,
    pub skipped: i32,
    /// The last person processed.
    pub up_to: Option<Uuid>,
    pub is_last: bool,
    /// Whether deliveries were written.
    pub has_deliveries: bool,
}

/// Processes the next people of an audience; their sockets are notified after the commit.
pub fn step(
    n: &Notifications,
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stretch: &AudienceSegment<'_>,
) -> Result<SegmentOutcome> {
    let now = n.clock.now();
    let (events, outcome) = tx.as_system(|sys| {
        let scope = (stretch.audience, stretch.plan);
        let people = load(sys, tenant, scope, stretch.actor, (stretch.up_to, now))?;
        let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
        let standing = match stretch.group_key {
            Some(key) => standing(sys, tenant, &ids, key)?,
            None => Vec::new(),
        };
        let mut making = Making::new(n, tenant, stretch, now);
        let mut standing: HashMap<(UserId, bool), UnreadOfGroup> =
            standing.into_iter().map(|row| ((row.recipient_id, row.visible), row)).collect();
        for person in &people {
            let throttle = making.throttle(person);
            let decision = making.decide(person, throttle.is_held);
            match standing.remove(&(person.id, decision.inapp.sent)) {
                Some(standing) => making.raise(person, standing, decision, throttle)?,
                None => making.add(person, decision, throttle)?,
            }
        }
        let batch = making.batch;
        if !people.is_empty() {
            write(sys, tenant, &batch)?;
        }
        let size = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let outcome = SegmentOutcome {
            written: size(batch.rows.len() + batch.raised.len()),
            skipped: size(batch.skips.len()),
            up_to: people.last().map(|person| person.id.0),
            is_last: i64::try_from(people.len()).is_ok_and(|found| found < CHUNK),
            has_deliveries: !batch.deliveries.is_empty(),
        };
        Ok((batch.events, outcome))
    })?;
    publish_after_commit(n, tx, events);
    if outcome.has_deliveries {
        let due = Arc::clone(&n.deliveries_due);
        tx.after_commit(move || due.notify_one());
    }
    Ok(outcome)
}

/// Publishes after the commit to the sockets of this process; other processes read the outbox.
fn publish_after_commit(n: &Notifications, tx: &mut Tx<'_>, events: Vec<(UserId, Event)>) {
    if events.is_empty() {
        return;
    }
    let hub = Arc::clone(&n.hub);
    tx.after_commit(move || {
        for (_, event) in events {
            hub.publish(Arc::new(event));
        }
    });
}

/// 0 critical, 1 normal, 2 bulk.
pub(super) fn lane(plan: &Plan) -> i32 {
    match (plan.priority, plan.is_bulk) {
        (_, true) => 2,
        (Priority::Critical, false) => 0,
        (_, false) => 1,
    }
}

/// A batch under construction.
struct Making<'a> {
    n: &'a Notifications,
    tenant: TenantId,
    stretch: &'a AudienceSegment<'a>,
    variants: HashMap<(Locale, UserType), usize>,
    batch: Batch<'a>,
}

/// Whether a person may be pushed to now.
#[derive(Clone, Copy)]
struct Throttle {
    is_held: bool,
    /// When the window has room again.
    due_at: Timestamp,
}

impl<'a> Making<'a> {
    fn new(n: &'a Notifications, tenant: TenantId, stretch: &'a AudienceSegment<'a>, now: Timestamp) -> Self {
        let batch = Batch {
            event: stretch.event,
            plan: stretch.plan,
            group_key: stretch.group_key,
            now,
            texts: Vec::new(),
            rows: Vec::new(),
            raised: Vec::new(),
            deliveries: Vec::new(),
            skips: Vec::new(),
            events: Vec::new(),
        };
        Self { n, tenant, stretch, variants: HashMap::new(), batch }
    }

    fn add(&mut self, person: &LockedRecipient, decision: Decision, throttle: Throttle) -> Result<()> {
        let outside = [Channel::Email, Channel::Sms, Channel::Push];
        let visible = decision.inapp.sent;
        let is_sent = outside.iter().any(|channel| decision.get(*channel).sent);
        let waits = |rule: DecisionRule| outside.iter().any(|channel| decision.get(*channel).rule == rule);
        let (in_digest, is_withheld) = (waits(DecisionRule::Digest), waits(DecisionRule::Throttle));
        if !(visible || is_sent || in_digest || is_withheld) {
            self.batch.skips.push((person.id, decision));
            return Ok(());
        }
        let row = NewNotification {
            id: Uuid::now_v7(),
            user: person.id,
            side: person.side(),
            text: self.variant(person),
            seq: if visible { person.head + 1 } else { 0 },
            visible,
            pushed: !throttle.is_held
                && self.stretch.plan.priority != Priority::Critical
                && (visible || is_sent),
            held: throttle.is_held && (visible || is_withheld),
            summary_due_at: throttle.due_at,
            in_digest,
            decision,
        };
        if visible {
            let event = self.first_told(person, &row)?;
            self.batch.events.push((person.id, event));
        }
        self.plan_deliveries(person, row.id, &row.decision);
        self.batch.rows.push(row);
        Ok(())
    }

    /// Limits pushes per minute. A person with held notifications gets their summary first. Critical ones are exempt.
    fn throttle(&self, person: &LockedRecipient) -> Throttle {
        let now = self.batch.now;
        let since = now.minus(WINDOW);
        let recent: Vec<Timestamp> = person.pushes.iter().copied().filter(|at| *at > since).collect();
        let rate = self.n.settings.rate_per_min;
        let is_full = recent.len() >= rate || person.held > 0;
        let is_held = self.stretch.plan.priority != Priority::Critical && is_full;
        let makes_room = recent.len().checked_sub(rate).and_then(|at| recent.get(at)).copied().unwrap_or(now);
        Throttle { is_held, due_at: makes_room.plus(WINDOW) }
    }

    fn decide(&self, person: &LockedRecipient, is_held: bool) -> Decision {
        let plan = self.stretch.plan;
        let quiet = person.quiet();
        let to = RecipientProfile {
            levels: person.levels(plan),
            reachable: PerChannel {
                inapp: true,
                email: person.email.is_some(),
                sms: person.phone.is_some(),
                push: false,
            },
            suppressed: PerChannel::default(),
            has_digest: person.has_digest,
            quiet_hours: quiet.as_ref(),
            is_throttled: is_held,
            is_out_of_scope: !person.in_scope,
            has_subject_open: self.stretch.looking.contains(&person.id),
        };
        preferences::decide(&plan.event_profile(), &to, self.batch.now)
    }

    /// The index of the text for the person's language and user type.
    fn variant(&mut self, person: &LockedRecipient) -> usize {
        let (plan, texts) = (self.stretch.plan, &mut self.batch.texts);
        *self.variants.entry((person.locale(), person.side())).or_insert_with_key(|(locale, side)| {
            let (text, data) = plan.text(*locale, *side);
            texts.push(RenderedText {
                title: text.title.clone(),
                body: text.body.clone(),
                link: text.link.clone(),
                data,
            });
            texts.len() - 1
        })
    }

    fn first_told(&self, person: &LockedRecipient, row: &NewNotification) -> Result<Event> {
        let unread = i64::from(person.unread) + 1;
        if row.held {
            return socket_events::event(
                self.tenant,
                person.id,
                row.seq,
                socket_events::UNREAD,
                &UnreadCount { count: unread },
            );
        }
        let notification = self.notification(row.id, row.seq, self.batch.now, row.text, None);
        socket_events::event(
            self.tenant,
            person.id,
            row.seq,
            socket_events::NEW,
            &NewNotificationEvent { notification: &notification, unread },
        )
    }

    fn raise(
        &mut self,
        person: &LockedRecipient,
        standing: UnreadOfGroup,
        decision: Decision,
        throttle: Throttle,
    ) -> Result<()> {
        let text = self.variant(person);
        self.plan_deliveries(person, standing.id.0, &decision);
        let is_told = standing.visible && !throttle.is_held;
        let is_woken = standing.visible && standing.snoozed_until.is_some();
        let raised = Raised {
            decision,
            user: person.id,
            text,
            seq: if is_told || is_woken { person.head + 1 } else { 0 },
            pushed: is_told && self.stretch.plan.priority != Priority::Critical,
            held: standing.visible && throttle.is_held,
            summary_due_at: throttle.due_at,
            count: standing.count + 1,
            row: standing,
        };
        let unread = i64::from(person.unread) + i64::from(is_woken);
        if is_told {
            let row = &raised.row;
            let notification = self.notification(row.id.0, row.seq, row.created_at, text, Some(raised.count));
            let payload = NotificationUpdated { notification: &notification, unread, raised: true };
            let event =
                socket_events::event(self.tenant, person.id, raised.seq, socket_events::UPDATED, &payload)?;
            self.batch.events.push((person.id, event));
        } else if is_woken {
            let payload = UnreadCount { count: unread };
            let event =
                socket_events::event(self.tenant, person.id, raised.seq, socket_events::UNREAD, &payload)?;
            self.batch.events.push((person.id, event));
        }
        self.batch.raised.push(raised);
        Ok(())
    }

    /// The notification as its owner reads it.
    fn notification(
        &self,
        id: Uuid,
        seq: i64,
        created_at: Timestamp,
        text: usize,
        count: Option<i64>,
    ) -> Notification {
        let plan = self.stretch.plan;
        let said = self.batch.texts.get(text);
        let mut data = said.map_or(Value::Null, |said| said.data.clone());
        if let (Some(count), Some(data)) = (count, data.as_object_mut()) {
            data.insert("count".to_owned(), json!(count));
        }
        Notification {
            id: NotificationId(id),
            seq,
            kind: plan.code.clone(),
            category: plan.category,
            title: said.map(|said| said.title.clone()).unwrap_or_default(),
            body: said.map(|said| said.body.clone()).unwrap_or_default(),
            link: said.and_then(|said| said.link.clone()),
            data,
            priority: plan.priority,
            status: Status::Unread,
            is_read: false,
            channel: plan.prefers,
            read_at: None,
            archived_at: None,
            snoozed_until: None,
            expires_at: plan.expires_at,
            event_id: self.stretch.event,
            team_id: plan.team,
            created_at,
            updated_at: self.batch.now,
        }
    }

    /// A delivery already planned for the same notification stays the only one: a burst becomes one mail.
    fn plan_deliveries(&mut self, person: &LockedRecipient, notification: Uuid, decision: &Decision) {
        let addresses = [(Channel::Email, &person.email), (Channel::Sms, &person.phone)];
        for (channel, address) in addresses {
            let verdict = decision.get(channel);
            let (true, Some(address)) = (verdict.sent, address) else { continue };
            self.batch.deliveries.push(NewDelivery {
                notification,
                user: person.id,
                channel,
                to_address: address.clone(),
                next_attempt_at: verdict.after.unwrap_or(self.batch.now),
            });
        }
    }
}
