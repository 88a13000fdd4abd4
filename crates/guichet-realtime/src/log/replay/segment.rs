//! Contiguous events of one topic, and their frames: encoded once per shape into one buffer, of which each reader
//! gets slices.

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::hub::event::Event;
use crate::wire::frame::Frame;
use crate::wire::{self, Shape, Spelling};

/// Bytes of frames queued as one: few enough that a connection's write buffer need not grow, enough that each frame
/// costs almost nothing.
const BATCH_BYTES: usize = 8 * 1024;
/// Approximate memory of an event besides its payload.
const EVENT_BYTES: usize = size_of::<Event>() + 96;

pub struct Segment {
    first: i64,
    /// Numbered from `first` without gaps. Never empty.
    events: Vec<Event>,
    payload_bytes: usize,
    encoded: Mutex<Vec<(Shape, EncodedFrames)>>,
}

/// The frames of all events in one shape.
#[derive(Clone)]
struct EncodedFrames {
    bytes: Bytes,
    /// The end offset of each frame.
    ends: std::sync::Arc<[usize]>,
}

/// Complete frames that are queued together.
pub struct FrameBatch {
    pub frames: Frame,
    pub count: u64,
    /// The number of its last event.
    pub up_to: i64,
}

impl Segment {
    /// The contiguous part of `events` around number `wanted`. `None` without it.
    pub fn contiguous_around(mut events: Vec<Event>, wanted: i64) -> Option<Self> {
        let at = events.iter().position(|event| event.seq == wanted)?;
        let follows = |pair: &[Event]| matches!(pair, [one, two] if two.seq == one.seq + 1);
        let pairs: Vec<bool> = events.windows(2).map(follows).collect();
        let end = pairs.iter().skip(at).take_while(|follows| **follows).count() + at + 1;
        let start = at - pairs.iter().take(at).rev().take_while(|follows| **follows).count();
        events.truncate(end);
        events.drain(..start);
        let first = events.first()?.seq;
        let payload_bytes = events.iter().map(|event| event.payload.get().len()).sum();
        Some(Self { first, events, payload_bytes, encoded: Mutex::default() })
    }

    pub fn first(&self) -> i64 {
        self.first
    }

    pub fn last(&self) -> i64 {
        self.events.last().map_or(self.first, |event| event.seq)
    }

    pub fn contains_seq(&self, seq: i64) -> bool {
        self.first <= seq && seq <= self.last()
    }

    /// Approximate bytes in memory.
    pub fn bytes(&self) -> usize {
        let encoded = self.encoded.lock();
        let of_frames: usize = encoded.iter().map(|(_, encoded)| encoded.bytes.len()).sum();
        // Before the first shape is encoded: at least one will be, and is at least as long as the payloads.
        self.events.len() * EVENT_BYTES + self.payload_bytes + of_frames.max(self.payload_bytes)
    }

    /// The frames of the events after number `after`, in order, as pieces of at most `most_bytes`.
    pub fn batches(
        &self,
        shape: Shape,
        spelling: Spelling,
        after: i64,
        most_bytes: usize,
    ) -> impl Iterator<Item = FrameBatch> + use<> {
        let most_bytes = most_bytes.min(BATCH_BYTES);
        let EncodedFrames { bytes, ends } = self.encoded(shape, spelling);
        let first = self.first;
        let mut at = usize::try_from(after + 1 - first).unwrap_or(0);
        std::iter::from_fn(move || {
            let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            let rest = ends.get(at..)?;
            let fitting = rest.partition_point(|end| end - start <= most_bytes);
            // A frame that exceeds it alone is a piece of its own.
            let count = fitting.max(1);
            let end = *rest.get(count - 1)?;
            at += count;
            Some(FrameBatch {
                frames: Frame::from_encoded(bytes.slice(start..end)),
                count: u64::try_from(count).unwrap_or(u64::MAX),
                up_to: first + i64::try_from(at).unwrap_or(i64::MAX) - 1,
            })
        })
    }

    fn encoded(&self, shape: Shape, spelling: Spelling) -> EncodedFrames {
        let mut encoded = self.encoded.lock();
        if let Some((_, encoded)) = encoded.iter().find(|(of, _)| *of == shape) {
            return encoded.clone();
        }
        let made = self.encode(shape, spelling);
        encoded.push((shape, made.clone()));
        made
    }

    fn encode(&self, shape: Shape, spelling: Spelling) -> EncodedFrames {
        let mut bytes = BytesMut::with_capacity(self.payload_bytes + self.events.len() * 256);
        let ends = self.events.iter().map(|event| {
            bytes.extend_from_slice(&wire::event_frame(shape, event, true, spelling).into_bytes());
            bytes.len()
        });
        let ends = ends.collect();
        EncodedFrames { bytes: bytes.freeze(), ends }
    }
}
