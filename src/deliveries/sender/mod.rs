//! One adapter per channel: what it is given, what it answers, and how it fails.

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

/// A way out of the house for one channel.
pub trait Sender: Send + Sync + 'static {
    /// Whether handing the same delivery over twice has the effect of one: the provider knows it again by its id, or
    /// nothing leaves at all. Else an attempt without an answer is never made again by itself.
    fn is_idempotent(&self) -> bool;

    /// Hands `what` over. May be dropped at any point, which leaves its end unknown.
    fn send<'a>(&'a self, what: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>>;
}

/// What is to be sent, frozen before its first attempt.
#[derive(Debug, Clone)]
pub struct OutgoingDelivery {
    pub tenant: TenantId,
    /// Names the delivery to a provider, at every attempt alike.
    pub id: DeliveryId,
    pub user: UserId,
    pub channel: Channel,
    /// The template's code.
    pub kind: String,
    pub to: String,
    pub content: DeliveryContent,
    /// After it the message is of no more use.
    pub deadline: Timestamp,
}

/// The words, as the channel needs them.
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
        /// Relative to the app.
        link: Option<String>,
    },
    Sms {
        text: String,
    },
}

impl DeliveryContent {
    /// Reads what was stored. Errors: `INTERNAL`, where another version wrote it.
    pub fn of_stored(stored: Value) -> Result<Self> {
        serde_json::from_value(stored).map_err(Error::internal)
    }

    pub fn to_stored(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}

/// A provider took it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReceipt {
    pub provider: &'static str,
    /// The provider's own name for it.
    pub provider_id: Option<String>,
}

/// Why a send failed. The texts are kept with the delivery and logged: no address, no content, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure {
    /// Not taken over; a later attempt may be.
    Transient(String),
    /// Not taken over, and not to be tried before `after`.
    Throttled { after: Duration },
    /// Perhaps taken over: the answer did not come.
    Uncertain(String),
    /// This recipient cannot be reached, now or later.
    Recipient(String),
    /// The provider refuses us, whoever the recipient.
    Configuration(String),
    /// What we sent was wrong.
    Bug(String),
}

impl SendFailure {
    /// The class, as `last_error` begins with it.
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

    /// As it is kept with the delivery: the class, and what the sender says.
    pub fn kept(&self) -> String {
        let said = match self {
            SendFailure::Throttled { after } => format!("for {} s", after.as_secs()),
            SendFailure::Transient(said)
            | SendFailure::Uncertain(said)
            | SendFailure::Recipient(said)
            | SendFailure::Configuration(said)
            | SendFailure::Bug(said) => said.clone(),
        };
        let kept =
            if said.is_empty() { self.class().to_owned() } else { format!("{}: {said}", self.class()) };
        kept.replace('\0', " ").chars().take(MAX_ERROR_CHARS).collect()
    }
}

/// As the column takes it.
const MAX_ERROR_CHARS: usize = 1_000;

/// The sender of each channel.
#[derive(Clone)]
pub struct Senders {
    pub email: Arc<dyn Sender>,
    pub sms: Arc<dyn Sender>,
    pub push: Arc<dyn Sender>,
}

impl Senders {
    /// One for all channels.
    pub fn all(sender: Arc<dyn Sender>) -> Self {
        Self { email: Arc::clone(&sender), sms: Arc::clone(&sender), push: sender }
    }

    /// `None` for in-app, which leaves by no sender.
    pub fn of(&self, channel: Channel) -> Option<&dyn Sender> {
        match channel {
            Channel::Inapp => None,
            Channel::Email => Some(&*self.email),
            Channel::Sms => Some(&*self.sms),
            Channel::Push => Some(&*self.push),
        }
    }

    /// Sends. A sender that panics leaves the end unknown, and the worker alive.
    pub async fn send(&self, what: &OutgoingDelivery) -> Result<SendReceipt, SendFailure> {
        let Some(sender) = self.of(what.channel) else {
            return Err(SendFailure::Bug("in-app leaves by no sender".to_owned()));
        };
        let panicked = |_: Box<dyn Any + Send>| Err(SendFailure::Uncertain("the sender panicked".to_owned()));
        AssertUnwindSafe(async { sender.send(what).await }).catch_unwind().await.unwrap_or_else(panicked)
    }
}
