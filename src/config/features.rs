//! Features that are off for all tenants. The settings of a tenant can turn off more, but turn none of these on.

use super::config_value::ConfigValue;
use super::reader::section;
use strum::{EnumString, IntoStaticStr, VariantArray};

section! {
    /// Features
    pub struct FeaturesConfig {
        /// Features turned off for every tenant, comma-separated: chat, direct, notifications, email, sms, push,
        /// presence, tickets, faq, records, meetings.
        pub off: Vec<Feature> = "FEATURES_OFF", "";
        /// Seconds after sending within which a message can be edited. 0: never.
        pub message_edit_window_secs: u32 = "MESSAGE_EDIT_WINDOW_SECS", "120", in 0..=31_536_000;
    }
}

impl FeaturesConfig {
    pub fn is_on(&self, feature: Feature) -> bool {
        !self.off.contains(&feature)
    }
}

/// A part of the service that can be off: its endpoints then return `FEATURE_DISABLED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum Feature {
    Chat,
    Direct,
    Notifications,
    Email,
    Sms,
    Push,
    Presence,
    Tickets,
    Faq,
    Records,
    Meetings,
}

impl ConfigValue for Feature {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let names: Vec<&str> = Feature::VARIANTS.iter().map(|feature| feature.into_str()).collect();
            format!("must be a comma-separated list of {}", names.join(", "))
        })
    }
}
