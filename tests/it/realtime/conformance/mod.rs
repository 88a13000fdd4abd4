//! One list of facts, held against every dialect: what a client may rely on, however it speaks.

pub mod client;
mod ending;
mod joining;
mod sending;
pub mod wires;

use self::client::Client;
use self::wires::{ALL, Ask, Heard};
use crate::harness::World;

/// The room of Atelier Nord, by its bare name.
fn room(world: &World) -> String {
    format!("chat:room:{}", world.nord)
}
