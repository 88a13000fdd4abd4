//! The rows of deliveries: claimed, begun, settled; listed and sent again; counted.

pub mod again;
pub mod attempt;
pub mod claim;
pub mod count;
pub mod list;
pub mod load;
