//! Tests of people over time, and of what watchers see.

mod model;
mod observer;
mod rosters;
mod tracker;
