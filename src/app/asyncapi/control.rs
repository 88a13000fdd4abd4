//! The messages of the socket layer itself, on every topic alike.

use serde_json::{Value, json};

use super::catalogue::{CatalogueMessage, Control};
use super::commands::{answer, empty};
use super::schemas::{SchemaOf, of};
use super::shapes::{
    Anything, BroadcastFrame, CommandError, Empty, HeartbeatReply, JoinPayload, JoinReply, PresenceDiff,
    PresencePush, PresenceState, Reason, RowChange, SystemNews, TokenPush,
};

/// Messages about the connection: without topic in the plain dialects, with the topic `phoenix` or any joined one in
/// Phoenix.
pub const CONNECTION: [Control; 2] = [
    Control {
        key: "heartbeat",
        summary: "Heartbeat, every 25–30 s: a connection that is silent for 100 s is closed",
        ask: request("heartbeat", "heartbeat", Some("heartbeat"), "Still there", of::<Empty>, empty),
        answers: &["reply_heartbeat"],
    },
    Control {
        key: "access_token",
        summary: "Renew the token in place. Phoenix does not answer; a token that is not valid ends the channel with \
                  `phx_error`",
        ask: request(
            "access_token",
            "access_token",
            Some("access_token"),
            "A newer token",
            of::<TokenPush>,
            token,
        ),
        answers: &["reply_empty", "error_command"],
    },
];

/// Messages about any topic.
pub const CHANNEL: [Control; 4] = [
    Control {
        key: "join",
        summary: "Join a topic, and resume: missed events arrive first, in order, then live ones",
        ask: request("join", "phx_join", Some("join"), "Join a topic", of::<JoinPayload>, join),
        answers: &["reply_join", "error_join"],
    },
    Control {
        key: "leave",
        summary: "Leave a topic",
        ask: request("leave", "phx_leave", Some("leave"), "Leave a topic", of::<Empty>, empty),
        answers: &["reply_empty"],
    },
    Control {
        key: "presence",
        summary: "Start or stop tracking one's presence, with data of one's own",
        ask: request("presence", "presence", None, "Track or untrack", of::<PresencePush>, track),
        answers: &["reply_empty", "error_command"],
    },
    Control {
        key: "broadcast",
        summary: "Broadcast an event of one's own to the others on a joined topic: not stored, reserved names \
                  refused. Answered where the join asked for `ack`. One whose inner event is a command's name is \
                  that command",
        ask: request("broadcast", "broadcast", None, "A person's own event", of::<BroadcastFrame>, cursor),
        answers: &["reply_empty", "error_command"],
    },
];

/// Replies that several requests share.
pub const ANSWERS: [CatalogueMessage; 5] = [
    answer("reply_empty", "Done", of::<Empty>, empty),
    answer(
        "reply_heartbeat",
        "The newest number of each joined topic, so that a missed event is noticed",
        of::<HeartbeatReply>,
        heads,
    ),
    answer("reply_join", "Joined, and live", of::<JoinReply>, joined),
    answer("error_join", "The join is refused", of::<Reason>, refused),
    answer("error_command", "The command is refused", of::<CommandError>, command_refused),
];

/// Messages on a joined topic besides its events.
pub const ON_CHANNEL: [CatalogueMessage; 7] = [
    request(
        "personal",
        "broadcast",
        Some("(its own name)"),
        "A broadcast of another person",
        of::<BroadcastFrame>,
        cursor,
    ),
    request(
        "presence_state",
        "presence_state",
        None,
        "Who is there, after a join",
        of::<PresenceState>,
        state,
    ),
    request("presence_diff", "presence_diff", None, "Who came, went or changed", of::<PresenceDiff>, diff),
    request("postgres_changes", "postgres_changes", None, "A row changed", of::<RowChange>, change),
    request("system", "system", None, "News of the channel", of::<SystemNews>, system),
    request("phx_error", "phx_error", None, "The channel ended: join again and resume", of::<Reason>, resume),
    request(
        "phx_close",
        "phx_close",
        None,
        "The channel ended for good: left, or superseded",
        of::<Empty>,
        empty,
    ),
];

