//! Tenants: one per business. Owners change their own; service tokens of all tenants create new ones.

mod http;
mod model;
mod service;
pub(super) mod store;

pub use http::routes;
pub use model::{Tenant, TenantView};
