//! A delivery as stored and as the API returns it, and filters of the list.

use std::fmt;
use strum::{EnumString, IntoStaticStr, VariantArray};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guichet_base::Timestamp;
use guichet_base::id::{DeliveryId, NotificationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::preferences::Channel;

/// The state of a delivery.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    Queued,
    /// An attempt began. With a `last_error` of `uncertain…`, its result is unknown.
    Sending,
    /// A provider accepted it.
    Sent,
    Delivered,
    Opened,
    Bounced,
    Failed,
    /// The recheck before sending found that it is no longer wanted.
    Skipped,
}

impl DeliveryStatus {
    /// Final states of deliveries that did not arrive.
    pub const RETRYABLE: [DeliveryStatus; 3] =
        [DeliveryStatus::Failed, DeliveryStatus::Bounced, DeliveryStatus::Skipped];
}

/// Queue priority of a delivery. Lanes do not wait for each other: a broadcast never delays a critical alert.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Critical,
    Normal,
    Bulk,
}

impl Lane {
    /// The value of the column `deliveries.lane`.
    pub const fn number(self) -> i32 {
        match self {
            Lane::Critical => 0,
            Lane::Normal => 1,
            Lane::Bulk => 2,
        }
    }

    pub fn from_number(number: i32) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|lane| lane.number() == number)
    }
}

/// The channels that need a sender: all except in-app.
pub const OUTBOUND_CHANNELS: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Push];

/// One email, SMS or push to one address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub id: DeliveryId,
    /// Null for digests and samples.
    #[schema(required)]
    pub notification_id: Option<NotificationId>,
    #[schema(required)]
    pub ticket_id: Option<Uuid>,
    pub user_id: UserId,
    pub channel: Channel,
    /// The template's code.
    #[serde(rename = "type")]
    #[schema(example = "ticket.created")]
    pub kind: String,
    /// Complete for email and SMS, masked for push: a device token is a secret.
    #[schema(example = "ada@example.com")]
    pub to_address: String,
    pub lane: Lane,
    pub status: DeliveryStatus,
    pub attempts: i32,
    pub next_attempt_at: Timestamp,
    /// No attempt begins after this time.
    pub deadline_at: Timestamp,
    #[schema(required, example = "log")]
    pub provider: Option<String>,
    #[schema(required)]
    pub provider_id: Option<String>,
    /// The title, shown in lists instead of the content.
    #[schema(required)]
    pub payload_excerpt: Option<String>,
    /// The class of the last failure and the provider's message, or the reason why it was skipped.
    #[schema(required, example = "preference_off")]
    pub last_error: Option<String>,
    #[schema(required)]
    pub sent_at: Option<Timestamp>,
    #[schema(required)]
    pub delivered_at: Option<Timestamp>,
    #[schema(required)]
    pub opened_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Filters of a list, which is sorted newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub status: Option<DeliveryStatus>,
    pub channel: Option<Channel>,
    pub kind: Option<String>,
    pub user: Option<UserId>,
    pub notification: Option<NotificationId>,
    /// The start of `last_error`.
    pub error_prefix: Option<String>,
    /// Created at or after this time.
    pub since: Option<Timestamp>,
    pub after: Option<DeliveryCursor>,
    pub limit: i64,
}

/// Points at the last delivery of a page; the next page starts after it. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryCursor {
    pub created_at: Timestamp,
    pub id: DeliveryId,
}

impl DeliveryCursor {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (millis, id) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            created_at: Timestamp::from_millis(i64::from_be_bytes(*millis)),
            id: DeliveryId(Uuid::from_slice(id).ok()?),
        })
    }
}

impl fmt::Display for DeliveryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.created_at.as_millis().to_be_bytes()[..], self.id.0.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Masks an address for logs: different addresses stay distinguishable, but unusable.
pub fn mask_address(channel: Channel, address: &str) -> String {
    let domain = address.rsplit_once('@').filter(|_| channel == Channel::Email);
    if let Some((name, domain)) = domain {
        return format!("{}***@{domain}", name.chars().take(1).collect::<String>());
    }
    // A short address is masked entirely, since two characters would reveal most of it.
    let chars: Vec<char> = address.chars().collect();
    let tail: String = chars.iter().skip(chars.len().saturating_sub(2)).filter(|_| chars.len() > 6).collect();
    format!("***{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let cursor =
            DeliveryCursor { created_at: Timestamp::from_millis(1_700_000_000_123), id: DeliveryId::new() };
        assert_eq!(DeliveryCursor::parse(&cursor.to_string()), Some(cursor));
        for wrong in ["", "x", "AAAA", &"A".repeat(33), "é"] {
            assert_eq!(DeliveryCursor::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_masked_address_cannot_be_written_to() {
        assert_eq!(mask_address(Channel::Email, "ada@example.com"), "a***@example.com");
        assert_eq!(mask_address(Channel::Email, "not an address"), "***ss");
        assert_eq!(mask_address(Channel::Sms, "+33 6 12 34 56 78"), "***78");
        assert_eq!(mask_address(Channel::Push, "token"), "***");
        assert_eq!(mask_address(Channel::Push, "a@b.example-token"), "***en");
    }

    #[test]
    fn every_word_is_read_back() {
        for status in DeliveryStatus::VARIANTS {
            assert_eq!(status.into_str().parse::<DeliveryStatus>().ok(), Some(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.into_str());
        }
        for lane in Lane::VARIANTS {
            assert_eq!(Lane::from_number(lane.number()), Some(*lane));
        }
        assert_eq!(("Sent".parse::<DeliveryStatus>().ok(), Lane::from_number(3)), (None, None));
    }
}
