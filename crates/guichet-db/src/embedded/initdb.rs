//! Creates the cluster, and writes its access rules.
//!
//! initdb works in `data.new`, which is renamed to `data` at the end: an interrupted run never looks initialized.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use super::binaries::PostgresPrograms;
use super::cluster_dir::ClusterDir;
use super::os_users::OsUsers;
use super::{LoginRole, log, process, wait};

/// Sorting by bytes is fast and the same everywhere; case folding must cover more than ASCII.
const CTYPE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// The last child of a killed initdb may still write for a moment.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(10);

/// Creates the cluster if it does not exist.
pub fn ensure_cluster(
    home: &ClusterDir,
    account: &OsUsers,
    binaries: &PostgresPrograms,
    fsync: bool,
) -> Result<()> {
    if home.major()?.is_some() {
        return Ok(());
    }
    let unfinished = home.unfinished_data();
    remove_leftover(&unfinished)?;
    account.create_private_dir(&unfinished)?;
    run_initdb(&unfinished, account, binaries, fsync)?;
    fs::rename(&unfinished, home.data()).with_context(|| {
        format!(
            "cannot create the database: {} already exists but contains no database; move or delete it",
            home.data().display()
        )
    })?;
    if fsync {
        File::open(home.root()).and_then(|root| root.sync_all()).context("cannot sync the new database")?;
    }
    Ok(())
}

/// Written at every start, since guichet may run as another user than last time.
pub fn write_access_rules(home: &ClusterDir, account: &OsUsers) -> Result<()> {
    let mut users = String::new();
    for role in LoginRole::ALL {
        writeln!(users, "guichet \"{}\" {}", account.guichet_user(), role.name())?;
    }
    for (path, text) in [(hba_file(home), "local all all peer map=guichet\n"), (ident_file(home), &users)] {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        make_world_readable(&path)?;
    }
    Ok(())
}

pub fn hba_file(home: &ClusterDir) -> PathBuf {
    home.root().join("pg_hba.conf")
}

pub fn ident_file(home: &ClusterDir) -> PathBuf {
    home.root().join("pg_ident.conf")
}

fn remove_leftover(dir: &Path) -> Result<()> {
    let gone = wait::poll_until(LEFTOVER_LIMIT, || match fs::remove_dir_all(dir) {
        Ok(()) => Some(Ok(())),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Ok(())),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => None,
        Err(error) => Some(Err(error)),
    });
    match gone {
        Some(result) => result.with_context(|| format!("cannot remove {}", dir.display())),
        None => bail!("{} is still being written to", dir.display()),
    }
}

fn run_initdb(into: &Path, account: &OsUsers, binaries: &PostgresPrograms, fsync: bool) -> Result<()> {
    let mut command = account.command(&binaries.initdb());
    command
        .arg("-D")
        .arg(into)
        .args(["-U", LoginRole::Admin.name(), "--encoding=UTF8", "--locale=C"])
        .arg(format!("--lc-ctype={CTYPE}"))
        .args(["--auth-local=peer", "--auth-host=reject"]);
    if !fsync {
        command.arg("--no-sync");
    }
    // SIGKILL: after a milder signal it would still clean up while the next start begins.
    process::end_with_this_thread(&mut command, Signal::SIGKILL);
    tracing::info!(postgres.version = binaries.major(), "creating the embedded database");
    let output = command.output().context("cannot run initdb")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "initdb failed:\n{}", log::last_lines(&String::from_utf8_lossy(&said)));
    Ok(())
}

/// These files contain no secrets, and the server's user must read them whatever the umask is.
fn make_world_readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
        .with_context(|| format!("cannot make {} world-readable", path.display()))
}
