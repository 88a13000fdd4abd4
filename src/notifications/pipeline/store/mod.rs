//! The statements of the pipeline: whom to tell, under their locks; what stands there already; all that is written.

mod load;
mod raise;
mod write;

pub use load::{LockedRecipient, count, load};
pub use raise::{Raised, UnreadOfGroup, standing};
pub use write::{Batch, NewDelivery, NewNotification, RenderedText, write};
