//! The outgoing queue of one connection: encoded frames, bounded in bytes.
//!
//! - Pushing never blocks: publishers are not slowed down by readers.
//! - If a frame does not fit, ephemeral frames are dropped first. If it still does not fit, the mailbox is lagging:
//!   it accepts no more frames of topics, so that the queue stays a prefix without gaps, until the session has ended
//!   the subscriptions and calls `resume_topics`.
//! - Replies to the client may use a reserve above the bound: there are only as many as the client's own frames.
//! - At most one wake-up per batch: the first frame after the queue was found empty uses up the waker.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::wire::frame::Frame;

/// Above the bound, for replies and for notices that channels ended.
const RESERVE_BYTES: usize = 64 * 1024;
/// A queue that grew beyond this releases its memory when empty.
const MAX_IDLE_SLOTS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameClass {
    /// A numbered event, or a copy of one: never dropped alone.
    Durable,
    /// Typing and broadcasts of people: dropped first.
    Ephemeral,
    /// Presence states and diffs: dropped first too, and never in place of others. Once one is lost, none is accepted
    /// until [`Mailbox::resume_presence`], since a diff is useless without the preceding ones.
    Presence,
    /// A reply, or the end of a channel.
    Control,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// Queued with this number; numbers only grow.
    Queued(u64),
    /// Not accepted: it was ephemeral, or the mailbox is lagging or closed.
    Dropped,
    /// Not accepted, and the mailbox is lagging from now on: the session must be notified. Returned once.
    Overflowed,
    /// Not even a reply fits: the connection must be closed. Returned once.
    ReserveExhausted,
}

pub struct Mailbox {
    bound: usize,
    inner: Mutex<MailboxState>,
}

#[derive(Default)]
struct MailboxState {
    queue: VecDeque<QueuedFrame>,
    bytes: usize,
    next: u64,
    sent: u64,
    waker: Option<Waker>,
    lagging: bool,
    finished: bool,
    closed: bool,
    wants_room: bool,
    /// A presence frame was dropped.
    presence_lost: bool,
    /// The same, and the session was not notified yet.
    loss_unreported: bool,
}

struct QueuedFrame {
    bytes: Bytes,
    number: u64,
    class: FrameClass,
}

/// A frame for the writing side.
pub struct PoppedFrame {
    pub bytes: Bytes,
    /// The queue has just fallen to its low-water mark, and the session asked to be notified.
    pub has_room: bool,
}

impl Mailbox {
    pub fn new(bound: usize) -> Self {
        Self { bound, inner: Mutex::default() }
    }

    #[cfg(test)]
    pub fn push(&self, frame: Frame, class: FrameClass) -> PushOutcome {
        self.offer(frame, 1, class).0
    }

    /// Queues `count` frames in one buffer, numbered as the last. Returns also whether a presence frame was lost:
    /// this one, or one dropped in its favour.
    pub fn offer(&self, frames: Frame, count: u64, class: FrameClass) -> (PushOutcome, bool) {
        let mut inner = self.inner.lock();
        let (pushed, waker) = inner.push(frames, count, class, self.bound);
        let lost = std::mem::take(&mut inner.loss_unreported);
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        (pushed, lost)
    }

