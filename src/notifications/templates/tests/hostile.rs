//! Whatever a payload holds, and whatever a tenant writes: no panic, and no limit passed.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::notifications::templates::check::link_fault;
use crate::notifications::templates::{all_built_in, effective, render};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ".{0,400}".prop_map(Value::from),
        "[{}%#/\\\\.*a ]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn is_within_limits(
    template: &super::super::Template,
    payload: &Map<String, Value>,
) -> Result<(), TestCaseError> {
    let _ = template.check_payload(payload, false);
    let _ = template.check_audience(payload);
    let _ = template.blank_texts(payload);
    let _ = template.try_render(payload);
    for (locale, side) in render::variants() {
        if let Ok(mail) = template.render_email(locale, side, payload) {
            prop_assert!(!mail.subject.chars().any(char::is_control));
        }
    }
    let Ok(rendered) = template.render(payload) else { return Ok(()) };
    for (locale, side) in render::variants() {
        let text = rendered.text(locale, side);
        let title = text.title.chars().count();
        prop_assert!((1..=150).contains(&title) && !text.title.trim().is_empty());
        prop_assert!(text.body.chars().count() <= 10_000);
        prop_assert!(!text.title.contains('\0') && !text.body.contains('\0'));
        if !payload.contains_key("url") {
            prop_assert!(
                text.link.as_deref().is_none_or(|link| link_fault(link).is_none()),
                "{:?}",
                text.link
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_payload_breaks_a_built_in_template(values in prop::collection::vec(json_value(), 8)) {
        for template in all_built_in() {
            let names = template.variables.iter().map(|variable| variable.name.clone());
            let payload: Map<String, Value> = names.zip(values.iter().cycle().cloned()).collect();
            is_within_limits(template, &payload)?;
        }
    }

    #[test]
    fn no_text_of_a_tenant_breaks_the_engine(source in prop_oneof![
        any::<String>(),
        "[{}%#|()'\" a-e.=+*~\\[\\]-]{0,60}",
        "(\\{\\{ ?(body|title|nobody)(\\|(upper|first|length|default\\('x'\\)|truncate\\(3\\)|date))? ?\\}\\}|\\{% (if|for a in) body %\\}|\\{% end(if|for) %\\}|.){0,12}",
    ]) {
        let changes = json!({"texts": {"fr": {"title": source, "body": source}}, "links": {"client": source}});
        let template = effective("system.announcement", Some(&changes)).unwrap();
        is_within_limits(&template, &template.sample_payload())?;
    }
}
