//! A connection as the rest of the process sees it: a mailbox for frames, and orders for its session.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::mailbox::{FrameClass, Mailbox, PushOutcome};
use crate::wire::frame::Frame;

/// An order for the session of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionOrder {
    /// Ask every channel to join again and resume: the reader was too slow.
    Resume,
    /// The same for one join.
    ResumeJoin(JoinId),
    /// The person may have lost a right: authorize each channel again.
    Reauthorize,
    /// Close: a newer connection of the same person took its place.
    Supersede,
    /// Close: it counts for no person, and others need its place.
    CloseUnauthenticated,
    /// The presence state of its person changed.
    PresenceChanged,
    /// A presence frame may have been lost: send complete presence states again.
    PresenceLost,
    /// Close, so that the client reconnects elsewhere: the process stops.
    Restart,
    /// Close: nothing more can be sent to this connection.
    CloseOverflowed,
}

/// Identifies a join in the process. Joining a topic again creates another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JoinId {
    pub connection: u64,
    pub join: u32,
}

pub struct Connection {
    pub id: u64,
    pub mailbox: Mailbox,
    orders: Mutex<Vec<SessionOrder>>,
    woken: Notify,
}

impl Connection {
    pub fn new(id: u64, queue_bytes: usize) -> Self {
        Self { id, mailbox: Mailbox::new(queue_bytes), orders: Mutex::default(), woken: Notify::new() }
    }

    /// Queues a frame. Returns its number in the queue if it was accepted.
    pub fn push(&self, frame: Frame, class: FrameClass) -> Option<u64> {
        self.push_batch(frame, 1, class)
    }

    /// The same for `count` frames in one buffer; the number is that of the last.
    pub fn push_batch(&self, frames: Frame, count: u64, class: FrameClass) -> Option<u64> {
        let (pushed, lost) = self.mailbox.offer(frames, count, class);
        if lost {
            self.order(SessionOrder::PresenceLost);
        }
        match pushed {
            PushOutcome::Queued(number) => return Some(number),
            PushOutcome::Dropped => {}
            PushOutcome::Overflowed => self.order(SessionOrder::Resume),
            PushOutcome::ReserveExhausted => self.order(SessionOrder::CloseOverflowed),
        }
        None
    }

    pub fn order(&self, order: SessionOrder) {
        let mut orders = self.orders.lock();
        // Orders are few and idempotent, so the list is bounded by the joins of the connection.
        if !orders.contains(&order) {
            orders.push(order);
        }
        drop(orders);
        self.woken.notify_one();
    }

    pub fn take_orders(&self) -> Vec<SessionOrder> {
        std::mem::take(&mut *self.orders.lock())
    }

    /// Resolves when there may be orders, or room in the mailbox. Cancel-safe.
    pub async fn wait(&self) {
        self.woken.notified().await;
    }

    /// For the writing side: the next encoded frame, or the end.
    pub fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(popped) = ready!(self.mailbox.poll_pop(cx)) else { return Poll::Ready(None) };
        if popped.has_room {
            self.woken.notify_one();
        }
        Poll::Ready(Some(popped.bytes))
    }
}
