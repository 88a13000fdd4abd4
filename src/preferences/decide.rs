//! The one decision: whether a channel is used for somebody, and which rule at which level said so.
//!
//! Pure: the pipeline, the settings page and `explain` all stand on [`resolve_preference`] and [`decide`].

use guichet_base::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Category, Channel, ChannelChoices, PerChannel, Priority};
use super::quiet::QuietHours;

/// What the levels say of one category, for one person.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreferenceLevels {
    /// An operator's, for the person's client. Forces.
    pub over: ChannelChoices,
    /// The person's own.
    pub own: ChannelChoices,
    /// The tenant's defaults.
    pub tenant: ChannelChoices,
}

/// The level that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreferenceLevel {
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
pub fn resolve_preference(
    category: Category,
    channel: Channel,
    levels: &PreferenceLevels,
) -> (bool, PreferenceLevel) {
    if category.is_locked(channel) {
        return (true, PreferenceLevel::Locked);
    }
    let said = [
        (levels.over, PreferenceLevel::Override),
        (levels.own, PreferenceLevel::User),
        (levels.tenant, PreferenceLevel::Tenant),
    ];
    said.into_iter()
        .find_map(|(say, level)| say.get(channel).map(|on| (on, level)))
        .unwrap_or((true, PreferenceLevel::Default))
}

/// What overrides for several clients of one member come to: off by any is off, else on by any is on.
///
/// Of an event that concerns one client, that client's override alone counts: then there is nothing to combine.
pub fn combine_overrides(says: &[ChannelChoices]) -> ChannelChoices {
    PerChannel::from_fn(|channel| {
        says.iter().filter_map(|say| *say.get(channel)).reduce(|one, other| one && other)
    })
}

/// What an event asks of each recipient.
#[derive(Debug, Clone, Copy)]
pub struct EventProfile {
    pub category: Category,
    pub priority: Priority,
    /// The most that the template may use.
    pub channels: PerChannel<bool>,
    /// Channels that are off for the tenant or for everybody (`email`, `sms`, `push` features and configuration).
    pub disabled: PerChannel<bool>,
}

/// What is known of the recipient.
#[derive(Debug, Clone, Copy)]
pub struct RecipientProfile<'a> {
    pub levels: PreferenceLevels,
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
pub enum DecisionRule {
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
pub struct ChannelDecision {
    pub sent: bool,
    pub rule: DecisionRule,
    /// Of the preferences, where they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<PreferenceLevel>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
}

/// What becomes of one event for one recipient.
pub type Decision = PerChannel<ChannelDecision>;

/// `sent` for in-app: the notification shows in the feed (also when the throttle holds its push back). For the others:
/// a delivery of its own is planned.
pub fn decide(asked: &EventProfile, to: &RecipientProfile<'_>, now: Timestamp) -> Decision {
    PerChannel::from_fn(|channel| decide_channel(asked, to, channel, now))
}

fn decide_channel(
    asked: &EventProfile,
    to: &RecipientProfile<'_>,
    channel: Channel,
    now: Timestamp,
) -> ChannelDecision {
    let no = |rule| ChannelDecision { sent: false, rule, level: None, after: None };
    if to.is_out_of_scope {
        return no(DecisionRule::TeamScope);
    }
    // The digest is apart from the template's channels: it gathers what is low, mailed one by one or not.
    let is_gathered = channel == Channel::Email && asked.priority == Priority::Low && to.has_digest;
    if !asked.channels.get(channel) && !is_gathered {
        return no(DecisionRule::Template);
    }
    if *asked.disabled.get(channel) {
        return no(DecisionRule::Disabled);
    }
    let (is_wanted, level) = resolve_preference(asked.category, channel, &to.levels);
    let by = |sent, rule, after| ChannelDecision { sent, rule, level: Some(level), after };
    if !is_wanted {
        return by(false, DecisionRule::Preference, None);
    }
    let is_held = to.is_held && asked.priority != Priority::Critical;
    if channel == Channel::Inapp {
        return by(true, if is_held { DecisionRule::Throttle } else { DecisionRule::Preference }, None);
    }
    if to.is_looking {
        return by(false, DecisionRule::Open, None);
    }
    if !to.reachable.get(channel) {
        return by(false, DecisionRule::NoAddress, None);
    }
    if *to.suppressed.get(channel) {
        return by(false, DecisionRule::Suppressed, None);
    }
    // Before the throttle: the digest is one mail however much it gathers.
    if is_gathered {
        return by(false, DecisionRule::Digest, None);
    }
    if is_held {
        return by(false, DecisionRule::Throttle, None);
    }
    if asked.priority != Priority::Critical
        && let Some(end) = to.quiet.and_then(|quiet| quiet.end_if_within(now))
    {
        return by(true, DecisionRule::QuietHours, Some(end));
    }
    by(true, DecisionRule::Preference, None)
}
