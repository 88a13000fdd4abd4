//! The statements of the pipeline: locked recipients, existing notifications of a group, and all writes.

mod load;
mod raise;
mod write;

pub use load::{LockedRecipient, count_audience, lock_recipients};
pub use raise::{GroupUpdate, UnreadOfGroup, unread_of_group};
pub use write::{Batch, NewDelivery, NewNotification, RenderedText, write_batch};
