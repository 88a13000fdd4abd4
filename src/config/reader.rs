//! Reads the sections, and records the declaration and value of each variable for `guichet config` and `.env.example`.
//!
//! An invalid value is replaced by its default while the rest is read, so that all faults are reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::config_value::ConfigValue;
use super::fault::ConfigFault;
use super::variables::Variables;

/// A declared variable, and its effective value.
#[derive(Debug, Clone)]
pub(super) struct DeclaredVariable {
    /// The first line of the section's documentation.
    pub section: &'static str,
    pub name: &'static str,
    pub default: &'static str,
    pub doc: &'static [&'static str],
    /// The smallest and largest value, if limited.
    pub range: Option<String>,
    /// The effective value, secrets masked.
    pub display_text: String,
    pub is_set: bool,
}

/// The declaration of one variable in a section.
pub(super) struct VariableDeclaration {
    pub section: &'static str,
    pub name: &'static str,
    pub default: &'static str,
    pub doc: &'static [&'static str],
}

pub(super) struct ConfigReader<'a> {
    variables: &'a Variables,
    entries: Vec<DeclaredVariable>,
    faults: Vec<ConfigFault>,
}

impl<'a> ConfigReader<'a> {
    pub fn new(variables: &'a Variables) -> Self {
        Self { variables, entries: Vec::new(), faults: variables.faults().to_vec() }
    }

    pub fn read<T: ConfigValue>(&mut self, declared: VariableDeclaration) -> T {
        self.read_checked(declared, None, |_| Ok(()))
    }

    pub fn read_in_range<T>(&mut self, declared: VariableDeclaration, range: RangeInclusive<T>) -> T
    where
        T: ConfigValue + PartialOrd + Display,
    {
        let range_text = format!("from {} to {}", range.start(), range.end());
        self.read_checked(declared, Some(range_text.clone()), move |value| {
            if range.contains(value) { Ok(()) } else { Err(format!("must be {range_text}")) }
        })
    }

    /// Adds a fault, unless the variable already has one (its value is then only a placeholder).
    pub fn add_fault(&mut self, variable: &str, message: impl Into<String>) {
        if self.faults.iter().all(|fault| fault.variable != variable) {
            self.faults.push(ConfigFault { variable: variable.to_owned(), message: message.into() });
        }
    }

    /// Records the display text of a variable that is not set and whose default depends on other variables.
    pub fn set_resolved(&mut self, variable: &str, text: impl Into<String>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == variable && !entry.is_set) {
            entry.display_text = text.into();
        }
    }

    pub fn finish(self) -> (Vec<DeclaredVariable>, Vec<ConfigFault>) {
        (self.entries, self.faults)
    }

    fn read_checked<T: ConfigValue>(
        &mut self,
        declared: VariableDeclaration,
        range: Option<String>,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> T {
        let VariableDeclaration { section, name, default, doc } = declared;
        if self.variables.is_not_utf8(name) {
            self.add_fault(name, "is not UTF-8");
        }
        let set_text = self.variables.get(name);
        let display_text = T::display_text(set_text.unwrap_or(default));
        self.entries.push(DeclaredVariable {
            section,
            name,
            default,
            doc,
            range,
            display_text,
            is_set: set_text.is_some(),
        });
        let Some(text) = set_text else { return parse_default(name, default) };
        match T::parse(text).and_then(|value| check(&value).map(|()| value)) {
            Ok(value) => value,
            Err(message) => {
                self.add_fault(name, format!("{message}, not {}", T::display_text(text)));
                parse_default(name, default)
            }
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "defaults are literals in the code, and every start parses each of them"
)]
fn parse_default<T: ConfigValue>(name: &str, default: &str) -> T {
    T::parse(default).map_err(|message| format!("{name}: {message}")).expect("a default is a valid value")
}

/// Declares a section: the struct, and `read`, which fills it. Each field is written as `field: Type = "VARIABLE",
/// "default"` with an optional `, in min..=max` for numbers; its documentation also goes to `.env.example`.
macro_rules! section {
    (
        #[doc = $title:literal]
        $(#[doc = $about:literal])*
        pub struct $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $vis:vis $field:ident: $Type:ty = $name:literal, $default:literal $(, in $range:expr)?;
            )+
        }
    ) => {
        #[doc = $title]
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        pub struct $Section {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n`", $name, "=", $default, "`")]
                $vis $field: $Type,
            )+
        }

        impl $Section {
            pub(super) fn read(reader: &mut $crate::config::reader::ConfigReader<'_>) -> Self {
                Self {
                    $($field: $crate::config::reader::field!(
                        reader,
                        $crate::config::reader::VariableDeclaration {
                            section: $title,
                            name: $name,
                            default: $default,
                            doc: &[$($doc),+],
                        }
                        $(, $range)?
                    ),)+
                }
            }
        }
    };
}

macro_rules! field {
    ($reader:ident, $declared:expr) => {
        $reader.read($declared)
    };
    ($reader:ident, $declared:expr, $range:expr) => {
        $reader.read_in_range($declared, $range)
    };
}

pub(super) use {field, section};
