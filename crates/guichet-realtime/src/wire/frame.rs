//! Outgoing WebSocket frames (RFC 6455 §5.2): complete, unmasked, with header.
//!
//! A server's frames are not masked, so one encoded frame serves every subscriber; a clone is a reference.

use bytes::{BufMut, Bytes, BytesMut};

const FIN_TEXT: u8 = 0x81;
const FIN_BINARY: u8 = 0x82;
const FIN_CLOSE: u8 = 0x88;
const FIN_PONG: u8 = 0x8A;
const EMPTY_PING: &[u8] = &[0x89, 0];
/// A control frame carries 125 bytes, of which a close code takes two.
const MAX_CONTROL: usize = 125;
const MAX_REASON: usize = MAX_CONTROL - 2;

/// Why a connection is closed; the reason tells clients what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    Normal,
    ProtocolError,
    InvalidPayload,
    PolicyViolation,
    MessageTooBig,
    ServiceRestart,
    /// A newer connection of the same person took its place: clients must not reconnect.
    Superseded,
}

impl CloseCode {
    pub const fn number(self) -> u16 {
        match self {
            CloseCode::Normal => 1000,
            CloseCode::ProtocolError => 1002,
            CloseCode::InvalidPayload => 1007,
            CloseCode::PolicyViolation => 1008,
            CloseCode::MessageTooBig => 1009,
            CloseCode::ServiceRestart => 1012,
            CloseCode::Superseded => 4001,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    pub fn text(parts: &[&str]) -> Self {
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self::build(FIN_TEXT, &bytes)
    }

    pub fn binary(parts: &[&[u8]]) -> Self {
        Self::build(FIN_BINARY, parts)
    }

    /// A ping, without an allocation.
    pub fn ping() -> Self {
        Self(Bytes::from_static(EMPTY_PING))
    }

    /// Echoes a ping; bytes beyond the 125 of a control frame are cut.
    pub fn pong(payload: &[u8]) -> Self {
        Self::build(FIN_PONG, &[payload.get(..MAX_CONTROL).unwrap_or(payload)])
    }

    pub fn close(code: CloseCode, reason: &str) -> Self {
        let cut = reason.floor_char_boundary(MAX_REASON);
        let reason = reason.get(..cut).unwrap_or_default();
        Self::build(FIN_CLOSE, &[&code.number().to_be_bytes(), reason.as_bytes()])
    }

    /// Consecutive frames with their headers, to be queued and written as one.
    pub fn from_encoded(frames: Bytes) -> Self {
        Self(frames)
    }

    fn build(first: u8, parts: &[&[u8]]) -> Self {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut out = BytesMut::with_capacity(length + 10);
        out.put_u8(first);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..126), _) => out.put_u8(short),
            (_, Ok(middle)) => {
                out.put_u8(126);
                out.put_u16(middle);
            }
            _ => {
                out.put_u8(127);
                out.put_u64(u64::try_from(length).unwrap_or(u64::MAX));
            }
        }
        for part in parts {
            out.put_slice(part);
        }
        Self(out.freeze())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
impl Frame {
    /// The opcode and the payload, as a client reads them.
    pub fn decode(&self) -> (u8, Bytes) {
        let header = match self.0[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        (self.0[0] & 0x0F, self.0.slice(header..))
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_says_its_length() {
        for length in [0usize, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let text = "x".repeat(length);
            let frame = Frame::text(&[&text]);
            assert_eq!(frame.decode().1.len(), length, "{length}");
            assert_eq!(frame.decode().0, 1);
        }
    }

    #[test]
    fn a_long_close_reason_is_cut_between_characters() {
        let frame = Frame::close(CloseCode::ServiceRestart, &"é".repeat(100));
        let (opcode, payload) = frame.decode();
        assert_eq!(opcode, 8);
        assert_eq!(&payload[..2], &1012u16.to_be_bytes());
        assert!(payload.len() <= 125);
        assert!(std::str::from_utf8(&payload[2..]).is_ok());
    }
}
