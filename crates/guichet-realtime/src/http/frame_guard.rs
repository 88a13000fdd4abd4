//! Reads the headers of incoming frames before actix-ws does.
//!
//! actix-ws compares a frame's declared length with its limit only after buffering the whole frame: a header that
//! declares 400 MB would make it buffer 400 MB. This guard parses the headers as bytes pass through, and refuses a
//! frame at its header. It also bounds a fragmented message, by bytes and by number of fragments.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

const MAX_FRAGMENTS: usize = 256;
/// Two bytes, eight of a long length, four of the mask.
const MAX_HEADER: usize = 14;
const FIN: u8 = 0x80;
const CONTROL: u8 = 0x08;
const OPCODE: u8 = 0x0F;
const CONTINUATION: u8 = 0x00;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooBig;

/// Parses a stream of frames in chunks of any size.
pub struct Walker {
    max: u64,
    header: [u8; MAX_HEADER],
    have: usize,
    /// Remaining bytes of the current frame.
    left: u64,
    message: u64,
    fragments: usize,
}

impl Walker {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max: u64::try_from(max_bytes).unwrap_or(u64::MAX),
            header: [0; MAX_HEADER],
            have: 0,
            left: 0,
            message: 0,
            fragments: 0,
        }
    }

    /// Checks `chunk`. Errors: a frame in it is too big.
    pub fn walk(&mut self, mut chunk: &[u8]) -> Result<(), TooBig> {
        while !chunk.is_empty() {
            if self.left > 0 {
                let skip = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len());
                chunk = chunk.get(skip..).unwrap_or_default();
                self.left -= u64::try_from(skip).unwrap_or(0);
                continue;
            }
            let Some((byte, rest)) = chunk.split_first() else { break };
            chunk = rest;
            if let Some(slot) = self.header.get_mut(self.have) {
                *slot = *byte;
                self.have += 1;
            }
            if let Some(length) = self.length() {
                self.have = 0;
                self.enter(length)?;
            }
        }
        Ok(())
    }

    /// The payload's length, once the header is complete.
    fn length(&self) -> Option<u64> {
        let [_, second, extended @ ..] = &self.header;
        let mask = if second & MASKED == 0 { 0 } else { 4 };
        let (length, size) = match second & LENGTH {
            126 => (u64::from(u16::from_be_bytes(*extended.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*extended.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        (self.have >= size + mask).then_some(length)
    }

    fn enter(&mut self, length: u64) -> Result<(), TooBig> {
        let [first, ..] = self.header;
        self.left = length;
        if length > self.max {
            return Err(TooBig);
        }
        if first & CONTROL != 0 {
            return Ok(());
        }
        if first & OPCODE != CONTINUATION {
            (self.message, self.fragments) = (0, 0);
        }
        self.message += length;
        self.fragments += 1;
        if self.message > self.max || (first & FIN == 0 && self.fragments >= MAX_FRAGMENTS) {
            return Err(TooBig);
        }
        Ok(())
    }
}

/// Whether the guard refused a frame; shared with the reader behind it.
pub type Refused = Rc<Cell<bool>>;

/// A payload whose frames are checked. It ends after a refusal.
pub struct Guarded<S> {
    inner: S,
    walker: Walker,
    refused: Refused,
}

impl<S> Guarded<S> {
    pub fn new(inner: S, max_bytes: usize, refused: Refused) -> Self {
        Self { inner, walker: Walker::new(max_bytes), refused }
    }
}

impl<S> Stream for Guarded<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.refused.get() {
            return Poll::Ready(None);
        }
        let Some(chunk) = ready!(Pin::new(&mut self.inner).poll_next(cx)) else { return Poll::Ready(None) };
        if let Ok(bytes) = &chunk
            && self.walker.walk(bytes).is_err()
        {
            self.refused.set(true);
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        Poll::Ready(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::*;

    /// A frame as a client sends it.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut out = vec![first];
        match length {
            0..126 => out.push(0x80 | u8::try_from(length).unwrap()),
            126..65_536 => {
                out.push(0x80 | 126);
                out.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                out.push(0x80 | 127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(&[1, 2, 3, 4]);
        // 0xFF parses as the header of a huge frame if the walker loses its place.
        out.extend(std::iter::repeat_n(0xFF, length));
        out
    }

    #[test]
    fn a_declared_400_mb_is_refused_at_its_header() {
        let mut walker = Walker::new(65_536);
        let mut header = vec![0x82, 0x80 | 127];
        header.extend_from_slice(&400_000_000u64.to_be_bytes());
        assert_eq!(walker.walk(&header), Ok(()));
        assert_eq!(walker.walk(&[1, 2, 3, 4]), Err(TooBig), "not one byte of the payload was needed");
    }

    #[tokio::test]
    async fn after_a_refusal_nothing_more_is_read() {
        let endless = stream::iter(std::iter::once(Ok(Bytes::from(frame(0x82, 70_000)))).chain(
            std::iter::repeat_with(|| -> Result<Bytes, PayloadError> { panic!("read behind the refusal") }),
        ));
        let refused = Refused::default();
        let mut guarded = Guarded::new(endless, 65_536, Rc::clone(&refused));
        assert!(guarded.next().await.unwrap().is_err());
        assert!(refused.get());
        assert!(guarded.next().await.is_none());
    }

    #[test]
    fn fragments_are_bounded_together() {
        let mut walker = Walker::new(1_000);
        assert_eq!(walker.walk(&frame(0x01, 600)), Ok(()));
        assert_eq!(walker.walk(&frame(0x89, 10)), Ok(()), "a ping in between counts for nothing");
        assert_eq!(walker.walk(&frame(0x00, 600)), Err(TooBig));
        let mut walker = Walker::new(1_000);
        assert_eq!(walker.walk(&frame(0x01, 0)), Ok(()));
        let refused = (0..MAX_FRAGMENTS).any(|_| walker.walk(&frame(0x00, 0)).is_err());
        assert!(refused, "fragments without end");
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_same_frames_pass(
            frames in proptest::collection::vec((any::<bool>(), 0usize..3_000), 1..12),
            cuts in proptest::collection::vec(1usize..500, 1..40),
        ) {
            let bytes: Vec<u8> =
                frames.iter().flat_map(|(text, length)| frame(if *text { 0x81 } else { 0x82 }, *length)).collect();
            let mut walker = Walker::new(2_000);
            let (mut rest, mut result) = (&bytes[..], Ok(()));
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || result.is_err() {
                    break;
                }
                let (chunk, more) = rest.split_at((*cut).min(rest.len()));
                result = walker.walk(chunk);
                rest = more;
            }
            let fits = frames.iter().all(|(_, length)| *length <= 2_000);
            prop_assert_eq!(result.is_ok(), fits);
        }
    }
}
