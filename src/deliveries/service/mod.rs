//! Use cases: the attempts of the worker, and what people ask for.

pub mod asked;
pub mod attempt;
