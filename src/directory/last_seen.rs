//! Records when members were last seen who use the API without a socket, in `users.last_seen_at`. Presence records it
//! for connected people.
//!
//! Written outside the request, and once per hour and person: the column only has to be accurate to the day.

use std::collections::HashMap;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Role, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::{Directory, presence};

const WRITE_INTERVAL: Duration = Duration::from_secs(60);
const RECORD_INTERVAL: Duration = Duration::from_secs(3_600);
/// Bound of the people remembered. Beyond it, others are recorded only when entries expire after an hour.
const MAX_PEOPLE: usize = 100_000;

type PersonKey = (TenantId, UserId);

/// The people seen within the last hour, and whether that was written.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<HashMap<PersonKey, SeenEntry>>);

#[derive(Debug, Clone, Copy)]
struct SeenEntry {
    at: Timestamp,
    is_written: bool,
}

impl LastSeen {
    /// Records a request of `actor`.
    pub fn record(&self, actor: &Actor, now: Timestamp) {
        if actor.role != Role::Client {
            return;
        }
        let (mut signs, person) = (self.lock(), (actor.tenant, actor.user));
        let is_news = signs.get(&person).is_none_or(|sign| sign.at.plus(RECORD_INTERVAL) <= now);
        if is_news && (signs.len() < MAX_PEOPLE || signs.contains_key(&person)) {
            signs.insert(person, SeenEntry { at: now, is_written: false });
        }
    }

    /// Returns what is to be written, and forgets entries written an hour ago.
    fn take_unwritten(&self, now: Timestamp) -> HashMap<TenantId, Vec<(UserId, Timestamp)>> {
        let mut signs = self.lock();
        signs.retain(|_, sign| !sign.is_written || sign.at.plus(RECORD_INTERVAL) > now);
        let mut news: HashMap<TenantId, Vec<(UserId, Timestamp)>> = HashMap::new();
        for ((tenant, user), sign) in signs.iter_mut().filter(|(_, sign)| !sign.is_written) {
            sign.is_written = true;
            news.entry(*tenant).or_default().push((*user, sign.at));
        }
        news
    }

    /// Marks entries whose write failed as unwritten.
    fn mark_unwritten(&self, tenant: TenantId, people: &[(UserId, Timestamp)]) {
        let mut signs = self.lock();
        for (user, _) in people {
            if let Some(sign) = signs.get_mut(&(tenant, *user)) {
                sign.is_written = false;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PersonKey, SeenEntry>> {
        self.0.lock()
    }
}

/// Writes every minute until `stop` is cancelled, then once more.
pub async fn run_writer(directory: Directory, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(WRITE_INTERVAL)).await.is_some() {
        write_pending(&directory).await;
    }
    write_pending(&directory).await;
}

/// Writes the entries that are not written yet.
pub async fn write_pending(directory: &Directory) {
    let now = directory.clock().now();
    for (tenant, people) in directory.last_seen().take_unwritten(now) {
        if let Err(error) = presence::record_last_seen(directory, tenant, people.clone()).await {
            tracing::debug!(%error, people = people.len(), "who came was not written; trying again");
            directory.last_seen().mark_unwritten(tenant, &people);
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    fn actor(role: Role) -> Actor {
        Actor {
            tenant: TenantId::new(),
            user: UserId::new(),
            role,
            scopes: [].into(),
            locale: guichet_base::Locale::Fr,
            ip: None,
            authenticated_at: None,
        }
    }

    #[test]
    fn a_member_is_written_once_an_hour_and_an_operator_never() {
        let (signs, chloe, start) = (LastSeen::default(), actor(Role::Client), Timestamp::from_millis(0));
        let minutes = |n: u64| start.plus(Duration::from_secs(60 * n));
        signs.record(&actor(Role::Owner), start);
        assert!(signs.take_unwritten(start).is_empty());
        let mut written = Vec::new();
        for minute in 0..=130 {
            signs.record(&chloe, minutes(minute));
            written.extend(signs.take_unwritten(minutes(minute)).into_values().flatten());
        }
        assert_eq!(written, [0, 60, 120].map(|minute| (chloe.user, minutes(minute))));
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let (signs, chloe, start) = (LastSeen::default(), actor(Role::Client), Timestamp::from_millis(0));
        signs.record(&chloe, start);
        let taken = signs.take_unwritten(start);
        assert!(signs.take_unwritten(start).is_empty());
        signs.mark_unwritten(chloe.tenant, &taken[&chloe.tenant]);
        assert_eq!(signs.take_unwritten(start), taken);
    }
}
