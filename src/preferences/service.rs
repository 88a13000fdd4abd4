//! What people choose for themselves, and what operators force for a client.

use guichet_base::id::ClientId;
use guichet_base::{Actor, Error, Kind, Result, Role};
use guichet_db::Tx;
use serde_json::{Value, json};

use super::decide::{Levels, combine};
use super::defaults::tenant_defaults;
use super::effective::CategoryPreferences;
use super::model::{Category, Channel, PerChannel, Say};
use super::settings::{Change, Digest, Quiet};
use super::store::{Override, SayChange};
use super::{policy, store};
use crate::activity::{self, Action, Entry};
use crate::config::Feature;
use crate::directory::Directory;

/// All that a settings page shows.
pub struct Shown {
    pub categories: Vec<CategoryPreferences>,
    pub digest: Digest,
    pub quiet_hours: Option<Quiet>,
}

pub async fn read(directory: &Directory, actor: &Actor) -> Result<Shown> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let me = actor.clone();
    directory.db().read(actor, move |tx| shown(tx, &me)).await
}

/// Saves one's own choice for a category, and shows what it came to. Errors: `PREFERENCE_LOCKED`.
pub async fn choose(
    directory: &Directory,
    actor: &Actor,
    category: Category,
    change: SayChange,
) -> Result<CategoryPreferences> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    check_locks(category, change)?;
    let me = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            if change != SayChange::default() {
                let before = store::lock_own(tx.conn(), &me, category)?;
                let after = change.applied_to(before);
                if after != before {
                    store::set_own(tx.conn(), &me, category, after)?;
                }
            }
            let found = categories(tx, &me)?.into_iter().find(|shown| shown.category == category);
            found.ok_or_else(|| Error::not_found("category"))
        })
        .await
}

/// Saves one's own digest and quiet hours.
pub async fn set(directory: &Directory, actor: &Actor, change: Change) -> Result<Shown> {
    policy::may_choose(actor)?;
    directory.require(actor, Feature::Notifications).await?;
    let (me, now) = (actor.clone(), directory.clock().now());
    directory
        .db()
        .write(actor, move |tx| {
            let home = store::home(tx.conn(), &me)?;
            let before = store::lock_settings(tx.conn(), &me)?;
            let after = before.changed(&change, home, now);
            if after != before {
                store::set_settings(tx.conn(), &me, after)?;
            }
            shown(tx, &me)
        })
        .await
}

/// What is forced for the members of a client, where anything is.
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
            admit(tx, &reader, client)?;
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
            admit(tx, &reader, of.0)?;
            store::find_override(tx.conn(), &reader, of)
        })
        .await
}

/// Forces channels on or off for the members of a client. Errors: `PREFERENCE_LOCKED`.
pub async fn set_override(
    directory: &Directory,
    actor: &Actor,
    of: (ClientId, Category),
    change: SayChange,
) -> Result<Option<Override>> {
    directory.require(actor, Feature::Notifications).await?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            admit(tx, &writer, of.0)?;
            check_locks(of.1, change)?;
            if change == SayChange::default() {
                return store::find_override(tx.conn(), &writer, of);
            }
            let before = store::lock_override(tx.conn(), &writer, of)?.ok_or_else(Error::conflict)?;
            let wanted = change.applied_to(before.say);
            if wanted == before.say {
                return Ok(Some(before));
            }
            let after = store::set_override(tx.conn(), &writer, of, wanted)?;
            record(tx, &writer, of, before.say, after.say)?;
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
            admit(tx, &writer, of.0)?;
            let before = store::delete_override(tx.conn(), &writer, of)?.unwrap_or_default();
            if before == Say::default() {
                return Ok(());
            }
            record(tx, &writer, of, before, Say::default())
        })
        .await
}

/// Errors: 404 for a client that the actor may not know of, `FORBIDDEN` for whom overrides are not theirs.
fn admit(tx: &mut Tx<'_>, actor: &Actor, client: ClientId) -> Result<()> {
    if !store::sees_client(tx.conn(), actor, client)? {
        return Err(Error::not_found("client"));
    }
    policy::may_override(actor)
}

fn check_locks(category: Category, change: SayChange) -> Result<()> {
    let locked = |channel: &&Channel| category.is_locked(**channel) && change.switches_off(**channel);
    match Channel::ALL.iter().find(locked) {
        None => Ok(()),
        Some(channel) => Err(Error::new(Kind::Validation, "PREFERENCE_LOCKED")
            .details(json!({ "category": category, "channel": channel }))),
    }
}

fn record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (client, category): (ClientId, Category),
    before: Say,
    after: Say,
) -> Result<()> {
    let details: Value = json!({ "category": category, "before": before, "after": after });
    activity::record(tx, actor, &Entry::new(Action::OverrideSet, "client", client).details(details))
}

fn shown(tx: &mut Tx<'_>, actor: &Actor) -> Result<Shown> {
    let categories = categories(tx, actor)?;
    let home = store::home(tx.conn(), actor)?;
    let settings = store::settings(tx.conn(), actor)?;
    Ok(Shown { categories, digest: settings.digest(home), quiet_hours: settings.quiet(home) })
}

/// Every category, in one order for all. What is switched off for the whole tenant keeps its preference: it counts
/// again when the channel comes back.
fn categories(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<CategoryPreferences>> {
    let settings = store::tenant_settings(tx.conn(), actor)?;
    let defaults = tenant_defaults(&settings);
    let own = store::own(tx.conn(), actor)?;
    let over = match actor.role {
        Role::Client => store::over_me(tx.conn(), actor)?,
        Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => Vec::new(),
    };
    let of = |says: &[(Category, Say)], category| {
        let says = says.iter().filter(|(of, _)| *of == category);
        combine(&says.map(|(_, say)| *say).collect::<Vec<_>>())
    };
    // No address has bounced where nothing is sent by a provider yet.
    let suppressed = PerChannel::default();
    let line = |category: &Category| {
        let levels =
            Levels { over: of(&over, *category), own: of(&own, *category), tenant: defaults.of(*category) };
        CategoryPreferences::of(*category, &levels, &suppressed)
    };
    Ok(Category::ALL.iter().map(line).collect())
}