/// Messages of the plain dialect and Socket.IO only, about the connection or the end of a topic.
pub const ON_CONNECTION: [CatalogueMessage; 4] = [
    request("left", "left", Some("left"), "The subscription ended for good", of::<Reason>, refused),
    request(
        "error",
        "error",
        Some("error"),
        "A frame without `ref` was refused",
        of::<CommandError>,
        command_refused,
    ),
    request(
        "resume",
        "resume",
        Some("resume"),
        "Too slow: join the topic again with `after_seq`",
        of::<Anything>,
        empty,
    ),
    request(
        "token_expiring",
        "token:expiring",
        Some("token:expiring"),
        "The token ends within 60 s: send `access_token`",
        of::<Anything>,
        empty,
    ),
];

const fn request(
    key: &'static str,
    name: &'static str,
    plain: Option<&'static str>,
    summary: &'static str,
    payload: SchemaOf,
    example: fn() -> Value,
) -> CatalogueMessage {
    CatalogueMessage { key, name, plain, summary, payload, example, durable: false }
}

pub fn join() -> Value {
    json!({"config": {"broadcast": {"ack": false, "self": false, "replay": {"after_seq": 54}},
        "presence": {"enabled": true, "key": ""}, "postgres_changes": [], "private": true}})
}

pub fn joined() -> Value {
    json!({"postgres_changes": [], "last_seq": 57, "resume": "complete", "replayed": 3,
        "conversation_id": "0198c0de-0000-7000-8000-000000000003"})
}

pub fn heads() -> Value {
    json!({"heads": {"chat:room:0198c0de-0000-7000-8000-000000000002": 57}})
}

fn token() -> Value {
    json!({"access_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"})
}

fn track() -> Value {
    json!({"type": "presence", "event": "track", "payload": {"page": "/orders/A-1042"}})
}

fn cursor() -> Value {
    json!({"type": "broadcast", "event": "cursor", "payload": {"x": 12, "y": 40}})
}

fn refused() -> Value {
    json!({"reason": "FORBIDDEN: Vous n’avez pas le droit d’effectuer cette action."})
}

fn resume() -> Value {
    json!({"reason": "RESUME: join again with after_seq"})
}

pub fn command_refused() -> Value {
    json!({"reason": "VALIDATION_ERROR: Certaines valeurs sont invalides.", "code": "VALIDATION_ERROR",
        "message": "Certaines valeurs sont invalides.",
        "details": [{"field": "message_id", "code": "missing", "message": "Cette valeur est requise."}]})
}

/// The presence of Emma, with the page that she has open.
fn emma(reference: &str, before: Option<&str>, page: &str) -> Value {
    let mut meta = json!({"phx_ref": reference, "user_id": "0198c0de-0000-7000-8000-000000000005",
        "user_type": "operator", "online_at": "2026-01-02T09:58:00.000Z", "status": "online", "page": page});
    if let (Some(before), Some(meta)) = (before, meta.as_object_mut()) {
        meta.insert("phx_ref_prev".to_owned(), before.into());
    }
    json!({"0198c0de-0000-7000-8000-000000000005": {"metas": [meta]}})
}

fn state() -> Value {
    emma("g29", None, "/inbox")
}

fn diff() -> Value {
    json!({"joins": emma("g2a", Some("g29"), "/orders/A-1042"), "leaves": emma("g29", None, "/inbox")})
}

fn change() -> Value {
    json!({"ids": [1], "data": {"schema": "public", "table": "messages",
        "commit_timestamp": "2026-01-02T10:00:00.123Z", "type": "INSERT",
        "columns": [{"name": "id", "type": "uuid"}, {"name": "content", "type": "text"}],
        "record": {"id": "0198c0de-0000-7000-8000-00000000000a", "content": "Bonjour, où en est ma commande ?"},
        "errors": null}})
}

fn system() -> Value {
    json!({"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL",
        "channel": "chat:room:0198c0de-0000-7000-8000-000000000002"})
}
