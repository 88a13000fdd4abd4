//! What time alone does to notifications. Each of these bears to be run twice, also at once; `app` says when they run.
//!
//! - [`retention`]: what is old enough goes, in small transactions.
//! - [`silence`]: clients that nobody has heard of for days.
//! - [`digest`]: what is of low priority, gathered in one mail at each person's hour.
//! - [`repair`], [`fake`]: what only a hand asks for.

pub mod digest;
pub mod fake;
pub mod inactivity;
pub mod repair;
pub mod retention;
mod store;
