//! The rows of the settings page: for every category and channel, whether it is on, and why.

use serde::Serialize;
use utoipa::ToSchema;

use super::decide::{PreferenceLevel, PreferenceLevels, resolve_preference};
use super::model::{Category, PerChannel};

/// Why a channel is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreferenceReason {
    /// The default of the tenant or of guichet.
    Default,
    /// The person's own choice.
    User,
    /// An operator's override for the person's client.
    Override,
    /// The channel cannot be turned off for the category.
    Locked,
    /// The address bounced or complained.
    Suppressed,
}

impl From<PreferenceLevel> for PreferenceReason {
    fn from(level: PreferenceLevel) -> Self {
        match level {
            PreferenceLevel::Locked => PreferenceReason::Locked,
            PreferenceLevel::Override => PreferenceReason::Override,
            PreferenceLevel::User => PreferenceReason::User,
            PreferenceLevel::Tenant | PreferenceLevel::Default => PreferenceReason::Default,
        }
    }
}

/// Whether a channel is on for a category, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EffectiveChannel {
    pub on: bool,
    pub why: PreferenceReason,
}

/// One row of the settings page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryPreferences {
    pub category: Category,
    pub channels: PerChannel<EffectiveChannel>,
}

impl CategoryPreferences {
    /// Resolves a category. A channel whose address is `suppressed` is off, even if the preferences turn it on.
    pub fn resolve(category: Category, levels: &PreferenceLevels, suppressed: &PerChannel<bool>) -> Self {
        let channels = PerChannel::from_fn(|channel| match resolve_preference(category, channel, levels) {
            (true, _) if *suppressed.get(channel) => {
                EffectiveChannel { on: false, why: PreferenceReason::Suppressed }
            }
            (on, level) => EffectiveChannel { on, why: level.into() },
        });
        Self { category, channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preferences::model::{Channel, ChannelChoices};

    #[test]
    fn a_suppressed_address_is_off_for_that_reason_and_what_was_off_anyway_keeps_its_own() {
        let levels = PreferenceLevels {
            user: ChannelChoices { email: Some(true), sms: Some(false), ..ChannelChoices::default() },
            ..PreferenceLevels::default()
        };
        let suppressed = PerChannel { email: true, sms: true, ..PerChannel::default() };
        let shown = CategoryPreferences::resolve(Category::Message, &levels, &suppressed);
        assert_eq!(
            *shown.channels.get(Channel::Email),
            EffectiveChannel { on: false, why: PreferenceReason::Suppressed }
        );
        assert_eq!(
            *shown.channels.get(Channel::Sms),
            EffectiveChannel { on: false, why: PreferenceReason::User }
        );
        assert_eq!(
            *shown.channels.get(Channel::Push),
            EffectiveChannel { on: true, why: PreferenceReason::Default }
        );
    }
}
