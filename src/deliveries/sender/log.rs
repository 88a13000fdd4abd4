//! A sender without a provider: it logs what would have been sent, without content or complete address.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{OutgoingDelivery, SendFailure, SendReceipt, Sender};
use crate::deliveries::model::mask_address;

#[derive(Debug, Clone, Copy, Default)]
pub struct LogSender;

impl Sender for LogSender {
    /// A second log line is not a second message.
    fn is_idempotent(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, what: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>> {
        tracing::info!(
            delivery.id = %what.id,
            delivery.channel = what.channel.into_str(),
            delivery.r#type = what.kind,
            delivery.to = mask_address(what.channel, &what.to),
            "a delivery would leave here: this channel has no provider"
        );
        async { Ok(SendReceipt { provider: "log", provider_id: None }) }.boxed()
    }
}
