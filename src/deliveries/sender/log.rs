//! A sender without a provider: logs each delivery with its masked address and without its content.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{OutgoingDelivery, SendFailure, SendReceipt, Sender};
use crate::deliveries::model::mask_address;

#[derive(Debug, Clone, Copy, Default)]
pub struct LogSender;

impl Sender for LogSender {
    /// A repeated log line has no effect for the recipient.
    fn is_idempotent(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, delivery: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>> {
        tracing::info!(
            delivery.id = %delivery.id,
            delivery.channel = delivery.channel.into_str(),
            delivery.r#type = delivery.kind,
            delivery.to = mask_address(delivery.channel, &delivery.to),
            "delivery not sent: no provider is configured for this channel"
        );
        async { Ok(SendReceipt { provider: "log", provider_id: None }) }.boxed()
    }
}
