//! The size of a run: full, or small.

use std::time::Duration;

pub struct Scale {
    pub name: &'static str,
    /// Client rooms, each with one member; fifty per employee.
    pub rooms: usize,
    pub messages_per_room: usize,
    pub idle_connections: usize,
    /// Concurrent requests in a durable send, each in a room of its own.
    pub senders: usize,
    /// How often baseline and guichet alternate; the median counts.
    pub rounds: usize,
    pub turn: Duration,
    /// For the room with a slow reader, and the number of messages sent to it.
    pub readers: usize,
    pub stalled_messages: usize,
    /// The audience of one event, and how many of them listen while others are announced.
    pub audience: usize,
    pub listeners: usize,
    /// Notifications of each of the first thousand people, before reads are measured.
    pub notifications_each: usize,
}

impl Scale {
    /// `BENCH_SCALE=small`, or the full run.
    pub fn of_environment() -> Self {
        if std::env::var("BENCH_SCALE").is_ok_and(|scale| scale == "small") { SMALL } else { FULL }
    }
}

const FULL: Scale = Scale {
    name: "full",
    rooms: 2_000,
    messages_per_room: 500,
    idle_connections: 10_000,
    senders: 32,
    rounds: 3,
    turn: Duration::from_secs(4),
    readers: 500,
    stalled_messages: 5_000,
    audience: 100_000,
    listeners: 1_000,
    notifications_each: 1_000,
};

const SMALL: Scale = Scale {
    name: "small",
    rooms: 200,
    messages_per_room: 100,
    idle_connections: 1_000,
    senders: 32,
    rounds: 1,
    turn: Duration::from_secs(2),
    readers: 50,
    stalled_messages: 5_000,
    audience: 10_000,
    listeners: 200,
    notifications_each: 50,
};
