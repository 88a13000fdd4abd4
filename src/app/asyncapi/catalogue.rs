//! The entries of the catalogue.

use serde_json::Value;

use super::schemas::SchemaFn;

/// A message in either direction.
pub struct CatalogueMessage {
    /// The key in the document: `event_messaging_new`.
    pub key: &'static str,
    /// The name in Phoenix: `broadcast`, `phx_join`; for events and commands their own name.
    pub name: &'static str,
    /// The name in the plain dialect and Socket.IO; `None` if they do not have it.
    pub plain: Option<&'static str>,
    pub summary: &'static str,
    pub payload: SchemaFn,
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
    pub may_join: &'static str,
    pub parameters: &'static [(&'static str, &'static str)],
    /// Whether it numbers its durable events.
    pub numbered: bool,
    pub events: &'static [&'static str],
    pub description: &'static str,
}

/// A command of a client, and its reply.
pub struct CatalogueCommand {
    pub request: CatalogueMessage,
    /// The payload of the `ok` reply; error replies are all alike.
    pub reply: CatalogueMessage,
}

/// A message of a client to the socket layer itself, and the keys of its possible replies.
pub struct CatalogueControl {
    pub key: &'static str,
    pub summary: &'static str,
    pub ask: CatalogueMessage,
    pub replies: &'static [&'static str],
}
