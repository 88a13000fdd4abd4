//! The folder of the cluster: `DATA_DIR/postgres`, or `/var/tmp/guichet-<hash of DATA_DIR>` if the server's user
//! cannot enter `DATA_DIR`, recorded in `DATA_DIR/postgres.path`.
//!
//! The cluster folder belongs to guichet's user; only `data` and the socket folder inside belong to the server's user.
//! So root never writes where an unprivileged user could have placed a symbolic link.

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
    /// Finds or creates the cluster folder. `data_dir` must be canonical, so that its hash is stable.
    pub fn prepare(data_dir: &Path, os_users: &OsUsers) -> Result<Self> {
        if let Some(cluster_dir) = Self::read_recorded_path(data_dir)? {
            ensure!(
                cluster_dir.root.is_dir(),
                "{} records that the database is in {}, which does not exist; to start with an empty one, \
                 delete that file",
                data_dir.join(PATH_FILE).display(),
                cluster_dir.root.display()
            );
            os_users::ensure_owned(&cluster_dir.root, Uid::effective().as_raw())?;
            return Ok(cluster_dir);
        }
        let cluster_dir = Self { root: data_dir.join("postgres") };
        if os_users.can_enter(data_dir) {
            cluster_dir.create()?;
            return Ok(cluster_dir);
        }
        ensure!(
            !cluster_dir.data().exists(),
            "user {} cannot enter {}, where the database is: allow it to traverse the parent folders (chmod o+x)",
            os_users.server_user_name(),
            data_dir.display()
        );
        Self::prepare_in_var_tmp(data_dir, os_users)
    }

    /// The cluster folder if it exists; it is not created.
    pub fn existing(data_dir: &Path) -> Result<Option<Self>> {
        let cluster_dir =
            Self::read_recorded_path(data_dir)?.unwrap_or_else(|| Self { root: data_dir.join("postgres") });
        Ok(cluster_dir.root.is_dir().then_some(cluster_dir))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn initdb_data(&self) -> PathBuf {
        self.root.join("data.new")
    }

    /// The major version that created the data; `None` before the first start.
    pub fn major(&self) -> Result<Option<u32>> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text
                .trim()
                .parse()
                .map(Some)
                .with_context(|| format!("{} contains no version", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Folder of the Unix socket: inside the cluster folder, or in `/var/tmp` if that path is too long for a socket or
    /// contains characters that libpq cannot parse.
    pub fn socket_dir(&self) -> PathBuf {
        let inside = self.root.join("socket");
        if url::can_contain_socket(&inside) { inside } else { hashed_tmp_path(&self.root, "-socket") }
    }

    /// Recreates a socket folder inside the cluster folder, since its owner may be another user than last time.
    pub fn create_socket_dir(&self, os_users: &OsUsers) -> Result<()> {
        let dir = self.socket_dir();
        if dir.starts_with(&self.root) && dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        os_users.create_private_dir(&dir)
    }

    fn read_recorded_path(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(PATH_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let root = PathBuf::from(text.trim_end_matches('\n'));
                ensure!(root.is_absolute(), "{} does not contain an absolute path", path.display());
                Ok(Some(Self { root }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn prepare_in_var_tmp(data_dir: &Path, os_users: &OsUsers) -> Result<Self> {
        let cluster_dir = Self { root: hashed_tmp_path(data_dir, "") };
        let data_exists = cluster_dir.data().exists();
        cluster_dir.create()?;
        if !os_users.can_enter(&cluster_dir.root) {
            bail!(
                "user {} can enter neither {} nor /var/tmp",
                os_users.server_user_name(),
                data_dir.display()
            );
        }
        let path_file = data_dir.join(PATH_FILE);
        fs::write(&path_file, format!("{}\n", cluster_dir.root.display()))
            .with_context(|| format!("cannot write {}", path_file.display()))?;
        tracing::warn!(
            postgres.path = %cluster_dir.root.display(),
            postgres.user = os_users.server_user_name(),
            data_exists,
            "the user of PostgreSQL cannot enter DATA_DIR: the database is stored elsewhere"
        );
        Ok(cluster_dir)
    }

    /// Mode 0711: other users may traverse the folder to reach their own folders inside, but not list it.
    fn create(&self) -> Result<()> {
        let create = || match fs::DirBuilder::new().mode(0o711).create(&self.root) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(anyhow::Error::from(error)),
            // Set again, since the process's umask may have cleared bits.
            Ok(()) => Ok(fs::set_permissions(&self.root, fs::Permissions::from_mode(0o711))?),
        };
        create().with_context(|| format!("cannot create {}", self.root.display()))?;
        os_users::ensure_owned(&self.root, Uid::effective().as_raw())
    }
}

fn hashed_tmp_path(path: &Path, suffix: &str) -> PathBuf {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("/var/tmp/guichet-{hash}{suffix}"))
}
