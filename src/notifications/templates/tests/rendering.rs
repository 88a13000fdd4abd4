//! Languages, sides, links, limits.

use guichet_base::error::ErrorDetails;
use guichet_base::role::UserType;
use guichet_base::{Error, Locale};
use serde_json::{Map, Value, json};

use crate::notifications::templates::{Template, built_in, effective};

fn payload(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn announcement(title: &str, body: &str) -> Map<String, Value> {
    payload(json!({"title": title, "body": body}))
}

/// Field and code of each fault.
fn faults(error: &Error) -> Vec<(String, &'static str)> {
    let ErrorDetails::Faults(faults) = error.details() else { panic!("{error:?}") };
    faults.iter().map(|fault| (fault.field.to_string(), fault.code)).collect()
}

fn changed(code: &str, changes: Value) -> Template {
    effective(code, Some(&changes)).unwrap()
}

fn says(source: &str) -> Result<String, Error> {
    let template = changed("system.announcement", json!({"texts": {"fr": {"body": source}}}));
    let given = announcement("x", "l'été <b> {{ 7*7 }}");
    let rendered = template.try_render(&given).map_err(Error::validation)?;
    Ok(rendered.text(Locale::Fr, UserType::Client).body.clone())
}

#[test]
fn an_unknown_code_is_told() {
    assert_eq!(faults(&effective("tea.ready", None).unwrap_err()), [("event".to_owned(), "unknown_event")]);
    assert!(built_in("tea.ready").is_none());
}

#[test]
fn what_a_payload_holds_is_never_parsed_and_never_escaped() {
    assert_eq!(says("{{ body }}").unwrap(), "l'été <b> {{ 7*7 }}");
    let hostile = "{{ 7*7 }} {% for a in b %} {# <script>";
    let rendered = built_in("system.announcement").unwrap().render(&announcement(hostile, hostile)).unwrap();
    for side in [UserType::Client, UserType::Operator] {
        assert_eq!(rendered.text(Locale::En, side).title, hostile);
        assert_eq!(rendered.text(Locale::En, side).body, hostile);
    }
}

#[test]
fn a_name_that_nobody_declared_is_an_error_of_its_place() {
    for source in [
        "{{ nobody }}",
        "{% if nobody %}x{% endif %}",
        "{{ nobody.more }}",
        "{% for a in nobody %}{% endfor %}",
    ] {
        let error = says(source).unwrap_err();
        assert_eq!(faults(&error), [("texts.fr.body".to_owned(), "unknown_variable")], "{source}");
    }
    let error = says("{{ body }}\n{{ body|nofilter }}").unwrap_err();
    assert_eq!(faults(&error), [("texts.fr.body".to_owned(), "template_broken")]);
    assert_eq!(says("{% if url %}a{% else %}b{% endif %}{{ url }}").unwrap(), "b");
    assert_eq!(says("{{ url|default('there') }} {% if nobody is defined %}x{% endif %}").unwrap(), "there");
}

#[test]
fn a_text_that_would_cost_too_much_is_stopped() {
    let nested = "{% for a in body %}".repeat(8) + &"{% endfor %}".repeat(8);
    let error = says(&nested).unwrap_err();
    assert_eq!(faults(&error), [("texts.fr.body".to_owned(), "template_too_long")]);
    for source in [
        "{{ 'x' * 100000000 }}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{{ range(9) }}",
        "{{ body.upper() }}",
    ] {
        assert!(says(source).is_err(), "{source}");
    }
}

#[test]
fn a_title_is_one_line_of_150_characters_at_most_and_never_empty() {
    let title = |text: &str| {
        let rendered = built_in("system.announcement").unwrap().render(&announcement(text, "b")).unwrap();
        rendered.text(Locale::Fr, UserType::Client).title.clone()
    };
    assert_eq!(title(&"é".repeat(150)), "é".repeat(150));
    assert_eq!(title(&"é".repeat(151)), format!("{}…", "é".repeat(149)));
    assert_eq!(title(" a\n\tb\u{0}  c "), "a b c");
    for empty in ["", "  ", "\n\u{0}"] {
        assert_eq!(title(empty), "system.announcement");
    }
}

#[test]
fn a_body_is_of_10000_characters_at_most() {
    let body = |text: &str| {
        let rendered = built_in("system.announcement").unwrap().render(&announcement("t", text)).unwrap();
        rendered.text(Locale::Fr, UserType::Client).body.clone()
    };
    assert_eq!(body("a\nb\u{0}"), "a\nb");
    for wide in ["a", "é", "𝄞"] {
        let cut = body(&wide.repeat(50_000));
        assert_eq!(cut.chars().count(), 10_000, "{wide}");
        assert!(cut.ends_with('…'));
    }
}

#[test]
fn a_link_is_of_its_side_and_the_payloads_own_wins() {
    let ticket = json!({"ticket_id": "a/../b?c=é", "number": 1, "subject": "s", "client": "c"});
    let template = built_in("ticket.created").unwrap();
    let rendered = template.render(&payload(ticket.clone())).unwrap();
    let link = |side| rendered.text(Locale::En, side).link.clone().unwrap();
    assert_eq!(link(UserType::Client), "/reclamations/a%2F..%2Fb%3Fc%3D%C3%A9");
    assert_eq!(link(UserType::Operator), "/admin/reclamations/a%2F..%2Fb%3Fc%3D%C3%A9");
    let mut own = payload(ticket.clone());
    own.insert("url".to_owned(), json!("/here?x=1#y"));
    let rendered = template.render(&own).unwrap();
    assert_eq!(rendered.text(Locale::Fr, UserType::Operator).link.as_deref(), Some("/here?x=1#y"));
    for climbing in ["..", ".", ""] {
        let mut climbs = payload(ticket.clone());
        climbs.insert("ticket_id".to_owned(), json!(climbing));
        let error = template.render(&climbs).unwrap_err();
        let field_errors = faults(&error);
        assert_eq!(
            field_errors.iter().map(|(field, _)| &**field).collect::<Vec<_>>(),
            ["links.client", "links.operator"]
        );
    }
}

#[test]
fn a_link_that_leads_out_is_refused_by_its_name() {
    for out in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "x",
        "/\t/evil.example",
        "javascript:alert(1)",
    ] {
        let template = changed("system.announcement", json!({"links": {"client": out}}));
        let error = Error::validation(template.try_render(&announcement("t", "b")).unwrap_err());
        assert_eq!(faults(&error), [("links.client".to_owned(), "not_relative")], "{out:?}");
        let mut given = announcement("t", "b");
        given.insert("url".to_owned(), json!(out));
        let error = built_in("system.announcement").unwrap().check_payload(&given, false).unwrap_err();
        assert_eq!(faults(&error), [("payload.url".to_owned(), "not_relative")], "{out:?}");
    }
    for (url, code) in [(json!(7), "wrong_type"), (json!(format!("/{}", "x".repeat(2000))), "too_long")] {
        let mut given = announcement("t", "b");
        given.insert("url".to_owned(), url);
        let error = built_in("system.announcement").unwrap().check_payload(&given, false).unwrap_err();
        assert_eq!(faults(&error), [("payload.url".to_owned(), code)]);
    }
}

