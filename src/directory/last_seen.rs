//! Signs of members who come by requests alone: `users.last_seen_at`, which presence writes for who is connected.
//!
//! Off the path of a request, and once an hour for each person: it says on which day a client was last heard of, not
//! more.

use std::collections::HashMap;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Role, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::{Directory, presence};

const WRITE_EVERY: Duration = Duration::from_secs(60);
const AGAIN_AFTER: Duration = Duration::from_secs(3_600);
/// People who are remembered. Beyond them, who comes is not written down until an hour is over for others.
const MOST: usize = 100_000;

type Person = (TenantId, UserId);

/// Who came within the last hour, and whether that is written.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<HashMap<Person, SeenEntry>>);

#[derive(Debug, Clone, Copy)]
struct SeenEntry {
    at: Timestamp,
    is_written: bool,
}

impl LastSeen {
    /// Somebody asked for something.
    pub fn note(&self, actor: &Actor, now: Timestamp) {
        if actor.role != Role::Client {
            return;
        }
        let (mut signs, person) = (self.lock(), (actor.tenant, actor.user));
        let is_news = signs.get(&person).is_none_or(|sign| sign.at.plus(AGAIN_AFTER) <= now);
        if is_news && (signs.len() < MOST || signs.contains_key(&person)) {
            signs.insert(person, SeenEntry { at: now, is_written: false });
        }
    }

    /// What is to be written; what was written an hour ago is forgotten.
    fn take(&self, now: Timestamp) -> HashMap<TenantId, Vec<(UserId, Timestamp)>> {
        let mut signs = self.lock();
        signs.retain(|_, sign| !sign.is_written || sign.at.plus(AGAIN_AFTER) > now);
        let mut news: HashMap<TenantId, Vec<(UserId, Timestamp)>> = HashMap::new();
        for ((tenant, user), sign) in signs.iter_mut().filter(|(_, sign)| !sign.is_written) {
            sign.is_written = true;
            news.entry(*tenant).or_default().push((*user, sign.at));
        }
        news
    }

    /// What could not be written is news again.
    fn put_back(&self, tenant: TenantId, people: &[(UserId, Timestamp)]) {
        let mut signs = self.lock();
        for (user, _) in people {
            if let Some(sign) = signs.get_mut(&(tenant, *user)) {
                sign.is_written = false;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Person, SeenEntry>> {
        self.0.lock()
    }
}

/// Writes each minute who came, until told to stop; then what is left.
pub async fn run(directory: Directory, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(WRITE_EVERY)).await.is_some() {
        write(&directory).await;
    }
    write(&directory).await;
}

/// Writes who came and is not written yet.
pub async fn write(directory: &Directory) {
    let now = directory.clock().now();
    for (tenant, people) in directory.signs().take(now) {
        if let Err(error) = presence::saw(directory, tenant, people.clone()).await {
            tracing::debug!(%error, people = people.len(), "who came was not written; trying again");
            directory.signs().put_back(tenant, &people);
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
        signs.note(&actor(Role::Owner), start);
        assert!(signs.take(start).is_empty());
        let mut written = Vec::new();
        for minute in 0..=130 {
            signs.note(&chloe, minutes(minute));
            written.extend(signs.take(minutes(minute)).into_values().flatten());
        }
        assert_eq!(written, [0, 60, 120].map(|minute| (chloe.user, minutes(minute))));
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let (signs, chloe, start) = (LastSeen::default(), actor(Role::Client), Timestamp::from_millis(0));
        signs.note(&chloe, start);
        let taken = signs.take(start);
        assert!(signs.take(start).is_empty());
        signs.put_back(chloe.tenant, &taken[&chloe.tenant]);
        assert_eq!(signs.take(start), taken);
    }
}
