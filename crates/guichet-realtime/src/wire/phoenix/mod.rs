//! Phoenix Channels as Supabase Realtime speaks them: serializations V1 (objects) and V2 (arrays and binary frames).
//!
//! Clients require, and the encoders guarantee: a payload is always a JSON object; V1 always has `ref`, also if null,
//! and never `join_ref`; V2 always has five items; kinds 0–2 are never sent.

pub(super) mod binary;
mod decode;
mod encode;

pub(super) use decode::{v1, v2};
pub(super) use encode::{broadcast, close, error, push, reply};
