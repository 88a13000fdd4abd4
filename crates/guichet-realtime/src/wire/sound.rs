//! Checks whether JSON that was only skimmed can be passed on to other clients.
//!
//! Payloads are kept as they came, and skimming proves only their grammar. Two things pass that other parsers refuse,
//! so that one sender could break them: unpaired surrogates, and unlimited nesting.

/// The depth limit of REST bodies.
const MAX_DEPTH: usize = 32;
const HIGH: std::ops::RangeInclusive<u16> = 0xD800..=0xDBFF;
const LOW: std::ops::RangeInclusive<u16> = 0xDC00..=0xDFFF;

/// `json` must be grammatical.
pub fn is_sound(json: &str) -> bool {
    let (mut rest, mut depth, mut in_text) = (json.as_bytes(), 0_usize, false);
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (in_text, byte) {
            (true, b'\\') => match after_escape(rest) {
                Some(tail) => rest = tail,
                None => return false,
            },
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

/// The rest after an escape whose backslash was read. `None` for an unpaired surrogate.
fn after_escape(rest: &[u8]) -> Option<&[u8]> {
    let Some((unit, tail)) = unit(rest) else { return rest.get(1..) };
    if LOW.contains(&unit) {
        return None;
    }
    if !HIGH.contains(&unit) {
        return Some(tail);
    }
    let (second, tail) = self::unit(tail.strip_prefix(b"\\")?)?;
    LOW.contains(&second).then_some(tail)
}

/// The code unit of a `u` and four digits.
fn unit(rest: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, tail) = rest.strip_prefix(b"u")?.split_at_checked(4)?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((unit, tail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn half_a_pair_and_depth_without_end_are_not_passed_on() {
        for sound in ["{}", r#""\ud83d\ude00""#, r#""\\ud800""#, r#""\"[[[""#, r#"{"a":"\u0000é"}"#] {
            assert!(is_sound(sound), "{sound}");
        }
        for unsound in [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800\ud800""#] {
            assert!(!is_sound(unsound), "{unsound}");
        }
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_sound(&nested(32)) && !is_sound(&nested(33)));
    }

    proptest! {
        #[test]
        fn what_a_strict_reader_takes_is_sound_and_the_reverse(
            parts in proptest::collection::vec(prop_oneof![
                Just(r"\ud83d"), Just(r"\ude00"), Just(r"\\"), Just(r#"\""#), Just(r"\n"), Just("u"), Just("[é"),
            ], 0..12),
        ) {
            let json = format!("\"{}\"", parts.concat());
            let is_read = serde_json::from_str::<Value>(&json).is_ok();
            prop_assert_eq!(is_sound(&json), is_read);
        }
    }
}
