//! Rows to insert: one of each kind that a person may create, and those that only a forger would.
//!
//! Unless marked otherwise, a row violates no constraint, so that a permitted insert succeeds. RLS is checked before
//! unique and foreign keys, so that a forbidden one is refused by RLS.

use serde_json::{Value, json};

use super::notified;
use super::world::{Row, digest, id, text};

pub struct Candidate {
    pub name: String,
    pub row: Row,
    /// It references a row of another tenant, which composite foreign keys refuse (23503).
    pub broken: bool,
}

/// The rows to try to insert into a table: into tenant a, and the same into tenant b.
pub fn of(table: &str) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for tenant in ["a", "b"] {
        for row in rows(table, tenant) {
            candidates.push(candidate(table, tenant, row, false));
        }
    }
    for row in broken_rows(table) {
        candidates.push(candidate(table, "a", row, true));
    }
    if table == "tenants" {
        for name in ["new", "other"] {
            candidates.push(candidate(
                table,
                name,
                json!({"id": id(name), "slug": name, "name": name}),
                false,
            ));
        }
    }
    candidates
}

fn candidate(table: &str, tenant: &str, row: Value, broken: bool) -> Candidate {
    let Value::Object(mut row) = row else { panic!("a row is an object") };
    if !matches!(table, "tenants" | "scheduled_jobs") {
        row.insert("tenant_id".into(), json!(id(tenant)));
    }
    let about: Vec<String> = [
        "user_id",
        "sender_id",
        "sender_type",
        "side",
        "role",
        "client_id",
        "conversation_id",
        "team_id",
        "user_one_id",
        "user_two_id",
        "recipient_id",
        "visible",
        "category",
        "source",
    ]
    .iter()
    .map(|column| text(&row, column))
    .filter(|value| !value.is_empty())
    .collect();
    Candidate { name: format!("{table} row of {tenant} ({})", about.join(" ")), row, broken }
}

fn rows(table: &str, tenant: &str) -> Vec<Value> {
    let of = |name: &str| id(&format!("{tenant}.{name}"));
    match table {
        "users" => ["owner", "manager", "employee", "client"].iter()
            .map(|role| json!({"id": of("fresh.user"), "role": role, "display_name": "x"})).collect(),
        "teams" => vec![json!({"id": of("fresh.team"), "name": "x"})],
        "team_members" => vec![json!({"team_id": of("spare"), "user_id": of("emma")}), json!({"team_id": of("desk"), "user_id": of("ines")})],
        "clients" => vec![json!({"id": of("fresh.client"), "name": "x"}),
            json!({"id": of("fresh.client"), "name": "x", "operator_id": of("emma")})],
        "client_members" => vec![json!({"client_id": of("c1"), "user_id": of("gone")}), json!({"client_id": of("c2"), "user_id": of("chloe")}),
            json!({"client_id": of("c3"), "user_id": of("dora")})],
        "projects" => ["c1", "c2", "c3"].iter()
            .map(|client| json!({"id": of("fresh.project"), "client_id": of(client), "name": "x"})).collect(),
        "conversations" => [(0, 0), (1, 0), (0, 1)].iter()
            .map(|(last_seq, head)| json!({"id": of("fresh.room"), "kind": "client", "client_id": of("c3"), "last_seq": last_seq, "head": head}))
            .chain(pairs(&of)).collect(),
        "messages" => messages(&of).into_iter().chain(direct_messages(&of)).collect(),
        "participants" => participants(&of),
        "outbox" => [Some("c1"), Some("c2"), None].iter().map(|client| json!({"topic": "topic:fresh", "seq": 7, "id": of("fresh.event"),
            "event": "messaging:new", "payload": {}, "fanout": {}, "client_id": client.map(of)})).chain([json!({"topic": "topic:fresh", "seq": 7,
            "id": of("fresh.event"), "event": "messaging:new", "payload": {}, "fanout": {}, "user_ids": [of("emma")]}),
            json!({"topic": "rights:someone", "seq": 7, "id": of("fresh.event"), "event": "messaging:new", "payload": {}, "fanout": {}})]).collect(),
        "connect_tickets" => ["owner", "emma", "chloe"].iter().map(|user| json!({"user_id": of(user), "digest": digest(&of(&format!("fresh.{user}"))),
            "token_expires_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"})).collect(),
        "activity_logs" => ["owner", "emma", "chloe", "producer"].iter()
            .map(|user| json!({"id": of("fresh.log"), "user_id": of(user), "action": "message.send"})).chain([
                json!({"id": of("fresh.log"), "action": "message.send"})]).collect(),
        "idempotency_keys" => ["owner", "emma", "chloe"].iter()
            .map(|user| json!({"user_id": of(user), "key": "fresh", "route": "/", "body_hash": "\\x00", "answer": {}})).collect(),
        _ => notified::candidates(table, &of),
    }
}

