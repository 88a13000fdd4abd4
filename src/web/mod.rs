//! Conventions of all endpoints: the envelope, extractors with our errors, guards, limits, health, docs.
//!
//! [`wrap`] puts the conventions around an actix `App`. Handlers then take [`Json`], [`Query`], [`Path`] and
//! [`Caller`], collect faults in a [`Check`], and return a [`Reply`] or a `guichet_base::Error`. Every error leaves
//! in the one envelope (`edge`).

pub mod address;
mod body;
mod caller;
pub mod check;
mod compress;
mod conventions;
pub mod cors;
pub mod docs;
mod edge;
pub mod etag;
mod extract;
mod failure;
pub mod guard;
pub mod health;
pub mod idempotency;
mod patch;
pub mod rate_limit;
mod reply;
pub mod request_id;
pub mod routes;
mod wrap;

pub use caller::Caller;
pub use check::Check;
pub use conventions::Conventions;
pub use etag::{EditBasis, Etag, IfMatch, Precondition};
pub use extract::{Json, JsonOrEmpty, PageQuery, Path, Query, object_or_null, parse_value};
pub use failure::refuse;
pub use guichet_base::ClientAddress;
pub use guichet_base::error_body::ErrorBody;
pub use idempotency::{IdempotencyKey, Once, Replayable};
pub use patch::Patch;
pub use rate_limit::RateLimits;
pub use reply::Reply;
pub use request_id::RequestId;
pub use wrap::wrap;
