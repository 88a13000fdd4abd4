//! The identity of a roster's entry, and its changes.

use guichet_base::id::UserId;

/// The presence key of a person on a topic. `None` means their id.
pub type PresenceKey = Option<Box<str>>;

/// A person under a key, in the order of the roster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterKey {
    pub key: PresenceKey,
    pub user: UserId,
}

/// The change of an entry: the meta that joins, the meta that leaves, or both.
pub(super) struct EntryChange {
    pub key: RosterKey,
    pub join: Option<String>,
    pub leave: Option<String>,
}
