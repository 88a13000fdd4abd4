//! Naming conventions of camelCase dialects. This crate does not know the names: the creator of the hub provides the
//! conversion.

/// Converts JSON text to JSON text. Text that is not a JSON object passes unchanged.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    /// Converts an outgoing event: topic, event, payload.
    pub event: fn(&str, &str, &str) -> String,
    /// Converts a reply: the event that it answers, and the response.
    pub answer: fn(&str, &str) -> String,
    /// Converts a request: the event, and its payload.
    pub ask: fn(&str, &str) -> String,
}

impl Default for Spelling {
    /// The identity.
    fn default() -> Self {
        Self {
            event: |_, _, payload| payload.to_owned(),
            answer: |_, response| response.to_owned(),
            ask: |_, payload| payload.to_owned(),
        }
    }
}
