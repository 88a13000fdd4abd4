//! The pipeline, `explain` and an independent model over random settings and events: what is written, what is
//! explained, and what the specification says must agree.

mod fixture;
mod model;

use std::collections::BTreeMap;

use guichet_base::Timestamp;
use serde_json::{Value, json};

use self::fixture::AgreementFixture;
use self::model::{CHANNELS, Event, Outcome, expected};

const CASES: usize = 250;

#[tokio::test]
async fn the_pipeline_and_explain_and_the_document_never_disagree() {
    let mut stage = AgreementFixture::set(0x9e37_79b9_7f4a_7c15).await;
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for case in 0..CASES {
        for _ in 0..1 + stage.dice.below(4) {
            stage.change().await;
        }
        let event = stage.event();
        let id = stage.announce(&event).await;
        let model: BTreeMap<&str, Outcome> =
            CHANNELS.iter().map(|channel| (*channel, expected(&stage.state, &event, channel))).collect();
        for (channel, outcome) in &model {
            *seen.entry((*channel, outcome.rule)).or_default() += 1;
        }
        let what = format!("case {case}: {event:?} under {:?}", stage.state);
        holds_in_the_rows(&stage, &event, &id, &model, &what);
        holds_in_what_is_explained(&stage, &event, &id, &model, &what).await;
    }
    // Every rule that this version can reach was exercised.
    for rule in [
        "preference",
        "team_scope",
        "template",
        "disabled",
        "no_address",
        "throttle",
        "digest",
        "quiet_hours",
    ] {
        let times: usize = seen.iter().filter(|((_, of), _)| *of == rule).map(|(_, times)| times).sum();
        assert!(times >= 3, "{rule}: {times} times, {seen:?}");
    }
}

/// Checks the rows, not the stored decision.
fn holds_in_the_rows(
    stage: &AgreementFixture,
    event: &Event,
    id: &str,
    model: &BTreeMap<&str, Outcome>,
    what: &str,
) {
    let outside = ["email", "sms", "push"];
    let is_visible = model["inapp"].sent;
    let in_digest = model["email"].rule == "digest";
    let is_withheld = outside.iter().any(|channel| model[channel].rule == "throttle");
    let is_sent = outside.iter().any(|channel| model[channel].sent);
    let row = stage.notification(id, event.person);
    assert_eq!(row.is_some(), is_visible || in_digest || is_withheld || is_sent, "{what}");
    assert_eq!(stage.is_skipped(id, event.person), row.is_none(), "{what}");
    let Some(row) = row else { return };
    assert_eq!((row.visible, row.in_digest), (is_visible, in_digest), "{what}");
    let there: Vec<(String, bool)> =
        row.deliveries.iter().map(|(channel, at)| (channel.clone(), *at > row.created_at)).collect();
    let planned = outside.iter().filter(|channel| model[*channel].sent);
    let planned: Vec<(String, bool)> =
        planned.map(|channel| ((*channel).to_owned(), model[channel].after.is_some())).collect();
    assert_eq!(there, planned, "{what}");
    for (channel, at) in &row.deliveries {
        let due = model[channel.as_str()].after.unwrap_or(row.created_at);
        assert_eq!(*at, due, "{channel}: {what}");
    }
}

async fn holds_in_what_is_explained(
    stage: &AgreementFixture,
    event: &Event,
    id: &str,
    model: &BTreeMap<&str, Outcome>,
    what: &str,
) {
    let user = stage.world.server.user(event.person).id;
    let path = format!("/notifications/explain?user_id={user}&event_id={id}");
    let told = stage.world.awa.get(&path).await.data().clone();
    assert_eq!(stage.person(event.person).get(&path).await.data(), &told, "{what}");
    assert_eq!((&told["event"], &told["in_audience"]), (&json!(event.code), &json!(true)), "{what}");
    for (channel, outcome) in model {
        let mut verdict = json!({"sent": outcome.sent, "rule": outcome.rule});
        if let Some(level) = outcome.level {
            verdict["level"] = json!(level);
        }
        if let Some(after) = outcome.after {
            verdict["after"] = json!(after);
        }
        assert_eq!(told["channels"][channel], verdict, "{channel}: {what}\n{told}");
    }
    let row = stage.notification(id, event.person);
    let shown = row.as_ref().filter(|row| row.visible).map(|row| row.id.to_string());
    assert_eq!(told["notification_id"], json!(shown), "{what}");
    let there: Vec<String> =
        row.iter().flat_map(|row| row.deliveries.iter()).map(|(channel, _)| channel.clone()).collect();
    let listed: Vec<&Value> =
        told["deliveries"].as_array().unwrap().iter().map(|one| &one["channel"]).collect();
    assert_eq!(json!(listed), json!(there), "{what}");
}

/// An instant in whole minutes, the resolution of quiet hours.
fn to_the_minute(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() / 60_000 * 60_000)
}