#[test]
fn an_id_that_an_audience_stands_on_is_one() {
    for wrong in [json!("x"), json!(7), json!({}), json!("01890a5dac96774bbcceb302099a8057")] {
        let given = payload(json!({"user_id": wrong, "mandat_id": 42, "title": "t"}));
        let error = built_in("mandat.created").unwrap().check_payload(&given, false).unwrap_err();
        assert_eq!(faults(&error), [("payload.user_id".to_owned(), "invalid")]);
    }
}

#[test]
fn an_audience_that_cannot_be_found_is_told_by_its_first_field() {
    let ticket = payload(json!({"ticket_id": "a", "number": 1, "subject": "s", "client": "c"}));
    let template = built_in("ticket.sla_breached").unwrap();
    template.check_audience(&ticket).unwrap();
    let template = built_in("ticket.sla_warning").unwrap();
    let error = template.check_audience(&ticket).unwrap_err();
    assert_eq!(faults(&error), [("payload.user_id".to_owned(), "missing")]);
}

#[test]
fn dates_are_said_in_words() {
    let said = |source: &str, locale| {
        let both = json!({"texts": {"fr": {"body": source}, "en": {"body": source}}});
        let rendered = changed("mandat.created", both)
            .render(&payload(json!({"user_id": "u", "mandat_id": 1, "title": "t", "due_at": "2026-08-01T09:05:00+02:00", "status": "2026-08-12"})))
            .unwrap();
        rendered.text(locale, UserType::Operator).body.clone()
    };
    assert_eq!(said("{{ due_at|date }} / {{ status|date }}", Locale::Fr), "1er août 2026 / 12 août 2026");
    assert_eq!(said("{{ due_at|datetime }}", Locale::Fr), "1er août 2026 à 9 h 05");
    assert_eq!(said("{{ due_at|datetime }}", Locale::En), "1 August 2026 at 9:05");
    assert_eq!(said("{{ '2026-08-12T10:00:00Z'|datetime }}", Locale::En), "12 August 2026 at 10:00 (UTC)");
    assert_eq!(said("{{ title|date }} {{ mandat_id|date }}", Locale::En), "t 1");
}

