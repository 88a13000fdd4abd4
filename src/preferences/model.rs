//! The values of preferences: categories, channels, priorities, and one value per channel.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// A group of notifications that people set preferences for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Message,
    Validation,
    Alert,
    System,
    Graduation,
    Payment,
    Ticket,
    Meeting,
    Mandat,
    Organisation,
    Task,
    Note,
    Document,
    Pipeline,
    Report,
}

/// A way to reach a person.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Inapp,
    Email,
    Sms,
    Push,
}

/// Importance of an event. Critical ignores quiet hours and the throttle; low waits for the digest of people with one.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Low,
    Normal,
    High,
    Critical,
}

impl Category {
    /// Whether `channel` cannot be turned off.
    pub const fn is_locked(self, channel: Channel) -> bool {
        matches!((self, channel), (Category::System | Category::Graduation, Channel::Inapp))
    }
}

/// One value per channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PerChannel<T> {
    pub inapp: T,
    pub email: T,
    pub sms: T,
    pub push: T,
}

impl<T> PerChannel<T> {
    pub fn from_fn(mut value: impl FnMut(Channel) -> T) -> Self {
        Self {
            inapp: value(Channel::Inapp),
            email: value(Channel::Email),
            sms: value(Channel::Sms),
            push: value(Channel::Push),
        }
    }

    pub const fn get(&self, channel: Channel) -> &T {
        match channel {
            Channel::Inapp => &self.inapp,
            Channel::Email => &self.email,
            Channel::Sms => &self.sms,
            Channel::Push => &self.push,
        }
    }

    pub const fn get_mut(&mut self, channel: Channel) -> &mut T {
        match channel {
            Channel::Inapp => &mut self.inapp,
            Channel::Email => &mut self.email,
            Channel::Sms => &mut self.sms,
            Channel::Push => &mut self.push,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Channel, &T)> {
        Channel::VARIANTS.iter().map(|channel| (*channel, self.get(*channel)))
    }
}

/// The choices of one preference level; `None` means that the level sets nothing for the channel.
pub type ChannelChoices = PerChannel<Option<bool>>;

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{Category, Channel, Priority};

    #[test]
    fn a_word_is_the_same_in_json() {
        for category in Category::VARIANTS {
            assert_eq!(serde_json::json!(category), category.into_str());
        }
        for channel in Channel::VARIANTS {
            assert_eq!(serde_json::json!(channel), channel.into_str());
        }
        for priority in Priority::VARIANTS {
            assert_eq!(serde_json::json!(priority), priority.into_str());
        }
    }
}
