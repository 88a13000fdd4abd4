//! Collects the faults of one request, so that the client gets all of them at once.
//!
//! Each method returns the value to use; it is valid only if [`Validator::finish`] returns `Ok`. Lengths
//! count Unicode scalar values of the trimmed text.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use guichet_base::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use guichet_base::{Error, Fault, Result};

use crate::web::Patch;

/// Larger offsets are rejected, since PostgreSQL reads every skipped row. Clients filter the list or use a cursor.
pub const MAX_OFFSET: i64 = 100_000;

#[derive(Debug, Default)]
#[must_use = "faults are reported only by `finish`"]
pub struct Validator {
    faults: Vec<Fault>,
}

type Field = Cow<'static, str>;

impl Validator {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Adds a fault of `field` with `code` if `condition` is false.
    pub fn ensure(&mut self, condition: bool, field: impl Into<Field>, code: &'static str) {
        if !condition {
            self.add(Fault::new(field, code));
        }
    }

    /// Checks the length of the trimmed text, and returns it.
    pub fn text(&mut self, field: impl Into<Field>, value: String, length: RangeInclusive<usize>) -> String {
        let count = value.trim().chars().count();
        let field = field.into();
        if value.contains('\0') {
            self.add(Fault::new(field, "nul"));
        } else if count < *length.start() {
            self.add(Fault::new(field, "too_short").with_arg("min", length.start()));
        } else if count > *length.end() {
            self.add(Fault::new(field, "too_long").with_arg("max", length.end()));
        }
        if value.trim().len() == value.len() { value } else { value.trim().to_owned() }
    }

    pub fn text_opt(
        &mut self,
        field: impl Into<Field>,
        value: Option<String>,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        value.map(|value| self.text(field, value, length))
    }

    pub fn text_patch(
        &mut self,
        field: impl Into<Field>,
        value: Patch<String>,
        length: RangeInclusive<usize>,
    ) -> Patch<String> {
        value.map(|value| self.text(field, value, length))
    }

    /// Checks that a required key is present.
    pub fn required<T>(&mut self, field: impl Into<Field>, value: Option<T>) -> Option<T> {
        self.ensure(value.is_some(), field, "missing");
        value
    }

    /// Checks a PATCH key that may be set but not cleared.
    pub fn not_null<T>(&mut self, field: impl Into<Field>, value: Patch<T>) -> Option<T> {
        match value {
            Patch::Absent => None,
            Patch::Null => {
                self.add(Fault::new(field, "wrong_type"));
                None
            }
            Patch::Value(value) => Some(value),
        }
    }

    pub fn range<T: PartialOrd + Display>(
        &mut self,
        field: impl Into<Field>,
        value: T,
        range: RangeInclusive<T>,
    ) -> T {
        if !range.contains(&value) {
            let fault =
                Fault::new(field, "out_of_range").with_arg("min", range.start()).with_arg("max", range.end());
            self.add(fault);
        }
        value
    }

    /// Checks the number of items of a list.
    pub fn items<T>(
        &mut self,
        field: impl Into<Field>,
        value: Vec<T>,
        count: RangeInclusive<usize>,
    ) -> Vec<T> {
        if value.len() < *count.start() {
            self.add(Fault::new(field, "too_few").with_arg("min", count.start()));
        } else if value.len() > *count.end() {
            self.add(Fault::new(field, "too_many").with_arg("max", count.end()));
        }
        value
    }

    /// Parses a name of a closed set with `parse`; adds `unknown_value` if it returns `None`.
    pub fn parse_enum<T>(
        &mut self,
        field: impl Into<Field>,
        value: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(value);
        self.ensure(parsed.is_some(), field, "unknown_value");
        parsed
    }

    /// Checks `limit` and `offset`; values out of range are rejected, not clamped.
    pub fn page(&mut self, limit: Option<i64>, offset: Option<i64>) -> Page {
        Page {
            limit: self.range("limit", limit.unwrap_or(DEFAULT_LIMIT), 1..=MAX_LIMIT),
            offset: self.range("offset", offset.unwrap_or(0), 0..=MAX_OFFSET),
        }
    }

    pub fn finish(self) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::validation(self.faults)) }
    }
}
