//! Ports for servers that go and come back.
//!
//! They lie below 32768, where no system takes the port of an outgoing connection, which could otherwise hold it
//! when its server returns. A lock on a file keeps each port from other tests, also of other test processes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

const FIRST: u16 = 21_000;
const BEYOND_LAST: u16 = 32_000;

/// Ours until it is dropped.
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