#[test]
fn a_mail_has_words_of_its_own_where_the_template_has_them() {
    let changes = json!({"texts": {"fr": {"email_subject": "Objet :\n{{ title }}", "email_body": "Corps"}}});
    let template = changed("system.announcement", changes);
    let given = announcement("T", "B");
    let fr = template.render_email(Locale::Fr, UserType::Client, &given).unwrap();
    assert_eq!((fr.subject.as_str(), fr.body.as_str()), ("Objet : T", "Corps"));
    let en = template.render_email(Locale::En, UserType::Client, &given).unwrap();
    assert_eq!((en.subject.as_str(), en.body.as_str()), ("T", "B"));
}

#[test]
fn changes_touch_only_what_they_name() {
    let changes = json!({"priority": "high", "channels": ["push"], "texts": {"en": {"title": "Hi"}}, "links": {"client": null}});
    let (before, after) = (built_in("mandat.created").unwrap(), changed("mandat.created", changes));
    assert_eq!(
        (after.texts.en.title.as_str(), after.texts.en.body.as_str()),
        ("Hi", before.texts.en.body.as_str())
    );
    assert_eq!(after.texts.fr, before.texts.fr);
    assert_eq!((&after.links.client, &after.links.operator), (&None, &before.links.operator));
    assert_eq!((after.category, &after.audience), (before.category, &before.audience));
    // What cannot be read any more does not silence the event.
    assert_eq!(changed("mandat.created", json!({"channels": ["pigeon"]})), *before);
}

#[test]
fn a_tenants_text_that_fails_on_a_payload_gives_way_to_the_built_in_one() {
    let changes = json!({"texts": {"fr": {"title": "{{ title|round }}", "email_body": "{{ title|round }}"}}});
    let template = changed("system.announcement", changes);
    assert!(template.try_render(&announcement("T", "B")).is_err());
    let rendered = template.render(&announcement("T", "B")).unwrap();
    assert_eq!(rendered.text(Locale::Fr, UserType::Client).title, "T");
    let mail = template.render_email(Locale::Fr, UserType::Client, &announcement("T", "B")).unwrap();
    assert_eq!((mail.subject.as_str(), mail.body.as_str()), ("T", "B"));
}
