//! Use cases of preferences: people's own choices and settings, and operators' overrides.

use guichet_base::id::ClientId;
use guichet_base::{Actor, Error, ErrorKind, Result, Role};
use guichet_db::Tx;
use serde_json::{Value, json};
use strum::VariantArray;

use super::decide::{PreferenceLevels, combine_choices};
use super::defaults::tenant_defaults;
use super::effective::CategoryPreferences;
use super::model::{Category, Channel, ChannelChoices, PerChannel};
use super::settings::{DigestView, QuietHoursView, SettingsChange};
use super::store::{ChannelChoicesChange, Override};
use super::{policy, store};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::config::Feature;
use crate::directory::Directory;

/// The content of the settings page.
pub struct PreferencesPage {
    pub categories: Vec<CategoryPreferences>,
    pub digest: DigestView,
    pub quiet_hours: Option<QuietHoursView>,
}

pub async fn read_page(directory: &Directory, actor: &Actor) -> Result<PreferencesPage> {
    policy::may_set_own_preferences(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let caller = actor.clone();
    directory.db().read(actor, move |tx| load_page(tx, &caller)).await
}

/// Saves the caller's choices for a category, and returns the effective preferences. Errors: `PREFERENCE_LOCKED`.
pub async fn set_category_choices(
    directory: &Directory,
    actor: &Actor,
    category: Category,
    change: ChannelChoicesChange,
) -> Result<CategoryPreferences> {
    policy::may_set_own_preferences(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    check_locked_channels(category, change)?;
    let caller = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            if change != ChannelChoicesChange::default() {
                let before = store::lock_own_choices(tx.conn(), &caller, category)?;
                let after = change.apply_to(before);
                if after != before {
                    store::update_own_choices(tx.conn(), &caller, category, after)?;
                }
            }
            let found = load_categories(tx, &caller)?.into_iter().find(|row| row.category == category);
            found.ok_or_else(|| Error::not_found("category"))
        })
        .await
}

/// Saves the caller's digest and quiet hours.
pub async fn set_personal_settings(
    directory: &Directory,
    actor: &Actor,
    change: SettingsChange,
) -> Result<PreferencesPage> {
    policy::may_set_own_preferences(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let (caller, now) = (actor.clone(), directory.clock().now());
    directory
        .db()
        .write(actor, move |tx| {
            let own_timezone = store::user_timezone(tx.conn(), &caller)?;
            let before = store::lock_settings(tx.conn(), &caller)?;
            let after = before.with_change(&change, own_timezone, now);
            if after != before {
                store::update_settings(tx.conn(), &caller, after)?;
            }
            load_page(tx, &caller)
        })
        .await
}

/// The overrides for the members of a client.
pub async fn overrides(
    directory: &Directory,
    actor: &Actor,
    client: ClientId,
) -> Result<Vec<(Category, Override)>> {
    directory.require(actor, Feature::Notifications).await?;
    let reader = actor.clone();
    directory
        .db()
        .read(actor, move |tx| {
            check_override_access(tx, &reader, client)?;
            store::overrides(tx.conn(), &reader, client)
        })
        .await
}

pub async fn find_override(
    directory: &Directory,
    actor: &Actor,
    key: (ClientId, Category),
) -> Result<Option<Override>> {
    directory.require(actor, Feature::Notifications).await?;
    let reader = actor.clone();
    directory
        .db()
        .read(actor, move |tx| {
            check_override_access(tx, &reader, key.0)?;
            store::find_override(tx.conn(), &reader, key)
        })
        .await
}

/// Turns channels on or off for the members of a client. Errors: `PREFERENCE_LOCKED`.
pub async fn update_override(
    directory: &Directory,
    actor: &Actor,
    key: (ClientId, Category),
    change: ChannelChoicesChange,
) -> Result<Option<Override>> {
    directory.require(actor, Feature::Notifications).await?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            check_override_access(tx, &writer, key.0)?;
            check_locked_channels(key.1, change)?;
            if change == ChannelChoicesChange::default() {
                return store::find_override(tx.conn(), &writer, key);
            }
            let before = store::lock_override(tx.conn(), &writer, key)?.ok_or_else(Error::conflict)?;
            let choices = change.apply_to(before.choices);
            if choices == before.choices {
                return Ok(Some(before));
            }
            let after = store::update_override(tx.conn(), &writer, key, choices)?;
            record_override_change(tx, &writer, key, before.choices, after.choices)?;
            Ok(Some(after))
        })
        .await
}

