//! All SQL of chat. No rules: those are in `policy` and `service`.

mod change;
mod changes;
mod list;
mod page;
mod persist;
mod place;
mod row;
mod search;
mod send;

pub use change::{
    ChangeEvent, Head, READ_AT_ONCE, Reached, announce_change, apply_delete, apply_edit, awaits_reading,
    lock, mark_delivered, mark_read,
};
pub use changes::{changed_at, my_clients};
pub use list::{ListFilter, ListOrder, Outline, conversation, list, moved_since, read_state, unread};
pub use page::{Cut, Window, history, message, of_entity};
pub use persist::{PersistedBroadcast, keep_broadcast, take_number};
pub use place::{make_pair, place, rank_of};
pub use search::{hits, rooms_with};
pub use send::{
    Announcement, NewMessage, SendContext, UnreadRecipient, announce_send, follow, insert, room_for_send,
    room_people,
};
