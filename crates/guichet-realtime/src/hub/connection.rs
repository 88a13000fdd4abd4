//! One connection as the rest of the process sees it: a mailbox to fill, and a session to give orders to.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::mailbox::{FrameClass, Mailbox, Pushed};
use crate::wire::frame::Frame;

/// What the session of a connection has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionOrder {
    /// Tell every channel to join again and resume: the reader was too slow.
    Resume,
    /// The same for one join.
    ResumeJoin(JoinId),
    /// The person may have lost a right: ask again for each channel.
    Reauthorize,
    /// A newer connection of the same person took this one's place.
    Supersede,
    /// It counts for nobody, and others wait at the door.
    MakeRoom,
    /// What presence says of its person changed.
    Standing,
    /// A presence frame may have been lost: its pictures begin anew.
    PresenceLost,
    /// The process stops: close, so that the client reconnects elsewhere.
    Restart,
    /// Nothing more can be said to this connection.
    GiveUp,
}

/// One join: unique in the process. A repeated join of a topic is another one.
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

    /// Queues a frame; the number it has in the queue, if it was taken.
    pub fn push(&self, frame: Frame, class: FrameClass) -> Option<u64> {
        self.push_several(frame, 1, class)
    }

    /// The same for `count` frames that stand in one piece; the number is the last one's.
    pub fn push_several(&self, frames: Frame, count: u64, class: FrameClass) -> Option<u64> {
        let (pushed, lost) = self.mailbox.offer(frames, count, class);
        if lost {
            self.order(SessionOrder::PresenceLost);
        }
        match pushed {
            Pushed::Queued(number) => return Some(number),
            Pushed::Dropped => {}
            Pushed::Overflowed => self.order(SessionOrder::Resume),
            Pushed::Hopeless => self.order(SessionOrder::GiveUp),
        }
        None
    }

    pub fn order(&self, order: SessionOrder) {
        let mut orders = self.orders.lock();
        // Orders are few and idempotent, which bounds the list by the joins of the connection.
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
    pub async fn woken(&self) {
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