fn messages(of: &impl Fn(&str) -> String) -> Vec<Value> {
    let mut rows = Vec::new();
    for (room, client) in [("r1", "c1"), ("r2", "c2")] {
        for sender in ["owner", "manager", "emma", "karim", "ines", "chloe", "both", "dora", "gone"] {
            for side in ["client", "operator"] {
                rows.push(json!({"id": of("fresh.message"), "conversation_id": of(room), "client_id": of(client), "seq": 100,
                    "changed_seq": 100, "sender_id": of(sender), "sender_type": side, "content": "x", "created_at": "2026-01-02T00:00:00Z"}));
            }
        }
    }
    rows
}

/// The two in the order that the constraint requires.
pub fn ordered(one: String, two: String) -> (String, String) {
    if one < two { (one, two) } else { (two, one) }
}

/// A direct conversation for every pair without one; for two of them, initial numbers.
fn pairs(of: &impl Fn(&str) -> String) -> Vec<Value> {
    let mut rows = Vec::new();
    for (one, two, last_seq, head) in [
        ("owner", "manager", 0, 0),
        ("owner", "manager", 1, 0),
        ("owner", "manager", 0, 1),
        ("owner", "karim", 0, 0),
        ("manager", "emma", 0, 0),
        ("manager", "deputy", 0, 0),
        ("emma", "ines", 0, 0),
        ("karim", "ines", 0, 0),
        ("karim", "left", 0, 0),
        ("owner", "chloe", 0, 0),
        ("emma", "chloe", 0, 0),
        ("chloe", "bruno", 0, 0),
    ] {
        let (one, two) = ordered(of(one), of(two));
        rows.push(json!({"id": of("fresh.room"), "kind": "direct", "user_one_id": one, "user_two_id": two,
            "last_seq": last_seq, "head": head}));
    }
    rows
}

fn direct_messages(of: &impl Fn(&str) -> String) -> Vec<Value> {
    let mut rows = Vec::new();
    for (room, one, two) in [("d1", "owner", "emma"), ("d2", "emma", "karim"), ("d3", "ines", "gone")] {
        for sender in ["owner", "manager", "emma", "karim", "ines", "gone"] {
            let (one, two) = ordered(of(one), of(two));
            rows.push(json!({"id": of("fresh.message"), "conversation_id": of(room), "user_one_id": one, "user_two_id": two,
                "seq": 100, "changed_seq": 100, "sender_id": of(sender), "sender_type": "operator", "content": "x",
                "created_at": "2026-01-02T00:00:00Z"}));
        }
    }
    rows
}

