//! The values of preferences: categories, channels, priorities, and one value per channel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        // The description of the API does not see a word that came through this macro; the test holds the two alike.
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The name in the API and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What people set preferences for.
    Category {
        Message => "message",
        Validation => "validation",
        Alert => "alert",
        System => "system",
        Graduation => "graduation",
        Payment => "payment",
        Ticket => "ticket",
        Meeting => "meeting",
        Mandat => "mandat",
        Organisation => "organisation",
        Task => "task",
        Note => "note",
        Document => "document",
        Pipeline => "pipeline",
        Report => "report",
    }
}

words! {
    /// A way to reach a person.
    Channel {
        Inapp => "inapp",
        Email => "email",
        Sms => "sms",
        Push => "push",
    }
}

words! {
    /// The urgency. Critical ignores quiet hours and the rate limit; low waits for the digest of people who have one.
    Priority {
        Low => "low",
        Normal => "normal",
        High => "high",
        Critical => "critical",
    }
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
        Channel::ALL.iter().map(|channel| (*channel, self.get(*channel)))
    }
}

/// The choice of one level per channel; `None` means no choice.
pub type ChannelChoices = PerChannel<Option<bool>>;

#[cfg(test)]
mod tests {
    use super::{Category, Channel, Priority};

    #[test]
    fn a_word_is_the_same_in_json() {
        for category in Category::ALL {
            assert_eq!(serde_json::json!(category), category.as_str());
        }
        for channel in Channel::ALL {
            assert_eq!(serde_json::json!(channel), channel.as_str());
        }
        for priority in Priority::ALL {
            assert_eq!(serde_json::json!(priority), priority.as_str());
        }
    }
}
