//! What an entry of the catalogue says.

use serde_json::Value;

use super::schemas::SchemaOf;

/// Something that travels, in either direction.
pub struct CatalogueMessage {
    /// In the document: `event_messaging_new`.
    pub key: &'static str,
    /// As Phoenix writes it: `broadcast`, `phx_join`; events and commands by their own name.
    pub name: &'static str,
    /// As the plain dialect and Socket.IO write it; `None` where they have no such thing.
    pub plain: Option<&'static str>,
    pub summary: &'static str,
    pub payload: SchemaOf,
    pub example: fn() -> Value,
    /// Numbered, kept in the log, with `meta`.
    pub durable: bool,
}

/// A topic people join.
pub struct CatalogueTopic {
    pub key: &'static str,
    /// Its name, parameters in braces.
    pub address: &'static str,
    pub title: &'static str,
    /// Who may join; everybody else is refused.
    pub who: &'static str,
    pub parameters: &'static [(&'static str, &'static str)],
    /// Whether its durable events are numbered here.
    pub numbered: bool,
    pub carries: &'static [&'static str],
    pub says: &'static str,
}

/// What a client asks of the service, and the answer.
pub struct Command {
    pub ask: CatalogueMessage,
    /// The payload of the `ok` reply; errors are all alike.
    pub answer: CatalogueMessage,
}

/// Something a client sends to the socket layer itself, and the keys of what may answer it.
pub struct Control {
    pub key: &'static str,
    pub summary: &'static str,
    pub ask: CatalogueMessage,
    pub answers: &'static [&'static str],
}
