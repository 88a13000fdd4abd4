//! The tracker over virtual time.

use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{PresenceStatus, Timestamp};

use crate::presence::tracker::{PersonKey, PresenceTimeouts, PresenceTracker};

pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + secs * 1_000)
}

/// A tracker with its own clock, and its notifications.
struct TrackerFixture {
    tracker: PresenceTracker,
    timeouts: PresenceTimeouts,
    now: i64,
    /// The notifications, with the second.
    published: Vec<(i64, PersonKey, PresenceStatus)>,
    written: Vec<(PersonKey, Timestamp)>,
}

impl TrackerFixture {
    fn new() -> Self {
        let (crowd, timeouts) = (PresenceTracker::default(), PresenceTimeouts::default());
        Self { tracker: crowd, timeouts, now: 0, published: Vec::new(), written: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        at(self.now)
    }

    /// Advances time, one second at a time.
    fn pass(&mut self, secs: i64) {
        for _ in 0..secs {
            self.now += 1;
            let mut due = Vec::new();
            self.tracker.take_due(&self.timeouts, self.now(), &mut due);
            due.into_iter().for_each(|person| self.notify(person));
        }
    }

    fn notify(&mut self, person: PersonKey) {
        let now = self.now();
        let Some(stand) = self.tracker.presence_state(person, &self.timeouts, now) else { return };
        if let Some(seen) = self.tracker.take_seen(person, false, &self.timeouts, now) {
            self.written.push((person, seen));
        }
        if stand.status != stand.published_status {
            self.published.push((self.now, person, stand.status));
        }
        self.tracker.mark_published(person, stand.status, &self.timeouts, now);
    }

    fn enter(&mut self, person: PersonKey) {
        let now = self.now();
        if self.tracker.enter(person, &self.timeouts, now) {
            self.notify(person);
        }
    }

    fn leave(&mut self, person: PersonKey) {
        let now = self.now();
        self.tracker.leave(person, &self.timeouts, now);
    }

    fn touch(&mut self, person: PersonKey) {
        let now = self.now();
        if self.tracker.touch(person, &self.timeouts, now) {
            self.notify(person);
        }
    }

    fn status(&self, person: PersonKey) -> PresenceStatus {
        let stand = self.tracker.presence_state(person, &self.timeouts, self.now());
        stand.map_or(PresenceStatus::Offline, |stand| stand.status)
    }

    fn changes(&mut self) -> Vec<(i64, PresenceStatus)> {
        std::mem::take(&mut self.published).into_iter().map(|(at, _, status)| (at, status)).collect()
    }
}

fn person() -> PersonKey {
    (TenantId::new(), UserId::new())
}

#[test]
fn nobody_is_offline_before_the_grace_is_over_and_everybody_is_soon_after() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.enter(awa);
    desk.pass(10);
    desk.leave(awa);
    desk.pass(29);
    assert_eq!(desk.status(awa), PresenceStatus::Online);
    desk.pass(3);
    assert_eq!(desk.changes(), [(0, PresenceStatus::Online), (40, PresenceStatus::Offline)]);
    assert_eq!(desk.tracker.everybody(), [], "whoever is gone is forgotten");
    assert_eq!(desk.written.last().unwrap().1, at(10), "seen when the last connection ended");
}

#[test]
fn a_reconnect_within_the_grace_shows_nothing() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.enter(awa);
    for _ in 0..20 {
        desk.leave(awa);
        desk.pass(29);
        desk.enter(awa);
        desk.pass(1);
    }
    assert_eq!(desk.changes(), [(0, PresenceStatus::Online)]);
    let stand = desk.tracker.presence_state(awa, &desk.timeouts, desk.now()).unwrap();
    assert_eq!(stand.online_at, at(0), "one stay");
}

#[test]
fn of_ten_devices_the_last_one_counts() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    (0..10).for_each(|_| desk.enter(awa));
    for _ in 0..9 {
        desk.leave(awa);
        desk.pass(5);
        desk.touch(awa);
    }
    desk.pass(50);
    assert_eq!(desk.changes(), [(0, PresenceStatus::Online)], "one person, told of once");
    desk.leave(awa);
    desk.pass(31);
    assert_eq!(desk.changes(), [(125, PresenceStatus::Offline)]);
}

