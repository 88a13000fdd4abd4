//! A bounded cache whose entries expire.
//!
//! The caller passes the time, so that tests can move it. A full cache drops expired entries; if few have expired it
//! drops everything, since every entry can be loaded again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use guichet_base::Timestamp;
use parking_lot::RwLock;

pub(crate) struct Cache<K, V> {
    capacity: usize,
    entries: RwLock<HashMap<K, CacheEntry<V>>>,
    /// Number of invalidations so far.
    invalidations: AtomicU64,
}

/// Identifies the state of the cache before a look-up started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookupStart(u64);

struct CacheEntry<V> {
    value: V,
    expires_at: Timestamp,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: RwLock::default(), invalidations: AtomicU64::new(0) }
    }

    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries.read();
        entries.get(key).filter(|entry| entry.expires_at > now).map(|entry| entry.value.clone())
    }

    pub fn put(&self, key: K, value: V, until: Timestamp, now: Timestamp) {
        self.put_if(|| true, key, value, until, now);
    }

    /// Inserts the entry if `is_good` holds. It is evaluated under the same lock as invalidations.
    fn put_if(&self, is_good: impl FnOnce() -> bool, key: K, value: V, until: Timestamp, now: Timestamp) {
        let mut entries = self.entries.write();
        if !is_good() {
            return;
        }
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| entry.expires_at > now);
            // Evicting one by one would scan the whole map for every later entry.
            if entries.len() > self.capacity / 4 * 3 {
                entries.clear();
            }
        }
        entries.insert(key, CacheEntry { value, expires_at: until });
    }

    /// Call this before loading a value that [`Self::put_if_current`] will store.
    pub fn start_lookup(&self) -> LookupStart {
        LookupStart(self.invalidations.load(Ordering::Acquire))
    }

    /// Stores a loaded value, unless something was invalidated since `asked`: the value may be older than the
    /// invalidation.
    pub fn put_if_current(&self, asked: LookupStart, key: K, value: V, until: Timestamp, now: Timestamp) {
        self.put_if(|| self.invalidations.load(Ordering::Acquire) == asked.0, key, value, until, now);
    }

    pub fn invalidate(&self, key: &K) {
        let mut entries = self.entries.write();
        self.invalidations.fetch_add(1, Ordering::AcqRel);
        entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn an_entry_ends_at_its_time() {
        let cache = Cache::new(10);
        cache.put("a", 1, at(10), at(0));
        assert_eq!(cache.get(&"a", at(9)), Some(1));
        assert_eq!(cache.get(&"a", at(10)), None);
    }

    #[test]
    fn what_was_forgotten_while_it_was_looked_up_is_not_remembered() {
        let cache = Cache::new(10);
        let asked = cache.start_lookup();
        cache.invalidate(&"a");
        cache.put_if_current(asked, "a", 1, at(10), at(0));
        assert_eq!(cache.get(&"a", at(1)), None);
        cache.put_if_current(cache.start_lookup(), "a", 2, at(10), at(0));
        assert_eq!(cache.get(&"a", at(1)), Some(2));
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = Cache::new(100);
        for key in 0..10_000 {
            cache.put(key, key, at(10), at(0));
            assert!(cache.entries.read().len() <= 100);
        }
    }
}
