//! The connections of each person in this process, oldest first.

use std::collections::HashMap;
use std::sync::Arc;

use guichet_base::id::{TenantId, UserId};
use parking_lot::Mutex;

use crate::hub::connection::{Connection, SessionOrder};

type PersonKey = (TenantId, UserId);
type TenantConnections = HashMap<UserId, Vec<Arc<Connection>>>;

#[derive(Default)]
pub struct PersonConnections {
    open: Mutex<HashMap<TenantId, TenantConnections>>,
}

impl PersonConnections {
    /// Counts `connection` for the person. Above `limit` (0 = none), the oldest is superseded and no longer counts.
    pub fn add(&self, (tenant, user): PersonKey, connection: &Arc<Connection>, limit: usize) {
        let superseded = {
            let mut open = self.open.lock();
            let held = open.entry(tenant).or_default().entry(user).or_default();
            held.push(Arc::clone(connection));
            (limit > 0 && held.len() > limit).then(|| held.remove(0))
        };
        if let Some(oldest) = superseded {
            oldest.order(SessionOrder::Supersede);
        }
    }

    /// Stops counting the connection for the person.
    pub fn remove(&self, (tenant, user): PersonKey, connection: u64) {
        let mut open = self.open.lock();
        let Some(people) = open.get_mut(&tenant) else { return };
        let Some(held) = people.get_mut(&user) else { return };
        held.retain(|other| other.id != connection);
        if held.is_empty() {
            people.remove(&user);
        }
        if people.is_empty() {
            open.remove(&tenant);
        }
    }

    /// Gives an order to each connection of the person.
    pub fn order(&self, (tenant, user): PersonKey, order: SessionOrder) {
        let open = self.open.lock();
        let held = open.get(&tenant).and_then(|people| people.get(&user));
        held.into_iter().flatten().for_each(|connection| connection.order(order));
    }

    pub fn order_all(&self, order: SessionOrder) {
        let open = self.open.lock();
        let held = open.values().flat_map(HashMap::values).flatten();
        held.for_each(|connection| connection.order(order));
    }

    pub fn is_online(&self, (tenant, user): PersonKey) -> bool {
        self.open.lock().get(&tenant).is_some_and(|people| people.contains_key(&user))
    }

    /// Those of `users` who have a connection.
    pub fn filter_online(&self, tenant: TenantId, users: &[UserId]) -> Vec<UserId> {
        let open = self.open.lock();
        let Some(people) = open.get(&tenant) else { return Vec::new() };
        users.iter().copied().filter(|user| people.contains_key(user)).collect()
    }

    pub fn connections(&self, (tenant, user): PersonKey) -> Vec<Arc<Connection>> {
        self.open.lock().get(&tenant).and_then(|people| people.get(&user)).cloned().unwrap_or_default()
    }
}
