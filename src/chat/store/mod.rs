//! All SQL of chat. No rules: those are in `policy` and `service`.

mod change;
mod list;
mod page;
mod persist;
mod place;
mod row;
mod row_changes;
mod search;
mod send;

pub use change::{
    ChangeEvent, LockedConversation, MAX_READ_PER_CHANGE, ReceivedMessages, apply_delete, apply_edit,
    has_unread_messages, insert_change_event, lock, mark_delivered, mark_read,
};
pub use list::{
    ConversationSummary, ListFilter, ListOrder, changed_since, conversation, list, read_state, unread,
};
pub use page::{HistoryPage, HistoryRange, history, list_related, message};
pub use persist::{PersistedBroadcast, insert_broadcast, take_number};
pub use place::{find_place, insert_direct, role_of};
pub use row_changes::{changed_at, visible_clients};
pub use search::{rooms_with_matches, search_messages};
pub use send::{
    NewMessage, SendContext, SendEvent, UnreadRecipient, follow, insert, insert_send_event,
    load_send_context, room_people,
};
