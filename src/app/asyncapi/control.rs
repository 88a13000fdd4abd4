//! The messages of the socket layer itself, on every topic alike.

use serde_json::{Value, json};

use super::catalogue::{CatalogueControl, CatalogueMessage};
use super::commands::{empty, reply};
use super::payloads::{
    AnyObject, BroadcastFrame, CommandError, EmptyObject, HeartbeatReply, JoinPayload, JoinReply,
    PresenceDiff, PresencePush, PresenceStatePayload, ReasonPayload, RowChangePayload, SystemMessage,
    TokenPush,
};
use super::schemas::{SchemaFn, schema_of};

/// Messages about the connection: without topic in the plain dialects, with the topic `phoenix` or any joined one in
/// Phoenix.
pub const CONNECTION_REQUESTS: [CatalogueControl; 2] = [
    CatalogueControl {
        key: "heartbeat",
        summary: "Heartbeat, every 25–30 s: a connection that is silent for 100 s is closed",
        ask: request(
            "heartbeat",
            "heartbeat",
            Some("heartbeat"),
            "Still there",
            schema_of::<EmptyObject>,
            empty,
        ),
        replies: &["reply_heartbeat"],
    },
    CatalogueControl {
        key: "access_token",
        summary: "Renew the token in place. Phoenix does not answer; a token that is not valid ends the channel with \
                  `phx_error`",
        ask: request(
            "access_token",
            "access_token",
            Some("access_token"),
            "A newer token",
            schema_of::<TokenPush>,
            token,
        ),
        replies: &["reply_empty", "error_command"],
    },
];

/// Messages about any topic.
pub const CHANNEL_REQUESTS: [CatalogueControl; 4] = [
    CatalogueControl {
        key: "join",
        summary: "Join a topic, and resume: missed events arrive first, in order, then live ones",
        ask: request("join", "phx_join", Some("join"), "Join a topic", schema_of::<JoinPayload>, join),
        replies: &["reply_join", "error_join"],
    },
    CatalogueControl {
        key: "leave",
        summary: "Leave a topic",
        ask: request("leave", "phx_leave", Some("leave"), "Leave a topic", schema_of::<EmptyObject>, empty),
        replies: &["reply_empty"],
    },
    CatalogueControl {
        key: "presence",
        summary: "Start or stop tracking one's presence, with data of one's own",
        ask: request("presence", "presence", None, "Track or untrack", schema_of::<PresencePush>, track),
        replies: &["reply_empty", "error_command"],
    },
    CatalogueControl {
        key: "broadcast",
        summary: "Broadcast an event of one's own to the others on a joined topic: not stored, reserved names \
                  refused. Answered where the join asked for `ack`. One whose inner event is a command's name is \
                  that command",
        ask: request(
            "broadcast",
            "broadcast",
            None,
            "A person's own event",
            schema_of::<BroadcastFrame>,
            cursor,
        ),
        replies: &["reply_empty", "error_command"],
    },
];

/// Replies that several requests share.
pub const SHARED_REPLIES: [CatalogueMessage; 5] = [
    reply("reply_empty", "Done", schema_of::<EmptyObject>, empty),
    reply(
        "reply_heartbeat",
        "The newest number of each joined topic, so that a missed event is noticed",
        schema_of::<HeartbeatReply>,
        heads,
    ),
    reply("reply_join", "Joined, and live", schema_of::<JoinReply>, joined),
    reply("error_join", "The join is refused", schema_of::<ReasonPayload>, refused),
    reply("error_command", "The command is refused", schema_of::<CommandError>, command_refused),
];

/// Messages on a joined topic besides its events.
pub const CHANNEL_MESSAGES: [CatalogueMessage; 7] = [
    request(
        "personal",
        "broadcast",
        Some("(its own name)"),
        "A broadcast of another person",
        schema_of::<BroadcastFrame>,
        cursor,
    ),
    request(
        "presence_state",
        "presence_state",
        None,
        "Who is there, after a join",
        schema_of::<PresenceStatePayload>,
        state,
    ),
    request(
        "presence_diff",
        "presence_diff",
        None,
        "Who came, went or changed",
        schema_of::<PresenceDiff>,
        diff,
    ),
    request(
        "postgres_changes",
        "postgres_changes",
        None,
        "A row changed",
        schema_of::<RowChangePayload>,
        change,
    ),
    request("system", "system", None, "News of the channel", schema_of::<SystemMessage>, system),
    request(
        "phx_error",
        "phx_error",
        None,
        "The channel ended: join again and resume",
        schema_of::<ReasonPayload>,
        resume,
    ),
    request(
        "phx_close",
        "phx_close",
        None,
        "The channel ended for good: left, or superseded",
        schema_of::<EmptyObject>,
        empty,
    ),
];

/// Messages of the plain dialect and Socket.IO only, about the connection or the end of a topic.
pub const CONNECTION_MESSAGES: [CatalogueMessage; 4] = [
    request(
        "left",
        "left",
        Some("left"),
        "The subscription ended for good",
        schema_of::<ReasonPayload>,
        refused,
    ),
    request(
        "error",
        "error",
        Some("error"),
        "A frame without `ref` was refused",
        schema_of::<CommandError>,
        command_refused,
    ),
    request(
        "resume",
        "resume",
        Some("resume"),
        "Too slow: join the topic again with `after_seq`",
        schema_of::<AnyObject>,
        empty,
    ),
    request(
        "token_expiring",
        "token:expiring",
        Some("token:expiring"),
        "The token ends within 60 s: send `access_token`",
        schema_of::<AnyObject>,
        empty,
    ),
];

const fn request(
    key: &'static str,
    name: &'static str,
    plain: Option<&'static str>,
    summary: &'static str,
    payload: SchemaFn,
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
fn presence_example(reference: &str, before: Option<&str>, page: &str) -> Value {
    let mut meta = json!({"phx_ref": reference, "user_id": "0198c0de-0000-7000-8000-000000000005",
        "user_type": "operator", "online_at": "2026-01-02T09:58:00.000Z", "status": "online", "page": page});
    if let (Some(before), Some(meta)) = (before, meta.as_object_mut()) {
        meta.insert("phx_ref_prev".to_owned(), before.into());
    }
    json!({"0198c0de-0000-7000-8000-000000000005": {"metas": [meta]}})
}

fn state() -> Value {
    presence_example("g29", None, "/inbox")
}

fn diff() -> Value {
    json!({"joins": presence_example("g2a", Some("g29"), "/orders/A-1042"), "leaves": presence_example("g29", None, "/inbox")})
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
