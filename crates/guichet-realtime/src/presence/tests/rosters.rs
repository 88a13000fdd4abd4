//! Rosters: what watchers receive, and that every watcher's state is right in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use guichet_base::Clock;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType::{Client, Operator};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::super::{Presence, PresenceTimeouts, RosterKey, TrackedFields, parse_key};
use super::observer::Observer;
use crate::backend::Visibility;
use crate::presence::roster::FLUSH_EVERY;

const TOPIC: &str = "presence:operator:1";
const LARGE_QUEUE_BYTES: usize = 256 * 1024;
const TENANT: TenantId = TenantId(Uuid::from_u128(7));

struct RosterFixture {
    clock: Clock,
    presence: Presence,
    joined: u64,
}

impl RosterFixture {
    fn new() -> Self {
        let clock = Clock::system();
        Self { presence: Presence::new(clock.clone(), PresenceTimeouts::default()), clock, joined: 0 }
    }

    fn join(&mut self, user: UserId, visibility: Visibility, watches: bool) -> Observer {
        self.join_as(RosterKey { key: None, user }, visibility, watches, LARGE_QUEUE_BYTES)
    }

    fn join_as(
        &mut self,
        roster_key: RosterKey,
        visibility: Visibility,
        watches: bool,
        queue_bytes: usize,
    ) -> Observer {
        self.joined += 1;
        let observer = Observer::new(self.joined, roster_key, visibility, queue_bytes);
        observer.join(&self.presence, TENANT, TOPIC, Operator, watches);
        observer
    }

    /// Does what the driver does in this time.
    fn pass(&self, by: Duration) {
        self.clock.advance(by);
        self.presence.expire(self.clock.now());
        self.clock.advance(FLUSH_EVERY);
        self.presence.flush_changed();
    }

    fn settle(&self) {
        self.pass(FLUSH_EVERY);
    }

    fn track(&self, observer: &Observer, json: &str) -> bool {
        let tracked = TrackedFields::parse(json).unwrap();
        self.presence.track(TENANT, TOPIC, &observer.roster_key, observer.join, Some(tracked))
    }

    fn lose(&self, observer: &Observer) {
        self.presence.lose(TENANT, TOPIC, &observer.roster_key, observer.join);
    }
}

#[test]
fn whoever_joins_has_an_entry_without_tracking_and_sees_it_at_once() {
    let mut desk = RosterFixture::new();
    let user = UserId::new();
    desk.presence.add_connection((TENANT, user));
    let mut first = desk.join(user, Visibility::Everyone, true);
    first.read();
    let [meta] = *first.metas_of(user) else { panic!("{:?}", first.state) };
    assert_eq!((&meta["status"], &meta["user_type"]), (&json!("online"), &json!("operator")));
    assert!(meta["online_at"].is_string());
    assert_eq!(first.state.keys().collect::<Vec<_>>(), [&user.to_string()], "under their id");
}

#[test]
fn ten_devices_of_one_person_are_one_presence() {
    let mut desk = RosterFixture::new();
    let (awa, emma) = (UserId::new(), UserId::new());
    let mut watcher = desk.join(emma, Visibility::Everyone, true);
    let devices: Vec<Observer> = (0..10).map(|_| desk.join(awa, Visibility::Everyone, false)).collect();
    desk.settle();
    watcher.read();
    assert_eq!((watcher.metas_of(awa).len(), watcher.diffs), (1, 1), "ten joins, one difference");
    for device in &devices[1..] {
        desk.presence.leave_topic(TENANT, TOPIC, &device.roster_key, device.join);
    }
    desk.settle();
    watcher.read();
    assert_eq!((watcher.metas_of(awa).len(), watcher.diffs), (1, 1));
    desk.presence.leave_topic(TENANT, TOPIC, &devices[0].roster_key, devices[0].join);
    desk.settle();
    watcher.read();
    assert_eq!(watcher.metas_of(awa).len(), 0, "a leave on purpose shows at once");
}

