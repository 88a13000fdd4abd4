//! The sender that needs nothing: a line in the log says what would have left. Neither content nor whole address.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Failure, Outgoing, Sender, Sent};
use crate::deliveries::model::masked;

#[derive(Debug, Clone, Copy, Default)]
pub struct LogSender;

impl Sender for LogSender {
    /// A second line in the log is no second message.
    fn bears_repeats(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, what: &'a Outgoing) -> BoxFuture<'a, Result<Sent, Failure>> {
        tracing::info!(
            delivery.id = %what.id,
            delivery.channel = what.channel.as_str(),
            delivery.r#type = what.kind,
            delivery.to = masked(what.channel, &what.to),
            "a delivery would leave here: this channel has no provider"
        );
        async { Ok(Sent { provider: "log", provider_id: None }) }.boxed()
    }
}
