//! SQL statements of deliveries: claims, attempts, lists, retries and counts.

pub mod attempt;
pub mod claim;
pub mod count;
pub mod list;
pub mod load;
pub mod manage;
