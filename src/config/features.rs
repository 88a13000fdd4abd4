//! Features of the service, for all tenants. A tenant's settings can turn off more, and turn nothing on again.

use super::config_value::ConfigValue;
use super::reader::section;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Feature {
    pub const ALL: [Feature; 11] = [
        Feature::Chat,
        Feature::Direct,
        Feature::Notifications,
        Feature::Email,
        Feature::Sms,
        Feature::Push,
        Feature::Presence,
        Feature::Tickets,
        Feature::Faq,
        Feature::Records,
        Feature::Meetings,
    ];

    /// The name in `FEATURES_OFF`, in a tenant's settings, and in `GET /me`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Feature::Chat => "chat",
            Feature::Direct => "direct",
            Feature::Notifications => "notifications",
            Feature::Email => "email",
            Feature::Sms => "sms",
            Feature::Push => "push",
            Feature::Presence => "presence",
            Feature::Tickets => "tickets",
            Feature::Faq => "faq",
            Feature::Records => "records",
            Feature::Meetings => "meetings",
        }
    }

    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.as_str() == word)
    }
}

impl ConfigValue for Feature {
    fn parse(text: &str) -> Result<Self, String> {
        Feature::from_name(text).ok_or_else(|| {
            let words = Feature::ALL.map(Feature::as_str).join(", ");
            format!("must be some of {words}")
        })
    }
}
