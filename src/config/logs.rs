//! The level and the format of logs.

use super::config_value::ConfigValue;
use super::reader::section;
use super::values::LogFilter;

section! {
    /// Logs, to standard error
    pub struct LogsConfig {
        /// Log level: off, error, warn, info, debug or trace; also per module. Example: info,guichet_realtime=debug
        pub filter: LogFilter = "NOTIFICATION_LOG_LEVEL", "info";
        /// text, json, or auto: text on a terminal, else JSON.
        pub format: LogFormat = "LOG_FORMAT", "auto";
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    Text,
    Json,
}

impl ConfigValue for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(LogFormat::Auto),
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be auto, text or json".to_owned()),
        }
    }
}
