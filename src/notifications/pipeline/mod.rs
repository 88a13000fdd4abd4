//! Turns an event and its audience into rows, one segment of people at a time: lock, decide, write.

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

pub use self::store::count_audience;
use self::store::{
    Batch, GroupUpdate, LockedRecipient, NewDelivery, NewNotification, RenderedText, UnreadOfGroup,
    lock_recipients, unread_of_group, write_batch,
};
use crate::notifications::Notifications;
use crate::notifications::events::model::{EventAudience, Plan};
use crate::notifications::model::{Notification, Status};
use crate::notifications::socket_events::{self, NotificationCreated, NotificationUpdated, UnreadCount};
use crate::preferences::{self, Channel, Decision, DecisionRule, PerChannel, Priority, RecipientProfile};

/// People processed in one transaction; their feeds are locked for its duration.
pub const SEGMENT_SIZE: i64 = 500;
/// The window of the throttle, in which a person's notifications are counted.
pub const THROTTLE_WINDOW: Duration = Duration::from_secs(60);

/// One event for a segment of people.
pub struct AudienceSegment<'a> {
    pub event: EventId,
    pub plan: &'a Plan,
    pub audience: &'a EventAudience,
    pub actor: Option<UserId>,
    /// The group of the notifications: a person has at most one unread notification with this key.
    pub group_key: Option<&'a str>,
    pub after: Option<Uuid>,
    /// Recipients who have the subject of the event open.
    pub viewers: &'a [UserId],
}

/// The result for a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentOutcome {
    pub written: i32,
    pub skipped: i32,
    /// The last person processed.
    pub last_user: Option<Uuid>,
    pub is_last: bool,
    /// Whether deliveries were written.
    pub has_deliveries: bool,
}

