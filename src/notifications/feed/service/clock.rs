//! Changes of feeds that jobs make.

use guichet_base::{Error, Result, Timestamp};
use guichet_db::{Tx, WorkerTx};

use super::change::{AT_ONCE, Locked};
use crate::notifications::Notifications;
use crate::notifications::feed::action::FeedAction;
use crate::notifications::feed::store::{self, Owner};

/// Notifications found in one query; their owners are then processed one by one, each in a transaction.
const FOUND_AT_ONCE: i64 = 1_000;

/// Returns snoozed notifications whose time has come to their feeds. Returns their number.
pub async fn wake_snoozed(n: &Notifications, now: Timestamp) -> Result<u64> {
    each(n, now, store::due_asleep, wake).await
}

/// Removes expired notifications. Returns their number.
pub async fn expire(n: &Notifications, now: Timestamp) -> Result<u64> {
    each(n, now, store::due_past, remove).await
}

type Find = fn(&mut WorkerTx<'_>, Timestamp, i64) -> Result<Vec<Owner>>;
type Deal = fn(&Notifications, &mut Tx<'_>, Owner, Timestamp) -> Result<u64>;

/// Processes the people found until none are left. A failure for one person does not stop the others.
async fn each(n: &Notifications, now: Timestamp, find: Find, deal: Deal) -> Result<u64> {
    let mut total = 0;
    loop {
        let found = n.db.worker(move |tx| find(tx, now, FOUND_AT_ONCE)).await?;
        let (mut done, mut failure) = (0, None);
        for owner in found {
            let task = n.clone();
            match n.db.system(owner.tenant, move |tx| deal(&task, tx, owner, now)).await {
                Ok(count) => done += count,
                Err(error) => {
                    tracing::warn!(user = %owner.user, %error, "a feed could not be brought up to date");
                    failure = Some(error);
                }
            }
        }
        total += done;
        if done == 0 {
            return failure.map_or(Ok(total), Err);
        }
    }
}

fn wake(n: &Notifications, tx: &mut Tx<'_>, owner: Owner, now: Timestamp) -> Result<u64> {
    let mut locked = Locked::take(tx, owner, now)?;
    let targets = tx.as_system(|sys| store::asleep(sys, owner, now, AT_ONCE))?;
    count(locked.perform(n, tx, &targets, FeedAction::Wake)?.count)
}

fn remove(n: &Notifications, tx: &mut Tx<'_>, owner: Owner, now: Timestamp) -> Result<u64> {
    let mut locked = Locked::take(tx, owner, now)?;
    let (targets, unseen) = tx.as_system(|sys| store::past(sys, owner, now, AT_ONCE))?;
    if !unseen.is_empty() {
        tx.as_system(|sys| store::remove_unseen(sys, owner, &unseen, now))?;
    }
    let done = locked.perform(n, tx, &targets, FeedAction::Expire)?;
    count(done.count + unseen.len())
}

fn count(rows: usize) -> Result<u64> {
    u64::try_from(rows).map_err(Error::internal)
}
