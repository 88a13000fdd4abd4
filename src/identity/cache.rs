//! A bounded map whose entries expire: what was looked up a moment ago.
//!
//! Time is the caller's, so that tests can move it. When full, what has expired goes; if that is not much, all
//! of it goes, since every entry can be looked up again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use crate::base::Timestamp;

pub(super) struct Cache<K, V> {
    capacity: usize,
    entries: RwLock<HashMap<K, Entry<V>>>,
}

struct Entry<V> {
    value: V,
    until: Timestamp,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: RwLock::default() }
    }

    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|entry| entry.until > now).map(|entry| entry.value.clone())
    }

    pub fn put(&self, key: K, value: V, until: Timestamp, now: Timestamp) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| entry.until > now);
            // One by one would walk the whole map at every entry from now on.
            if entries.len() > self.capacity / 4 * 3 {
                entries.clear();
            }
        }
        entries.insert(key, Entry { value, until });
    }

    pub fn forget(&self, key: &K) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(key);
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
    fn it_never_holds_more_than_its_capacity() {
        let cache = Cache::new(100);
        for key in 0..10_000 {
            cache.put(key, key, at(10), at(0));
            assert!(cache.entries.read().unwrap().len() <= 100);
        }
    }
}
