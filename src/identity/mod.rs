//! Who somebody is and what they may do: tokens, people, rights, provisioning.
//!
//! One path: a token is verified (`token`), becomes an actor (`directory`), and enters by the middleware (`gate`).
//! What people may do stands in one table (`permission`), and in one line of each use case (`policy`).

pub mod attendance;
mod cache;
pub mod clients;
pub mod connect;
mod directory;
pub mod edit;
mod features;
pub mod gate;
pub mod me;
mod moved;
mod permission;
pub mod policy;
pub mod presence;
pub mod projects;
mod search;
pub mod signs;
pub mod teams;
pub mod tenants;
pub mod token;
pub mod users;

pub use attendance::Attendance;
pub use directory::{Asked, Credential, Directory, PERSON_TTL, Parts};
pub use features::FeatureSet;
pub use gate::{Gate, authenticate};
pub use moved::RightsMoved;
pub use permission::Permission;
pub use presence::{Presence, PresenceOf};
pub use token::Tokens;

pub use guichet_base::Status;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this room, under `/api/v1`. They want a `web::Data<Directory>`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    me::routes(config);
    users::routes(config);
    teams::routes(config);
    presence::routes(config);
    clients::routes(config);
    projects::routes(config);
    tenants::routes(config);
    connect::routes(config);
}
