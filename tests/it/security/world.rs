//! The fixture: three similar tenants, each with three clients, rooms for two of them, and people in every relation.
//!
//! Ids derive from names (`a.chloe`), so that failed cells are readable: `World::named` restores the names.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::candidates::ordered;
use super::notified;

pub type Row = Map<String, Value>;

pub const TENANTS: [&str; 3] = ["a", "b", "c"];

const NAMES: [&str; 70] = [
    "owner",
    "manager",
    "deputy",
    "emma",
    "karim",
    "ines",
    "chloe",
    "bruno",
    "both",
    "dora",
    "gone",
    "left",
    "producer",
    "c1",
    "c2",
    "c3",
    "desk",
    "spare",
    "p1",
    "p2",
    "p3",
    "r1",
    "r2",
    "d1",
    "d2",
    "d3",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "m9",
    "m10",
    "m11",
    "m12",
    "o1",
    "o2",
    "o3",
    "o4",
    "o5",
    "l1",
    "l2",
    "e1",
    "e2",
    "x1",
    "n1",
    "n2",
    "n3",
    "n4",
    "n5",
    "n6",
    "v1",
    "v2",
    "v3",
    "g1",
    "fresh",
    "fresh.user",
    "fresh.team",
    "fresh.client",
    "fresh.project",
    "fresh.room",
    "fresh.message",
    "fresh.event",
    "fresh.log",
    "fresh.notification",
    "fresh.delivery",
    "fresh.digest",
];

/// All rows, as the database holds them, by table.
pub struct SecurityFixture {
    tables: BTreeMap<String, Vec<Row>>,
}

/// The id of a thing by its name.
pub fn id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// Inserts the fixture as the administrator, with triggers, and reads all rows back.
pub fn lay(admin: &mut PgConnection, tables: &[&str]) -> SecurityFixture {
    let mut script = String::from("BEGIN;");
    for tenant in TENANTS {
        script.push_str(&format!("SELECT set_config('app.tenant_id', '{}', true);", id(tenant)));
        for (table, row) in rows(tenant) {
            script.push_str(&insert(table, &row));
            script.push(';');
        }
        script.push_str(&notified::held(&|name| id(&format!("{tenant}.{name}"))));
    }
    admin.batch_execute(&(script + "COMMIT;")).unwrap();
    SecurityFixture { tables: tables.iter().map(|table| ((*table).to_owned(), read(admin, table))).collect() }
}

/// `INSERT` of a row given as JSON, with the table's types.
pub fn insert(table: &str, row: &Row) -> String {
    let columns = row.keys().cloned().collect::<Vec<_>>().join(", ");
    let values = Value::Object(row.clone()).to_string().replace('\'', "''");
    format!(
        "INSERT INTO public.{table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::public.{table}, '{values}')"
    )
}

