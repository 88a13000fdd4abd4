//! Whether the connection to Redis is up. Each change is logged once, however often it is retried.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

const UNTRIED: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

pub(super) struct Link {
    way: &'static str,
    state: AtomicU8,
}

impl Link {
    pub fn new(way: &'static str) -> Self {
        Self { way, state: AtomicU8::new(UNTRIED) }
    }

    /// `channel` or `stream`.
    pub fn way(&self) -> &'static str {
        self.way
    }

    pub fn is_up(&self) -> bool {
        self.state.load(Ordering::Relaxed) == UP
    }

    pub fn up(&self) {
        if self.state.swap(UP, Ordering::Relaxed) != UP {
            tracing::info!(event.source = self.way, "events are taken from Redis");
        }
    }

    pub fn down(&self, error: &impl Display) {
        if self.state.swap(DOWN, Ordering::Relaxed) != DOWN {
            tracing::warn!(event.source = self.way, %error, "no events come from Redis; trying again");
        }
    }
}