    /// The next frame to write; `None` after the last one of a finished mailbox.
    pub fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<PoppedFrame>> {
        let mut inner = self.inner.lock();
        match inner.pop(self.low_mark()) {
            Some(popped) => Poll::Ready(Some(popped)),
            None if inner.finished || inner.closed => Poll::Ready(None),
            None => {
                if !inner.waker.as_ref().is_some_and(|held| held.will_wake(cx.waker())) {
                    inner.waker = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Accepts no more frames; queued ones are still written.
    pub fn finish(&self) {
        let waker = {
            let mut inner = self.inner.lock();
            inner.finished = true;
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The writing side has ended.
    pub fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.queue = VecDeque::new();
        inner.bytes = 0;
        inner.waker = None;
    }

    /// Accepts frames of topics again, after the subscriptions were ended.
    pub fn resume_topics(&self) {
        self.inner.lock().lagging = false;
    }

    /// Accepts presence frames again: complete states follow.
    pub fn resume_presence(&self) {
        self.inner.lock().presence_lost = false;
    }

    /// Whether a page may be queued now. If not, `PoppedFrame::has_room` reports when it may.
    pub fn request_room(&self) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.bytes <= self.low_mark();
        inner.wants_room = !has_room;
        has_room
    }

    /// In bytes.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether `bytes` of a page fit: a page may fill half the queue, so that live frames of other topics still fit.
    pub fn has_space_for(&self, bytes: usize) -> bool {
        self.inner.lock().bytes + bytes <= self.bound / 2
    }

    /// Bytes of a page that may be queued at once, so that they fit whenever there is room.
    pub fn batch_bytes(&self) -> usize {
        self.low_mark()
    }

    /// The number of the last frame passed to the writing side.
    pub fn sent(&self) -> u64 {
        self.inner.lock().sent
    }

    /// The number of the last queued frame.
    pub fn last_queued(&self) -> u64 {
        self.inner.lock().next
    }

    pub fn is_empty(&self) -> bool {
        self.inner.lock().queue.is_empty()
    }

    fn low_mark(&self) -> usize {
        self.bound / 8
    }
}

impl MailboxState {
    fn push(
        &mut self,
        frame: Frame,
        count: u64,
        class: FrameClass,
        bound: usize,
    ) -> (PushOutcome, Option<Waker>) {
        if self.closed || self.finished || (self.lagging && class != FrameClass::Control) {
            return (PushOutcome::Dropped, None);
        }
        if class == FrameClass::Presence && self.presence_lost {
            return (PushOutcome::Dropped, None);
        }
        let bound = if class == FrameClass::Control { bound + RESERVE_BYTES } else { bound };
        if self.bytes + frame.len() > bound && class != FrameClass::Presence {
            self.drop_ephemeral();
        }
        if self.bytes + frame.len() > bound {
            return (self.refuse(class), None);
        }
        self.next += count;
        self.bytes += frame.len();
        self.queue.push_back(QueuedFrame { bytes: frame.into_bytes(), number: self.next, class });
        (PushOutcome::Queued(self.next), self.waker.take())
    }

    fn refuse(&mut self, class: FrameClass) -> PushOutcome {
        match class {
            FrameClass::Ephemeral => PushOutcome::Dropped,
            FrameClass::Presence => {
                self.mark_presence_lost();
                PushOutcome::Dropped
            }
            FrameClass::Durable => {
                self.lagging = true;
                PushOutcome::Overflowed
            }
            FrameClass::Control => {
                self.finished = true;
                PushOutcome::ReserveExhausted
            }
        }
    }

    fn drop_ephemeral(&mut self) {
        if self.queue.iter().any(|item| item.class == FrameClass::Presence) {
            self.mark_presence_lost();
        }
        self.queue.retain(|item| !matches!(item.class, FrameClass::Ephemeral | FrameClass::Presence));
        self.bytes = self.queue.iter().map(|item| item.bytes.len()).sum();
    }

    fn mark_presence_lost(&mut self) {
        self.presence_lost = true;
        self.loss_unreported = true;
    }

    fn pop(&mut self, low_mark: usize) -> Option<PoppedFrame> {
        let item = self.queue.pop_front()?;
        self.bytes -= item.bytes.len();
        self.sent = item.number;
        if self.queue.is_empty() && self.queue.capacity() > MAX_IDLE_SLOTS {
            self.queue = VecDeque::new();
        }
        let has_room = self.wants_room && self.bytes <= low_mark;
        self.wants_room &= !has_room;
        Some(PoppedFrame { bytes: item.bytes, has_room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Frame {
        Frame::text(&[&"x".repeat(bytes)])
    }

    fn pop(mailbox: &Mailbox) -> Option<usize> {
        match mailbox.poll_pop(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(popped) => popped.map(|popped| popped.bytes.len()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn typing_is_dropped_before_a_message_is() {
        let mailbox = Mailbox::new(1_000);
        for _ in 0..8 {
            mailbox.push(frame(100), FrameClass::Ephemeral);
        }
        assert!(matches!(mailbox.push(frame(300), FrameClass::Durable), PushOutcome::Queued(_)));
        assert_eq!(pop(&mailbox), Some(304));
        assert_eq!(pop(&mailbox), None);
    }

    #[test]
    fn a_full_queue_lags_once_and_keeps_a_prefix() {
        let mailbox = Mailbox::new(1_000);
        assert!(matches!(mailbox.push(frame(900), FrameClass::Durable), PushOutcome::Queued(1)));
        assert_eq!(mailbox.push(frame(200), FrameClass::Durable), PushOutcome::Overflowed);
        assert_eq!(mailbox.push(frame(1), FrameClass::Durable), PushOutcome::Dropped, "a gap inside a join");
        assert!(
            matches!(mailbox.push(frame(200), FrameClass::Control), PushOutcome::Queued(_)),
            "the news still fits"
        );
        mailbox.resume_topics();
        assert_eq!(pop(&mailbox), Some(904));
        assert!(matches!(mailbox.push(frame(1), FrameClass::Durable), PushOutcome::Queued(_)));
    }

    #[test]
    fn once_presence_is_lost_none_is_taken_until_it_is_mended() {
        let mailbox = Mailbox::new(1_000);
        assert!(matches!(
            mailbox.offer(frame(300), 1, FrameClass::Presence),
            (PushOutcome::Queued(1), false)
        ));
        assert!(matches!(mailbox.offer(frame(600), 1, FrameClass::Durable), (PushOutcome::Queued(2), false)));
        assert_eq!(
            mailbox.offer(frame(300), 1, FrameClass::Presence),
            (PushOutcome::Dropped, true),
            "it displaces nothing"
        );
        assert_eq!(
            mailbox.offer(frame(1), 1, FrameClass::Presence),
            (PushOutcome::Dropped, false),
            "said once"
        );
        mailbox.resume_presence();
        assert!(matches!(mailbox.offer(frame(1), 1, FrameClass::Presence), (PushOutcome::Queued(3), false)));
        assert!(
            matches!(mailbox.offer(frame(300), 1, FrameClass::Durable), (PushOutcome::Queued(4), true)),
            "displaced"
        );
        assert_eq!(mailbox.offer(frame(1), 1, FrameClass::Presence), (PushOutcome::Dropped, false));
    }

    #[test]
    fn memory_is_bounded_whatever_is_pushed() {
        let mailbox = Mailbox::new(1_000);
        let mut hopeless = 0;
        for class in
            [FrameClass::Durable, FrameClass::Ephemeral, FrameClass::Control].into_iter().cycle().take(10_000)
        {
            hopeless += usize::from(mailbox.push(frame(97), class) == PushOutcome::ReserveExhausted);
        }
        assert!(mailbox.inner.lock().bytes <= 1_000 + RESERVE_BYTES);
        assert_eq!(hopeless, 1);
    }

    #[test]
    fn a_finished_mailbox_ends_after_its_last_frame() {
        let mailbox = Mailbox::new(1_000);
        mailbox.push(frame(1), FrameClass::Control);
        mailbox.finish();
        assert_eq!(mailbox.push(frame(1), FrameClass::Control), PushOutcome::Dropped);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(mailbox.poll_pop(&mut cx), Poll::Ready(Some(_))));
        assert!(matches!(mailbox.poll_pop(&mut cx), Poll::Ready(None)));
    }

    #[test]
    fn room_is_told_once_and_only_to_who_asked() {
        let mailbox = Mailbox::new(800);
        mailbox.push(frame(300), FrameClass::Durable);
        assert!(!mailbox.request_room());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(popped)) = mailbox.poll_pop(&mut cx) else { panic!("a frame") };
        assert!(popped.has_room);
        assert!(mailbox.request_room());
    }
}
