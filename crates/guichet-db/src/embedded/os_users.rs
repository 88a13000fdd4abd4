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
const INHERITED_VARIABLES: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

#[derive(Debug, Clone)]
pub struct OsUsers {
    /// Name of the operating-system user that peer authentication accepts.
    guichet_user: String,
    server_user: User,
    switches_user: bool,
}

impl OsUsers {
    pub fn current() -> Result<Self> {
        let uid = Uid::effective();
        let Some(current_user) = User::from_uid(uid).context("cannot look up the current user")? else {
            bail!(
                "user id {uid} has no entry in /etc/passwd, which PostgreSQL needs: add one, \
                 or set DATABASE_URL to use an existing PostgreSQL server"
            );
        };
        let switches_user = uid.is_root();
        let server_user = if switches_user { unprivileged_user()? } else { current_user.clone() };
        Ok(Self { guichet_user: current_user.name, server_user, switches_user })
    }

    pub fn guichet_user(&self) -> &str {
        &self.guichet_user
    }

    /// If guichet runs as root, the server of an existing cluster runs as the owner of its data, even if `current`
    /// selected another user.
    pub fn with_data_owner(mut self, data: &Path) -> Result<Self> {
        if let Ok(metadata) = fs::metadata(data)
            && self.switches_user
            && metadata.uid() != self.server_user.uid.as_raw()
        {
            let uid = Uid::from_raw(metadata.uid());
            ensure!(!uid.is_root(), "{} belongs to root, and PostgreSQL cannot run as root", data.display());
            self.server_user = User::from_uid(uid)
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
        for name in INHERITED_VARIABLES {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.switches_user {
            command.uid(self.server_user.uid.as_raw()).gid(self.server_user.gid.as_raw());
        }
        command
    }

    /// Whether the server's user can enter this folder. Tests it with a process, since ACLs and mounts also decide.
    pub fn can_enter(&self, dir: &Path) -> bool {
        let mut command = self.command(Path::new("/bin/sh"));
        !self.switches_user || command.args(["-c", ":"]).current_dir(dir).status().is_ok_and(|s| s.success())
    }

    pub fn server_user_name(&self) -> &str {
        &self.server_user.name
    }

    /// Creates a folder for the server's user only. An existing one must belong to that user: in a world-writable
    /// folder, another user may have created it first.
    pub fn create_private_dir(&self, dir: &Path) -> Result<()> {
        let owner = self.server_user.uid.as_raw();
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) if self.switches_user => lchown(dir, Some(owner), Some(self.server_user.gid.as_raw()))
                .with_context(|| {
                    format!("cannot change the owner of {} to {}", dir.display(), self.server_user.name)
                }),
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => ensure_owned(dir, owner),
            Err(error) => Err(error).with_context(|| format!("cannot create {}", dir.display())),
        }
    }
}

/// Errors: `dir` is not a folder (or a symbolic link to one), or belongs to another user.
pub fn ensure_owned(dir: &Path, owner: u32) -> Result<()> {
    let metadata = fs::symlink_metadata(dir)
        .with_context(|| format!("cannot read the metadata of {}", dir.display()))?;
    ensure!(metadata.is_dir(), "{} is not a folder: remove it", dir.display());
    ensure!(
        metadata.uid() == owner,
        "{} belongs to user id {}, not {owner}: run guichet as that user, or set DATA_DIR to another folder",
        dir.display(),
        metadata.uid()
    );
    Ok(())
}

fn unprivileged_user() -> Result<User> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name).context("cannot look up a user")? {
            return Ok(user);
        }
    }
    bail!(
        "PostgreSQL cannot run as root, and there is neither a user `postgres` nor a user `nobody` to run it"
    )
}
