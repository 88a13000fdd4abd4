//! Segments: what is contiguous, and how it is cut into pieces.

use guichet_base::id::TenantId;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Segment;
use crate::hub::event::Event;
use crate::wire::{Dialect, Shape, Spelling};

const V1: Shape = Shape { dialect: Dialect::V1, prefixed: false };
const V2: Shape = Shape { dialect: Dialect::V2, prefixed: true };

fn event(seq: i64, payload_bytes: usize) -> Event {
    Event {
        tenant: TenantId(Uuid::nil()),
        id: Uuid::now_v7(),
        topic: "chat:room:1".into(),
        seq,
        name: "messaging:new".into(),
        payload: RawValue::from_string(format!(r#"{{"x":"{}"}}"#, "x".repeat(payload_bytes))).unwrap(),
        copies: Vec::new(),
        side_events: Vec::new(),
        client: None,
    }
}

fn segment_bounds(seqs: impl IntoIterator<Item = i64>, wanted: i64) -> Option<(i64, i64)> {
    let events = seqs.into_iter().map(|seq| event(seq, 1)).collect();
    Segment::contiguous_around(events, wanted).map(|segment| (segment.first(), segment.last()))
}

/// The numbers of consecutive frames.
fn numbers(mut bytes: &[u8]) -> Vec<i64> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let (start, length) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap()),
            short => (2, usize::from(short)),
        };
        let frame: Value = serde_json::from_slice(&bytes[start..start + length]).unwrap();
        let payload = if frame.is_array() { &frame[4] } else { &frame["payload"] };
        assert_eq!(payload["meta"]["replayed"], true);
        numbers.push(payload["meta"]["seq"].as_i64().unwrap());
        bytes = &bytes[start + length..];
    }
    numbers
}

#[test]
fn a_number_that_the_log_lost_is_no_segment() {
    assert_eq!(segment_bounds([], 1), None);
    assert_eq!(segment_bounds([3, 4], 2), None);
    assert_eq!(segment_bounds([3, 4], 5), None);
}

#[test]
fn a_segment_ends_at_each_gap() {
    assert_eq!(segment_bounds([5, 6, 7], 6), Some((5, 7)));
    assert_eq!(segment_bounds([1, 2, 5, 6, 8], 5), Some((5, 6)));
    assert_eq!(segment_bounds([1, 2, 5, 6, 8], 8), Some((8, 8)));
    assert_eq!(segment_bounds([1, 2, 5], 1), Some((1, 2)));
}

#[test]
fn pieces_are_every_frame_after_a_number_once_and_in_order() {
    for payload_bytes in [1, 500, 9_000, 70_000] {
        let events = (11..=60).map(|seq| event(seq, payload_bytes)).collect();
        let segment = Segment::contiguous_around(events, 11).unwrap();
        for (shape, after, most_bytes) in
            [(V1, 10, 1), (V2, 10, 1_000_000), (V2, 42, 5_000), (V1, 59, 5_000), (V2, 60, 5_000)]
        {
            let mut heard = Vec::new();
            for piece in segment.batches(shape, Spelling::default(), after, most_bytes) {
                let got = numbers(&piece.frames.into_bytes());
                assert_eq!((got.len() as u64, got.last()), (piece.count, Some(&piece.up_to)));
                heard.extend(got);
            }
            assert_eq!(heard, (after + 1..=60).collect::<Vec<_>>());
        }
    }
}

#[test]
fn readers_of_one_shape_share_one_memory() {
    let segment = Segment::contiguous_around((1..=9).map(|seq| event(seq, 10)).collect(), 1).unwrap();
    let at = |shape| {
        segment.batches(shape, Spelling::default(), 0, 8_000).next().unwrap().frames.into_bytes().as_ptr()
    };
    assert_eq!(at(V2), at(V2));
    assert_ne!(at(V2), at(V1));
    let whole = segment.batches(V2, Spelling::default(), 0, 8_000).next().unwrap();
    assert!(segment.bytes() > whole.frames.len(), "what is encoded counts");
}
