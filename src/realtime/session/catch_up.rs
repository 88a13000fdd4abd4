//! Reading from the log what a join missed: a page at a time, the next one when the queue is nearly empty, so that
//! a reader is sent what it can take, and a thousand resuming phones hold a page each at most.

use std::sync::Arc;

use super::Session;
use crate::realtime::codec;
use crate::realtime::event::Event;
use crate::realtime::hub::Activation;
use crate::realtime::mailbox::Class;
use crate::realtime::socket::Socket;

const PAGE_ROWS: i64 = 32;

/// What became of a page.
enum Page {
    /// Queued up to this number, perhaps not whole.
    UpTo(i64),
    /// A number is missing: what is left in the log does not connect.
    Gap,
}

impl<S: Socket> Session<S> {
    /// Queues one page of the first channel that still catches up.
    pub(super) async fn send_page(&mut self) {
        let Some(at) = self.channels.iter().position(|channel| channel.is_catching_up()) else { return };
        let Some(channel) = self.channels.get(at) else { return };
        let (Some(after), Some(actor)) = (channel.catching_up, self.credentials.actor()) else { return };
        let read = self.realtime.log.page(&actor, channel.bare(), after, PAGE_ROWS).await;
        let sent = match read {
            Ok(events) => self.queue_page(at, after, &events),
            Err(error) => {
                tracing::warn!(%error, "missed events could not be read");
                Page::Gap
            }
        };
        let caught_up = match sent {
            Page::UpTo(up_to) => self.try_activate(at, up_to, up_to > after),
            Page::Gap => Activation::Lost,
        };
        match caught_up {
            Activation::Behind => {}
            Activation::Live => {
                if let Some(channel) = self.channels.get_mut(at) {
                    channel.catching_up = None;
                }
            }
            Activation::Lost => {
                let channel = self.channels.swap_remove(at);
                self.end_for_rejoin(&channel, super::RESUME);
            }
        }
    }

    fn queue_page(&self, at: usize, after: i64, events: &[Event]) -> Page {
        let Some(channel) = self.channels.get(at) else { return Page::Gap };
        let mut up_to = after;
        for event in events {
            if event.seq != up_to + 1 {
                return Page::Gap;
            }
            let frame = codec::event_frame(channel.shape, event, true, self.realtime.hub.spelling);
            // At least one a page, or a large event would never leave.
            if up_to > after && !self.connection.mailbox.takes(frame.len()) {
                break;
            }
            if self.connection.push(frame, Class::Durable).is_none() {
                return Page::Gap;
            }
            up_to = event.seq;
        }
        Page::UpTo(up_to)
    }

    fn try_activate(&mut self, at: usize, up_to: i64, progressed: bool) -> Activation {
        let Some(channel) = self.channels.get_mut(at) else { return Activation::Lost };
        channel.catching_up = Some(up_to);
        // Until the head that the join was told, the log is the only source.
        if channel.head.is_some_and(|head| up_to < head) {
            return if progressed { Activation::Behind } else { Activation::Lost };
        }
        let hub = Arc::clone(&self.realtime.hub);
        match hub.activate(channel.tenant, channel.bare(), channel.id, up_to, Vec::new()) {
            // The topic is ahead, yet the log has nothing more: it never will.
            Activation::Behind if !progressed => Activation::Lost,
            activation => activation,
        }
    }
}
