//! Whether a payload is what a template needs. What a template does not name is nobody's business: it is kept as data.

use guichet_base::id::UserId;
use guichet_base::{Error, Fault, Result};
use serde_json::{Map, Value};

use super::{Concerned, Template};

/// Of a link, in characters, as the database holds them.
pub(super) const MAX_LINK: usize = 2000;

type Payload = Map<String, Value>;

impl Template {
    /// All that is wrong with `payload` at once: required variables that are missing (`payload.<name>` `missing`), ids
    /// that are none, a `url` that leads out of the app. An event that names its recipients (`is_addressed`) need not say
    /// by `user_id` or `team_id` whom it is for.
    pub fn check(&self, payload: &Payload, is_addressed: bool) -> Result<()> {
        let mut faults: Vec<Fault> = self.missing(payload, is_addressed);
        faults.extend(self.wrong_ids(payload));
        faults.extend(wrong_url(payload));
        if faults.is_empty() { Ok(()) } else { Err(Error::validation(faults)) }
    }

    /// Whether the template's own audience can be found from `payload`: asked for events that name nobody.
    ///
    /// Errors: `payload.<field>` `missing`, of the first field that would do.
    pub fn check_audience(&self, payload: &Payload) -> Result<()> {
        let is_found = |source: &Concerned| source.field().is_none_or(|name| is_there(payload, name));
        if self.audience.iter().any(is_found) {
            return Ok(());
        }
        match self.audience.iter().find_map(Concerned::field) {
            Some(name) => Err(Error::invalid(format!("payload.{name}"), "missing")),
            None => Err(Error::invalid("recipients", "missing")),
        }
    }

    fn missing(&self, payload: &Payload, is_addressed: bool) -> Vec<Fault> {
        let only_addresses = |name: &str| is_addressed && matches!(name, "user_id" | "team_id");
        let required =
            self.variables.iter().filter(|variable| variable.required && !only_addresses(&variable.name));
        let missing = required.filter(|variable| {
            let mut names = std::iter::once(&variable.name).chain(&variable.or);
            !names.any(|name| is_there(payload, name))
        });
        missing.map(|variable| Fault::new(format!("payload.{}", variable.name), "missing")).collect()
    }

    fn wrong_ids(&self, payload: &Payload) -> Vec<Fault> {
        // What says whom an event concerns is read whatever the template: who is outside is not told.
        let scopes = ["team_id", "client_id"];
        let mut names: Vec<&str> = self.audience.iter().filter_map(Concerned::field).chain(scopes).collect();
        names.sort_unstable();
        names.dedup();
        let wrong = names.into_iter().filter(|name| match payload.get(*name) {
            None | Some(Value::Null) => false,
            // Every id is read alike.
            Some(Value::String(id)) => id.parse::<UserId>().is_err(),
            Some(_) => true,
        });
        wrong.map(|name| Fault::new(format!("payload.{name}"), "invalid")).collect()
    }
}

fn is_there(payload: &Payload, name: &str) -> bool {
    payload.get(name).is_some_and(|value| !value.is_null())
}

fn wrong_url(payload: &Payload) -> Option<Fault> {
    match payload.get("url")? {
        Value::Null => None,
        Value::String(url) => wrong_link(url).map(|fault| Fault { field: "payload.url".into(), ..fault }),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(Fault::new("payload.url", "wrong_type"))
        }
    }
}

/// What keeps `link` from being one within the app. The fault has no field.
pub(super) fn wrong_link(link: &str) -> Option<Fault> {
    let is_relative = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    // A browser drops tabs and line ends before it reads: `/\t/evil.example` leads out.
    if !is_relative || link.chars().any(char::is_control) {
        return Some(Fault::new("", "not_relative"));
    }
    (link.chars().count() > MAX_LINK).then(|| Fault::new("", "too_long").with("max", MAX_LINK))
}
