//! Actions on notifications, as pure functions of their state.
//!
//! - Reading, archiving and deleting end a snooze.
//! - A notification that is restored from the archive is unread if it was never read, otherwise read.
//! - A notification that returns from a snooze is unread, and the newest of its feed.
//! - A person has at most one unread notification per group. A second one that would become unread returns as read,
//!   since the first one already represents the later events.

use std::collections::HashSet;

use guichet_base::Timestamp;
use guichet_base::id::NotificationId;

use crate::notifications::model::Status;

/// An action of the owner, or of a job, on a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedAction {
    Read,
    Archive,
    Unarchive,
    /// Hides the notification until this time.
    Snooze(Timestamp),
    Delete,
    /// Ends the snooze, whose time has come.
    Wake,
    /// The notification has expired.
    Expire,
}

impl FeedAction {
    /// Whether the action removes the notification.
    pub const fn removes(self) -> bool {
        match self {
            FeedAction::Delete | FeedAction::Expire => true,
            FeedAction::Read
            | FeedAction::Archive
            | FeedAction::Unarchive
            | FeedAction::Snooze(_)
            | FeedAction::Wake => false,
        }
    }
}

/// The state of a visible notification, as far as actions change it.
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

    /// Whether the notification is in the unread counter.
    pub fn is_counted(&self) -> bool {
        self.status() == Status::Unread && self.snoozed_until.is_none() && self.deleted_at.is_none()
    }

    /// The state after `action`, without regard to other unread notifications of the group.
    fn apply(self, action: FeedAction, now: Timestamp) -> Self {
        let unsnoozed = Self { snoozed_until: None, ..self };
        match action {
            FeedAction::Read => Self { read_at: self.read_at.or(Some(now)), ..unsnoozed },
            FeedAction::Archive => Self { archived_at: self.archived_at.or(Some(now)), ..unsnoozed },
            FeedAction::Unarchive => Self { archived_at: None, ..self },
            FeedAction::Snooze(until) => Self { archived_at: None, snoozed_until: Some(until), ..self },
            FeedAction::Wake if self.snoozed_until.is_some() => Self { read_at: None, ..unsnoozed },
            FeedAction::Wake => self,
            FeedAction::Delete | FeedAction::Expire => {
                Self { deleted_at: self.deleted_at.or(Some(now)), ..unsnoozed }
            }
        }
    }
}

/// A notification to act on.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: NotificationId,
    pub state: NotificationState,
    pub group_key: Option<String>,
    pub last_event_at: Timestamp,
}

impl Target {
    /// The group in which `action` would make this notification unread, if it is not unread already.
    pub fn group_joined_by(&self, action: FeedAction, now: Timestamp) -> Option<&str> {
        let joins =
            self.state.status() != Status::Unread && self.state.apply(action, now).status() == Status::Unread;
        self.group_key.as_deref().filter(|_| joins)
    }
}

/// The new state of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedChange {
    pub id: NotificationId,
    pub new_state: NotificationState,
    /// The difference to add to the unread counter.
    pub counter_delta: i32,
    /// The new position in the feed, if it changes.
    pub last_event_at: Option<Timestamp>,
}

/// The changes that `action` makes to `targets`, without targets that already have the new state.
/// `groups_with_unread` are the groups that already have an unread notification.
pub fn plan_changes(
    targets: &[Target],
    action: FeedAction,
    now: Timestamp,
    mut taken: HashSet<String>,
) -> Vec<FeedChange> {
    let mut changes = Vec::new();
    for target in targets {
        let from = target.state;
        let mut to = from.apply(action, now);
        if let Some(group) = target.group_joined_by(action, now)
            && !taken.insert(group.to_owned())
        {
            to.read_at = from.read_at.or(Some(now));
        }
        if to != from {
            let counter = i32::from(to.is_counted()) - i32::from(from.is_counted());
            let last_event_at = (action == FeedAction::Wake).then_some(now);
            changes.push(FeedChange { id: target.id, new_state: to, counter_delta: counter, last_event_at });
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

    fn target(state: NotificationState) -> Target {
        Target { id: NotificationId::new(), state, group_key: None, last_event_at: at(0) }
    }

    /// The state after these actions, one per second.
    fn after(actions: &[FeedAction]) -> (NotificationState, i32) {
        let (mut state, mut counter) = (NotificationState::default(), 1);
        for (second, action) in (1..).zip(actions) {
            for change in plan_changes(&[target(state)], *action, at(second * 1_000), HashSet::new()) {
                (state, counter) = (change.new_state, counter + change.counter_delta);
            }
        }
        (state, counter)
    }

    #[test]
    fn what_stands_so_already_does_not_change() {
        for action in
            [FeedAction::Read, FeedAction::Archive, FeedAction::Snooze(at(9_000)), FeedAction::Delete]
        {
            assert_eq!(after(&[action]), after(&[action, action]), "{action:?}");
        }
        assert!(
            plan_changes(
                &[target(NotificationState::default())],
                FeedAction::Unarchive,
                at(1),
                HashSet::new()
            )
            .is_empty()
        );
        assert!(
            plan_changes(&[target(NotificationState::default())], FeedAction::Wake, at(1), HashSet::new())
                .is_empty()
        );
    }

    #[test]
    fn the_archive_gives_back_what_it_took() {
        assert_eq!(after(&[FeedAction::Archive]).1, 0);
        assert_eq!(after(&[FeedAction::Archive, FeedAction::Unarchive]), (NotificationState::default(), 1));
        let (standing, counter) = after(&[FeedAction::Read, FeedAction::Archive, FeedAction::Unarchive]);
        assert_eq!((standing.status(), counter), (Status::Read, 0));
    }

    #[test]
    fn a_snooze_ends_unread_unless_somebody_dealt_with_it() {
        let until = FeedAction::Snooze(at(9_000));
        for before in [&[until][..], &[FeedAction::Read, until], &[FeedAction::Archive, until]] {
            assert_eq!(after(before).1, 0, "{before:?}");
            let woken = after(&[before, &[FeedAction::Wake]].concat());
            assert_eq!((woken.0.status(), woken.1), (Status::Unread, 1), "{before:?}");
        }
        for (dealt, status) in [(FeedAction::Read, Status::Read), (FeedAction::Archive, Status::Archived)] {
            let (standing, counter) = after(&[until, dealt, FeedAction::Wake]);
            assert_eq!((standing.status(), standing.snoozed_until, counter), (status, None, 0));
        }
    }

    #[test]
    fn what_would_be_the_second_unread_of_its_group_comes_back_as_read() {
        let snoozed = NotificationState {
            read_at: Some(at(1)),
            snoozed_until: Some(at(2)),
            ..NotificationState::default()
        };
        let grouped = |standing| Target { group_key: Some("g".to_owned()), ..target(standing) };
        let two =
            plan_changes(&[grouped(snoozed), grouped(snoozed)], FeedAction::Wake, at(3), HashSet::new());
        let statuses: Vec<_> =
            two.iter().map(|change| (change.new_state.status(), change.counter_delta)).collect();
        assert_eq!(statuses, [(Status::Unread, 1), (Status::Read, 0)]);
        let archived = NotificationState { archived_at: Some(at(1)), ..NotificationState::default() };
        let taken = HashSet::from(["g".to_owned()]);
        let [back] = &plan_changes(&[grouped(archived)], FeedAction::Unarchive, at(3), taken)[..] else {
            panic!()
        };
        assert_eq!((back.new_state.status(), back.new_state.read_at), (Status::Read, Some(at(3))));
    }
}
