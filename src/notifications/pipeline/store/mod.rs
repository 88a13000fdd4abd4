//! The statements of the pipeline: locked recipients, existing notifications of a group, and all writes.

mod load;
mod raise;
mod write;

pub use load::{LockedRecipient, count, load};
pub use raise::{Raised, UnreadOfGroup, standing};
pub use write::{Batch, NewDelivery, NewNotification, RenderedText, write};
