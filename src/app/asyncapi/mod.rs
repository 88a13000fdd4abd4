//! `asyncapi.yaml`: the description of the sockets, generated from the code.
//!
//! `topics`, `events`, `commands` and `control` are the catalogue: declarations with the type of each payload and an
//! example. [`describe`] turns it into AsyncAPI 3.0, `page` into a readable page. A test fails for names that are
//! only in the code or only in the catalogue (`tests/it/api/async_described.rs`).

mod catalogue;
mod commands;
mod control;
mod document;
mod events;
mod page;
pub mod payloads;
mod schemas;
mod topics;
mod wire_formats;

use anyhow::Context;
use serde_json::Value;

/// The description of the sockets.
///
/// # Errors
/// Two payload types have the same name.
pub fn describe() -> anyhow::Result<Value> {
    document::describe()
}

/// The text of `asyncapi.yaml`.
pub fn yaml() -> anyhow::Result<String> {
    yaml_serde::to_string(&describe()?).context("the description of the sockets could not be written")
}

/// The description as one HTML page, without scripts and external resources.
pub fn html() -> anyhow::Result<String> {
    Ok(page::render(&describe()?))
}
