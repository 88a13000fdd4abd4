//! Outgoing frames. JSON is concatenated from parts that are JSON already, without building a tree.

use crate::wire::frame::Frame;
use crate::wire::{Dialect, nullable, quoted};

pub fn reply(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    status: &str,
    response: &str,
) -> Frame {
    let payload = format!(r#"{{"status":"{status}","response":{response}}}"#);
    push(dialect, join_ref, reference, topic, "phx_reply", &payload)
}

pub fn close(dialect: Dialect, join_ref: Option<&str>, topic: &str) -> Frame {
    push(dialect, join_ref, join_ref, topic, "phx_close", "{}")
}

pub fn error(dialect: Dialect, join_ref: Option<&str>, topic: &str, payload: &str) -> Frame {
    push(dialect, join_ref, join_ref, topic, "phx_error", payload)
}

/// A broadcast to all of a topic; `inner` has `event` and `payload`.
pub fn broadcast(dialect: Dialect, topic: &str, inner: &str) -> Frame {
    push(dialect, None, None, topic, "broadcast", inner)
}

pub fn push(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    event: &str,
    payload: &str,
) -> Frame {
    let (topic, event, reference) = (quoted(topic), quoted(event), nullable(reference));
    if dialect == Dialect::V1 {
        return Frame::text(&[
            r#"{"topic":"#,
            &topic,
            r#","event":"#,
            &event,
            r#","payload":"#,
            payload,
            r#","ref":"#,
            &reference,
            "}",
        ]);
    }
    let join_ref = nullable(join_ref);
    Frame::text(&["[", &join_ref, ",", &reference, ",", &topic, ",", &event, ",", payload, "]"])
}
