//! Checks at the claim: a delivery was planned at one time and is sent at another.

use std::time::Duration;

use guichet::deliveries::DeliveryContent;
use serde_json::json;

use super::fixture::{DeliveryFixture, MAIL, Planned, Provider, pair};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Drains, and expects that nothing was sent, for this reason.
async fn is_skipped(
    desk: &DeliveryFixture,
    planned: &Planned,
    change: impl FnOnce(guichet_base::id::DeliveryId),
    why: &str,
) {
    let provider = Provider::new();
    let id = desk.plan(planned);
    change(id);
    desk.drain(&provider).await;
    assert!(provider.ids().is_empty(), "{why}");
    assert_eq!(desk.ended(id), pair("skipped", why));
}

fn own(desk: &DeliveryFixture, columns: &str, values: &str) {
    let (tenant, chloe) = (desk.world.server.demo.tenant_id, desk.chloe());
    desk.sql(&format!(
        "INSERT INTO notification_preferences (tenant_id, user_id, category, {columns}) VALUES ('{tenant}', '{chloe}', 'ticket', {values})"
    ));
}

#[tokio::test]
async fn a_preference_switched_off_since_keeps_it_in() {
    let desk = DeliveryFixture::new();
    is_skipped(&desk, &MAIL, |_| own(&desk, "channel_email", "false"), "preference_off").await;
    // A choice for one channel or category does not affect others.
    let provider = Provider::new();
    desk.plan(&Planned { channel: "sms", ..MAIL });
    desk.plan(&Planned { category: "mandat", kind: "mandat.created", ..MAIL });
    desk.drain(&provider).await;
    assert_eq!(provider.ids().len(), 2);
}

#[tokio::test]
async fn an_override_made_since_wins_over_ones_own_choice() {
    let desk = DeliveryFixture::new();
    own(&desk, "channel_email", "true");
    let (tenant, nord) = (desk.world.server.demo.tenant_id, desk.world.nord);
    let force = |_| {
        desk.sql(&format!(
            "INSERT INTO notification_overrides (tenant_id, client_id, category, channel_email) VALUES ('{tenant}', '{nord}', 'ticket', false)"
        ));
    };
    is_skipped(&desk, &MAIL, force, "preference_off").await;
    // It applies to events about that client.
    let provider = Provider::new();
    let id = desk.mail();
    desk.set_notification(id, &format!("data = '{{\"client_id\": \"{}\"}}'", desk.world.sud));
    desk.drain(&provider).await;
    assert_eq!(provider.ids(), [id]);
}

#[tokio::test]
async fn a_tenants_default_counts_for_who_made_no_choice() {
    let desk = DeliveryFixture::new();
    let tenant = desk.world.server.demo.tenant_id;
    let settle = |_| {
        desk.sql(&format!(
            "UPDATE tenants SET settings = settings || '{{\"defaults\": {{\"notifications\": {{\"ticket\": {{\"email\": false}}}}}}}}' WHERE id = '{tenant}'"
        ));
    };
    is_skipped(&desk, &MAIL, settle, "preference_off").await;
    own(&desk, "channel_email", "true");
    let provider = Provider::new();
    desk.mail();
    desk.drain(&provider).await;
    assert_eq!(provider.ids().len(), 1);
}

#[tokio::test]
async fn what_was_deleted_or_has_expired_stays_in() {
    let desk = DeliveryFixture::new();
    let now = desk.now();
    is_skipped(&desk, &MAIL, |id| desk.set_notification(id, "deleted_at = now()"), "deleted").await;
    is_skipped(&desk, &Planned { expires_at: Some(now), ..MAIL }, |_| (), "expired").await;
    is_skipped(&desk, &MAIL, |id| desk.set(id, "notification_id = NULL"), "deleted").await;
    // Its content was stored by an attempt, and retention deleted the notification.
    let gone = "notification_id = NULL, rendered = '{\"subject\": \"Ticket\", \"text\": \"Ouvert\"}'";
    is_skipped(&desk, &MAIL, |id| desk.set(id, gone), "deleted").await;
}

#[tokio::test]
async fn a_message_that_was_read_in_the_app_needs_no_mail_and_a_ticket_still_does() {
    let desk = DeliveryFixture::new();
    let message = Planned { kind: "message.new", category: "message", read: "read", ..MAIL };
    is_skipped(&desk, &message, |_| (), "read").await;
    let provider = Provider::new();
    let id = desk.plan(&Planned { read: "read", ..MAIL });
    desk.drain(&provider).await;
    assert_eq!(provider.ids(), [id]);
}

#[tokio::test]
async fn nothing_goes_to_an_address_that_is_no_longer_the_persons() {
    let desk = DeliveryFixture::new();
    let chloe = desk.chloe();
    let moved =
        |_| desk.sql(&format!("UPDATE users SET email = 'elsewhere@example.com' WHERE id = '{chloe}'"));
    is_skipped(&desk, &MAIL, moved, "no_address").await;
    let gone = |_| desk.sql(&format!("UPDATE users SET deleted_at = now() WHERE id = '{chloe}'"));
    is_skipped(&desk, &Planned { channel: "sms", ..MAIL }, gone, "no_address").await;
}

#[tokio::test]
async fn a_channel_that_is_off_sends_nothing() {
    let desk = DeliveryFixture::with(&[("NOTIFICATION_EMAIL_ENABLED", "false")]);
    is_skipped(&desk, &MAIL, |_| (), "disabled").await;
    let tenant = desk.world.server.demo.tenant_id;
    let off = |_| {
        desk.sql(&format!(
            "UPDATE tenants SET settings = '{{\"features\": {{\"sms\": false}}}}' WHERE id = '{tenant}'"
        ))
    };
    is_skipped(&desk, &Planned { channel: "sms", ..MAIL }, off, "disabled").await;
}

