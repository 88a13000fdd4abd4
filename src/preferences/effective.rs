//! What a settings page shows: every category and channel, whether it is on, and why.

use serde::Serialize;
use utoipa::ToSchema;

use super::decide::{Level, Levels, preference};
use super::model::{Category, PerChannel};

/// Why a channel is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Nobody said anything but the tenant or guichet.
    Default,
    /// The person's own choice.
    User,
    /// An operator's, for the person's client.
    Override,
    /// It cannot be switched off.
    Locked,
    /// The address bounced or complained.
    Suppressed,
}

impl From<Level> for Why {
    fn from(level: Level) -> Self {
        match level {
            Level::Locked => Why::Locked,
            Level::Override => Why::Override,
            Level::User => Why::User,
            Level::Tenant | Level::Default => Why::Default,
        }
    }
}

/// Whether a channel is on for a category, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Effective {
    pub on: bool,
    pub why: Why,
}

/// One line of a settings page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryPreferences {
    pub category: Category,
    pub channels: PerChannel<Effective>,
}

impl CategoryPreferences {
    /// `suppressed`: addresses that bounced or complained. They take the place of whatever would switch the channel on.
    pub fn of(category: Category, levels: &Levels, suppressed: &PerChannel<bool>) -> Self {
        let channels = PerChannel::from_fn(|channel| match preference(category, channel, levels) {
            (true, _) if *suppressed.get(channel) => Effective { on: false, why: Why::Suppressed },
            (on, level) => Effective { on, why: level.into() },
        });
        Self { category, channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preferences::model::{Channel, Say};

    #[test]
    fn a_suppressed_address_is_off_for_that_reason_and_what_was_off_anyway_keeps_its_own() {
        let levels = Levels {
            own: Say { email: Some(true), sms: Some(false), ..Say::default() },
            ..Levels::default()
        };
        let suppressed = PerChannel { email: true, sms: true, ..PerChannel::default() };
        let shown = CategoryPreferences::of(Category::Message, &levels, &suppressed);
        assert_eq!(*shown.channels.get(Channel::Email), Effective { on: false, why: Why::Suppressed });
        assert_eq!(*shown.channels.get(Channel::Sms), Effective { on: false, why: Why::User });
        assert_eq!(*shown.channels.get(Channel::Push), Effective { on: true, why: Why::Default });
    }
}
