//! The people of a tenant and what they belong to: tenants, users, clients, teams, projects, presence.
//!
//! `guichet_base::permission` lists what each role may do; each use case checks it in one line (`policy`).

mod cache;
pub mod clients;
mod features;
pub mod last_seen;
mod like_pattern;
mod lookup;
pub mod me;
pub mod optimistic_lock;
pub mod policy;
pub mod presence;
pub mod projects;
mod rights_changed;
mod store;
pub mod teams;
mod tenant_name;
pub mod tenants;
pub mod users;

pub use guichet_base::PresenceStatus;
use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use cache::Cache;
pub use features::FeatureSet;
pub use lookup::{ACCOUNT_TTL, Directory, DirectoryParts};
pub(crate) use lookup::{AccountState, service_user_id};
pub use presence::{PresenceReader, PresenceSource};
pub use rights_changed::RightsChanged;
pub use tenant_name::TenantName;

/// The routes of this module, under `/api/v1`. They need a `web::Data<Directory>`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    me::routes(config);
    users::routes(config);
    teams::routes(config);
    presence::routes(config);
    clients::routes(config);
    projects::routes(config);
    tenants::routes(config);
}
