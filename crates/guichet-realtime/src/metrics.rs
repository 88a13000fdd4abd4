//! The metrics of sockets. Handles are created once: looking one up by name costs as much as a delivery.

use metrics::{Counter, Gauge, counter, gauge};

use crate::metric_names::{WS_ACTIVE_CONNECTIONS, WS_FRAMES, WS_SLOW_CONSUMERS};
use crate::wire::{Dialect, Family};

pub struct SocketMetrics {
    pub connections: Gauge,
    pub slow_consumers: Counter,
    phoenix: FrameCounters,
    plain: FrameCounters,
    socketio: FrameCounters,
}

/// Frame counters of one dialect; V1 and V2 of Phoenix count as one.
pub struct FrameCounters {
    pub received: Counter,
    pub sent: Counter,
}

impl FrameCounters {
    fn for_dialect(dialect: &'static str) -> Self {
        Self {
            received: counter!(WS_FRAMES, "direction" => "in", "dialect" => dialect),
            sent: counter!(WS_FRAMES, "direction" => "out", "dialect" => dialect),
        }
    }
}

impl SocketMetrics {
    pub fn frames(&self, dialect: Dialect) -> &FrameCounters {
        match dialect.family() {
            Family::Phoenix => &self.phoenix,
            Family::Plain => &self.plain,
            Family::SocketIo => &self.socketio,
        }
    }
}

impl Default for SocketMetrics {
    fn default() -> Self {
        Self {
            connections: gauge!(WS_ACTIVE_CONNECTIONS),
            slow_consumers: counter!(WS_SLOW_CONSUMERS),
            phoenix: FrameCounters::for_dialect("phoenix"),
            plain: FrameCounters::for_dialect("plain"),
            socketio: FrameCounters::for_dialect("socketio"),
        }
    }
}
