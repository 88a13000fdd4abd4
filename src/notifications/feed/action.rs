//! What can be done to a notification, as a pure function of where it stands.
//!
//! - Whatever is decided (read, archived, deleted) ends a snooze: its person has dealt with it.
//! - What leaves the archive stands as it stood: unread where nobody had read it.
//! - What comes back from a snooze is unread, whatever it was before, and is the newest of its feed.
//! - At most one unread notification of a person carries a group's key. What would become a second comes back as read:
//!   the first tells of everything that happened since.

use std::collections::HashSet;

use guichet_base::Timestamp;
use guichet_base::id::NotificationId;

use crate::notifications::model::Status;

/// Something that its person, or the clock, does to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Read,
    Archive,
    Unarchive,
    /// Until then it is out of the feed.
    Snooze(Timestamp),
    Delete,
    /// The snooze is over.
    Wake,
    /// Its time is over.
    Expire,
}

impl Deed {
    /// Whether the notification is gone after it.
    pub const fn removes(self) -> bool {
        match self {
            Deed::Delete | Deed::Expire => true,
            Deed::Read | Deed::Archive | Deed::Unarchive | Deed::Snooze(_) | Deed::Wake => false,
        }
    }
}

/// Where a visible notification stands, as far as deeds move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotificationState {
    pub read_at: Option<Timestamp>,
    pub archived_at: Option<Timestamp>,
    pub snoozed_until: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

impl NotificationState {
    pub const fn status(&self) -> Status {
        match (self.archived_at, self.read_at) {
            (Some(_), _) => Status::Archived,
            (None, Some(_)) => Status::Read,
            (None, None) => Status::Unread,
        }
    }

    /// Whether the unread counter counts it.
    pub fn counts(&self) -> bool {
        self.status() == Status::Unread && self.snoozed_until.is_none() && self.deleted_at.is_none()
    }

    /// Where it stands after `deed`, should that be allowed to make it unread.
    fn after(self, deed: Deed, now: Timestamp) -> Self {
        let awake = Self { snoozed_until: None, ..self };
        match deed {
            Deed::Read => Self { read_at: self.read_at.or(Some(now)), ..awake },
            Deed::Archive => Self { archived_at: self.archived_at.or(Some(now)), ..awake },
            Deed::Unarchive => Self { archived_at: None, ..self },
            Deed::Snooze(until) => Self { archived_at: None, snoozed_until: Some(until), ..self },
            Deed::Wake if self.snoozed_until.is_some() => Self { read_at: None, ..awake },
            Deed::Wake => self,
            Deed::Delete | Deed::Expire => Self { deleted_at: self.deleted_at.or(Some(now)), ..awake },
        }
    }
}

/// A notification that a deed is to be done to.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: NotificationId,
    pub standing: NotificationState,
    pub group_key: Option<String>,
    pub last_event_at: Timestamp,
}

impl Target {
    /// The group of which it would be an unread one that it is not now.
    pub fn group_joined_by(&self, deed: Deed, now: Timestamp) -> Option<&str> {
        let joins = self.standing.status() != Status::Unread
            && self.standing.after(deed, now).status() == Status::Unread;
        self.group_key.as_deref().filter(|_| joins)
    }
}

/// One that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedChange {
    pub id: NotificationId,
    pub to: NotificationState,
    /// What happens to the unread counter.
    pub counter: i32,
    /// Where the order of the feed moves with it.
    pub last_event_at: Option<Timestamp>,
}

/// What `deed` changes of `targets`; those that stand so already are left out. `taken`: groups that have an unread
/// notification.
pub fn changes(
    targets: &[Target],
    deed: Deed,
    now: Timestamp,
    mut taken: HashSet<String>,
) -> Vec<FeedChange> {
    let mut changes = Vec::new();
    for target in targets {
        let from = target.standing;
        let mut to = from.after(deed, now);
        if let Some(group) = target.group_joined_by(deed, now)
            && !taken.insert(group.to_owned())
        {
            to.read_at = from.read_at.or(Some(now));
        }
        if to != from {
            let counter = i32::from(to.counts()) - i32::from(from.counts());
            let last_event_at = (deed == Deed::Wake).then_some(now);
            changes.push(FeedChange { id: target.id, to, counter, last_event_at });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn target(standing: NotificationState) -> Target {
        Target { id: NotificationId::new(), standing, group_key: None, last_event_at: at(0) }
    }

    /// Where it stands after these, one a second.
    fn after(deeds: &[Deed]) -> (NotificationState, i32) {
        let (mut standing, mut counter) = (NotificationState::default(), 1);
        for (second, deed) in (1..).zip(deeds) {
            for change in changes(&[target(standing)], *deed, at(second * 1_000), HashSet::new()) {
                (standing, counter) = (change.to, counter + change.counter);
            }
        }
        (standing, counter)
    }

    #[test]
    fn what_stands_so_already_does_not_change() {
        for deed in [Deed::Read, Deed::Archive, Deed::Snooze(at(9_000)), Deed::Delete] {
            assert_eq!(after(&[deed]), after(&[deed, deed]), "{deed:?}");
        }
        assert!(
            changes(&[target(NotificationState::default())], Deed::Unarchive, at(1), HashSet::new())
                .is_empty()
        );
        assert!(
            changes(&[target(NotificationState::default())], Deed::Wake, at(1), HashSet::new()).is_empty()
        );
    }

    #[test]
    fn the_archive_gives_back_what_it_took() {
        assert_eq!(after(&[Deed::Archive]).1, 0);
        assert_eq!(after(&[Deed::Archive, Deed::Unarchive]), (NotificationState::default(), 1));
        let (standing, counter) = after(&[Deed::Read, Deed::Archive, Deed::Unarchive]);
        assert_eq!((standing.status(), counter), (Status::Read, 0));
    }

    #[test]
    fn a_snooze_ends_unread_unless_somebody_dealt_with_it() {
        let until = Deed::Snooze(at(9_000));
        for before in [&[until][..], &[Deed::Read, until], &[Deed::Archive, until]] {
            assert_eq!(after(before).1, 0, "{before:?}");
            let woken = after(&[before, &[Deed::Wake]].concat());
            assert_eq!((woken.0.status(), woken.1), (Status::Unread, 1), "{before:?}");
        }
        for (dealt, status) in [(Deed::Read, Status::Read), (Deed::Archive, Status::Archived)] {
            let (standing, counter) = after(&[until, dealt, Deed::Wake]);
            assert_eq!((standing.status(), standing.snoozed_until, counter), (status, None, 0));
        }
    }

    #[test]
    fn what_would_be_the_second_unread_of_its_group_comes_back_as_read() {
        let asleep = NotificationState {
            read_at: Some(at(1)),
            snoozed_until: Some(at(2)),
            ..NotificationState::default()
        };
        let grouped = |standing| Target { group_key: Some("g".to_owned()), ..target(standing) };
        let two = changes(&[grouped(asleep), grouped(asleep)], Deed::Wake, at(3), HashSet::new());
        let statuses: Vec<_> = two.iter().map(|change| (change.to.status(), change.counter)).collect();
        assert_eq!(statuses, [(Status::Unread, 1), (Status::Read, 0)]);
        let archived = NotificationState { archived_at: Some(at(1)), ..NotificationState::default() };
        let taken = HashSet::from(["g".to_owned()]);
        let [back] = &changes(&[grouped(archived)], Deed::Unarchive, at(3), taken)[..] else { panic!() };
        assert_eq!((back.to.status(), back.to.read_at), (Status::Read, Some(at(3))));
    }
}