/// Processes the next people of an audience. Socket events are published after the commit.
pub fn process_segment(
    n: &Notifications,
    tx: &mut Tx<'_>,
    tenant: TenantId,
    segment: &AudienceSegment<'_>,
) -> Result<SegmentOutcome> {
    let now = n.clock.now();
    let (events, outcome) = tx.as_system(|sys| {
        let scope = (segment.audience, segment.plan);
        let people = lock_recipients(sys, tenant, scope, segment.actor, (segment.after, now))?;
        let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
        let in_group = match segment.group_key {
            Some(key) => unread_of_group(sys, tenant, &ids, key)?,
            None => Vec::new(),
        };
        let mut builder = BatchBuilder::new(n, tenant, segment, now);
        let mut in_group: HashMap<(UserId, bool), UnreadOfGroup> =
            in_group.into_iter().map(|row| ((row.recipient_id, row.visible), row)).collect();
        for person in &people {
            let throttle = builder.throttle(person);
            let decision = builder.decide(person, throttle.is_held);
            match in_group.remove(&(person.id, decision.inapp.sent)) {
                Some(existing) => builder.update_existing(person, existing, decision, throttle)?,
                None => builder.add_new(person, decision, throttle)?,
            }
        }
        let batch = builder.batch;
        if !people.is_empty() {
            write_batch(sys, tenant, &batch)?;
        }
        let size = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let outcome = SegmentOutcome {
            written: size(batch.new_notifications.len() + batch.updates.len()),
            skipped: size(batch.skips.len()),
            last_user: people.last().map(|person| person.id.0),
            is_last: i64::try_from(people.len()).is_ok_and(|found| found < SEGMENT_SIZE),
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

/// Publishes events to the sockets of this process after the commit; other processes read the outbox.
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

/// The lane of deliveries as stored: 0 critical, 1 normal, 2 bulk.
pub(super) fn lane(plan: &Plan) -> i32 {
    match (plan.priority, plan.is_bulk) {
        (_, true) => 2,
        (Priority::Critical, false) => 0,
        (_, false) => 1,
    }
}

/// Builds the batch of one segment.
struct BatchBuilder<'a> {
    n: &'a Notifications,
    tenant: TenantId,
    segment: &'a AudienceSegment<'a>,
    text_indices: HashMap<(Locale, UserType), usize>,
    batch: Batch<'a>,
}

/// Whether the throttle holds a person's notifications now.
#[derive(Clone, Copy)]
struct Throttle {
    is_held: bool,
    /// When the window allows another notification, so that the summary is due.
    due_at: Timestamp,
}

impl<'a> BatchBuilder<'a> {
    fn new(n: &'a Notifications, tenant: TenantId, segment: &'a AudienceSegment<'a>, now: Timestamp) -> Self {
        let batch = Batch {
            event: segment.event,
            plan: segment.plan,
            group_key: segment.group_key,
            now,
            texts: Vec::new(),
            new_notifications: Vec::new(),
            updates: Vec::new(),
            deliveries: Vec::new(),
            skips: Vec::new(),
            events: Vec::new(),
        };
        Self { n, tenant, segment, text_indices: HashMap::new(), batch }
    }

    fn add_new(&mut self, person: &LockedRecipient, decision: Decision, throttle: Throttle) -> Result<()> {
        let outbound = [Channel::Email, Channel::Sms, Channel::Push];
        let visible = decision.inapp.sent;
        let is_sent = outbound.iter().any(|channel| decision.get(*channel).sent);
        let has_rule =
            |rule: DecisionRule| outbound.iter().any(|channel| decision.get(*channel).rule == rule);
        let (in_digest, is_withheld) = (has_rule(DecisionRule::Digest), has_rule(DecisionRule::Throttle));
        if !(visible || is_sent || in_digest || is_withheld) {
            self.batch.skips.push((person.id, decision));
            return Ok(());
        }
        let row = NewNotification {
            id: Uuid::now_v7(),
            user: person.id,
            user_type: person.user_type(),
            text: self.text_index(person),
            seq: if visible { person.head + 1 } else { 0 },
            visible,
            counts_for_throttle: !throttle.is_held
                && self.segment.plan.priority != Priority::Critical
                && (visible || is_sent),
            held: throttle.is_held && (visible || is_withheld),
            summary_due_at: throttle.due_at,
            in_digest,
            decision,
        };
        if visible {
            let event = self.new_notification_event(person, &row)?;
            self.batch.events.push((person.id, event));
        }
        self.plan_deliveries(person, row.id, &row.decision);
        self.batch.new_notifications.push(row);
        Ok(())
    }

    /// Applies the throttle. While a person has held notifications, further ones are held too, except critical ones.
    fn throttle(&self, person: &LockedRecipient) -> Throttle {
        let now = self.batch.now;
        let since = now.minus(THROTTLE_WINDOW);
        let recent: Vec<Timestamp> = person.pushes.iter().copied().filter(|at| *at > since).collect();
        let rate = self.n.settings.rate_per_min;
        let is_full = recent.len() >= rate || person.held > 0;
        let is_held = self.segment.plan.priority != Priority::Critical && is_full;
        let oldest_counted =
            recent.len().checked_sub(rate).and_then(|at| recent.get(at)).copied().unwrap_or(now);
        Throttle { is_held, due_at: oldest_counted.plus(THROTTLE_WINDOW) }
    }

    fn decide(&self, person: &LockedRecipient, is_held: bool) -> Decision {
        let plan = self.segment.plan;
        let quiet = person.quiet_hours();
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
            has_subject_open: self.segment.viewers.contains(&person.id),
        };
        preferences::decide(&plan.event_profile(), &to, self.batch.now)
    }

    /// The index of the text for the person's language and user type.
    fn text_index(&mut self, person: &LockedRecipient) -> usize {
        let (plan, texts) = (self.segment.plan, &mut self.batch.texts);
        *self.text_indices.entry((person.locale(), person.user_type())).or_insert_with_key(
            |(locale, side)| {
                let (text, data) = plan.text_and_data(*locale, *side);
                texts.push(RenderedText {
                    title: text.title.clone(),
                    body: text.body.clone(),
                    link: text.link.clone(),
                    data,
                });
                texts.len() - 1
            },
        )
    }

    fn new_notification_event(&self, person: &LockedRecipient, row: &NewNotification) -> Result<Event> {
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
            &NotificationCreated { notification: &notification, unread },
        )
    }

    fn update_existing(
        &mut self,
        person: &LockedRecipient,
        existing: UnreadOfGroup,
        decision: Decision,
        throttle: Throttle,
    ) -> Result<()> {
        let text = self.text_index(person);
        self.plan_deliveries(person, existing.id.0, &decision);
        let is_published = existing.visible && !throttle.is_held;
        let is_woken = existing.visible && existing.snoozed_until.is_some();
        let raised = GroupUpdate {
            decision,
            user: person.id,
            text,
            seq: if is_published || is_woken { person.head + 1 } else { 0 },
            pushed: is_published && self.segment.plan.priority != Priority::Critical,
            held: existing.visible && throttle.is_held,
            summary_due_at: throttle.due_at,
            count: existing.count + 1,
            existing,
        };
        let unread = i64::from(person.unread) + i64::from(is_woken);
        if is_published {
            let row = &raised.existing;
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
        self.batch.updates.push(raised);
        Ok(())
    }

    /// Builds the notification as its owner reads it.
    fn notification(
        &self,
        id: Uuid,
        seq: i64,
        created_at: Timestamp,
        text: usize,
        count: Option<i64>,
    ) -> Notification {
        let plan = self.segment.plan;
        let text = self.batch.texts.get(text);
        let mut data = text.map_or(Value::Null, |said| said.data.clone());
        if let (Some(count), Some(data)) = (count, data.as_object_mut()) {
            data.insert("count".to_owned(), json!(count));
        }
        Notification {
            id: NotificationId(id),
            seq,
            kind: plan.code.clone(),
            category: plan.category,
            title: text.map(|said| said.title.clone()).unwrap_or_default(),
            body: text.map(|said| said.body.clone()).unwrap_or_default(),
            link: text.and_then(|said| said.link.clone()),
            data,
            priority: plan.priority,
            status: Status::Unread,
            is_read: false,
            channel: plan.prefers,
            read_at: None,
            archived_at: None,
            snoozed_until: None,
            expires_at: plan.expires_at,
            event_id: self.segment.event,
            team_id: plan.team,
            created_at,
            updated_at: self.batch.now,
        }
    }

    /// Plans the deliveries. The constraint `deliveries_once` prevents duplicates, so that a burst is one email.
    fn plan_deliveries(&mut self, person: &LockedRecipient, notification: Uuid, decision: &Decision) {
        let addresses = [(Channel::Email, &person.email), (Channel::Sms, &person.phone)];
        for (channel, address) in addresses {
            let channel_decision = decision.get(channel);
            let (true, Some(address)) = (channel_decision.sent, address) else { continue };
            self.batch.deliveries.push(NewDelivery {
                notification,
                user: person.id,
                channel,
                to_address: address.clone(),
                next_attempt_at: channel_decision.after.unwrap_or(self.batch.now),
            });
        }
    }
}
