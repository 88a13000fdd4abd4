//! Who somebody is and what they may do: tokens, people, rights, provisioning.

mod cache;
pub mod token;

pub use token::Tokens;
