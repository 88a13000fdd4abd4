//! The statements of the pipeline: whom to tell, under their locks; what stands there already; all that is written.

mod load;
mod raise;
mod write;

pub use load::{Person, count, load};
pub use raise::{Raised, Standing, standing};
pub use write::{Batch, Delivery, Row, Said, write};
