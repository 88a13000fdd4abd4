//! Random histories, compared with a simple model that remembers everything and examines everyone.

use std::collections::HashMap;

use guichet_base::PresenceStatus;
use guichet_base::id::{TenantId, UserId};
use proptest::prelude::*;

use super::tracker::at;
use crate::presence::tracker::{PersonKey, PresenceTimeouts, PresenceTracker};
use uuid::Uuid;

#[derive(Debug, Clone)]
enum Step {
    Enter(u8),
    Leave(u8),
    Touch(u8),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..4).prop_map(Step::Enter),
        (0u8..4).prop_map(Step::Leave),
        (0u8..4).prop_map(Step::Touch),
        prop_oneof![1i64..5, 25i64..35, 100i64..130, 400i64..700].prop_map(Step::Pass),
    ]
}

fn person(n: u8) -> PersonKey {
    (TenantId(Uuid::from_u128(u128::from(n % 2))), UserId(Uuid::from_u128(u128::from(n))))
}

#[derive(Default)]
struct PersonModel {
    connections: u32,
    active: i64,
    lost: i64,
    was_there: bool,
}

impl PersonModel {
    fn is_there(&self, now: i64) -> bool {
        self.was_there && (self.connections > 0 || now < self.lost + 30)
    }

    fn status(&self, now: i64) -> PresenceStatus {
        match now - self.active {
            _ if !self.is_there(now) => PresenceStatus::Offline,
            0..120 => PresenceStatus::Online,
            120..600 => PresenceStatus::Idle,
            _ => PresenceStatus::Offline,
        }
    }
}

proptest! {
    #[test]
    fn everybody_is_what_they_would_be_if_all_were_looked_at_each_second(steps in proptest::collection::vec(step(), 1..80)) {
        let (mut crowd, timeouts) = (PresenceTracker::default(), PresenceTimeouts::default());
        let mut naive: HashMap<u8, PersonModel> = HashMap::new();
        // What others believe, from notifications alone.
        let mut believed: HashMap<PersonKey, PresenceStatus> = HashMap::new();
        let mut now = 0;
        for step in steps {
            let mut news = Vec::new();
            match step {
                Step::Enter(n) => {
                    let model = naive.entry(n).or_default();
                    model.connections += 1;
                    model.was_there = true;
                    model.active = now;
                    if crowd.enter(person(n), &timeouts, at(now)) {
                        news.push(person(n));
                    }
                }
                Step::Leave(n) => {
                    let model = naive.entry(n).or_default();
                    if model.connections == 0 {
                        continue;
                    }
                    model.connections -= 1;
                    model.lost = now;
                    crowd.leave(person(n), &timeouts, at(now));
                }
                Step::Touch(n) => {
                    let model = naive.entry(n).or_default();
                    if model.is_there(now) {
                        model.active = now;
                    }
                    if crowd.touch(person(n), &timeouts, at(now)) {
                        news.push(person(n));
                    }
                }
                Step::Pass(secs) => {
                    now += secs;
                    crowd.take_due(&timeouts, at(now), &mut news);
                }
            }
            for person in news {
                let Some(stand) = crowd.presence_state(person, &timeouts, at(now)) else { continue };
                crowd.take_seen(person, false, &timeouts, at(now));
                crowd.mark_published(person, stand.status, &timeouts, at(now));
                believed.insert(person, stand.status);
            }
            for (n, model) in &naive {
                let stand = crowd.presence_state(person(*n), &timeouts, at(now));
                let expected = model.status(now);
                prop_assert_eq!(stand.map_or(PresenceStatus::Offline, |stand| stand.status), expected, "{} at {}", n, now);
                prop_assert_eq!(believed.get(&person(*n)).copied().unwrap_or(PresenceStatus::Offline), expected, "told of {}", n);
                prop_assert_eq!(stand.is_some(), model.is_there(now), "{} is kept", n);
            }
        }
    }
}