#[test]
fn whoever_does_nothing_is_idle_then_offline_and_back_at_once() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.enter(awa);
    desk.pass(119);
    assert_eq!(desk.status(awa), PresenceStatus::Online);
    desk.pass(1);
    assert_eq!(desk.status(awa), PresenceStatus::Idle);
    desk.pass(480);
    assert_eq!(
        desk.changes(),
        [(0, PresenceStatus::Online), (120, PresenceStatus::Idle), (600, PresenceStatus::Offline)]
    );
    desk.pass(3_600);
    desk.touch(awa);
    assert_eq!(desk.changes(), [(4_200, PresenceStatus::Online)]);
    assert_eq!(desk.written.last().unwrap().1, at(4_200));
}

#[test]
fn one_active_device_keeps_the_person_online_whatever_the_others_do() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.enter(awa);
    desk.enter(awa);
    for _ in 0..20 {
        desk.pass(60);
        desk.touch(awa);
    }
    assert_eq!(desk.changes(), [(0, PresenceStatus::Online)]);
}

#[test]
fn whoever_has_no_connection_is_not_there_whatever_they_do() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.touch(awa);
    assert_eq!((desk.status(awa), desk.tracker.everybody().len()), (PresenceStatus::Offline, 0));
}

#[test]
fn the_last_activity_is_written_once_a_minute_and_when_they_are_away() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.enter(awa);
    for _ in 0..600 {
        desk.pass(1);
        desk.touch(awa);
    }
    assert!((10..=12).contains(&desk.written.len()), "{} times in ten minutes", desk.written.len());
    desk.pass(10_000);
    assert_eq!(desk.written.last().unwrap().1, at(600));
    let count = desk.written.len();
    desk.pass(10_000);
    assert_eq!(desk.written.len(), count, "nothing new, nothing written");
}

#[test]
fn whoever_comes_and_goes_while_others_are_told_of_it_is_written_and_then_forgotten() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    let timeouts = desk.timeouts;
    assert!(desk.tracker.enter(awa, &timeouts, at(0)));
    assert_eq!(desk.tracker.take_seen(awa, false, &timeouts, at(0)), Some(at(0)));
    // The backend takes half a minute to return the audience.
    desk.tracker.leave(awa, &timeouts, at(10));
    assert_eq!(
        desk.tracker.mark_published(awa, PresenceStatus::Offline, &timeouts, at(41)),
        Some(PresenceStatus::Offline)
    );
    desk.now = 41;
    desk.pass(30);
    assert_eq!(desk.written, [(awa, at(10))]);
    assert_eq!(desk.tracker.everybody(), []);
}

#[test]
fn a_turn_with_nothing_due_looks_at_nobody() {
    let mut crowd = PresenceTracker::default();
    let (timeouts, tenant) = (PresenceTimeouts::default(), TenantId::new());
    let mut due = Vec::new();
    for _ in 0..10_000 {
        let awa = (tenant, UserId::new());
        crowd.enter(awa, &timeouts, at(0));
        crowd.take_seen(awa, false, &timeouts, at(0));
        crowd.mark_published(awa, PresenceStatus::Online, &timeouts, at(0));
    }
    for second in 1..59 {
        assert_eq!(crowd.take_due(&timeouts, at(second), &mut due), 0);
    }
    assert!(due.is_empty());
    // All are active: deadlines come once in a while, not with each activity.
    let everybody = crowd.everybody();
    let looked: usize = (59..119)
        .map(|second| {
            for awa in &everybody {
                crowd.touch(*awa, &timeouts, at(second));
            }
            crowd.take_due(&timeouts, at(second), &mut due)
        })
        .sum();
    assert!(looked <= 2 * everybody.len(), "{looked} looks in a minute");
}

#[test]
fn a_clock_that_jumps_back_harms_nobody() {
    let (mut desk, awa) = (TrackerFixture::new(), person());
    desk.pass(1_000);
    desk.enter(awa);
    desk.now = 0;
    desk.touch(awa);
    desk.leave(awa);
    desk.pass(31);
    assert_eq!(desk.status(awa), PresenceStatus::Offline);
    assert_eq!(desk.timeouts.grace, Duration::from_secs(30));
}
