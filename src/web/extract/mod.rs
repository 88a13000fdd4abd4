//! Extractors with our errors: bodies, queries and paths.
//!
//! 400 for anything that is not JSON or not UTF-8, 422 with the field's path for a wrong value, 404 for a malformed
//! id in a path. DTOs have `#[serde(deny_unknown_fields)]`.

mod fault;
mod json;
mod object;
mod page;
mod path;
mod query;
mod strict;

pub use json::{Json, JsonOrEmpty, parse_value};
pub use object::object_or_null;
pub use page::PageQuery;
pub use path::Path;
pub use query::Query;
