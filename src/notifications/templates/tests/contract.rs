//! The built-in templates are those of the products, with the variables that producers were promised.

use std::collections::BTreeSet;

use guichet_base::Locale;
use guichet_base::role::UserType;
use serde_json::{Map, Value, json};

use crate::notifications::templates::{
    BUILT_IN_JSON, Concerned, Rendered, all_built_in, built_in, engine, render,
};
use crate::preferences::{Category, Channel, Priority};

const INAPP: &[Channel] = &[Channel::Inapp];
const WITH_MAIL: &[Channel] = &[Channel::Inapp, Channel::Email];

/// Code, audience, priority, channels.
fn promised() -> Vec<(&'static str, &'static str, Priority, &'static [Channel])> {
    use Priority::{Critical, High, Low, Normal};
    vec![
        ("message.new", "told", Normal, WITH_MAIL),
        ("validation.requested", "client_operator", Normal, WITH_MAIL),
        ("validation.approved", "client_members", Normal, WITH_MAIL),
        ("validation.refused", "client_members", Normal, WITH_MAIL),
        ("client.inactive", "client_operator", Normal, WITH_MAIL),
        ("graduation.ready", "client_members", High, WITH_MAIL),
        ("payment.failed", "client_members client_operator", High, WITH_MAIL),
        ("ticket.created", "client_members client_operator", Normal, WITH_MAIL),
        ("ticket.message", "client_members client_operator", Normal, WITH_MAIL),
        ("ticket.status_changed", "client_members", Normal, WITH_MAIL),
        ("ticket.assigned", "user", Normal, WITH_MAIL),
        ("ticket.sla_warning", "user client_operator", High, WITH_MAIL),
        ("ticket.sla_breached", "user client_operator roles:owner,manager", Critical, WITH_MAIL),
        ("meeting.requested", "client_operator", Normal, WITH_MAIL),
        ("meeting.accepted", "client_members", Normal, WITH_MAIL),
        ("meeting.rejected", "client_members", Normal, WITH_MAIL),
        ("meeting.booked", "client_members", Normal, WITH_MAIL),
        ("meeting.cancelled", "client_members client_operator", Normal, WITH_MAIL),
        ("meeting.client_waiting", "client_operator", High, WITH_MAIL),
        ("mandat.created", "user", Normal, INAPP),
        ("mandat.status_changed", "user", Normal, INAPP),
        ("mandat.overdue", "user", High, INAPP),
        ("organisation.assigned", "user", High, INAPP),
        ("organisation.updated", "user", Low, INAPP),
        ("task.assigned", "user team", Normal, INAPP),
        ("task.completed", "user", Low, INAPP),
        ("task.overdue", "user", High, INAPP),
        ("note.mentioned", "user", High, INAPP),
        ("document.uploaded", "user team", Normal, INAPP),
        ("document.expiring", "user team", High, INAPP),
        ("meeting.reminder", "user team", Normal, INAPP),
        ("pipeline.stage_changed", "user team", Normal, INAPP),
        ("report.generated", "user", Low, INAPP),
        ("system.announcement", "everyone", Critical, INAPP),
        ("system.notice", "", Normal, INAPP),
        ("email.failure_rate", "roles:owner,manager", Critical, INAPP),
    ]
}

fn word(source: &Concerned) -> String {
    match source {
        Concerned::Roles(roles) => {
            format!("roles:{}", roles.iter().map(|role| role.into_str()).collect::<Vec<_>>().join(","))
        }
        Concerned::User => "user".to_owned(),
        Concerned::Team => "team".to_owned(),
        Concerned::ClientMembers => "client_members".to_owned(),
        Concerned::ClientOperator => "client_operator".to_owned(),
        Concerned::Everyone => "everyone".to_owned(),
        Concerned::Told => "told".to_owned(),
    }
}

