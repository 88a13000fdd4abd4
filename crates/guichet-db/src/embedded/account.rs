//! The operating-system users of guichet and of its PostgreSQL.
//!
//! They are the same, except for root: PostgreSQL refuses to run as root, so its processes then run as `postgres`, or
//! as the user `nobody` if that does not exist.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Uid, User};

/// Environment variables passed to PostgreSQL's programs. Others may hold secrets, or settings for another
/// PostgreSQL.
const PASSED_ON: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

#[derive(Debug, Clone)]
pub struct Account {
    /// The user that peer authentication admits.
    client: String,
    server: User,
    switches_user: bool,
}

impl Account {
    pub fn current() -> Result<Self> {
        let uid = Uid::effective();
        let Some(own) = User::from_uid(uid).context("cannot look up the current user")? else {
            bail!(
                "user id {uid} has no entry in /etc/passwd, which PostgreSQL needs: add one, \
                 or set DATABASE_URL to a PostgreSQL that runs already"
            );
        };
        let switches_user = uid.is_root();
        let server = if switches_user { unprivileged()? } else { own.clone() };
        Ok(Self { client: own.name, server, switches_user })
    }

    pub fn client(&self) -> &str {
        &self.client
    }

    /// For root: the server of an existing cluster runs as the owner of its data, even if another user was chosen
    /// now.
    pub fn serving_owner_of(mut self, data: &Path) -> Result<Self> {
        if let Ok(found) = fs::metadata(data)
            && self.switches_user
            && found.uid() != self.server.uid.as_raw()
        {
            let uid = Uid::from_raw(found.uid());
            ensure!(!uid.is_root(), "{} belongs to root, as whom PostgreSQL cannot run", data.display());
            self.server = User::from_uid(uid)
                .ok()
                .flatten()
                .with_context(|| format!("{} belongs to the unknown user id {uid}", data.display()))?;
        }
        Ok(self)
    }

    /// A command that runs a PostgreSQL program as the server's user, without guichet's environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).current_dir("/");
        for name in PASSED_ON {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.switches_user {
            command.uid(self.server.uid.as_raw()).gid(self.server.gid.as_raw());
        }
        command
    }

    /// Whether the server's user can enter this folder. Tried, because modes are not the only rule.
    pub fn can_enter(&self, dir: &Path) -> bool {
        let mut command = self.command(Path::new("/bin/sh"));
        !self.switches_user || command.args(["-c", ":"]).current_dir(dir).status().is_ok_and(|s| s.success())
    }

    pub fn server_name(&self) -> &str {
        &self.server.name
    }

    /// Creates a folder for the server's user only. An existing one must belong to that user: in a world-writable
    /// folder, another user may have created it first.
    pub fn make_private_dir(&self, dir: &Path) -> Result<()> {
        let owner = self.server.uid.as_raw();
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) if self.switches_user => lchown(dir, Some(owner), Some(self.server.gid.as_raw()))
                .with_context(|| format!("cannot give {} to {}", dir.display(), self.server.name)),
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => ensure_owned(dir, owner),
            Err(error) => Err(error).with_context(|| format!("cannot make {}", dir.display())),
        }
    }
}

/// Errors: a link, or a folder that belongs to another user.
pub fn ensure_owned(dir: &Path, owner: u32) -> Result<()> {
    let found = fs::symlink_metadata(dir).with_context(|| format!("cannot look at {}", dir.display()))?;
    ensure!(found.is_dir(), "{} is in the way: a folder must be there, or nothing", dir.display());
    ensure!(
        found.uid() == owner,
        "{} belongs to user id {}, not {owner}: run guichet as that user, or set DATA_DIR to another folder",
        dir.display(),
        found.uid()
    );
    Ok(())
}

fn unprivileged() -> Result<User> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name).context("cannot look up a user")? {
            return Ok(user);
        }
    }
    bail!(
        "PostgreSQL cannot run as root, and there is neither a user `postgres` nor a user `nobody` to run it"
    )
}
