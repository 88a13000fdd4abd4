//! Collects the faults of one request, so that the client gets all of them at once.
//!
//! Each method returns the value to continue with; after [`Validator::finish`] all of them are within their limits. Lengths
//! count Unicode scalar values of the trimmed text.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use guichet_base::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use guichet_base::{Error, Fault, Result};

use crate::web::Patch;

/// Larger offsets are refused, since PostgreSQL reads every row it skips: clients filter the list or use a cursor.
pub const MAX_OFFSET: i64 = 100_000;

#[derive(Debug, Default)]
#[must_use = "faults count only when `done` is asked"]
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

    /// Adds a fault of `field` with `code` unless `holds`.
    pub fn ensure(&mut self, holds: bool, field: impl Into<Field>, code: &'static str) {
        if !holds {
            self.add(Fault::new(field, code));
        }
    }

    /// The trimmed text.
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

    /// The value of a key that this request requires.
    pub fn required<T>(&mut self, field: impl Into<Field>, value: Option<T>) -> Option<T> {
        self.ensure(value.is_some(), field, "missing");
        value
    }

    /// The value of a key that may be changed but not cleared.
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

    /// A list with a bounded number of items.
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

    /// A word of a closed set, parsed by `parse`.
    pub fn word<T>(
        &mut self,
        field: impl Into<Field>,
        value: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let word = read(value);
        self.ensure(word.is_some(), field, "unknown_value");
        word
    }

    /// `limit` and `offset`; values out of range are refused, not clamped.
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
