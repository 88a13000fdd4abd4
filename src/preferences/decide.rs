//! The one decision: whether a channel is used for somebody, and which rule at which level said so.
//!
//! Pure: the pipeline, the settings page and `explain` all stand on [`preference`] and [`decide`].

use guichet_base::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Category, Channel, PerChannel, Priority, Say};
use super::quiet::QuietHours;

/// What the levels say of one category, for one person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Levels {
    /// An operator's, for the person's client. Forces.
    pub over: Say,
    /// The person's own.
    pub own: Say,
    /// The tenant's defaults.
    pub tenant: Say,
}

/// The level that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Locked,
    Override,
    User,
    /// The tenant's default.
    Tenant,
    /// What guichet ships.
    Default,
}

/// Whether a channel is wanted for a category, and who says so.
///
/// Locked → override → own choice → the tenant's default → guichet's, which is on: a channel without an address or a
/// device reaches nobody anyway.
pub fn preference(category: Category, channel: Channel, levels: &Levels) -> (bool, Level) {
    if category.is_locked(channel) {
        return (true, Level::Locked);
    }
    let said = [(levels.over, Level::Override), (levels.own, Level::User), (levels.tenant, Level::Tenant)];
    said.into_iter()
        .find_map(|(say, level)| say.get(channel).map(|on| (on, level)))
        .unwrap_or((true, Level::Default))
}

/// What overrides for several clients of one member come to: off by any is off, else on by any is on.
///
/// Of an event that concerns one client, that client's override alone counts: then there is nothing to combine.
pub fn combine(says: &[Say]) -> Say {
    PerChannel::from_fn(|channel| {
        says.iter().filter_map(|say| *say.get(channel)).reduce(|one, other| one && other)
    })
}

/// What an event asks of each recipient.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub category: Category,
    pub priority: Priority,
    /// The most that the template may use.
    pub channels: PerChannel<bool>,
    /// Channels that are off for the tenant or for everybody (`email`, `sms`, `push` features and configuration).
    pub disabled: PerChannel<bool>,
}

/// What is known of the recipient.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    pub levels: Levels,
    /// Whether there is an address or a device to send to; in-app always has.
    pub reachable: PerChannel<bool>,
    /// Addresses that bounced or complained.
    pub suppressed: PerChannel<bool>,
    /// Whether the person gathers what is of low priority in a digest mail.
    pub has_digest: bool,
    pub quiet: Option<&'a QuietHours>,
    /// Whether the throttle holds it back. What is critical is never held.
    pub is_held: bool,
    /// Whether the event concerns a team or a client that the person has nothing to do with.
    pub is_out_of_scope: bool,
    /// Whether the person has what the event is about open before them: what would leave the house is left out.
    pub is_looking: bool,
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Sent, or not, because a level of the preferences says so.
    Preference,
    /// The recipient is not in the team, or may not see the client, that the event is about.
    TeamScope,
    /// The template does not use the channel.
    Template,
    /// The channel is switched off for the tenant or the whole service.
    Disabled,
    /// There is no address or device.
    NoAddress,
    /// The address bounced or complained.
    Suppressed,
    /// Above the rate per minute: a summary says it.
    Throttle,
    /// Gathered in the digest mail, whether or not the template uses email.
    Digest,
    /// Sent when the quiet hours end.
    QuietHours,
    /// The person has the conversation open.
    Open,
}

/// For one channel: used or not, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub sent: bool,
    pub rule: Rule,
    /// Of the preferences, where they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
}

/// What becomes of one event for one recipient.
pub type Decision = PerChannel<Verdict>;

/// `sent` for in-app: the notification shows in the feed (also when the throttle holds its push back). For the others:
/// a delivery of its own is planned.
pub fn decide(asked: &Asked, to: &Recipient<'_>, now: Timestamp) -> Decision {
    PerChannel::from_fn(|channel| verdict(asked, to, channel, now))
}

fn verdict(asked: &Asked, to: &Recipient<'_>, channel: Channel, now: Timestamp) -> Verdict {
    let no = |rule| Verdict { sent: false, rule, level: None, after: None };
    if to.is_out_of_scope {
        return no(Rule::TeamScope);
    }
    // The digest is apart from the template's channels: it gathers what is low, mailed one by one or not.
    let is_gathered = channel == Channel::Email && asked.priority == Priority::Low && to.has_digest;
    if !asked.channels.get(channel) && !is_gathered {
        return no(Rule::Template);
    }
    if *asked.disabled.get(channel) {
        return no(Rule::Disabled);
    }
    let (is_wanted, level) = preference(asked.category, channel, &to.levels);
    let by = |sent, rule, after| Verdict { sent, rule, level: Some(level), after };
    if !is_wanted {
        return by(false, Rule::Preference, None);
    }
    let is_held = to.is_held && asked.priority != Priority::Critical;
    if channel == Channel::Inapp {
        return by(true, if is_held { Rule::Throttle } else { Rule::Preference }, None);
    }
    if to.is_looking {
        return by(false, Rule::Open, None);
    }
    if !to.reachable.get(channel) {
        return by(false, Rule::NoAddress, None);
    }
    if *to.suppressed.get(channel) {
        return by(false, Rule::Suppressed, None);
    }
    // Before the throttle: the digest is one mail however much it gathers.
    if is_gathered {
        return by(false, Rule::Digest, None);
    }
    if is_held {
        return by(false, Rule::Throttle, None);
    }
    if asked.priority != Priority::Critical
        && let Some(end) = to.quiet.and_then(|quiet| quiet.end_if_within(now))
    {
        return by(true, Rule::QuietHours, Some(end));
    }
    by(true, Rule::Preference, None)
}
