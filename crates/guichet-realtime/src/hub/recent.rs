//! Recently seen events of this process: the tail reads again what the committing process has published.
//!
//! Two generations: ids are kept between one and two `GENERATION_TTL`s, and at most `MAX_PER_GENERATION` ids per generation. A forgotten id
//! costs a duplicate on unnumbered topics (clients drop it by `meta.id`), never on a numbered topic.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

const GENERATION_TTL: Duration = Duration::from_secs(60);
const MAX_PER_GENERATION: usize = 100_000;

pub struct RecentEvents {
    generations: Mutex<Generations>,
}

struct Generations {
    young: HashSet<Uuid>,
    old: HashSet<Uuid>,
    turned: Instant,
}

impl Default for RecentEvents {
    fn default() -> Self {
        let generations = Generations { young: HashSet::new(), old: HashSet::new(), turned: Instant::now() };
        Self { generations: Mutex::new(generations) }
    }
}

impl RecentEvents {
    /// Whether `id` is seen for the first time.
    pub fn insert(&self, id: Uuid) -> bool {
        let mut generations = self.generations.lock();
        if generations.young.len() >= MAX_PER_GENERATION {
            generations.rotate();
        }
        !generations.old.contains(&id) && generations.young.insert(id)
    }

    pub fn contains(&self, id: Uuid) -> bool {
        let generations = self.generations.lock();
        generations.young.contains(&id) || generations.old.contains(&id)
    }

    /// Drops old ids. Called regularly.
    pub fn sweep(&self) {
        let mut generations = self.generations.lock();
        if generations.turned.elapsed() >= GENERATION_TTL {
            generations.rotate();
        }
    }
}

impl Generations {
    fn rotate(&mut self) {
        self.old = std::mem::take(&mut self.young);
        self.turned = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_known_and_memory_is_bounded() {
        let recent = RecentEvents::default();
        let id = Uuid::now_v7();
        assert!(recent.insert(id));
        assert!(!recent.insert(id));
        for _ in 0..2 * MAX_PER_GENERATION + 1 {
            recent.insert(Uuid::now_v7());
        }
        let generations = recent.generations.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * MAX_PER_GENERATION);
    }
}
