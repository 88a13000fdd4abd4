//! The names that camelCase dialects use in place of guichet's own. The room knows nothing of them: whoever makes the
//! hub says how they are spelt.

/// Translations of JSON text to JSON text. What is no JSON object goes through as it is.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    /// An event of the service, as it leaves: topic, event, payload.
    pub event: fn(&str, &str, &str) -> String,
    /// An answer: the event that it answers, and the response.
    pub answer: fn(&str, &str) -> String,
    /// What a client asks: the event, and its payload.
    pub ask: fn(&str, &str) -> String,
}

impl Default for Spelling {
    /// Every name stays as it is.
    fn default() -> Self {
        Self {
            event: |_, _, payload| payload.to_owned(),
            answer: |_, response| response.to_owned(),
            ask: |_, payload| payload.to_owned(),
        }
    }
}
