//! Use cases of deliveries: the attempts of the worker, and the requests of owners and managers.

pub mod attempt;
pub mod manage;
