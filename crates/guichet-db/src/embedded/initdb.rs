//! Creates the cluster, and writes its access rules (`pg_hba.conf`, `pg_ident.conf`).
//!
//! initdb works in `data.new`, which is renamed to `data` at the end, so an interrupted run leaves no `data`.

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

/// Character classes and case conversion cover more than ASCII. Collation is C: fast, and the same on every system.
const CTYPE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// How long child processes of a killed initdb may still write to the folder.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(10);

/// Creates the cluster if it does not exist.
pub fn ensure_cluster(
    cluster_dir: &ClusterDir,
    os_users: &OsUsers,
    programs: &PostgresPrograms,
    fsync: bool,
) -> Result<()> {
    if cluster_dir.major()?.is_some() {
        return Ok(());
    }
    let unfinished = cluster_dir.initdb_data();
    remove_leftover(&unfinished)?;
    os_users.create_private_dir(&unfinished)?;
    run_initdb(&unfinished, os_users, programs, fsync)?;
    fs::rename(&unfinished, cluster_dir.data()).with_context(|| {
        format!(
            "cannot create the database: {} already exists but contains no database; move or delete it",
            cluster_dir.data().display()
        )
    })?;
    if fsync {
        File::open(cluster_dir.root())
            .and_then(|root| root.sync_all())
            .context("cannot sync the new database")?;
    }
    Ok(())
}

/// Writes the access rules at every start, since guichet may run as another user than last time.
pub fn write_access_rules(cluster_dir: &ClusterDir, os_users: &OsUsers) -> Result<()> {
    let mut users = String::new();
    for role in LoginRole::ALL {
        writeln!(users, "guichet \"{}\" {}", os_users.guichet_user(), role.name())?;
    }
    for (path, text) in
        [(hba_file(cluster_dir), "local all all peer map=guichet\n"), (ident_file(cluster_dir), &users)]
    {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        make_world_readable(&path)?;
    }
    Ok(())
}

pub fn hba_file(cluster_dir: &ClusterDir) -> PathBuf {
    cluster_dir.root().join("pg_hba.conf")
}

pub fn ident_file(cluster_dir: &ClusterDir) -> PathBuf {
    cluster_dir.root().join("pg_ident.conf")
}

fn remove_leftover(dir: &Path) -> Result<()> {
    let removed = wait::poll_until(LEFTOVER_LIMIT, || match fs::remove_dir_all(dir) {
        Ok(()) => Some(Ok(())),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Ok(())),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => None,
        Err(error) => Some(Err(error)),
    });
    match removed {
        Some(result) => result.with_context(|| format!("cannot remove {}", dir.display())),
        None => bail!("{} is still being written to", dir.display()),
    }
}

fn run_initdb(target_dir: &Path, os_users: &OsUsers, programs: &PostgresPrograms, fsync: bool) -> Result<()> {
    let mut command = os_users.command(&programs.initdb());
    command
        .arg("-D")
        .arg(target_dir)
        .args(["-U", LoginRole::Admin.name(), "--encoding=UTF8", "--locale=C"])
        .arg(format!("--lc-ctype={CTYPE}"))
        .args(["--auth-local=peer", "--auth-host=reject"]);
    if !fsync {
        command.arg("--no-sync");
    }
    // SIGKILL, because initdb would clean up on other signals while the next start already runs.
    process::signal_on_thread_exit(&mut command, Signal::SIGKILL);
    tracing::info!(postgres.version = programs.major(), "creating the embedded database");
    let output = command.output().context("cannot run initdb")?;
    let log_bytes = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "initdb failed:\n{}",
        log::last_lines(&String::from_utf8_lossy(&log_bytes))
    );
    Ok(())
}

/// These files contain no secrets, and the server's user must read them whatever the umask is.
fn make_world_readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
        .with_context(|| format!("cannot make {} world-readable", path.display()))
}
