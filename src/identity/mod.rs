//! Who somebody is and what they may do: tokens, people, rights, provisioning.
//!
//! One path: a token is verified (`token`), becomes an actor (`directory`), and enters by the middleware (`gate`).
//! What people may do stands in one table (`permission`), and in one line of each use case (`policy`).

mod cache;
mod directory;
pub mod edit;
mod features;
pub mod gate;
mod permission;
pub mod policy;
mod presence;
mod search;
pub mod token;
pub mod users;

pub use directory::{Asked, Credential, Directory, PERSON_TTL, Parts};
pub use features::FeatureSet;
pub use gate::{Gate, authenticate};
pub use permission::Permission;
pub use presence::{PresenceOf, Status};
pub use token::Tokens;
