//! State of a connection to Redis. Each change of state is logged once, not each retry.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

const NOT_CONNECTED_YET: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

pub(super) struct ConnectionState {
    source: &'static str,
    state: AtomicU8,
}

impl ConnectionState {
    pub fn new(way: &'static str) -> Self {
        Self { source: way, state: AtomicU8::new(NOT_CONNECTED_YET) }
    }

    /// `channel` or `stream`.
    pub fn source(&self) -> &'static str {
        self.source
    }

    pub fn is_up(&self) -> bool {
        self.state.load(Ordering::Relaxed) == UP
    }

    pub fn set_up(&self) {
        if self.state.swap(UP, Ordering::Relaxed) != UP {
            tracing::info!(event.source = self.source, "receiving events from Redis");
        }
    }

    pub fn set_down(&self, error: &impl Display) {
        if self.state.swap(DOWN, Ordering::Relaxed) != DOWN {
            tracing::warn!(event.source = self.source, %error, "lost the connection to Redis; reconnecting");
        }
    }
}
