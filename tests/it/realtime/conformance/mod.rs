//! Properties that every dialect guarantees to its clients.

pub mod client;
mod ending;
mod joining;
mod sending;
pub mod wires;

use self::client::Client;
use self::wires::{ALL, Ask, Heard};
use crate::harness::World;

/// The topic of Atelier Nord, without prefix.
fn room(world: &World) -> String {
    format!("chat:room:{}", world.nord)
}
