//! Logging to standard error: text on a terminal, otherwise JSON.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogsConfig};

/// Starts logging for the whole process. Does nothing if a subscriber is already installed.
pub fn install(logs: &LogsConfig) {
    let format_layer = tracing_subscriber::fmt::layer().with_writer(stderr);
    let layer = if is_json(logs.format) {
        format_layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        format_layer.with_ansi(stderr().is_terminal()).boxed()
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(logs.filter.targets().clone()));
    // Fails if a subscriber is installed already, as in tests with many servers in one process.
    let _ = subscriber.try_init();
}

fn is_json(format: LogFormat) -> bool {
    match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !stderr().is_terminal(),
    }
}
