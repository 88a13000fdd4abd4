//! Rows of notifications for the fixture and for inserts: notified people, skipped people, and deliveries.

use serde_json::{Value, json};

use super::world::id;

const EARLY: &str = "2026-01-01T00:00:00Z";

type Of<'a> = &'a dyn Fn(&str) -> String;

fn with(mut row: Value, more: &Value) -> Value {
    if let (Some(row), Some(more)) = (row.as_object_mut(), more.as_object()) {
        row.extend(more.clone());
    }
    row
}

fn notification(of: Of, name: &str, recipient: &str, visible: bool) -> Value {
    let side =
        if ["chloe", "bruno", "both", "dora", "gone"].contains(&recipient) { "client" } else { "operator" };
    json!({"id": of(name), "recipient_type": side, "recipient_id": of(recipient), "seq": 1, "changed_seq": 1, "event_id": of("e1"),
        "type": "mandat.created", "category": "mandat", "title": "Nouveau mandat", "body": "Rue des Lilas", "link": "/mandats/1",
        "data": {}, "priority": "normal", "channel": "inapp", "visible": visible, "decision": {}, "last_event_at": EARLY,
        "created_at": EARLY, "updated_at": EARLY})
}

fn event(of: Of, name: &str, source: &str, status: &str) -> Value {
    json!({"id": of(name), "event": "mandat.created", "source": source, "payload": {}, "audience": {}, "plan": {},
        "priority": "normal", "occurred_at": EARLY, "status": status, "planned": 1})
}

fn rejected(of: Of, name: &str) -> Value {
    json!({"id": of(name), "source": "stream", "body": {}, "code": "unknown_event", "reason": "mandat.eaten"})
}

fn settings(of: Of, user: &str) -> Value {
    json!({"user_id": of(user), "digest_mode": "daily", "digest_due_at": EARLY, "quiet_from": "22:00", "quiet_to": "07:00",
        "quiet_timezone": "Europe/Paris"})
}

fn delivery(of: Of, name: &str, user: &str, channel: &str) -> Value {
    json!({"id": of(name), "user_id": of(user), "channel": channel, "type": "mandat.created",
        "to_address": format!("{user}@a.example"), "lane": 1, "next_attempt_at": EARLY, "deadline_at": EARLY,
        "rendered": {"subject": "Nouveau mandat"}, "payload_excerpt": "Rue des Lilas", "created_at": EARLY, "updated_at": EARLY})
}

/// The rows of one tenant, ordered by key. Feeds are created with their people.
pub fn rows(tenant: &str, of: Of) -> Vec<(&'static str, Value)> {
    let mut rows = vec![("scheduled_jobs", json!({"name": tenant, "due_at": EARLY}))];
    for (user, category) in
        [("owner", "message"), ("emma", "message"), ("chloe", "message"), ("dora", "ticket")]
    {
        rows.push((
            "notification_preferences",
            json!({"user_id": of(user), "category": category, "channel_email": false}),
        ));
    }
    rows.extend(["emma", "chloe", "dora"].map(|user| ("notification_settings", settings(of, user))));
    for (client, category) in [("c1", "message"), ("c2", "ticket"), ("c3", "alert")] {
        let forced = json!({"client_id": of(client), "category": category, "channel_email": true});
        rows.push(("notification_overrides", forced));
    }
    rows.push(("notification_templates", json!({"code": "message.new", "fields": {"priority": "high"}})));
    rows.push(("notification_events", event(of, "e1", "http", "done")));
    rows.push(("notification_events", event(of, "e2", "internal", "running")));
    rows.push(("notification_event_keys", json!({"key": "k", "event_id": of("e1"), "body_hash": "\\x00"})));
    rows.push(("rejected_events", rejected(of, "x1")));
    for (name, recipient, visible, more) in [
        ("n1", "chloe", true, json!({})),
        ("n2", "chloe", false, json!({"event_id": of("e2"), "in_digest": true})),
        ("n3", "emma", true, json!({"status": "read", "read_at": EARLY, "processed_at": EARLY})),
        ("n4", "manager", true, json!({"snoozed_until": EARLY, "expires_at": EARLY})),
        ("n5", "dora", true, json!({"deleted_at": EARLY, "changed_seq": 2})),
        ("n6", "bruno", false, json!({})),
    ] {
        rows.push(("notifications", with(notification(of, name, recipient, visible), &more)));
    }
    for (event, user) in [("e1", "karim"), ("e2", "bruno")] {
        rows.push((
            "notification_skips",
            json!({"event_id": of(event), "user_id": of(user), "decision": {}, "created_at": EARLY}),
        ));
    }
    for client in ["c1", "c2"] {
        rows.push(("client_silences", json!({"client_id": of(client), "since": EARLY, "raised_at": EARLY})));
    }
    for (name, notification, user, channel) in [
        ("v1", Some("n1"), "chloe", "email"),
        ("v2", Some("n3"), "emma", "sms"),
        ("v3", None, "dora", "email"),
    ] {
        let of_notification = json!({"notification_id": notification.map(of)});
        rows.push(("deliveries", with(delivery(of, name, user, channel), &of_notification)));
    }
    rows.push(("digests", json!({"id": of("g1"), "user_id": of("dora"), "delivery_id": of("v3"), "items": 1, "created_at": EARLY})));
    rows
}

