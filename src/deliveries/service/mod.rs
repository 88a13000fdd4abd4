//! Use cases: the attempts of the worker, and what people ask for.

pub mod attempt;
pub mod manage;
