//! Errors of the configuration, one per variable.

use std::fmt;

/// A variable and what is wrong with it. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable's name, or `.env`.
    pub variable: String,
    pub message: String,
}

/// All faults of one configuration, in the order of `.env.example`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} fault{}:", if count == 1 { "" } else { "s" })?;
        for fault in &self.0 {
            write!(f, "\n  {}: {}", fault.variable, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