/// Two people above the push limit, as the service writes it.
pub fn held(of: Of) -> String {
    format!(
        "SELECT set_config('app.role', 'system', true);
         UPDATE public.notification_feeds SET head = 1, unread = 1, held = 2, held_since = '{EARLY}', summary_due_at = '{EARLY}'
          WHERE user_id IN ('{}', '{}');
         SELECT set_config('app.role', '', true);",
        of("emma"),
        of("chloe")
    )
}

/// One of each insertable kind, and those that only a forger would insert.
pub fn candidates(table: &str, of: Of) -> Vec<Value> {
    let people = |users: &[&str]| users.iter().map(|user| of(user)).collect::<Vec<_>>();
    match table {
        "scheduled_jobs" => vec![json!({"name": "fresh", "due_at": EARLY})],
        "notification_preferences" => people(&["owner", "emma", "chloe", "gone"])
            .iter()
            .map(|user| json!({"user_id": user, "category": "payment", "channel_sms": true}))
            .collect(),
        "notification_settings" => ["owner", "karim", "bruno"].iter().map(|user| settings(of, user)).collect(),
        "notification_overrides" => [("c1", "ticket"), ("c2", "message"), ("c3", "message")]
            .iter()
            .map(|(client, category)| json!({"client_id": of(client), "category": category}))
            .collect(),
        "notification_templates" => vec![json!({"code": "mandat.created", "fields": {}})],
        "notification_events" => {
            ["http", "internal", "manual"].iter().map(|source| event(of, "fresh.event", source, "running")).collect()
        }
        "notification_event_keys" => vec![json!({"key": "fresh", "event_id": of("e1"), "body_hash": "\\x00"})],
        "rejected_events" => vec![rejected(of, "fresh.event")],
        // Everyone has a feed: a duplicate is reported only to roles that may insert.
        "notification_feeds" => people(&["emma", "chloe"]).iter().map(|user| json!({"user_id": user})).collect(),
        "notifications" => [("owner", true), ("emma", true), ("chloe", true), ("chloe", false)]
            .iter()
            .map(|(user, visible)| {
                let more = json!({"event_id": of("fresh.event")});
                with(notification(of, "fresh.notification", user, *visible), &more)
            })
            .collect(),
        "notification_skips" => people(&["owner", "emma", "chloe"])
            .iter()
            .map(|user| json!({"event_id": of("fresh.event"), "user_id": user, "decision": {}, "created_at": EARLY}))
            .collect(),
        "client_silences" => vec![json!({"client_id": of("c3"), "since": EARLY, "raised_at": EARLY})],
        "deliveries" => ["owner", "emma", "chloe"]
            .iter()
            .map(|user| delivery(of, "fresh.delivery", user, "email"))
            .collect(),
        "digests" => ["emma", "dora"]
            .iter()
            .map(|user| {
                json!({"id": of("fresh.digest"), "user_id": of(user), "delivery_id": of("v3"), "items": 1, "created_at": EARLY})
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Rows of tenant a that reference people, clients and notifications of tenant b.
pub fn broken(table: &str) -> Vec<Value> {
    let ours = |name: &str| id(&format!("a.{name}"));
    match table {
        "notification_overrides" => vec![json!({"client_id": id("b.c1"), "category": "ticket"})],
        "notification_feeds" => vec![json!({"user_id": id("b.emma")})],
        "notifications" => {
            let theirs = json!({"recipient_id": id("b.emma")});
            vec![with(notification(&ours, "fresh.notification", "emma", true), &theirs)]
        }
        "notification_skips" => vec![
            json!({"event_id": ours("e1"), "user_id": id("b.emma"), "decision": {}, "created_at": EARLY}),
        ],
        "client_silences" => vec![json!({"client_id": id("b.c1"), "since": EARLY, "raised_at": EARLY})],
        "deliveries" => [json!({"notification_id": id("b.n1")}), json!({"user_id": id("b.emma")})]
            .iter()
            .map(|theirs| with(delivery(&ours, "fresh.delivery", "emma", "email"), theirs))
            .collect(),
        "digests" => vec![
            json!({"id": ours("fresh.digest"), "user_id": id("b.dora"), "delivery_id": ours("v3"), "items": 1, "created_at": EARLY}),
        ],
        _ => Vec::new(),
    }
}
