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
    ChangeEvent, LockedConversation, MAX_READ_PER_CHANGE, ReceivedMessages, apply_delete, apply_edit,
    has_unread_messages, insert_change_event, lock, mark_delivered, mark_read,
};
pub use changes::{changed_at, my_clients};
pub use list::{
    ConversationSummary, ListFilter, ListOrder, conversation, list, moved_since, read_state, unread,
};
pub use page::{HistoryPage, HistoryRange, history, list_related, message};
pub use persist::{PersistedBroadcast, insert_broadcast, take_number};
pub use place::{insert_direct, place, role_of};
pub use search::{hits, rooms_with_matches};
pub use send::{
    NewMessage, SendContext, SendEvent, UnreadRecipient, follow, insert, insert_send_event,
    load_send_context, room_people,
};