pub async fn delete_override(directory: &Directory, actor: &Actor, key: (ClientId, Category)) -> Result<()> {
    directory.require(actor, Feature::Notifications).await?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            check_override_access(tx, &writer, key.0)?;
            let before = store::delete_override(tx.conn(), &writer, key)?.unwrap_or_default();
            if before == ChannelChoices::default() {
                return Ok(());
            }
            record_override_change(tx, &writer, key, before, ChannelChoices::default())
        })
        .await
}

/// Errors: `NOT_FOUND` for a client that the actor may not see, `FORBIDDEN` if the actor may not override.
fn check_override_access(tx: &mut Tx<'_>, actor: &Actor, client: ClientId) -> Result<()> {
    if !store::is_client_visible(tx.conn(), actor, client)? {
        return Err(Error::not_found("client"));
    }
    policy::may_override(actor)
}

fn check_locked_channels(category: Category, change: ChannelChoicesChange) -> Result<()> {
    let is_locked_and_switched_off =
        |channel: &&Channel| category.is_locked(**channel) && change.switches_off(**channel);
    match Channel::VARIANTS.iter().find(is_locked_and_switched_off) {
        None => Ok(()),
        Some(channel) => Err(Error::new(ErrorKind::Validation, "PREFERENCE_LOCKED")
            .with_details(json!({ "category": category, "channel": channel }))),
    }
}

fn record_override_change(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (client, category): (ClientId, Category),
    before: ChannelChoices,
    after: ChannelChoices,
) -> Result<()> {
    let details: Value = json!({ "category": category, "before": before, "after": after });
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(ActivityAction::OverrideSet, "client", client).with_details(details),
    )
}

fn load_page(tx: &mut Tx<'_>, actor: &Actor) -> Result<PreferencesPage> {
    let categories = load_categories(tx, actor)?;
    let own_timezone = store::user_timezone(tx.conn(), actor)?;
    let settings = store::settings(tx.conn(), actor)?;
    Ok(PreferencesPage {
        categories,
        digest: settings.digest_view(own_timezone),
        quiet_hours: settings.quiet_hours_view(own_timezone),
    })
}

/// Every category, always in the same order. If a channel is off for the tenant, its preference is kept, and
/// applies again when the channel is turned on.
fn load_categories(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<CategoryPreferences>> {
    let settings = store::tenant_settings(tx.conn(), actor)?;
    let defaults = tenant_defaults(&settings);
    let own = store::own_choices(tx.conn(), actor)?;
    let overrides = match actor.role {
        Role::Client => store::overrides_on_member(tx.conn(), actor)?,
        Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => Vec::new(),
    };
    let choices_for = |all_choices: &[(Category, ChannelChoices)], category| {
        let matching = all_choices.iter().filter(|(of, _)| *of == category);
        combine_choices(&matching.map(|(_, choices)| *choices).collect::<Vec<_>>())
    };
    // No address is suppressed yet: without a provider, nothing bounces.
    let suppressed = PerChannel::default();
    let resolve_category = |category: &Category| {
        let levels = PreferenceLevels {
            client_override: choices_for(&overrides, *category),
            user: choices_for(&own, *category),
            tenant_default: defaults.for_category(*category),
        };
        CategoryPreferences::resolve(*category, &levels, &suppressed)
    };
    Ok(Category::VARIANTS.iter().map(resolve_category).collect())
}