fn participants(of: &impl Fn(&str) -> String) -> Vec<Value> {
    let mut rows = Vec::new();
    for (room, client, user) in [
        ("r1", "c1", "manager"),
        ("r2", "c2", "manager"),
        ("r2", "c2", "owner"),
        ("r2", "c2", "emma"),
        ("r1", "c1", "chloe"),
        ("r1", "c1", "karim"),
        ("r2", "c2", "chloe"),
        ("r1", "c1", "dora"),
        ("r1", "c1", "gone"),
    ] {
        for side in ["client", "operator"] {
            rows.push(json!({"conversation_id": of(room), "client_id": of(client), "user_id": of(user), "side": side, "read_seq": 0}));
        }
    }
    // Participants of others' direct conversations, and over one's own row.
    for (room, user) in [("d1", "manager"), ("d1", "owner"), ("d2", "owner"), ("d2", "ines"), ("d3", "gone")]
    {
        rows.push(
            json!({"conversation_id": of(room), "user_id": of(user), "side": "operator", "read_seq": 0}),
        );
    }
    // One's own row again, as if the conversation were a client's.
    rows.push(json!({"conversation_id": of("d1"), "client_id": of("c2"), "user_id": of("emma"), "side": "operator", "read_seq": 0}));
    rows
}

fn stray(room: String, sender: String, other: String) -> Value {
    let (one, two) = ordered(sender.clone(), other);
    json!({"id": id("a.fresh.message"), "conversation_id": room, "user_one_id": one, "user_two_id": two, "seq": 100,
        "changed_seq": 100, "sender_id": sender, "sender_type": "operator", "content": "x", "created_at": "2026-01-02T00:00:00Z"})
}

/// Rows of tenant a that reference tenant b, or a room of another client.
fn broken_rows(table: &str) -> Vec<Value> {
    let fresh = |kind: &str| id(&format!("a.fresh.{kind}"));
    match table {
        "team_members" => vec![
            json!({"team_id": id("b.desk"), "user_id": id("a.emma")}),
            json!({"team_id": id("a.desk"), "user_id": id("b.emma")}),
        ],
        "clients" => vec![
            json!({"id": fresh("client"), "name": "x", "operator_id": id("b.emma")}),
            json!({"id": fresh("client"), "name": "x", "team_id": id("b.desk")}),
        ],
        "client_members" => vec![
            json!({"client_id": id("b.c1"), "user_id": id("a.dora")}),
            json!({"client_id": id("a.c3"), "user_id": id("b.dora")}),
        ],
        "projects" => vec![json!({"id": fresh("project"), "client_id": id("b.c1"), "name": "x"})],
        "conversations" => vec![
            json!({"id": fresh("room"), "kind": "client", "client_id": id("b.c3"), "last_seq": 0, "head": 0}),
        ],
        "messages" => vec![
            json!({"id": fresh("message"), "conversation_id": id("a.r2"), "client_id": id("a.c1"), "seq": 100, "changed_seq": 100,
                "sender_id": id("a.chloe"), "sender_type": "client", "content": "x", "created_at": "2026-01-02T00:00:00Z"}),
            json!({"id": fresh("message"), "conversation_id": id("b.r1"), "client_id": id("a.c1"), "seq": 100, "changed_seq": 100,
                "sender_id": id("a.owner"), "sender_type": "operator", "content": "x", "created_at": "2026-01-02T00:00:00Z"}),
            // A room's message with the owner columns of a pair, and one pair's in the conversation of another.
            stray(id("a.r1"), id("a.emma"), id("a.karim")),
            stray(id("a.d1"), id("a.emma"), id("a.karim")),
        ],
        "connect_tickets" => vec![json!({"user_id": id("b.chloe"), "digest": digest(&id("a.fresh.broken")),
            "token_expires_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"})],
        "participants" => vec![
            json!({"conversation_id": id("a.d1"), "client_id": id("a.c1"), "user_id": id("a.manager"), "side": "operator", "read_seq": 0}),
            json!({"conversation_id": id("a.r2"), "client_id": id("a.c1"), "user_id": id("a.chloe"), "side": "client", "read_seq": 0}),
        ],
        _ => notified::broken(table),
    }
}
