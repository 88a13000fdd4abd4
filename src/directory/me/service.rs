//! Use cases on the caller's own profile.

use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::Tx;
use serde_json::json;

use super::model::{Me, MyClient, MyTenant, UnreadTotals};
use super::store;
use crate::directory::users::{self, User, UserChange};
use crate::directory::{Directory, FeatureSet, policy, tenants};
use crate::web::EditBasis;
use guichet_base::permission::Permission;

pub(super) async fn read(directory: &Directory, actor: &Actor) -> Result<Me> {
    policy::require_person(actor)?;
    let features = directory.features(actor.tenant).await?;
    let (me, now) = (actor.clone(), directory.clock().now());
    directory
        .db()
        .read(actor, move |tx| {
            let user = users::service::find_active(tx, &me, me.user)?;
            build_me(tx, &me, user, &features, now)
        })
        .await
}

pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    change: UserChange,
    based_on: EditBasis,
) -> Result<Me> {
    policy::require_person(actor)?;
    let features = directory.features(actor.tenant).await?;
    let (directory, me) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let user = users::service::update_profile(tx, &me, &change, &based_on)?;
            directory.invalidate_account_after_commit(tx, me.tenant, me.user);
            build_me(tx, &me, user, &features, directory.clock().now())
        })
        .await
}

fn build_me(tx: &mut Tx<'_>, actor: &Actor, user: User, features: &FeatureSet, now: Timestamp) -> Result<Me> {
    let tenant = tenants::store::find(tx.conn(), actor.tenant)?.ok_or_else(|| Error::not_found("tenant"))?;
    let clients = store::clients(tx.conn(), actor)?;
    let branding = tenant.settings.get("branding").filter(|branding| branding.is_object());
    let branding = branding.cloned().unwrap_or_else(|| json!({}));
    Ok(Me {
        user: user.view_for(actor),
        tenant: MyTenant { id: tenant.id, slug: tenant.slug, name: tenant.name, branding },
        clients: clients.into_iter().map(|(id, name)| MyClient { id, name }).collect(),
        permissions: Permission::names_of(actor),
        unread: UnreadTotals {
            messages: store::unread_messages(tx.conn(), actor)?,
            notifications: store::unread_notifications(tx.conn(), actor, now)?,
        },
        features: features.as_map(),
    })
}
