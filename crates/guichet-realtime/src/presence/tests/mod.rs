//! Tests of people over time, and of what watchers see.

mod crowd;
mod naive;
mod pictures;
mod rosters;
