//! Use cases: the attempts of the worker, and the requests of people.

pub mod attempt;
pub mod manage;
