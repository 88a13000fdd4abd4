//! Phoenix Channels on the wire, in the Supabase Realtime dialect: serializations V1 (objects) and V2 (arrays and
//! binary frames). Pure: bytes in, values out, and back.
//!
//! What clients insist on, and what the encoders therefore hold: a payload is always a JSON object; V1 always has
//! `ref`, null included, and never `join_ref`; V2 always has five items; kinds 0–2 are never sent.

mod binary;
mod decode;
mod encode;
mod sound;

pub use decode::{Malformed, Payload, Push, decode_binary, decode_text};
pub use encode::{Content, Encoder, Shape, close, error, event_frame, presence, push, reply};

/// The serialization of one socket, chosen by `vsn` at connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    V1,
    V2,
}

impl Dialect {
    /// `vsn` of the query; absent means the first. `None` for versions that nobody speaks.
    pub fn of_version(vsn: Option<&str>) -> Option<Self> {
        match vsn.map(|vsn| vsn.split('.').next().unwrap_or(vsn)) {
            None | Some("1") => Some(Dialect::V1),
            Some("2") => Some(Dialect::V2),
            Some(_) => None,
        }
    }
}

/// What Supabase's clients put before every topic.
pub const PREFIX: &str = "realtime:";

/// The bare name of a topic as joined: one prefix less, where there is one.
pub fn bare(topic: &str) -> &str {
    topic.strip_prefix(PREFIX).unwrap_or(topic)
}