/// Quiet hours that began a minute ago and end in two hours, in UTC.
fn quiet(desk: &DeliveryFixture) {
    let (tenant, chloe) = (desk.world.server.demo.tenant_id, desk.chloe());
    let clock = |at: guichet_base::Timestamp| at.as_datetime().format("%H:%M").to_string();
    let from = clock(desk.now().minus(Duration::from_secs(60)));
    let to = clock(desk.now().plus(Duration::from_secs(2 * 3_600)));
    desk.sql(&format!(
        "INSERT INTO notification_settings (tenant_id, user_id, quiet_from, quiet_to, quiet_timezone) \
         VALUES ('{tenant}', '{chloe}', '{from}', '{to}', 'UTC')"
    ));
}

#[tokio::test]
async fn quiet_hours_that_began_since_put_it_off_and_critical_ones_pass() {
    let desk = DeliveryFixture::new();
    quiet(&desk);
    let provider = Provider::new();
    let waits = desk.mail();
    let critical = desk.plan(&Planned { priority: "critical", lane: 0, ..MAIL });
    desk.drain(&provider).await;
    assert_eq!(provider.ids(), [critical]);
    let row = desk.row(waits);
    assert_eq!((&row["status"], &row["attempts"]), (&json!("queued"), &json!(0)));
    desk.advance(Duration::from_secs(3_600));
    assert_eq!(desk.drain(&provider).await, 0);
    desk.advance(Duration::from_secs(3_600));
    desk.drain(&provider).await;
    assert_eq!(provider.ids(), [critical, waits]);
}

#[tokio::test]
async fn quiet_hours_that_never_end_skip_it() {
    let desk = DeliveryFixture::new();
    let (tenant, chloe) = (desk.world.server.demo.tenant_id, desk.chloe());
    desk.sql(&format!(
        "INSERT INTO notification_settings (tenant_id, user_id, quiet_from, quiet_to, quiet_timezone) \
         VALUES ('{tenant}', '{chloe}', '00:00', '00:00', 'UTC')"
    ));
    let hour = |id| desk.set(id, "deadline_at = next_attempt_at + interval '1 second'");
    // Midnight may be within the next second.
    while desk.now().as_datetime().format("%H:%M:%S").to_string().as_str() >= "23:59:50" {
        desk.advance(Duration::from_secs(20));
    }
    is_skipped(&desk, &MAIL, hour, "quiet_hours").await;
}

#[tokio::test]
async fn nothing_leaves_after_its_deadline_and_that_is_a_failure() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    desk.advance(DAY);
    let provider = Provider::new();
    desk.drain(&provider).await;
    assert!(provider.ids().is_empty());
    assert_eq!(desk.ended(id), pair("failed", "deadline"));
    let failures = desk.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    let expected = json!({"recipient_id": desk.chloe(), "type": "ticket.created", "channel": "email", "error": "deadline"});
    assert_eq!(failures[0], json!({"user": null, "entity": id, "details": expected}));
}

#[tokio::test]
async fn each_channel_says_it_in_its_own_words() {
    let desk = DeliveryFixture::new();
    let provider = Provider::new();
    let mail = desk.mail();
    let sms = desk.plan(&Planned { channel: "sms", ..MAIL });
    desk.drain(&provider).await;
    let mut ledger = provider.ledger();
    ledger.sort_by_key(|(id, _)| *id);
    let text = "Corps\n\nhttps://app.example.com/reclamations/42".to_owned();
    let short = "Titre\nCorps\nhttps://app.example.com/reclamations/42".to_owned();
    assert_eq!(
        ledger,
        [
            (mail, DeliveryContent::Email { subject: "Titre".into(), text }),
            (sms, DeliveryContent::Sms { text: short })
        ]
    );
    assert_eq!(desk.row(mail)["payload_excerpt"], "Titre");
}

#[tokio::test]
async fn a_mail_says_what_its_template_says_for_mails() {
    let desk = DeliveryFixture::new();
    let tenant = desk.world.server.demo.tenant_id;
    desk.sql(&format!(
        "INSERT INTO notification_templates (tenant_id, code, fields) VALUES ('{tenant}', 'ticket.created', \
         '{{\"texts\": {{\"fr\": {{\"email_subject\": \"Dossier {{{{ number }}}}\", \"email_body\": \"Bonjour\"}}}}}}')"
    ));
    let provider = Provider::new();
    let id = desk.mail();
    desk.set_notification(
        id,
        "data = '{\"number\": 42, \"ticket_id\": \"x\", \"subject\": \"s\", \"client\": \"c\"}'",
    );
    desk.drain(&provider).await;
    let DeliveryContent::Email { subject, text } = &provider.ledger()[0].1 else {
        panic!("{:?}", provider.ledger())
    };
    assert_eq!((subject.as_str(), text.starts_with("Bonjour\n")), ("Dossier 42", true));
}

#[tokio::test]
async fn what_was_written_whole_leaves_as_it_is() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    desk.set(id, "type = 'digest', notification_id = NULL, event_id = NULL, rendered = '{\"subject\": \"Deux\", \"text\": \"- Un\", \"items\": []}'");
    let provider = Provider::new();
    desk.drain(&provider).await;
    let expected = DeliveryContent::Email { subject: "Deux".into(), text: "- Un".into() };
    assert_eq!(provider.ledger(), [(id, expected)]);
    assert_eq!(desk.row(id)["rendered"]["items"], json!([]));
}
