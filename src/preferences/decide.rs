//! The decision whether a channel is used for a recipient, and which rule at which level decided.
//!
//! Pure: the pipeline, the settings page and `explain` all use [`resolve_preference`] and [`decide`].

use guichet_base::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Category, Channel, ChannelChoices, PerChannel, Priority};
use super::quiet::QuietHours;

/// The choices of each level for one category and one person.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreferenceLevels {
    /// The operator's override for the person's client; it wins over the person's choice.
    pub client_override: ChannelChoices,
    /// The person's own.
    pub user: ChannelChoices,
    /// The tenant's defaults.
    pub tenant_default: ChannelChoices,
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
    /// The default of guichet.
    Default,
}

/// Resolves whether a channel is wanted for a category, and which level decides.
///
/// Locked → override → own choice → the tenant's default → guichet's default, which is on: without an address or a
/// device, nothing is sent anyway.
pub fn resolve_preference(
    category: Category,
    channel: Channel,
    levels: &PreferenceLevels,
) -> (bool, PreferenceLevel) {
    if category.is_locked(channel) {
        return (true, PreferenceLevel::Locked);
    }
    let said = [
        (levels.client_override, PreferenceLevel::Override),
        (levels.user, PreferenceLevel::User),
        (levels.tenant_default, PreferenceLevel::Tenant),
    ];
    said.into_iter()
        .find_map(|(say, level)| say.get(channel).map(|on| (on, level)))
        .unwrap_or((true, PreferenceLevel::Default))
}

/// Combines the overrides for several clients of one member: off if any says off, else on if any says on.
///
/// For an event about one client, only that client's override counts, and there is nothing to combine.
pub fn combine_choices(says: &[ChannelChoices]) -> ChannelChoices {
    PerChannel::from_fn(|channel| {
        says.iter().filter_map(|say| *say.get(channel)).reduce(|one, other| one && other)
    })
}

/// The properties of an event that decide for every recipient.
#[derive(Debug, Clone, Copy)]
pub struct EventProfile {
    pub category: Category,
    pub priority: Priority,
    /// The channels that the template may use.
    pub channels: PerChannel<bool>,
    /// Channels that are off for the tenant or the service (`email`, `sms`, `push` features and configuration).
    pub disabled: PerChannel<bool>,
}

/// The properties of a recipient that decide.
#[derive(Debug, Clone, Copy)]
pub struct RecipientProfile<'a> {
    pub levels: PreferenceLevels,
    /// Whether there is an address or a device; always true for in-app.
    pub reachable: PerChannel<bool>,
    /// Addresses that bounced or complained.
    pub suppressed: PerChannel<bool>,
    /// Whether the person receives notifications of low priority in a digest mail.
    pub has_digest: bool,
    pub quiet_hours: Option<&'a QuietHours>,
    /// Whether the rate limit holds the push back. Critical notifications are never held.
    pub is_throttled: bool,
    /// Whether the event is about a team or a client to which the person is not related.
    pub is_out_of_scope: bool,
    /// Whether the person has the subject of the event open: deliveries outside the app are then skipped.
    pub has_subject_open: bool,
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionRule {
    /// A preference level decided.
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
    /// Above the rate per minute: a summary replaces the push.
    Throttle,
    /// Collected into the digest mail, whether or not the template uses email.
    Digest,
    /// Delayed until the quiet hours end.
    QuietHours,
    /// The person has the conversation open.
    Open,
}

/// The decision for one channel, with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelDecision {
    pub sent: bool,
    pub rule: DecisionRule,
    /// The preference level, if preferences were consulted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<PreferenceLevel>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
}

/// The decision of one event for one recipient.
pub type Decision = PerChannel<ChannelDecision>;

/// `sent` for in-app means that the notification is in the feed, even if the rate limit holds its push back. For the
/// other channels it means that a delivery is planned.
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
    // The digest is independent of the template's channels: it collects low-priority notifications whether or not
    // they are mailed.
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
    let is_held = to.is_throttled && asked.priority != Priority::Critical;
    if channel == Channel::Inapp {
        return by(true, if is_held { DecisionRule::Throttle } else { DecisionRule::Preference }, None);
    }
    if to.has_subject_open {
        return by(false, DecisionRule::Open, None);
    }
    if !to.reachable.get(channel) {
        return by(false, DecisionRule::NoAddress, None);
    }
    if *to.suppressed.get(channel) {
        return by(false, DecisionRule::Suppressed, None);
    }
    // Before the rate limit: a digest is one mail however much it contains.
    if is_gathered {
        return by(false, DecisionRule::Digest, None);
    }
    if is_held {
        return by(false, DecisionRule::Throttle, None);
    }
    if asked.priority != Priority::Critical
        && let Some(end) = to.quiet_hours.and_then(|quiet| quiet.end_if_within(now))
    {
        return by(true, DecisionRule::QuietHours, Some(end));
    }
    by(true, DecisionRule::Preference, None)
}
