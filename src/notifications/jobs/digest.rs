//! Digest emails: unread notifications of low priority in one email, at the hour that each person has chosen.
//!
//! One transaction per person, under the lock of their feed, selects the notifications, writes the email, and sets the
//! next due time. So no notification is in two digests, and a crash leaves no partial digest.

use std::time::Duration;

use chrono_tz::Tz;
use guichet_base::id::{DeliveryId, NotificationId, TenantId, UserId};
use guichet_base::text::localize;
use guichet_base::{Locale, Result, Timestamp};
use guichet_db::Tx;
use serde_json::{Value, json};
use uuid::Uuid;

use super::store::digest::{self as store, DigestMail, DigestRecipient, PendingDigestItem};
use crate::notifications::{Notifications, events};
use crate::preferences::digest::next_due;
use crate::preferences::{
    Category, Channel, ChannelChoices, DigestMode, PreferenceLevels, QuietHours, TenantDefaults,
    resolve_preference, tenant_defaults,
};

/// Maximum number of people per query.
const MAX_PEOPLE_PER_QUERY: i64 = 500;
/// Maximum number of items in one email, newest first; older ones are in the next digest.
const MAX_ITEMS: i64 = 500;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Writes every digest that is due and returns the number of mails. A failure for one person does not stop the
/// others, and is retried in the next run.
pub async fn send_due(n: &Notifications, now: Timestamp) -> Result<u64> {
    let (mut mails, mut failure, mut failed) = (0, None, Vec::new());
    loop {
        let excluded = failed.clone();
        let due =
            n.db.worker(move |tx| store::due_digests(tx, now, MAX_PEOPLE_PER_QUERY, excluded.clone()))
                .await?;
        if due.is_empty() {
            return failure.map_or(Ok(mails), Err);
        }
        for (tenant, user) in due {
            let task = n.clone();
            match n.db.system(tenant, move |tx| send_to_person(tx, &task, tenant, user, now)).await {
                Ok(sent) => mails += u64::from(sent),
                Err(error) => {
                    tracing::warn!(%error, tenant.id = %tenant, user.id = %user, "failed to write a digest");
                    failed.push(user.0);
                    failure = Some(error);
                }
            }
        }
    }
}

/// Writes a person's digest and sets the next due time. Returns whether an email was written.
fn send_to_person(
    tx: &mut Tx<'_>,
    n: &Notifications,
    tenant: TenantId,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    store::lock_feed(tx, tenant, user)?;
    let Some(recipient) = store::lock_recipient(tx, tenant, user, now)? else { return Ok(false) };
    let next_due_at = recipient.next_due_at(now);
    let is_email_disabled =
        *events::disabled_channels(n, &n.directory.features_from_settings(&recipient.settings))
            .get(Channel::Email);
    let address = recipient.email.clone().filter(|_| !is_email_disabled && !recipient.is_gone);
    let Some(address) = address else {
        store::finish(tx, tenant, user, &[], (now, next_due_at))?;
        return Ok(false);
    };
    let defaults = tenant_defaults(&recipient.settings);
    let (items, unwanted): (Vec<PendingDigestItem>, Vec<PendingDigestItem>) =
        store::pending_items(tx, tenant, user, now, MAX_ITEMS)?
            .into_iter()
            .partition(|item| item.is_wanted(&defaults));
    if !items.is_empty() {
        store::insert_mail(tx, tenant, user, &digest_mail(&recipient, address, &items, now), now)?;
    }
    let unwanted: Vec<NotificationId> = unwanted.iter().map(|item| item.id).collect();
    store::finish(tx, tenant, user, &unwanted, (now, next_due_at))?;
    Ok(!items.is_empty())
}

impl DigestRecipient {
    fn next_due_at(&self, now: Timestamp) -> Timestamp {
        let mode = self.mode.parse::<DigestMode>().ok().unwrap_or(DigestMode::Daily);
        let hour = u32::try_from(self.hour).unwrap_or_default();
        let timezone = self.timezone.parse().unwrap_or(Tz::UTC);
        next_due(mode, hour, timezone, now).unwrap_or_else(|| now.plus(DAY))
    }

    fn quiet_hours(&self) -> Option<QuietHours> {
        QuietHours::from_row(self.quiet_from, self.quiet_to, self.quiet_timezone.as_ref()?)
    }
}

impl PendingDigestItem {
    /// Whether the person still wants emails of the notification's category.
    fn is_wanted(&self, defaults: &TenantDefaults<'_>) -> bool {
        let Some(category) = self.category.parse::<Category>().ok() else { return false };
        let email = |on| ChannelChoices { email: on, ..ChannelChoices::default() };
        let levels = PreferenceLevels {
            client_override: email(self.over),
            user: email(self.own),
            tenant_default: defaults.for_category(category),
        };
        resolve_preference(category, Channel::Email, &levels).0
    }
}

fn digest_mail(
    reader: &DigestRecipient,
    address: String,
    items: &[PendingDigestItem],
    now: Timestamp,
) -> DigestMail {
    let locale = Locale::parse(&reader.locale).unwrap_or_default();
    let text = |key: &str| localize(locale, key, &[("count", items.len().to_string())]);
    let subject = text("notifications-digest-subject");
    let lines: Vec<String> = items.iter().map(|item| format!("- {}", item.title)).collect();
    let shown: Vec<Value> = items.iter().map(item_json).collect();
    let rendered = json!({
        "subject": subject,
        "text": format!("{}\n\n{}", text("notifications-digest-body"), lines.join("\n")),
        "locale": locale.into_str(),
        "items": shown,
    });
    DigestMail {
        digest: Uuid::now_v7(),
        delivery: DeliveryId::new(),
        address,
        rendered,
        excerpt: subject.chars().take(300).collect(),
        not_before: reader.quiet_hours().and_then(|quiet| quiet.end_if_within(now)).unwrap_or(now),
        items: items.iter().map(|item| item.id).collect(),
    }
}

fn item_json(item: &PendingDigestItem) -> Value {
    json!({
        "notification_id": item.id,
        "type": item.kind,
        "category": item.category,
        "title": item.title,
        "body": item.body,
        "link": item.link,
        "created_at": item.created_at,
    })
}
