//! The use cases of chat. Each opens one transaction as the actor.

mod change;
mod changes;
mod counterpart;
mod direct;
mod list;
mod persist;
mod read;
mod room;
mod search;
mod send;

pub use change::{delete, edit};
pub use changes::{reach, rows_changed_by_read};
pub use list::{ListRequest, ListScope, list, moved_since, one, unread_count};
pub use persist::persist;
pub use read::{ReadTarget, mark_read};
pub use room::{Draft, draft, follow, history, open, place, set_typing};
pub use search::{about, search};
pub use send::{SendMessage, SendOutcome, send};
