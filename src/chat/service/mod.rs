//! The use cases of chat. Each opens one transaction as the actor.

mod counterpart;
mod direct;
mod edit;
mod list;
mod persist;
mod read;
mod room;
mod row_changes;
mod search;
mod send;

pub use edit::{delete, edit};
pub use list::{ListRequest, ListScope, changed_since, list, read_one, unread_count};
pub use persist::persist;
pub use read::{ReadTarget, mark_read};
pub use room::{Draft, draft, find_place, follow, history, open, set_typing};
pub use row_changes::{read_scopes, rows_changed_by_read};
pub use search::{list_related, search};
pub use send::{SendMessage, SendOutcome, send};
