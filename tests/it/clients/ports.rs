//! Ports for servers that stop and start again.
//!
//! They are below 32768, the range of ephemeral ports, so that no outgoing connection takes them meanwhile. A file
//! lock keeps each port from other tests, also of other test processes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

const FIRST: u16 = 21_000;
const BEYOND_LAST: u16 = 32_000;

/// Reserved until dropped.
pub struct Port {
    pub number: u16,
    _lock: Flock<File>,
}

impl Port {
    pub fn take() -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ports");
        fs::create_dir_all(&folder)?;
        (FIRST..BEYOND_LAST).find_map(|number| Self::try_take(&folder, number)).context("no port is free")
    }

    fn try_take(folder: &Path, number: u16) -> Option<Self> {
        let file = File::create(folder.join(number.to_string())).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, _lock: lock })
    }
}
