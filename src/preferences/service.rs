//! Use cases of preferences: people's own choices, and operators' overrides.

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

pub async fn read(directory: &Directory, actor: &Actor) -> Result<PreferencesPage> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let me = actor.clone();
    directory.db().read(actor, move |tx| load_page(tx, &me)).await
}

/// Saves the caller's choice for a category and returns the result. Errors: `PREFERENCE_LOCKED`.
pub async fn set_category(
    directory: &Directory,
    actor: &Actor,
    category: Category,
    change: ChannelChoicesChange,
) -> Result<CategoryPreferences> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    check_locked_channels(category, change)?;
    let me = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            if change != ChannelChoicesChange::default() {
                let before = store::lock_own_choices(tx.conn(), &me, category)?;
                let after = change.apply_to(before);
                if after != before {
                    store::update_own_choices(tx.conn(), &me, category, after)?;
                }
            }
            let found = load_categories(tx, &me)?.into_iter().find(|shown| shown.category == category);
            found.ok_or_else(|| Error::not_found("category"))
        })
        .await
}

/// Saves the caller's digest and quiet hours.
pub async fn set_personal(
    directory: &Directory,
    actor: &Actor,
    change: SettingsChange,
) -> Result<PreferencesPage> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let (me, now) = (actor.clone(), directory.clock().now());
    directory
        .db()
        .write(actor, move |tx| {
            let home = store::user_timezone(tx.conn(), &me)?;
            let before = store::lock_settings(tx.conn(), &me)?;
            let after = before.with_change(&change, home, now);
            if after != before {
                store::update_settings(tx.conn(), &me, after)?;
            }
            load_page(tx, &me)
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
    of: (ClientId, Category),
) -> Result<Option<Override>> {
    directory.require(actor, Feature::Notifications).await?;
    let reader = actor.clone();
    directory
        .db()
        .read(actor, move |tx| {
            check_override_access(tx, &reader, of.0)?;
            store::find_override(tx.conn(), &reader, of)
        })
        .await
}

/// Turns channels on or off for the members of a client. Errors: `PREFERENCE_LOCKED`.
pub async fn update_override(
    directory: &Directory,
    actor: &Actor,
    of: (ClientId, Category),
    change: ChannelChoicesChange,
) -> Result<Option<Override>> {
    directory.require(actor, Feature::Notifications).await?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            check_override_access(tx, &writer, of.0)?;
            check_locked_channels(of.1, change)?;
            if change == ChannelChoicesChange::default() {
                return store::find_override(tx.conn(), &writer, of);
            }
            let before = store::lock_override(tx.conn(), &writer, of)?.ok_or_else(Error::conflict)?;
            let wanted = change.apply_to(before.choices);
            if wanted == before.choices {
                return Ok(Some(before));
            }
            let after = store::update_override(tx.conn(), &writer, of, wanted)?;
            record_override_change(tx, &writer, of, before.choices, after.choices)?;
            Ok(Some(after))
        })
        .await
}

pub async fn delete_override(directory: &Directory, actor: &Actor, of: (ClientId, Category)) -> Result<()> {
    directory.require(actor, Feature::Notifications).await?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            check_override_access(tx, &writer, of.0)?;
            let before = store::delete_override(tx.conn(), &writer, of)?.unwrap_or_default();
            if before == ChannelChoices::default() {
                return Ok(());
            }
            record_override_change(tx, &writer, of, before, ChannelChoices::default())
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
    let locked = |channel: &&Channel| category.is_locked(**channel) && change.switches_off(**channel);
    match Channel::VARIANTS.iter().find(locked) {
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
    let home = store::user_timezone(tx.conn(), actor)?;
    let settings = store::settings(tx.conn(), actor)?;
    Ok(PreferencesPage {
        categories,
        digest: settings.digest_view(home),
        quiet_hours: settings.quiet_hours_view(home),
    })
}

/// Every category, always in the same order. A channel that is off for the whole tenant keeps its preference, which
/// counts again when the channel returns.
fn load_categories(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<CategoryPreferences>> {
    let settings = store::tenant_settings(tx.conn(), actor)?;
    let defaults = tenant_defaults(&settings);
    let own = store::own_choices(tx.conn(), actor)?;
    let over = match actor.role {
        Role::Client => store::overrides_on_member(tx.conn(), actor)?,
        Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => Vec::new(),
    };
    let of = |says: &[(Category, ChannelChoices)], category| {
        let says = says.iter().filter(|(of, _)| *of == category);
        combine_choices(&says.map(|(_, say)| *say).collect::<Vec<_>>())
    };
    // No address can have bounced while no provider sends.
    let suppressed = PerChannel::default();
    let line = |category: &Category| {
        let levels = PreferenceLevels {
            client_override: of(&over, *category),
            user: of(&own, *category),
            tenant_default: defaults.for_category(*category),
        };
        CategoryPreferences::resolve(*category, &levels, &suppressed)
    };
    Ok(Category::VARIANTS.iter().map(line).collect())
}
