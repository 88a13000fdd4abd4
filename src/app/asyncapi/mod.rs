//! `asyncapi.yaml`: the socket, described from the code.
//!
//! The catalogue is what stands in `topics`, `events`, `commands` and `control`: declarations, each with the type of
//! its payload and an example. [`describe`] makes AsyncAPI 3.0 of it, `page` something to read. A name that the code
//! knows and the catalogue does not, or the reverse, fails a test (`tests/it/api/async_described.rs`).

mod catalogue;
mod commands;
mod control;
mod document;
mod events;
mod page;
mod schemas;
pub mod shapes;
mod topics;
mod wire;

use anyhow::Context;
use serde_json::Value;

/// The description of the sockets.
///
/// # Errors
/// Two types that travel have one name.
pub fn describe() -> anyhow::Result<Value> {
    document::describe()
}

/// As `asyncapi.yaml` holds it.
pub fn yaml() -> anyhow::Result<String> {
    yaml_serde::to_string(&describe()?).context("the description of the sockets could not be written")
}

/// The description as a page of its own, without scripts and without other hosts.
pub fn html() -> anyhow::Result<String> {
    Ok(page::render(&describe()?))
}
