//! Conventions of all endpoints: the envelope, extractors with our errors, guards, limits, health, docs.
//!
//! [`wrap()`] adds the middleware of the conventions to an `App`. Handlers then take [`Json`], [`Query`], [`Path`] and
//! [`Caller`], collect faults in a [`Validator`], and return a [`Reply`] or a `guichet_base::Error`. Every error leaves
//! in the one envelope (`edge`).

pub mod address;
mod body;
mod caller;
mod compress;
pub mod cors;
pub mod docs;
mod edge;
mod errors;
pub mod etag;
mod extract;
pub mod guard;
pub mod health;
pub mod idempotency;
mod patch;
pub mod rate_limit;
mod reply;
pub mod request_id;
mod settings;
pub mod unmatched;
pub mod validator;
mod wrap;

pub use caller::Caller;
pub use errors::error_response;
pub use etag::{EditBasis, Etag, IfMatch, PreconditionResult};
pub use extract::{Json, JsonOrEmpty, PageQuery, Path, Query, object_or_null, parse_value};
pub use guichet_base::CallerAddress;
pub use guichet_base::error_body::ErrorBody;
pub use idempotency::{IdempotencyKey, IdempotentRequest, Replayable};
pub use patch::Patch;
pub use rate_limit::RateLimits;
pub use reply::Reply;
pub use request_id::RequestId;
pub use settings::HttpSettings;
pub use validator::Validator;
pub use wrap::wrap;
