//! The decision whether a channel is used for a recipient, and which rule at which level decided.
//!
//! Without I/O. The planning of deliveries, the settings page and `explain` use the same functions.

use guichet_base::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Category, Channel, ChannelChoices, PerChannel, Priority};
use super::quiet::QuietHours;

/// The choices of each level for one category and one person.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreferenceLevels {
    /// The operators' override for the person's clients; it wins over the person's choices.
    pub client_override: ChannelChoices,
    /// The person's own choices.
    pub user: ChannelChoices,
    /// The tenant's defaults.
    pub tenant_default: ChannelChoices,
}

/// The level whose choice applies.
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
/// Strongest first: locked, override, the person's choice, the tenant's default, guichet's default. The last is on:
/// without an address or a device, nothing is sent anyway.
pub fn resolve_preference(
    category: Category,
    channel: Channel,
    levels: &PreferenceLevels,
) -> (bool, PreferenceLevel) {
    if category.is_locked(channel) {
        return (true, PreferenceLevel::Locked);
    }
    let choices_by_level = [
        (levels.client_override, PreferenceLevel::Override),
        (levels.user, PreferenceLevel::User),
        (levels.tenant_default, PreferenceLevel::Tenant),
    ];
    choices_by_level
        .into_iter()
        .find_map(|(choices, level)| choices.get(channel).map(|on| (on, level)))
        .unwrap_or((true, PreferenceLevel::Default))
}

/// Combines the overrides for several clients of one member: off if any is off, else on if any is on, else not set.
///
/// For an event about one client, only that client's override counts, and there is nothing to combine.
pub fn combine_choices(says: &[ChannelChoices]) -> ChannelChoices {
    PerChannel::from_fn(|channel| {
        says.iter().filter_map(|choices| *choices.get(channel)).reduce(|a, b| a && b)
    })
}

/// The properties of an event that the decision uses, the same for every recipient.
#[derive(Debug, Clone, Copy)]
pub struct EventProfile {
    pub category: Category,
    pub priority: Priority,
    /// The channels that the template may use.
    pub channels: PerChannel<bool>,
    /// Channels that are off for the tenant or the service (`email`, `sms`, `push` features and configuration).
    pub disabled: PerChannel<bool>,
}

/// The properties of a recipient that the decision uses.
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
    /// Whether the person is above the rate limit (throttle). Critical notifications ignore it.
    pub is_throttled: bool,
    /// Whether the event is about a team or a client to which the person is not related.
    pub is_out_of_scope: bool,
    /// Whether the person has the subject of the event open: deliveries outside the app are then skipped.
    pub has_subject_open: bool,
}

/// The reason for a channel decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionRule {
    /// A preference level decided, see [`ChannelDecision::level`].
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
    /// The person is above the rate per minute: a summary replaces the outbound deliveries.
    Throttle,
    /// Collected into the digest mail, whether or not the template uses email.
    Digest,
    /// Delayed until the quiet hours end.
    QuietHours,
    /// The person has the subject of the event open, for example the conversation.
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

/// The decision for one event and one recipient: one per channel.
pub type Decision = PerChannel<ChannelDecision>;

/// Decides every channel for a recipient. For in-app, `sent` means that the notification is in the feed, even above
/// the rate limit. For the other channels it means that a delivery is planned.
pub fn decide(event: &EventProfile, recipient: &RecipientProfile<'_>, now: Timestamp) -> Decision {
    PerChannel::from_fn(|channel| decide_channel(event, recipient, channel, now))
}

fn decide_channel(
    event: &EventProfile,
    recipient: &RecipientProfile<'_>,
    channel: Channel,
    now: Timestamp,
) -> ChannelDecision {
    let not_sent = |rule| ChannelDecision { sent: false, rule, level: None, after: None };
    if recipient.is_out_of_scope {
        return not_sent(DecisionRule::TeamScope);
    }
    // The digest is independent of the template's channels: it collects low-priority notifications whether or not
    // they are sent by email.
    let is_for_digest = channel == Channel::Email && event.priority == Priority::Low && recipient.has_digest;
    if !event.channels.get(channel) && !is_for_digest {
        return not_sent(DecisionRule::Template);
    }
    if *event.disabled.get(channel) {
        return not_sent(DecisionRule::Disabled);
    }
    let (is_wanted, level) = resolve_preference(event.category, channel, &recipient.levels);
    let decision = |sent, rule, after| ChannelDecision { sent, rule, level: Some(level), after };
    if !is_wanted {
        return decision(false, DecisionRule::Preference, None);
    }
    let is_throttled = recipient.is_throttled && event.priority != Priority::Critical;
    if channel == Channel::Inapp {
        return decision(
            true,
            if is_throttled { DecisionRule::Throttle } else { DecisionRule::Preference },
            None,
        );
    }
    if recipient.has_subject_open {
        return decision(false, DecisionRule::Open, None);
    }
    if !recipient.reachable.get(channel) {
        return decision(false, DecisionRule::NoAddress, None);
    }
    if *recipient.suppressed.get(channel) {
        return decision(false, DecisionRule::Suppressed, None);
    }
    // Before the rate limit, since a digest is one email, whatever it contains.
    if is_for_digest {
        return decision(false, DecisionRule::Digest, None);
    }
    if is_throttled {
        return decision(false, DecisionRule::Throttle, None);
    }
    if event.priority != Priority::Critical
        && let Some(end) = recipient.quiet_hours.and_then(|quiet| quiet.end_if_within(now))
    {
        return decision(true, DecisionRule::QuietHours, Some(end));
    }
    decision(true, DecisionRule::Preference, None)
}
