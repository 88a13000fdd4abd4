//! Validates a template before it is saved, and collects all faults with their fields.
//!
//! Every text is rendered with all samples, and then with those of required variables only, to verify that optional
//! ones may be absent.

use std::ops::RangeInclusive;

use guichet_base::Fault;
use serde_json::{Map, Value};

use super::render::{TemplateVariables, first_per_field, variants};
use super::{Concerned, Template, Variable, Wording};
use crate::preferences::Channel;

const TITLE_CHARS: RangeInclusive<usize> = 1..=1000;
const BODY_CHARS: RangeInclusive<usize> = 0..=10_000;
const LINK_CHARS: RangeInclusive<usize> = 1..=1000;
const MAX_AUDIENCE: usize = 10;
const MAX_VARIABLES: usize = 50;
const MAX_NAME_BYTES: usize = 60;
/// Largest sample as JSON.
const MAX_SAMPLE_BYTES: usize = 4096;

/// Returns all faults of a tenant's template; empty if it may replace the built-in one.
pub(super) fn find_faults(template: &Template, built_in: &Template) -> Vec<Fault> {
    let mut faults = find_static_faults(template, built_in);
    let full = template.sample_payload();
    let sparse = minimal_payload(template);
    for payload in [&full, &sparse] {
        faults.extend(render_faults(template, payload));
        faults.extend(template.blank_texts(payload));
    }
    first_per_field(faults)
}

/// Faults that are found without rendering.
pub(super) fn find_static_faults(template: &Template, built_in: &Template) -> Vec<Fault> {
    let mut faults = Vec::new();
    check_channels(&template.channels, &mut faults);
    check_audience(&template.audience, built_in, &mut faults);
    check_variables(&template.variables, built_in, &mut faults);
    for (name, wording) in [("fr", &template.texts.fr), ("en", &template.texts.en)] {
        check_lengths(name, wording, &mut faults);
    }
    for (side, link) in [("client", &template.links.client), ("operator", &template.links.operator)] {
        check_length(&format!("links.{side}"), link.as_deref(), LINK_CHARS, &mut faults);
    }
    faults
}

/// The samples of variables that are always present: without the ids that an event with recipients may omit.
fn minimal_payload(template: &Template) -> Map<String, Value> {
    let is_always_sent = |name: &str| !matches!(name, "user_id" | "team_id");
    let required =
        template.variables.iter().filter(|variable| variable.required && is_always_sent(&variable.name));
    required.map(|variable| (variable.name.clone(), variable.sample.clone())).collect()
}

fn render_faults(template: &Template, payload: &Map<String, Value>) -> Vec<Fault> {
    let mut faults = template.try_render(payload).err().unwrap_or_default();
    let names = TemplateVariables::new(template, payload);
    for (locale, side) in variants() {
        faults.extend(template.try_email(&names, locale, side).err().into_iter().flatten());
    }
    faults
}

fn check_channels(channels: &[Channel], faults: &mut Vec<Fault>) {
    if channels.is_empty() {
        faults.push(Fault::new("channels", "too_few").with_arg("min", 1));
    }
    if (1..).zip(channels).any(|(next, channel)| channels.iter().skip(next).any(|other| other == channel)) {
        faults.push(Fault::new("channels", "duplicate"));
    }
}

fn check_audience(audience: &[Concerned], built_in: &Template, faults: &mut Vec<Fault>) {
    if audience.len() > MAX_AUDIENCE {
        faults.push(Fault::new("audience", "too_many").with_arg("max", MAX_AUDIENCE));
    }
    for (at, source) in audience.iter().enumerate() {
        let is_known = match source {
            Concerned::Roles(roles) => !roles.is_empty() && roles.iter().all(|role| !role.is_service()),
            // Only chat passes these recipients, so a tenant cannot add this source.
            Concerned::Told => built_in.audience.contains(&Concerned::Told),
            Concerned::User
            | Concerned::Team
            | Concerned::ClientMembers
            | Concerned::ClientOperator
            | Concerned::Everyone => true,
        };
        if !is_known {
            faults.push(Fault::new(format!("audience[{at}]"), "unknown_value"));
        }
    }
}

fn check_variables(variables: &[Variable], built_in: &Template, faults: &mut Vec<Fault>) {
    if variables.len() > MAX_VARIABLES {
        faults.push(Fault::new("variables", "too_many").with_arg("max", MAX_VARIABLES));
    }
    let is_declared = |name: &str| variables.iter().any(|variable| variable.name == name);
    for (at, variable) in variables.iter().enumerate() {
        let mut fault = |field: &str, code| faults.push(Fault::new(format!("variables[{at}].{field}"), code));
        if !is_valid_name(&variable.name) {
            fault("name", "invalid");
        } else if variables.iter().take(at).any(|other| other.name == variable.name) {
            fault("name", "duplicate");
        }
        // Producers rely on the built-in list of required fields; a tenant's template cannot require more.
        if variable.required && !is_required_by_built_in(built_in, variable) {
            fault("required", "must_be_optional");
        }
        if variable.or.as_deref().is_some_and(|other| !is_declared(other)) {
            fault("or", "unknown_value");
        }
        if variable.sample.to_string().len() > MAX_SAMPLE_BYTES {
            faults.push(
                Fault::new(format!("variables[{at}].sample"), "too_long").with_arg("max", MAX_SAMPLE_BYTES),
            );
        }
    }
}

/// Whether the built-in template requires the same variable, with the same alternative.
fn is_required_by_built_in(built_in: &Template, variable: &Variable) -> bool {
    let is_same = |known: &Variable| {
        known.required && known.name == variable.name && (known.or.is_none() || known.or == variable.or)
    };
    built_in.variables.iter().any(is_same)
}

/// Whether `name` is a valid Jinja identifier. `recipient` is reserved.
fn is_valid_name(name: &str) -> bool {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    is_word && starts && name.len() <= MAX_NAME_BYTES && name != "recipient"
}

fn check_lengths(locale: &str, wording: &Wording, faults: &mut Vec<Fault>) {
    let Wording { title, body, email_subject, email_body } = wording;
    check_length(&format!("texts.{locale}.title"), Some(title), TITLE_CHARS, faults);
    check_length(&format!("texts.{locale}.body"), Some(body), BODY_CHARS, faults);
    check_length(&format!("texts.{locale}.email_subject"), email_subject.as_deref(), TITLE_CHARS, faults);
    check_length(&format!("texts.{locale}.email_body"), email_body.as_deref(), BODY_CHARS, faults);
}

fn check_length(field: &str, text: Option<&str>, length: RangeInclusive<usize>, faults: &mut Vec<Fault>) {
    let Some(text) = text else { return };
    let count = text.chars().count();
    if count < *length.start() {
        faults.push(Fault::new(field.to_owned(), "too_short").with_arg("min", length.start()));
    } else if count > *length.end() {
        faults.push(Fault::new(field.to_owned(), "too_long").with_arg("max", length.end()));
    }
}
