//! Sends a join what it missed: a page at a time, the next one when the queue is nearly empty, so that a reader gets
//! what it can take. Pages and their encoded frames are shared by all joins that missed the same (`log::replay`): a
//! thousand resuming phones hold references.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Session;
use crate::hub::Activation;
use crate::hub::mailbox::FrameClass;
use crate::log::replay::Segment;
use crate::session::socket::Socket;
use crate::wire::event_frame;

/// The result of a page.
enum Page {
    /// Queued up to this number, possibly a part of the page.
    UpTo(i64),
    /// A number is missing: the rest of the log does not connect.
    Gap,
}

impl<S: Socket> Session<S> {
    /// Queues one page for the first channel that is catching up.
    pub(super) async fn send_page(&mut self) {
        let Some(at) = self.channels.iter().position(|channel| channel.is_catching_up()) else { return };
        if !self.tell_waiting(at) {
            return;
        }
        let Some(channel) = self.channels.get(at) else { return };
        let Some(after) = channel.catching_up else { return };
        // The log has what the join's head covers, and what the hub has published since.
        let up_to = channel.head(&self.realtime.hub).unwrap_or(after);
        let sent = if up_to <= after {
            Page::UpTo(after)
        } else {
            match self.realtime.replays.read(channel.tenant, channel.bare(), after, up_to).await {
                Ok(Some(segment)) => self.queue_page(at, after, &segment),
                Ok(None) => Page::UpTo(after),
                Err(error) => {
                    tracing::warn!(%error, "missed events could not be read");
                    Page::Gap
                }
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

    /// Queues events of the backlog while there is room. Returns whether that was all.
    fn tell_waiting(&mut self, at: usize) -> bool {
        let Some(channel) = self.channels.get_mut(at) else { return true };
        let (mailbox, spelling) = (&self.connection.mailbox, self.realtime.hub.spelling);
        let mut is_first = true;
        while let Some(event) = channel.waiting.pop_front() {
            let frame = event_frame(channel.shape, &event, true, spelling);
            // At least one per page, or a large event would never be sent.
            if !is_first && !mailbox.has_space_for(frame.len()) {
                channel.waiting.push_front(event);
                return false;
            }
            is_first = false;
            if self.connection.push(frame, FrameClass::Durable).is_none() {
                // The queue is full: the order to resume is already given.
                return false;
            }
        }
        channel.waiting = VecDeque::new();
        true
    }

    fn queue_page(&self, at: usize, after: i64, segment: &Segment) -> Page {
        let Some(channel) = self.channels.get(at) else { return Page::Gap };
        let (mailbox, mut up_to) = (&self.connection.mailbox, after);
        let spelling = self.realtime.hub.spelling;
        for piece in segment.batches(channel.shape, spelling, after, mailbox.batch_bytes()) {
            // At least one per page, or a large event would never be sent.
            if up_to > after && !mailbox.has_space_for(piece.frames.len()) {
                break;
            }
            if self.connection.push_batch(piece.frames, piece.count, FrameClass::Durable).is_none() {
                return Page::Gap;
            }
            up_to = piece.up_to;
        }
        Page::UpTo(up_to)
    }

    fn try_activate(&mut self, at: usize, up_to: i64, progressed: bool) -> Activation {
        let Some(channel) = self.channels.get_mut(at) else { return Activation::Lost };
        channel.catching_up = Some(up_to);
        // Up to the head in the join's reply, the log is the only source.
        if channel.head.is_some_and(|head| up_to < head) {
            return if progressed { Activation::Behind } else { Activation::Lost };
        }
        let hub = Arc::clone(&self.realtime.hub);
        match hub.activate(channel.tenant, channel.bare(), channel.id, up_to, Vec::new()) {
            // The topic is ahead, yet the log has nothing more and never will.
            Activation::Behind if !progressed => Activation::Lost,
            activation => activation,
        }
    }
}
