//! The folder of the cluster: `DATA_DIR/postgres`, or `/var/tmp/guichet-<hash of DATA_DIR>` if the server's user
//! cannot enter `DATA_DIR`, recorded in `DATA_DIR/postgres.path`.
//!
//! The home belongs to guichet's user; only `data` and the socket folder inside belong to the server's. So root never
//! writes where a lesser user could have placed a link.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::os_users::{self, OsUsers};
use super::url;

const PATH_FILE: &str = "postgres.path";

#[derive(Debug, Clone)]
pub struct ClusterDir {
    root: PathBuf,
}

impl ClusterDir {
    /// Finds or creates the home. `data_dir` must be canonical, so that its hash is stable.
    pub fn prepare(data_dir: &Path, account: &OsUsers) -> Result<Self> {
        if let Some(home) = Self::recorded(data_dir)? {
            ensure!(
                home.root.is_dir(),
                "{} says that the database is in {}, which is not there; to start with an empty one, \
                 delete that note",
                data_dir.join(PATH_FILE).display(),
                home.root.display()
            );
            os_users::ensure_owned(&home.root, Uid::effective().as_raw())?;
            return Ok(home);
        }
        let home = Self { root: data_dir.join("postgres") };
        if account.can_enter(data_dir) {
            home.create()?;
            return Ok(home);
        }
        ensure!(
            !home.data().exists(),
            "user {} cannot enter {}, where the database is: let it pass (chmod o+x) through the folders above",
            account.server_user_name(),
            data_dir.display()
        );
        Self::prepare_outside(data_dir, account)
    }

    /// The path of the home, without creating it.
    pub fn existing(data_dir: &Path) -> Result<Option<Self>> {
        let home = Self::recorded(data_dir)?.unwrap_or_else(|| Self { root: data_dir.join("postgres") });
        Ok(home.root.is_dir().then_some(home))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn unfinished_data(&self) -> PathBuf {
        self.root.join("data.new")
    }

    /// The major version that created the data; `None` before the first start.
    pub fn major(&self) -> Result<Option<u32>> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => {
                text.trim().parse().map(Some).with_context(|| format!("{} is broken", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// A short path outside the home if the home's is too long for a socket, or contains characters that libpq
    /// misreads.
    pub fn socket_dir(&self) -> PathBuf {
        let inside = self.root.join("socket");
        if url::can_hold_socket(&inside) { inside } else { parse_outbound_channel(&self.root, "-socket") }
    }

    /// Recreated if it is ours, since its owner may have been another user.
    pub fn create_socket_dir(&self, account: &OsUsers) -> Result<()> {
        let dir = self.socket_dir();
        if dir.starts_with(&self.root) && dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        account.create_private_dir(&dir)
    }

    fn recorded(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(PATH_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let root = PathBuf::from(text.trim_end_matches('\n'));
                ensure!(root.is_absolute(), "{} holds no absolute path", path.display());
                Ok(Some(Self { root }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn prepare_outside(data_dir: &Path, account: &OsUsers) -> Result<Self> {
        let home = Self { root: parse_outbound_channel(data_dir, "") };
        let found_there = home.data().exists();
        home.create()?;
        if !account.can_enter(&home.root) {
            bail!(
                "user {} can enter neither {} nor /var/tmp",
                account.server_user_name(),
                data_dir.display()
            );
        }
        let note = data_dir.join(PATH_FILE);
        fs::write(&note, format!("{}\n", home.root.display()))
            .with_context(|| format!("cannot write {}", note.display()))?;
        tracing::warn!(
            postgres.path = %home.root.display(),
            postgres.user = account.server_user_name(),
            found_there,
            "the user of PostgreSQL cannot enter DATA_DIR: the database lives elsewhere"
        );
        Ok(home)
    }

    /// Others may pass through to their own folders inside, but not list it.
    fn create(&self) -> Result<()> {
        let make = || match fs::DirBuilder::new().mode(0o711).create(&self.root) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(anyhow::Error::from(error)),
            // Set again, since the process's umask may have cleared bits.
            Ok(()) => Ok(fs::set_permissions(&self.root, fs::Permissions::from_mode(0o711))?),
        };
        make().with_context(|| format!("cannot make {}", self.root.display()))?;
        os_users::ensure_owned(&self.root, Uid::effective().as_raw())
    }
}

fn parse_outbound_channel(path: &Path, ending: &str) -> PathBuf {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("/var/tmp/guichet-{hash}{ending}"))
}
