//! The entries of the catalogue.

use serde_json::Value;

use super::schemas::SchemaOf;

/// A message in either direction.
pub struct CatalogueMessage {
    /// The key in the document: `event_messaging_new`.
    pub key: &'static str,
    /// The name in Phoenix: `broadcast`, `phx_join`; for events and commands their own name.
    pub name: &'static str,
    /// The name in the plain dialect and Socket.IO; `None` if they do not have it.
    pub plain: Option<&'static str>,
    pub summary: &'static str,
    pub payload: SchemaOf,
    pub example: fn() -> Value,
    /// Numbered, stored in the log, with `meta`.
    pub durable: bool,
}

/// A topic that clients join.
pub struct CatalogueTopic {
    pub key: &'static str,
    /// Its name, with parameters in braces.
    pub address: &'static str,
    pub title: &'static str,
    /// Who may join; everyone else is refused.
    pub who: &'static str,
    pub parameters: &'static [(&'static str, &'static str)],
    /// Whether it numbers its durable events.
    pub numbered: bool,
    pub carries: &'static [&'static str],
    pub says: &'static str,
}

/// A command of a client, and its reply.
pub struct Command {
    pub ask: CatalogueMessage,
    /// The payload of the `ok` reply; error replies are all alike.
    pub answer: CatalogueMessage,
}

/// A message of a client to the socket layer itself, and the keys of its possible replies.
pub struct Control {
    pub key: &'static str,
    pub summary: &'static str,
    pub ask: CatalogueMessage,
    pub answers: &'static [&'static str],
}
