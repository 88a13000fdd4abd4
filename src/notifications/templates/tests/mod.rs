//! The data file held whole, and the rules of texts.

mod contract;
mod hostile;
mod rendering;
