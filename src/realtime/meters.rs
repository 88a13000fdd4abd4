//! The figures of the socket, under the names that dashboards know. Handles are taken once: looking one up by name
//! costs as much as a delivery.

use metrics::{Counter, Gauge, counter, gauge};

use crate::telemetry::names::{WS_ACTIVE_CONNECTIONS, WS_FRAMES, WS_SLOW_CONSUMERS};

/// V1 and V2 are one dialect to operators.
const DIALECT: &str = "phoenix";

pub struct Meters {
    pub connections: Gauge,
    pub slow_consumers: Counter,
    pub frames_in: Counter,
    pub frames_out: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            connections: gauge!(WS_ACTIVE_CONNECTIONS),
            slow_consumers: counter!(WS_SLOW_CONSUMERS),
            frames_in: counter!(WS_FRAMES, "direction" => "in", "dialect" => DIALECT),
            frames_out: counter!(WS_FRAMES, "direction" => "out", "dialect" => DIALECT),
        }
    }
}
