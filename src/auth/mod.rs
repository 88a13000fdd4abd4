//! Authentication: `token` verifies a token, `authenticator` turns it into an actor, `middleware` guards the API.

mod authenticator;
pub mod connect;
mod jit;
pub mod middleware;
mod store;
pub mod token;

use utoipa_actix_web::service_config::ServiceConfig;

pub use authenticator::{Authenticator, Credential, RequestedTenant};
pub use middleware::{AuthMiddleware, authenticate};
pub use token::TokenVerifier;

/// The routes of this module, under `/api/v1`. They need a `web::Data<Directory>`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    connect::routes(config);
}
