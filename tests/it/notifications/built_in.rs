//! Every built-in template: its event creates notifications in the right language, for exactly its audience.

use std::collections::BTreeSet;

use guichet::notifications::templates;
use guichet_base::Locale;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rows;
use crate::harness::ChatFixture;

/// Code, audience in the demo tenant, and priority: from the documents, not from the data file.
///
/// The client of every payload is Atelier Nord: Emma is in charge, Chloé its member. `user_id` is Karim's.
const EXPECTED: [(&str, &[&str], &str); 36] = [
    ("validation.requested", &["emma"], "normal"),
    ("validation.approved", &["chloe"], "normal"),
    ("validation.refused", &["chloe"], "normal"),
    ("client.inactive", &["emma"], "normal"),
    ("graduation.ready", &["chloe"], "high"),
    ("payment.failed", &["chloe", "emma"], "high"),
    ("mandat.created", &["karim"], "normal"),
    ("mandat.status_changed", &["karim"], "normal"),
    ("mandat.overdue", &["karim"], "high"),
    ("organisation.assigned", &["karim"], "high"),
    ("organisation.updated", &["karim"], "low"),
    ("task.assigned", &["karim"], "normal"),
    ("task.overdue", &["karim"], "high"),
    ("task.completed", &["karim"], "low"),
    ("note.mentioned", &["karim"], "high"),
    ("document.expiring", &["karim"], "high"),
    ("document.uploaded", &["karim"], "normal"),
    ("report.generated", &["karim"], "low"),
    ("meeting.reminder", &["karim"], "normal"),
    ("pipeline.stage_changed", &["karim"], "normal"),
    ("system.announcement", &["awa", "bruno", "chloe", "denis", "emma", "karim"], "critical"),
    ("email.failure_rate", &["awa", "denis"], "critical"),
    // The features that raise these decide their recipients; events with explicit recipients reach those.
    ("message.new", &[], "normal"),
    ("system.notice", &[], "normal"),
    ("ticket.created", &[], "normal"),
    ("ticket.message", &[], "normal"),
    ("ticket.status_changed", &[], "normal"),
    ("ticket.assigned", &[], "normal"),
    ("ticket.sla_warning", &[], "high"),
    ("ticket.sla_breached", &[], "critical"),
    ("meeting.requested", &[], "normal"),
    ("meeting.accepted", &[], "normal"),
    ("meeting.rejected", &[], "normal"),
    ("meeting.booked", &[], "normal"),
    ("meeting.cancelled", &[], "normal"),
    ("meeting.client_waiting", &[], "high"),
];

/// The fifteen of the CRM are in-app only. Of the others, only these send mails.
const MAILED: [&str; 7] = ["message", "validation", "alert", "graduation", "payment", "ticket", "meeting"];
const CRM: [&str; 15] = [
    "mandat.created",
    "mandat.status_changed",
    "mandat.overdue",
    "organisation.assigned",
    "organisation.updated",
    "task.assigned",
    "task.overdue",
    "task.completed",
    "note.mentioned",
    "document.expiring",
    "document.uploaded",
    "meeting.reminder",
    "pipeline.stage_changed",
    "report.generated",
    "system.announcement",
];

fn payload(world: &ChatFixture, code: &str) -> Value {
    let mut payload = templates::built_in(code).unwrap().sample_payload();
    for (name, id) in [("user_id", json!(world.server.user("karim").id)), ("client_id", json!(world.nord))] {
        if payload.contains_key(name) {
            payload.insert(name.to_owned(), id);
        }
    }
    payload.remove("team_id");
    payload.remove("url");
    Value::Object(payload)
}

#[test]
fn the_set_is_that_of_the_documents() {
    let documented: BTreeSet<&str> = EXPECTED.iter().map(|(code, ..)| *code).collect();
    let shipped: BTreeSet<&str> = templates::all_built_in().map(|template| template.code.as_str()).collect();
    assert_eq!(shipped, documented);
}

#[tokio::test]
async fn each_lands_with_its_audience_alone_in_everybody_s_language() {
    let world = ChatFixture::new();
    rows::run(
        &world.server,
        "UPDATE users SET locale = 'en' WHERE display_name LIKE 'Karim%' OR display_name LIKE 'Chlo%'",
    );
    for (code, audience, priority) in EXPECTED.into_iter().filter(|(_, audience, _)| !audience.is_empty()) {
        rows::run(&world.server, "DELETE FROM deliveries");
        rows::run(&world.server, "DELETE FROM notifications");
        let payload = payload(&world, code);
        let answer = world.service.post("/events", json!({"event": code, "payload": payload})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{code}: {}", answer.body);
        assert_eq!(rows::told(&world), audience, "{code}");
        check(&world, code, priority, &payload);
    }
}

#[tokio::test]
async fn those_of_the_rooms_reach_whom_an_event_names_in_their_language() {
    let world = ChatFixture::new();
    rows::run(&world.server, "UPDATE users SET locale = 'en' WHERE display_name LIKE 'Chlo%'");
    let named = json!({"users": [world.server.user("emma").id, world.server.user("chloe").id]});
    for (code, _, priority) in EXPECTED.into_iter().filter(|(_, audience, _)| audience.is_empty()) {
        rows::run(&world.server, "DELETE FROM deliveries");
        rows::run(&world.server, "DELETE FROM notifications");
        let payload = payload(&world, code);
        let event = json!({"event": code, "payload": payload, "recipients": named});
        let answer = world.service.post("/events", event).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{code}: {}", answer.body);
        assert_eq!(rows::told(&world), ["chloe", "emma"], "{code}");
        check(&world, code, priority, &payload);
    }
}

/// The rows have the template's texts, in each person's language and for their user type.
fn check(world: &ChatFixture, code: &str, priority: &str, payload: &Value) {
    let template = templates::built_in(code).unwrap();
    let rendered = template.render(payload.as_object().unwrap()).unwrap();
    for (name, user) in &world.server.demo.users {
        let locale = rows::number(
            &world.server,
            &format!("SELECT (locale = 'en')::int FROM users WHERE id = '{}'", user.id),
        );
        let locale = if locale == 1 { Locale::En } else { Locale::Fr };
        let text = rendered.text(locale, user.role.user_type());
        for row in rows::of(world, name) {
            assert_eq!(
                (&row.title, &row.body, &row.link),
                (&text.title, &text.body, &text.link),
                "{code} to {name}"
            );
            assert_eq!((row.kind.as_str(), row.priority.as_str()), (code, priority));
            let category = match code.split('.').next().unwrap() {
                "client" | "email" => "alert",
                prefix => prefix,
            };
            assert_eq!(row.category, category, "{code}");
            assert_eq!(row.data["url"], json!(row.link), "{code}");
        }
    }
    let mails = rows::number(&world.server, "SELECT count(*) FROM deliveries WHERE channel = 'email'");
    let mails_too = MAILED.contains(&template.category.into_str())
        && !CRM.contains(&code)
        && code != "email.failure_rate";
    let expected = if mails_too { rows::all(&world.server).len() } else { 0 };
    assert_eq!(usize::try_from(mails).unwrap(), expected, "{code}");
}
