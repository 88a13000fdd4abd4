//! Checks a payload against its template. Fields that the template does not declare are kept as data.

use guichet_base::id::UserId;
use guichet_base::{Error, Fault, Result};
use serde_json::{Map, Value};

use super::{Concerned, Template};

/// Maximum length of a link in characters; the same as the database constraint.
pub(super) const MAX_LINK_CHARS: usize = 2000;

type Payload = Map<String, Value>;

impl Template {
    /// Collects all faults of `payload`: missing required variables (`payload.<name>` `missing`), invalid ids, a
    /// `url` that leaves the app. An event that names its recipients (`is_addressed`) may omit `user_id` and
    /// `team_id`.
    pub fn check_payload(&self, payload: &Payload, names_recipients: bool) -> Result<()> {
        let mut faults: Vec<Fault> = self.missing_variables(payload, names_recipients);
        faults.extend(self.invalid_ids(payload));
        faults.extend(url_fault(payload));
        if faults.is_empty() { Ok(()) } else { Err(Error::validation(faults)) }
    }

    /// Checks that the template's own audience can be resolved from `payload`, for events without recipients.
    ///
    /// Errors: `payload.<field>` `missing`, for the first field that would suffice.
    pub fn check_audience(&self, payload: &Payload) -> Result<()> {
        let is_resolvable = |source: &Concerned| source.field().is_none_or(|name| is_present(payload, name));
        if self.audience.iter().any(is_resolvable) {
            return Ok(());
        }
        match self.audience.iter().find_map(Concerned::field) {
            Some(name) => Err(Error::invalid(format!("payload.{name}"), "missing")),
            None => Err(Error::invalid("recipients", "missing")),
        }
    }

    fn missing_variables(&self, payload: &Payload, is_addressed: bool) -> Vec<Fault> {
        let is_replaced_by_recipients = |name: &str| is_addressed && matches!(name, "user_id" | "team_id");
        let required = self
            .variables
            .iter()
            .filter(|variable| variable.required && !is_replaced_by_recipients(&variable.name));
        let missing = required.filter(|variable| {
            let mut names = std::iter::once(&variable.name).chain(&variable.or);
            !names.any(|name| is_present(payload, name))
        });
        missing.map(|variable| Fault::new(format!("payload.{}", variable.name), "missing")).collect()
    }

    fn invalid_ids(&self, payload: &Payload) -> Vec<Fault> {
        // Checked for every template, because these fields limit the recipients to people in their scope.
        let scopes = ["team_id", "client_id"];
        let mut names: Vec<&str> = self.audience.iter().filter_map(Concerned::field).chain(scopes).collect();
        names.sort_unstable();
        names.dedup();
        let wrong = names.into_iter().filter(|name| match payload.get(*name) {
            None | Some(Value::Null) => false,
            // All ids have the same format.
            Some(Value::String(id)) => id.parse::<UserId>().is_err(),
            Some(_) => true,
        });
        wrong.map(|name| Fault::new(format!("payload.{name}"), "invalid")).collect()
    }
}

fn is_present(payload: &Payload, name: &str) -> bool {
    payload.get(name).is_some_and(|value| !value.is_null())
}

fn url_fault(payload: &Payload) -> Option<Fault> {
    match payload.get("url")? {
        Value::Null => None,
        Value::String(url) => link_fault(url).map(|fault| Fault { field: "payload.url".into(), ..fault }),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(Fault::new("payload.url", "wrong_type"))
        }
    }
}

/// The fault of a link that is not a path within the app; its `field` is empty and set by the caller.
pub(super) fn link_fault(link: &str) -> Option<Fault> {
    let is_relative = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    // Browsers drop tabs and line ends before they parse: `/\t/evil.example` would leave the app.
    if !is_relative || link.chars().any(char::is_control) {
        return Some(Fault::new("", "not_relative"));
    }
    (link.chars().count() > MAX_LINK_CHARS)
        .then(|| Fault::new("", "too_long").with_arg("max", MAX_LINK_CHARS))
}
