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
    ChangeEvent, LockedConversation, MAX_READ_PER_CHANGE, ReceivedMessages, announce_change, apply_delete,
    apply_edit, awaits_reading, lock, mark_delivered, mark_read,
};
pub use changes::{changed_at, my_clients};
pub use list::{
    ConversationSummary, ListFilter, ListOrder, conversation, list, moved_since, read_state, unread,
};
pub use page::{HistoryPage, HistoryRange, history, message, of_entity};
pub use persist::{PersistedBroadcast, keep_broadcast, take_number};
pub use place::{make_pair, place, rank_of};
pub use search::{hits, rooms_with};
pub use send::{
    NewMessage, SendContext, SendEvent, UnreadRecipient, announce_send, follow, insert, room_for_send,
    room_people,
};
