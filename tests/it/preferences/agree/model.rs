//! An independent model of the decision: written from the specification in the simplest terms, sharing only names
//! with the code.

use std::collections::BTreeMap;

use guichet_base::Timestamp;

pub const CHANNELS: [&str; 4] = ["inapp", "email", "sms", "push"];

/// The choice of one level for each channel.
pub type Said = BTreeMap<&'static str, bool>;

/// Everything that the test has set so far.
#[derive(Debug, Default)]
pub struct State {
    pub own: BTreeMap<(&'static str, &'static str), Said>,
    pub over: BTreeMap<(&'static str, &'static str), Said>,
    pub tenant: BTreeMap<&'static str, Said>,
    /// Channels turned off for the tenant.
    pub off: Vec<&'static str>,
    pub templates: BTreeMap<&'static str, (Vec<&'static str>, &'static str)>,
    pub digest: Vec<&'static str>,
    /// The end of people's quiet hours.
    pub quiet: BTreeMap<&'static str, Timestamp>,
    pub without_email: Vec<&'static str>,
    pub without_phone: Vec<&'static str>,
    pub in_team: Vec<&'static str>,
}

/// One event for one person.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub code: &'static str,
    pub category: &'static str,
    pub person: &'static str,
    pub client: Option<&'static str>,
    pub of_team: bool,
    pub held: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub sent: bool,
    pub rule: &'static str,
    pub level: Option<&'static str>,
    pub after: Option<Timestamp>,
}

/// The members of a client; Chloé is a member of two.
fn members_of(client: &str) -> &'static [&'static str] {
    match client {
        "nord" => &["chloe"],
        _ => &["chloe", "bruno"],
    }
}

/// Whether a person may see a client.
fn sees(person: &str, client: &str) -> bool {
    match person {
        "awa" | "denis" => true,
        "emma" => client == "nord",
        "karim" => client == "sud",
        member => members_of(client).contains(&member),
    }
}

/// Off if any says off; else on if any says on.
fn forced(state: &State, event: &Event, channel: &str) -> Option<bool> {
    let clients = match event.client {
        Some(one) => vec![one],
        None => vec!["nord", "sud"],
    };
    let said: Vec<bool> = clients
        .into_iter()
        .filter(|client| members_of(client).contains(&event.person))
        .filter_map(|client| state.over.get(&(client, event.category))?.get(channel).copied())
        .collect();
    match (said.contains(&false), said.contains(&true)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// Whether the channel is wanted, and the level that decided.
fn wanted(state: &State, event: &Event, channel: &str) -> (bool, &'static str) {
    if channel == "inapp" && ["system", "graduation"].contains(&event.category) {
        return (true, "locked");
    }
    if let Some(on) = forced(state, event, channel) {
        return (on, "override");
    }
    let own = state.own.get(&(event.person, event.category)).and_then(|said| said.get(channel));
    if let Some(on) = own {
        return (*on, "user");
    }
    match state.tenant.get(event.category).and_then(|said| said.get(channel)) {
        Some(on) => (*on, "tenant"),
        None => (true, "default"),
    }
}

pub fn expected(state: &State, event: &Event, channel: &'static str) -> Outcome {
    let (channels, priority) = &state.templates[event.code];
    let no = |rule, level| Outcome { sent: false, rule, level, after: None };
    let is_out = (event.of_team && !state.in_team.contains(&event.person))
        || event.client.is_some_and(|client| !sees(event.person, client));
    if is_out {
        return no("team_scope", None);
    }
    let gathered = channel == "email" && *priority == "low" && state.digest.contains(&event.person);
    if !channels.contains(&channel) && !gathered {
        return no("template", None);
    }
    // This version sends no pushes.
    if state.off.contains(&channel) || channel == "push" {
        return no("disabled", None);
    }
    let (on, level) = wanted(state, event, channel);
    if !on {
        return no("preference", Some(level));
    }
    let level = Some(level);
    let held = event.held && *priority != "critical";
    if channel == "inapp" {
        return Outcome {
            sent: true,
            rule: if held { "throttle" } else { "preference" },
            level,
            after: None,
        };
    }
    let without = if channel == "email" { &state.without_email } else { &state.without_phone };
    if without.contains(&event.person) {
        return no("no_address", level);
    }
    if gathered {
        return no("digest", level);
    }
    if held {
        return no("throttle", level);
    }
    match state.quiet.get(event.person) {
        Some(end) if *priority != "critical" => {
            Outcome { sent: true, rule: "quiet_hours", level, after: Some(*end) }
        }
        _ => Outcome { sent: true, rule: "preference", level, after: None },
    }
}
