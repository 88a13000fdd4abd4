//! The sender that needs nothing: a line in the log says what would have left. Neither content nor whole address.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{OutgoingDelivery, SendFailure, SendReceipt, Sender};
use crate::deliveries::model::mask_address;

#[derive(Debug, Clone, Copy, Default)]
pub struct LogSender;

impl Sender for LogSender {
    /// A second line in the log is no second message.
    fn is_idempotent(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, what: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>> {
        tracing::info!(
            delivery.id = %what.id,
            delivery.channel = what.channel.as_str(),
            delivery.r#type = what.kind,
            delivery.to = mask_address(what.channel, &what.to),
            "a delivery would leave here: this channel has no provider"
        );
        async { Ok(SendReceipt { provider: "log", provider_id: None }) }.boxed()
    }
}