#[test]
fn every_promised_template_is_there_and_no_other() {
    let rows: Vec<Value> = serde_json::from_str(BUILT_IN_JSON).unwrap();
    assert_eq!(rows.len(), all_built_in().count(), "a row does not parse, or stands twice");
    let promised = promised();
    let codes: BTreeSet<&str> = promised.iter().map(|row| row.0).collect();
    assert_eq!(codes, all_built_in().map(|template| template.code.as_str()).collect());
    for (code, audience, priority, channels) in promised {
        let template = built_in(code).unwrap();
        let found = template.audience.iter().map(word).collect::<Vec<_>>().join(" ");
        assert_eq!((found.as_str(), template.priority), (audience, priority), "{code}");
        assert_eq!(template.channels, channels, "{code}");
        let category = match code.split_once('.').unwrap().0 {
            "client" | "email" => Category::Alert,
            prefix => prefix.parse::<Category>().ok().unwrap(),
        };
        assert_eq!(template.category, category, "{code}");
    }
}

/// The variables of the producers' contract: `a|b`: one of the two; `?`: may be absent.
const CONTRACT: [(&str, &str); 20] = [
    ("message.new", "conversation_id sender_name client? excerpt"),
    ("validation.", "client_id subject reason?"),
    ("client.inactive", "client_id client days"),
    ("graduation.ready", "client_id"),
    ("payment.failed", "client_id amount? reason?"),
    ("ticket.", "ticket_id number subject client status? due_at?"),
    ("meeting.re", ""),
    ("meeting.requested", "meeting_id|request_id client starts_at? reason?"),
    ("meeting.accepted", "meeting_id|request_id client starts_at? reason?"),
    ("meeting.booked", "meeting_id|request_id client starts_at? reason?"),
    ("meeting.reminder", "user_id|team_id title starts_at"),
    ("mandat.", "user_id mandat_id title status? due_at?"),
    ("organisation.", "user_id organisation_id name author?"),
    ("task.completed", "user_id task_id title due_at?"),
    ("note.mentioned", "user_id note_id author excerpt"),
    ("document.", "user_id|team_id document_id name expires_at?"),
    ("pipeline.stage_changed", "user_id|team_id deal_id title from to"),
    ("report.generated", "user_id report_id name"),
    ("system.announcement", "title body"),
    ("email.failure_rate", ""),
];

#[test]
fn a_payload_of_the_contract_is_enough_and_less_is_not() {
    for (prefix, variables) in CONTRACT {
        for template in all_built_in().filter(|template| template.code.starts_with(prefix)) {
            if variables.is_empty() {
                continue;
            }
            let samples = template.sample_payload();
            let required = || variables.split(' ').filter(|name| !name.ends_with('?'));
            for choice in 0..2 {
                let names = required().map(|names| names.split('|').nth(choice).unwrap_or(names));
                let names: Vec<&str> = names.map(|name| name.split('|').next().unwrap()).collect();
                let payload: Map<String, Value> =
                    names.iter().map(|name| ((*name).to_owned(), samples[*name].clone())).collect();
                template
                    .check_payload(&payload, false)
                    .unwrap_or_else(|error| panic!("{}: {error:?}", template.code));
                template.render(&payload).unwrap_or_else(|error| panic!("{}: {error:?}", template.code));
                for name in names {
                    let mut less = payload.clone();
                    less.insert(name.to_owned(), Value::Null);
                    assert!(
                        template.check_payload(&less, false).is_err(),
                        "{} without {name}",
                        template.code
                    );
                }
            }
        }
    }
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let error = built_in("mandat.created").unwrap().check_payload(&Map::new(), false).unwrap_err();
    let guichet_base::error::ErrorDetails::Faults(faults) = error.details() else { panic!("{error:?}") };
    let said: Vec<_> = faults.iter().map(|fault| (&*fault.field, fault.code)).collect();
    let missing = |field| (field, "missing");
    assert_eq!(said, [missing("payload.user_id"), missing("payload.mandat_id"), missing("payload.title")]);
}