#[test]
fn the_newest_track_counts_and_the_same_again_is_no_news() {
    let mut desk = RosterFixture::new();
    let (awa, emma) = (UserId::new(), UserId::new());
    let mut watcher = desk.join(emma, Visibility::Everyone, true);
    let (one, two) =
        (desk.join(awa, Visibility::Everyone, false), desk.join(awa, Visibility::Everyone, false));
    assert!(desk.track(&one, r#"{"typing":true}"#));
    assert!(desk.track(&two, r#"{"typing":false}"#));
    desk.settle();
    watcher.read();
    assert_eq!(watcher.metas_of(awa)[0]["typing"], false);
    let before = (watcher.diffs, watcher.metas_of(awa)[0].clone());
    assert!(desk.track(&two, r#"{"typing":false}"#));
    desk.settle();
    watcher.read();
    assert_eq!((watcher.diffs, watcher.metas_of(awa)[0]), (before.0, &before.1));
    desk.presence.track(TENANT, TOPIC, &two.roster_key, two.join, None);
    desk.settle();
    watcher.read();
    assert_eq!(watcher.metas_of(awa)[0]["typing"], true, "the other device still tracks");
    desk.presence.track(TENANT, TOPIC, &one.roster_key, one.join, None);
    desk.settle();
    watcher.read();
    assert!(watcher.metas_of(awa)[0].get("typing").is_none(), "joined, and tracking nothing");
}

#[test]
fn a_lost_device_lingers_with_what_it_tracked() {
    let mut desk = RosterFixture::new();
    let (awa, emma) = (UserId::new(), UserId::new());
    let mut watcher = desk.join(emma, Visibility::Everyone, true);
    let device = desk.join(awa, Visibility::Everyone, false);
    desk.track(&device, r#"{"mood":"calm"}"#);
    desk.settle();
    desk.lose(&device);
    desk.pass(Duration::from_secs(29));
    watcher.read();
    assert_eq!(watcher.metas_of(awa)[0]["mood"], "calm");
    let diffs = watcher.diffs;
    let again = desk.join(awa, Visibility::Everyone, false);
    desk.settle();
    watcher.read();
    assert_eq!(watcher.diffs, diffs, "back in time: nobody noticed");
    desk.lose(&again);
    desk.pass(Duration::from_secs(32));
    watcher.read();
    assert!(watcher.metas_of(awa).is_empty());
}

#[test]
fn a_member_is_never_told_of_another_member() {
    let mut desk = RosterFixture::new();
    let (operator, chloe, bruno) = (UserId::new(), UserId::new(), UserId::new());
    let mut of_chloe = desk.join(chloe, Visibility::Only([operator, chloe].into()), true);
    let mut of_operator = desk.join(operator, Visibility::Everyone, true);
    let device = desk.join_as(
        RosterKey { key: Some("me".into()), user: bruno },
        Visibility::Everyone,
        false,
        LARGE_QUEUE_BYTES,
    );
    desk.track(&device, r#"{"secret":1}"#);
    desk.presence.set_default_topics((TENANT, bruno), Client, vec![TOPIC.into()]);
    desk.settle();
    desk.track(&device, r#"{"secret":2}"#);
    desk.settle();
    let mut late = desk.join(chloe, Visibility::Only([operator, chloe].into()), true);
    desk.settle();
    [&mut of_chloe, &mut of_operator, &mut late].into_iter().for_each(Observer::read);
    assert_eq!(of_operator.metas_of(bruno).len(), 2, "joined under a name, and at home");
    for seen in [&of_chloe, &late] {
        assert!(seen.metas_of(bruno).is_empty());
        assert_eq!((seen.metas_of(operator).len(), seen.metas_of(chloe).len()), (1, 1));
    }
}

#[test]
fn nothing_is_told_across_tenants_under_one_name() {
    let mut desk = RosterFixture::new();
    let mut mine = desk.join(UserId::new(), Visibility::Everyone, true);
    let stranger = UserId::new();
    let theirs =
        Observer::new(99, RosterKey { key: None, user: stranger }, Visibility::Everyone, LARGE_QUEUE_BYTES);
    theirs.join(&desk.presence, TenantId(Uuid::from_u128(8)), TOPIC, Operator, true);
    desk.settle();
    mine.read();
    assert!(mine.metas_of(stranger).is_empty());
}

#[test]
fn a_crowd_larger_than_the_queue_arrives_in_pieces() {
    let mut desk = RosterFixture::new();
    let people: Vec<UserId> = (0..2_000).map(|_| UserId::new()).collect();
    let everybody: Vec<Observer> =
        people.iter().map(|user| desk.join(*user, Visibility::Everyone, false)).collect();
    let mut late = desk.join(UserId::new(), Visibility::Everyone, true);
    let mut permits = 0;
    while late.state.len() < 2_001 {
        permits += 1;
        assert!(permits < 100, "{} of the crowd arrived", late.state.len());
        desk.settle();
        late.read();
        late.handle_orders(&desk.presence, TENANT, TOPIC);
    }
    assert_eq!(late.states, 1, "one picture, and pieces of it");
    // All leave at once: more than the queue holds.
    for gone in &everybody {
        desk.presence.leave_topic(TENANT, TOPIC, &gone.roster_key, gone.join);
    }
    for _ in 0..20 {
        desk.settle();
        late.handle_orders(&desk.presence, TENANT, TOPIC);
        late.read();
    }
    assert_eq!(late.state.len(), 1);
}

#[test]
fn a_roster_that_nobody_is_on_is_not_kept() {
    let mut desk = RosterFixture::new();
    let (one, two) = (
        desk.join(UserId::new(), Visibility::Everyone, true),
        desk.join(UserId::new(), Visibility::Everyone, false),
    );
    assert_eq!(desk.presence.roster_count(), 1);
    desk.presence.leave_topic(TENANT, TOPIC, &one.roster_key, one.join);
    desk.lose(&two);
    assert_eq!(desk.presence.roster_count(), 1, "somebody may come back");
    desk.pass(Duration::from_secs(32));
    assert_eq!(desk.presence.roster_count(), 0);
}

#[test]
fn a_key_may_be_any_name_but_the_id_of_another() {
    let (me, other) = (UserId::new(), UserId::new());
    assert_eq!(parse_key(None, me).unwrap(), None);
    assert_eq!(parse_key(Some(""), me).unwrap(), None);
    assert_eq!(parse_key(Some(&me.to_string()), me).unwrap(), None);
    assert_eq!(parse_key(Some("desk 4"), me).unwrap().as_deref(), Some("desk 4"));
    for forged in [
        other.to_string(),
        other.to_string().to_uppercase(),
        other.0.simple().to_string(),
        other.0.urn().to_string(),
    ] {
        assert_eq!(parse_key(Some(&forged), me).unwrap_err().code(), "FORBIDDEN", "{forged}");
    }
    assert!(parse_key(Some(&"x".repeat(256)), me).is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Join { user: u8, named: bool, watches: bool, narrow: bool, small: bool },
    Track { device: usize, value: u8 },
    Untrack { device: usize },
    Leave { device: usize },
    Lose { device: usize },
    Home { user: u8, is: bool },
    Touch { user: u8 },
    Pass(u64),
    Read { device: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (user, device) = (0u8..5, 0usize..12);
    prop_oneof![
        3 => (user.clone(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(user, named, watches, narrow, small)| Step::Join { user, named, watches, narrow, small }),
        3 => (device.clone(), 0u8..3).prop_map(|(device, value)| Step::Track { device, value }),
        1 => device.clone().prop_map(|device| Step::Untrack { device }),
        1 => device.clone().prop_map(|device| Step::Leave { device }),
        1 => device.clone().prop_map(|device| Step::Lose { device }),
        1 => (user.clone(), any::<bool>()).prop_map(|(user, is)| Step::Home { user, is }),
        1 => user.prop_map(|user| Step::Touch { user }),
        3 => prop_oneof![0u64..2, 25u64..140].prop_map(Step::Pass),
        2 => device.prop_map(|device| Step::Read { device }),
    ]
}

fn user(n: u8) -> UserId {
    UserId(Uuid::from_u128(1_000 + u128::from(n)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever frames are lost and however slowly a watcher reads: in the end, a watcher that applied diffs sees the
    /// same as a new one, and both see who is present.
    #[test]
    fn every_picture_is_that_of_a_newcomer(steps in proptest::collection::vec(step(), 1..70)) {
        let mut desk = RosterFixture::new();
        let mut devices: Vec<(Observer, u8, bool)> = Vec::new();
        let mut default_topics: BTreeSet<u8> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Join { user: n, named, watches, narrow, small } if devices.len() < 12 => {
                    desk.presence.add_connection((TENANT, user(n)));
                    let roster_key = RosterKey { key: named.then(|| "shared \"name\"".into()), user: user(n) };
                    let visibility = if narrow { Visibility::Only([user(0), user(n)].into()) } else { Visibility::Everyone };
                    // Small queues lose frames.
                    let bytes = if small { 700 } else { LARGE_QUEUE_BYTES };
                    devices.push((desk.join_as(roster_key, visibility, watches, bytes), n, watches));
                }
                Step::Track { device, value } if device < devices.len() => {
                    desk.track(&devices[device].0, &json!({"value": value, "user_id": "forged"}).to_string());
                }
                Step::Untrack { device } if device < devices.len() => {
                    let (observer, _, _) = &devices[device];
                    desk.presence.track(TENANT, TOPIC, &observer.roster_key, observer.join, None);
                }
                Step::Leave { device } if device < devices.len() => {
                    let (observer, n, _) = devices.swap_remove(device);
                    desk.presence.leave_topic(TENANT, TOPIC, &observer.roster_key, observer.join);
                    desk.presence.remove_connection((TENANT, user(n)));
                }
                Step::Lose { device } if device < devices.len() => {
                    let (observer, n, _) = devices.swap_remove(device);
                    desk.lose(&observer);
                    desk.presence.remove_connection((TENANT, user(n)));
                }
                Step::Home { user: n, is } => {
                    let topics = if is { vec![TOPIC.into()] } else { vec![] };
                    if is { default_topics.insert(n); } else { default_topics.remove(&n); }
                    desk.presence.set_default_topics((TENANT, user(n)), Client, topics);
                }
                Step::Touch { user: n } => {
                    desk.presence.touch((TENANT, user(n)));
                    desk.presence.mark_changed(TENANT, TOPIC, user(n));
                }
                Step::Pass(secs) => desk.pass(Duration::from_secs(secs)),
                Step::Read { device } if device < devices.len() => devices[device].0.read(),
                _ => {}
            }
            devices.iter().for_each(|(observer, _, _)| observer.handle_orders(&desk.presence, TENANT, TOPIC));
        }
        // The statuses are of one moment: marked people are examined again.
        for n in 0..5 {
            desk.presence.mark_changed(TENANT, TOPIC, user(n));
        }
        let expected: BTreeSet<UserId> =
            devices.iter().map(|(_, n, _)| *n).chain(default_topics).chain([9]).map(user).collect();
        let mut newcomer = desk.join(user(9), Visibility::Everyone, true);
        // Lost devices have ended by then; of a small queue, one frame leaves at a time.
        desk.pass(Duration::from_secs(32));
        for n in 0..10 {
            desk.presence.mark_changed(TENANT, TOPIC, user(n));
        }
        for _ in 0..40 {
            desk.settle();
            newcomer.read();
            for (observer, _, _) in &mut devices {
                observer.handle_orders(&desk.presence, TENANT, TOPIC);
                observer.read();
            }
        }
        let seen: BTreeSet<UserId> = (0..10).map(user).filter(|user| !newcomer.metas_of(*user).is_empty()).collect();
        prop_assert_eq!(&seen, &expected);
        for (observer, n, watches) in &devices {
            if !watches || observer.connection.mailbox.last_queued() == 0 {
                continue;
            }
            for m in 0..10 {
                let visibility = m == *n || m == 0 || !observer.is_restricted();
                let shown = if visibility { newcomer.metas_of(user(m)) } else { Vec::new() };
                prop_assert_eq!(observer.metas_of(user(m)), shown, "{} seen by {}", m, n);
            }
        }
    }
}
