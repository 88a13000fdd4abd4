//! Properties that every dialect guarantees to its clients.

pub mod client;
mod ending;
mod joining;
mod sending;
pub mod wires;

use self::client::Client;
use self::wires::{ALL, Ask, ReceivedFrame};
use crate::harness::ChatFixture;

/// The topic of Atelier Nord, without prefix.
fn room(world: &ChatFixture) -> String {
    format!("chat:room:{}", world.nord)
}
