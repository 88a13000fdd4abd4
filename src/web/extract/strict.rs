//! Checks a body before it is deserialized: valid JSON, at most 32 levels deep, no U+0000.
//!
//! Visits every value, also inside `payload` and other free-form objects, which are stored as is: `jsonb` accepts
//! neither U+0000 nor unpaired surrogates. It builds no values, so a hostile body costs no memory.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use guichet_base::{Error, Result};

pub(super) const MAX_DEPTH: usize = 32;

pub(super) fn check_json(text: &str) -> Result<()> {
    let fault = Cell::new(None);
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let visitor = StrictVisitor { depth: 0, fault: &fault };
    let result = visitor.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    match (result.and_then(|()| json.end()), fault.get()) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some("too_deep")) => Err(Error::invalid("", "too_deep")),
        (Err(_), Some(code)) => Err(Error::invalid(track.path().to_string(), code)),
        (Err(_), None) => Err(Error::malformed_json()),
    }
}

#[derive(Clone, Copy)]
struct StrictVisitor<'a> {
    depth: usize,
    fault: &'a Cell<Option<&'static str>>,
}

impl StrictVisitor<'_> {
    fn fail<E: serde::de::Error>(self, code: &'static str) -> E {
        self.fault.set(Some(code));
        E::custom(code)
    }

    fn enter_nested<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.fail("too_deep"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for StrictVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(self.fail("nul")) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let item = self.enter_nested::<A::Error>()?;
        while items.next_element_seed(item)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let item = self.enter_nested::<A::Error>()?;
        while entries.next_key_seed(item)?.is_some() {
            entries.next_value_seed(item)?;
        }
        Ok(())
    }
}