/// A column's value as text; empty when null.
pub fn text(row: &Row, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl SecurityFixture {
    pub fn rows(&self, table: &str) -> &[Row] {
        &self.tables[table]
    }

    /// The text with names for ids.
    pub fn named(text: &str) -> String {
        let mut text = text.replace(&id("new"), "new").replace(&id("nowhere"), "nowhere");
        for tenant in TENANTS {
            for name in NAMES {
                let name = format!("{tenant}.{name}");
                text = text.replace(&id(&name), &name);
            }
            text = text.replace(&id(tenant), tenant);
        }
        text
    }
}

#[derive(QueryableByName)]
struct Json {
    #[diesel(sql_type = Text)]
    row: String,
}

fn read(admin: &mut PgConnection, table: &str) -> Vec<Row> {
    sql_query(format!("SELECT to_jsonb(t)::text AS row FROM public.{table} t"))
        .load::<Json>(admin)
        .unwrap()
        .iter()
        .map(|found| serde_json::from_str(&found.row).unwrap())
        .collect()
}

fn rows(tenant: &str) -> Vec<(&'static str, Row)> {
    let of = |name: &str| id(&format!("{tenant}.{name}"));
    let mut rows =
        vec![("tenants", json!({"id": id(tenant), "slug": format!("tenant-{tenant}"), "name": tenant}))];
    for (name, role) in [
        ("owner", "owner"),
        ("manager", "manager"),
        ("deputy", "manager"),
        ("emma", "employee"),
        ("karim", "employee"),
        ("ines", "employee"),
        ("chloe", "client"),
        ("bruno", "client"),
        ("both", "client"),
        ("dora", "client"),
        ("gone", "client"),
        ("left", "employee"),
    ] {
        rows.push(("users", json!({"id": of(name), "role": role, "display_name": name, "email": format!("{name}@{tenant}.example")})));
    }
    let left = rows.last_mut().and_then(|(_, row)| row.as_object_mut()).unwrap();
    left.insert("deleted_at".into(), json!("2026-01-01T00:00:00Z"));
    // Her tokens were revoked once.
    if let Some((_, dora)) = rows.iter_mut().find(|(_, row)| row["display_name"] == "dora") {
        dora["sessions_valid_after"] = json!("2026-01-01T00:00:00Z");
    }
    for name in ["desk", "spare"] {
        rows.push(("teams", json!({"id": of(name), "name": name})));
    }
    rows.push((
        "clients",
        json!({"id": of("c1"), "name": "c1", "operator_id": of("emma"), "team_id": of("desk")}),
    ));
    rows.push(("clients", json!({"id": of("c2"), "name": "c2", "operator_id": of("deputy")})));
    rows.push(("clients", json!({"id": of("c3"), "name": "c3"})));
    for (room, client) in [("r1", "c1"), ("r2", "c2")] {
        rows.push((
            "conversations",
            json!({"id": of(room), "kind": "client", "client_id": of(client), "last_seq": 9, "head": 9}),
        ));
    }
    // Colleagues: with different roles, with the same role, and one who became a member of a client.
    for (room, one, two) in [("d1", "owner", "emma"), ("d2", "emma", "karim"), ("d3", "ines", "gone")] {
        let (one, two) = ordered(of(one), of(two));
        rows.push((
            "conversations",
            json!({"id": of(room), "kind": "direct", "user_one_id": one, "user_two_id": two, "last_seq": 9, "head": 9}),
        ));
    }
    for (team, user) in [("desk", "karim"), ("spare", "ines")] {
        rows.push(("team_members", json!({"team_id": of(team), "user_id": of(user)})));
    }
    for (client, user) in [("c1", "chloe"), ("c1", "bruno"), ("c1", "both"), ("c2", "both"), ("c2", "dora")] {
        rows.push(("client_members", json!({"client_id": of(client), "user_id": of(user)})));
    }
    for (project, client) in [("p1", "c1"), ("p2", "c2"), ("p3", "c3")] {
        rows.push(("projects", json!({"id": of(project), "client_id": of(client), "name": project})));
    }
    // Former participants, and followers who are not in charge.
    for (room, client, user, side, follows) in [
        ("r1", "c1", "owner", "operator", true),
        ("r2", "c2", "ines", "operator", true),
        ("r1", "c1", "gone", "client", false),
        ("r2", "c2", "manager", "operator", false),
    ] {
        rows.push((
            "participants",
            json!({"conversation_id": of(room), "client_id": of(client), "user_id": of(user),
            "side": side, "follows": follows, "counted": user == "owner"}),
        ));
    }
    rows.extend(messages(&of));
    rows.extend(direct_messages(&of));
    rows.extend(journal(tenant, &of));
    rows.extend(notified::rows(tenant, &of));
    rows.into_iter().map(|(table, row)| (table, with_tenant(table, row, tenant))).collect()
}

fn messages(of: &impl Fn(&str) -> String) -> Vec<(&'static str, Value)> {
    let early = "2026-01-01T00:00:00Z";
    [
        (
            "m1",
            "r1",
            "c1",
            1,
            "chloe",
            "client",
            json!({"content": "bonjour un", "delivered_at": early, "read_at": early}),
        ),
        ("m2", "r1", "c1", 2, "emma", "operator", json!({"content": "bonjour deux"})),
        (
            "m3",
            "r1",
            "c1",
            3,
            "owner",
            "operator",
            json!({"content": "bonjour trois", "delivered_at": early,
            "related_entity_type": "order", "related_entity_id": "1", "related_preview": {"title": "one"}}),
        ),
        ("m4", "r1", "c1", 4, "bruno", "client", json!({"deleted_at": early})),
        ("m5", "r1", "c1", 5, "karim", "operator", json!({"content": "bonjour cinq"})),
        ("m6", "r1", "c1", 6, "both", "client", json!({"content": "bonjour six"})),
        ("m7", "r2", "c2", 1, "dora", "client", json!({"content": "bonjour sept"})),
        ("m8", "r2", "c2", 2, "deputy", "operator", json!({"content": "bonjour huit", "read_at": early})),
    ]
    .map(|(name, room, client, seq, sender, side, more)| {
        let mut row = json!({"id": of(name), "conversation_id": of(room), "client_id": of(client), "seq": seq,
            "changed_seq": seq, "sender_id": of(sender), "sender_type": side, "created_at": early});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("messages", row)
    })
    .to_vec()
}

fn direct_messages(of: &impl Fn(&str) -> String) -> Vec<(&'static str, Value)> {
    let early = "2026-01-01T00:00:00Z";
    [
        ("m9", "d1", "owner", "emma", 1, "owner", json!({})),
        ("m10", "d1", "owner", "emma", 2, "emma", json!({"delivered_at": early})),
        ("m11", "d2", "emma", "karim", 1, "karim", json!({"delivered_at": early, "read_at": early})),
        ("m12", "d3", "ines", "gone", 1, "ines", json!({})),
    ]
    .map(|(name, room, one, two, seq, sender, more)| {
        let (one, two) = ordered(of(one), of(two));
        let mut row = json!({"id": of(name), "conversation_id": of(room), "user_one_id": one, "user_two_id": two, "seq": seq,
            "changed_seq": seq, "sender_id": of(sender), "sender_type": "operator", "content": "bonjour entre nous",
            "created_at": early});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("messages", row)
    })
    .to_vec()
}

fn journal(tenant: &str, of: &impl Fn(&str) -> String) -> Vec<(&'static str, Value)> {
    let mut rows = Vec::new();
    for (name, client) in [("o1", Some("c1")), ("o2", Some("c2")), ("o3", None)] {
        rows.push(("outbox", json!({"topic": format!("topic:{tenant}:{name}"), "seq": 1, "id": of(name), "event": "messaging:new",
            "payload": {}, "fanout": {}, "client_id": client.map(of)})));
    }
    rows.push((
        "outbox",
        json!({"topic": format!("topic:{tenant}:o4"), "seq": 1, "id": of("o4"), "event": "messaging:new",
        "payload": {}, "fanout": {}, "user_ids": [of("emma"), of("karim")]}),
    ));
    rows.push((
        "outbox",
        json!({"topic": "rights:someone", "seq": 1, "id": of("o5"), "event": "rights:changed", "payload": {}, "fanout": {}}),
    ));
    for user in ["owner", "emma", "chloe"] {
        rows.push((
            "connect_tickets",
            json!({"user_id": of(user), "digest": digest(&of(user)),
            "token_expires_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"}),
        ));
    }
    for (name, user) in [("l1", "owner"), ("l2", "chloe")] {
        rows.push(("activity_logs", json!({"id": of(name), "user_id": of(user), "action": "message.send"})));
    }
    rows.push(("outbox_readers", json!({"reader": tenant, "txid": "1"})));
    for user in ["owner", "emma", "chloe", "dora"] {
        rows.push((
            "idempotency_keys",
            json!({"user_id": of(user), "key": "k", "route": "/", "body_hash": "\\x00", "answer": {}}),
        ));
    }
    rows
}

/// The digest of a connect token: 32 bytes derived from an id.
pub fn digest(id: &str) -> String {
    format!("\\x{0}{0}", id.replace('-', ""))
}

fn with_tenant(table: &str, row: Value, tenant: &str) -> Row {
    let Value::Object(mut row) = row else { panic!("a row is an object") };
    if !matches!(table, "tenants" | "outbox_readers" | "scheduled_jobs") {
        row.insert("tenant_id".into(), json!(id(tenant)));
    }
    row
}
