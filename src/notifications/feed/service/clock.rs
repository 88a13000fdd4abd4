//! Changes of feeds that jobs make.

use guichet_base::{Error, Result, Timestamp};
use guichet_db::{Tx, WorkerTx};

use super::change::{LockedFeed, MAX_CHANGES_PER_STATEMENT};
use crate::notifications::Notifications;
use crate::notifications::feed::action::FeedAction;
use crate::notifications::feed::store::{self, FeedOwner};

/// Maximum number of due notifications per query; their owners are then processed one by one, each in a transaction.
const MAX_FOUND: i64 = 1_000;

/// Ends the snoozes that are due, so that the notifications reappear in the feeds. Returns their number.
pub async fn wake_snoozed(n: &Notifications, now: Timestamp) -> Result<u64> {
    for_each_owner(n, now, store::owners_with_due_snoozes, wake_owner).await
}

/// Removes expired notifications. Returns their number.
pub async fn expire(n: &Notifications, now: Timestamp) -> Result<u64> {
    for_each_owner(n, now, store::owners_with_expired, expire_owner).await
}

type FindOwners = fn(&mut WorkerTx<'_>, Timestamp, i64) -> Result<Vec<FeedOwner>>;
type ProcessOwner = fn(&Notifications, &mut Tx<'_>, FeedOwner, Timestamp) -> Result<u64>;

/// Processes owners in batches until no work is left. A failure for one owner does not stop the others.
async fn for_each_owner(
    n: &Notifications,
    now: Timestamp,
    find: FindOwners,
    process: ProcessOwner,
) -> Result<u64> {
    let mut total = 0;
    loop {
        let found = n.db.worker(move |tx| find(tx, now, MAX_FOUND)).await?;
        let (mut processed, mut failure) = (0, None);
        for owner in found {
            let task = n.clone();
            match n.db.system(owner.tenant, move |tx| process(&task, tx, owner, now)).await {
                Ok(count) => processed += count,
                Err(error) => {
                    tracing::warn!(user = %owner.user, %error, "failed to wake or expire notifications of a feed");
                    failure = Some(error);
                }
            }
        }
        total += processed;
        if processed == 0 {
            return failure.map_or(Ok(total), Err);
        }
    }
}

fn wake_owner(n: &Notifications, tx: &mut Tx<'_>, owner: FeedOwner, now: Timestamp) -> Result<u64> {
    let mut locked = LockedFeed::lock(tx, owner, now)?;
    let targets = tx.as_system(|sys| store::due_snoozes(sys, owner, now, MAX_CHANGES_PER_STATEMENT))?;
    to_u64(locked.apply(n, tx, &targets, FeedAction::Wake)?.count)
}

fn expire_owner(n: &Notifications, tx: &mut Tx<'_>, owner: FeedOwner, now: Timestamp) -> Result<u64> {
    let mut locked = LockedFeed::lock(tx, owner, now)?;
    let (targets, unseen) = tx.as_system(|sys| store::expired(sys, owner, now, MAX_CHANGES_PER_STATEMENT))?;
    if !unseen.is_empty() {
        tx.as_system(|sys| store::delete_hidden(sys, owner, &unseen, now))?;
    }
    let done = locked.apply(n, tx, &targets, FeedAction::Expire)?;
    to_u64(done.count + unseen.len())
}

fn to_u64(rows: usize) -> Result<u64> {
    u64::try_from(rows).map_err(Error::internal)
}
