//! The figures of the socket, under the names that dashboards know. Handles are taken once: looking one up by name
//! costs as much as a delivery.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// V1 and V2 are one dialect to operators.
const DIALECT: &str = "phoenix";

pub struct Meters {
    pub connections: Gauge,
    pub delivery_seconds: Histogram,
    pub slow_consumers: Counter,
    pub frames_in: Counter,
    pub frames_out: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            connections: gauge!("notifications_ws_active_connections"),
            delivery_seconds: histogram!("message_delivery_seconds"),
            slow_consumers: counter!("ws_slow_consumers_total"),
            frames_in: counter!("ws_frames_total", "direction" => "in", "dialect" => DIALECT),
            frames_out: counter!("ws_frames_total", "direction" => "out", "dialect" => DIALECT),
        }
    }
}