#[test]
fn every_built_in_text_renders_in_both_languages_for_both_sides() {
    for template in all_built_in() {
        let payload = template.sample_payload();
        template.check_payload(&payload, false).unwrap();
        // A hand-sent notice names its recipients.
        assert_eq!(
            template.check_audience(&payload).is_ok(),
            template.code != "system.notice",
            "{}",
            template.code
        );
        let rendered =
            template.render(&payload).unwrap_or_else(|error| panic!("{}: {error:?}", template.code));
        for (locale, side) in render::variants() {
            let text = rendered.text(locale, side);
            for said in [&text.title, &text.body] {
                assert!(
                    !said.is_empty() && !said.contains("{{") && !said.contains("none"),
                    "{}: {said}",
                    template.code
                );
                assert!(!said.contains("  ") && !said.ends_with(' '), "{}: {said:?}", template.code);
            }
            assert_ne!(text.title, template.code);
            template.render_email(locale, side, &payload).unwrap();
        }
    }
}

/// Also that a text reads well without what may be absent.
#[test]
fn every_built_in_text_renders_without_what_is_optional() {
    for template in all_built_in() {
        let mut payload = template.sample_payload();
        for variable in template.variables.iter().filter(|variable| !variable.required) {
            payload.remove(&variable.name);
        }
        let rendered =
            template.render(&payload).unwrap_or_else(|error| panic!("{}: {error:?}", template.code));
        for (locale, side) in render::variants() {
            let text = rendered.text(locale, side);
            assert!(!text.title.is_empty() && !text.body.contains("  "), "{}: {:?}", template.code, text);
        }
    }
}

#[test]
fn every_built_in_text_is_compiled_once() {
    for template in all_built_in() {
        for wording in [&template.texts.fr, &template.texts.en] {
            assert!(
                engine::is_compiled(Locale::Fr, &wording.title)
                    || engine::is_compiled(Locale::En, &wording.title)
            );
        }
    }
}

fn title(code: &str, payload: Value, locale: Locale, side: UserType) -> String {
    let payload = payload.as_object().unwrap().clone();
    let rendered: Rendered = built_in(code).unwrap().render(&payload).unwrap();
    rendered.text(locale, side).title.clone()
}

#[test]
fn titles_are_those_that_the_products_show() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let message = json!({"conversation_id": id, "sender_name": "Chloé", "client": "Atelier", "excerpt": "…"});
    let direct = json!({"conversation_id": id, "sender_name": "Emma", "excerpt": "…"});
    let brief = json!({"client_id": id, "subject": "Logo"});
    let ticket = json!({"ticket_id": id, "number": 3, "subject": "Panne", "client": "Atelier"});
    let visit = json!({"meeting_id": id, "client": "Atelier"});
    use UserType::{Client, Operator};
    for (code, payload, side, expected) in [
        ("message.new", &message, Operator, "Nouveau message de Atelier"),
        ("message.new", &message, Client, "Nouveau message de Chloé"),
        ("message.new", &direct, Operator, "Nouveau message de Emma"),
        ("validation.requested", &brief, Operator, "Validation en attente : Logo"),
        ("validation.approved", &brief, Client, "Votre brief a été validé"),
        ("validation.refused", &brief, Client, "Votre brief a été refusé"),
        (
            "client.inactive",
            &json!({"client_id": id, "client": "Atelier", "days": 7}),
            Operator,
            "Atelier inactif depuis 7 jours",
        ),
        ("graduation.ready", &json!({"client_id": id}), Client, "Félicitations ! Votre espace One est prêt"),
        ("payment.failed", &json!({"client_id": id}), Client, "Échec de paiement"),
        ("ticket.created", &ticket, Operator, "Nouveau signalement de Atelier"),
        ("ticket.created", &ticket, Client, "Votre signalement n° 3 a bien été reçu"),
        ("meeting.booked", &visit, Client, "RDV confirmé"),
        ("meeting.client_waiting", &visit, Operator, "Client en attente"),
    ] {
        assert_eq!(title(code, payload.clone(), Locale::Fr, side), expected);
    }
    assert_eq!(title("message.new", message, Locale::En, Operator), "New message from Atelier");
}
