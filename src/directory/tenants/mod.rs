//! Tenants: one business each. Owners change theirs; a service token of all tenants makes new ones.

mod http;
mod model;
mod service;
pub(super) mod store;

pub use http::routes;
pub use model::{Tenant, TenantView};
