//! The senders, one adapter per channel: their input, their result, and their failures.

mod log;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guichet_base::id::{DeliveryId, TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
pub use log::LogSender;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::preferences::Channel;

/// Adapter that hands deliveries of one channel to a provider.
pub trait Sender: Send + Sync + 'static {
    /// Whether sending the same delivery twice has the effect of sending it once: the provider recognizes its id, or
    /// nothing is sent. Otherwise an attempt without a response is never repeated automatically.
    fn is_idempotent(&self) -> bool;

    /// Sends the delivery. The future may be dropped at any point, which leaves the result unknown.
    fn send<'a>(&'a self, delivery: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>>;
}

/// A delivery with rendered content, which stays the same in every attempt.
#[derive(Debug, Clone)]
pub struct OutgoingDelivery {
    pub tenant: TenantId,
    /// Identifies the delivery to a provider, the same in every attempt.
    pub id: DeliveryId,
    pub user: UserId,
    pub channel: Channel,
    /// The template's code.
    pub kind: String,
    pub to: String,
    pub content: DeliveryContent,
    /// The message is useless after this time.
    pub deadline: Timestamp,
}

/// The content in the form that the channel needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DeliveryContent {
    Email {
        subject: String,
        text: String,
    },
    Push {
        title: String,
        body: String,
        /// A path within the app.
        link: Option<String>,
    },
    Sms {
        text: String,
    },
}

impl DeliveryContent {
    /// Parses a stored value. Errors: `INTERNAL` if another version wrote it.
    pub fn from_stored(stored: Value) -> Result<Self> {
        serde_json::from_value(stored).map_err(Error::internal)
    }

    pub fn to_stored(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}

/// A provider's confirmation that it accepted the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReceipt {
    pub provider: &'static str,
    /// The provider's id of the delivery.
    pub provider_id: Option<String>,
}

/// Why a send failed. The texts are stored with the delivery and logged: they contain no address, content or secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure {
    /// Not accepted; a later attempt may succeed.
    Transient(String),
    /// Not accepted, and not to be retried before `after`.
    Throttled { after: Duration },
    /// Possibly accepted: there was no response.
    Uncertain(String),
    /// This recipient cannot be reached, now or later.
    Recipient(String),
    /// The provider refuses our configuration, for every recipient.
    Configuration(String),
    /// Our request to the provider was invalid.
    Bug(String),
}

impl SendFailure {
    /// The class with which `last_error` begins.
    pub const fn class(&self) -> &'static str {
        match self {
            SendFailure::Transient(_) => "transient",
            SendFailure::Throttled { .. } => "throttled",
            SendFailure::Uncertain(_) => "uncertain",
            SendFailure::Recipient(_) => "recipient",
            SendFailure::Configuration(_) => "configuration",
            SendFailure::Bug(_) => "bug",
        }
    }

    /// The text that is stored with the delivery: the class, and the sender's message.
    pub fn to_last_error(&self) -> String {
        let message = match self {
            SendFailure::Throttled { after } => format!("for {} s", after.as_secs()),
            SendFailure::Transient(message)
            | SendFailure::Uncertain(message)
            | SendFailure::Recipient(message)
            | SendFailure::Configuration(message)
            | SendFailure::Bug(message) => message.clone(),
        };
        let error =
            if message.is_empty() { self.class().to_owned() } else { format!("{}: {message}", self.class()) };
        error.replace('\0', " ").chars().take(MAX_ERROR_CHARS).collect()
    }
}

/// Longest value of the column `deliveries.last_error`, in characters.
const MAX_ERROR_CHARS: usize = 1_000;

/// The sender of each channel.
#[derive(Clone)]
pub struct Senders {
    pub email: Arc<dyn Sender>,
    pub sms: Arc<dyn Sender>,
    pub push: Arc<dyn Sender>,
}

impl Senders {
    /// One sender for all channels.
    pub fn uniform(sender: Arc<dyn Sender>) -> Self {
        Self { email: Arc::clone(&sender), sms: Arc::clone(&sender), push: sender }
    }

    /// `None` for in-app, which needs no sender.
    pub fn for_channel(&self, channel: Channel) -> Option<&dyn Sender> {
        match channel {
            Channel::Inapp => None,
            Channel::Email => Some(&*self.email),
            Channel::Sms => Some(&*self.sms),
            Channel::Push => Some(&*self.push),
        }
    }

    /// Sends a delivery with the sender of its channel. If the sender panics, the result is `Uncertain`.
    pub async fn send(&self, delivery: &OutgoingDelivery) -> Result<SendReceipt, SendFailure> {
        let Some(sender) = self.for_channel(delivery.channel) else {
            return Err(SendFailure::Bug("the in-app channel has no sender".to_owned()));
        };
        let panicked = |_: Box<dyn Any + Send>| Err(SendFailure::Uncertain("the sender panicked".to_owned()));
        AssertUnwindSafe(async { sender.send(delivery).await }).catch_unwind().await.unwrap_or_else(panicked)
    }
}
