//! Tests a template before it is saved, and collects all faults with their places.
//!
//! Every text is rendered with all samples, and then with those of required variables only, to prove that optional
//! ones may be absent.

use std::ops::RangeInclusive;

use guichet_base::Fault;
use serde_json::{Map, Value};

use super::render::{Names, distinct, variants};
use super::{Concerned, Template, Variable, Wording};
use crate::preferences::Channel;

const TITLE: RangeInclusive<usize> = 1..=1000;
const BODY: RangeInclusive<usize> = 0..=10_000;
const LINK: RangeInclusive<usize> = 1..=1000;
const MAX_AUDIENCE: usize = 10;
const MAX_VARIABLES: usize = 50;
const MAX_NAME: usize = 60;
/// Largest sample as JSON.
const MAX_SAMPLE_BYTES: usize = 4096;

/// Empty if `template`, a tenant's, may replace the built-in one.
pub(super) fn faults(template: &Template, built_in: &Template) -> Vec<Fault> {
    let mut faults = form(template, built_in);
    let full = template.sample();
    let sparse = sparse(template);
    for payload in [&full, &sparse] {
        faults.extend(rendered(template, payload));
        faults.extend(template.blank(payload));
    }
    distinct(faults)
}

/// Faults that are found without rendering.
pub(super) fn form(template: &Template, built_in: &Template) -> Vec<Fault> {
    let mut faults = Vec::new();
    channels(&template.channels, &mut faults);
    audience(&template.audience, built_in, &mut faults);
    variables(&template.variables, built_in, &mut faults);
    for (name, wording) in [("fr", &template.texts.fr), ("en", &template.texts.en)] {
        lengths(name, wording, &mut faults);
    }
    for (side, link) in [("client", &template.links.client), ("operator", &template.links.operator)] {
        length(&format!("links.{side}"), link.as_deref(), LINK, &mut faults);
    }
    faults
}

/// The samples of variables that are always present: without the ids that an event with recipients may omit.
fn sparse(template: &Template) -> Map<String, Value> {
    let is_always = |name: &str| !matches!(name, "user_id" | "team_id");
    let required =
        template.variables.iter().filter(|variable| variable.required && is_always(&variable.name));
    required.map(|variable| (variable.name.clone(), variable.sample.clone())).collect()
}

fn rendered(template: &Template, payload: &Map<String, Value>) -> Vec<Fault> {
    let mut faults = template.try_render(payload).err().unwrap_or_default();
    let names = Names::new(template, payload);
    for (locale, side) in variants() {
        faults.extend(template.try_email(&names, locale, side).err().into_iter().flatten());
    }
    faults
}

fn channels(channels: &[Channel], faults: &mut Vec<Fault>) {
    if channels.is_empty() {
        faults.push(Fault::new("channels", "too_few").with_arg("min", 1));
    }
    if (1..).zip(channels).any(|(next, channel)| channels.iter().skip(next).any(|other| other == channel)) {
        faults.push(Fault::new("channels", "duplicate"));
    }
}

fn audience(audience: &[Concerned], built_in: &Template, faults: &mut Vec<Fault>) {
    if audience.len() > MAX_AUDIENCE {
        faults.push(Fault::new("audience", "too_many").with_arg("max", MAX_AUDIENCE));
    }
    for (at, source) in audience.iter().enumerate() {
        let is_known = match source {
            Concerned::Roles(roles) => !roles.is_empty() && roles.iter().all(|role| !role.is_service()),
            // Only chat knows these recipients.
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

fn variables(variables: &[Variable], built_in: &Template, faults: &mut Vec<Fault>) {
    if variables.len() > MAX_VARIABLES {
        faults.push(Fault::new("variables", "too_many").with_arg("max", MAX_VARIABLES));
    }
    let is_declared = |name: &str| variables.iter().any(|variable| variable.name == name);
    for (at, variable) in variables.iter().enumerate() {
        let mut fault = |field: &str, code| faults.push(Fault::new(format!("variables[{at}].{field}"), code));
        if !is_name(&variable.name) {
            fault("name", "invalid");
        } else if variables.iter().take(at).any(|other| other.name == variable.name) {
            fault("name", "duplicate");
        }
        // Producers rely on the built-in list of required fields; a tenant's template cannot require more.
        if variable.required && !is_promised(built_in, variable) {
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

/// Whether the built-in template asks for the same.
fn is_promised(built_in: &Template, wanted: &Variable) -> bool {
    let is_same = |variable: &Variable| {
        variable.required
            && variable.name == wanted.name
            && (variable.or.is_none() || variable.or == wanted.or)
    };
    built_in.variables.iter().any(is_same)
}

/// What a text can name. `recipient` is said already.
fn is_name(name: &str) -> bool {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    is_word && starts && name.len() <= MAX_NAME && name != "recipient"
}

fn lengths(locale: &str, wording: &Wording, faults: &mut Vec<Fault>) {
    let Wording { title, body, email_subject, email_body } = wording;
    length(&format!("texts.{locale}.title"), Some(title), TITLE, faults);
    length(&format!("texts.{locale}.body"), Some(body), BODY, faults);
    length(&format!("texts.{locale}.email_subject"), email_subject.as_deref(), TITLE, faults);
    length(&format!("texts.{locale}.email_body"), email_body.as_deref(), BODY, faults);
}

fn length(field: &str, text: Option<&str>, length: RangeInclusive<usize>, faults: &mut Vec<Fault>) {
    let Some(text) = text else { return };
    let count = text.chars().count();
    if count < *length.start() {
        faults.push(Fault::new(field.to_owned(), "too_short").with_arg("min", length.start()));
    } else if count > *length.end() {
        faults.push(Fault::new(field.to_owned(), "too_long").with_arg("max", length.end()));
    }
}
