//! The generated JWT secret: created at the first start if none is configured, and reused afterwards.
//!
//! The file is created atomically: of several processes that start together, one creates it and all read it. Only its
//! owner can read it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

const FILE_NAME: &str = "jwt_secret";
const RANDOM_BYTES: usize = 32;

/// The secret in `data_dir/jwt_secret`, created if missing (32 random bytes, base64, mode 0600).
pub fn load_or_create_secret(data_dir: &Path) -> anyhow::Result<SecretString> {
    let path = data_dir.join(FILE_NAME);
    if !path.exists() {
        create_secret(data_dir, &path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let secret = SecretString::from(text.trim());
    ensure!(
        secret.expose_secret().len() >= RANDOM_BYTES,
        "{} is too short to be a secret: remove it, and the next start creates a new one (which invalidates tokens)",
        path.display()
    );
    Ok(secret)
}

fn create_secret(data_dir: &Path, path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(data_dir)?;
    let mut random = [0_u8; RANDOM_BYTES];
    getrandom::fill(&mut random)?;
    let draft = data_dir.join(format!("{FILE_NAME}.{:016x}", getrandom::u64()?));
    let linked = write_private(&draft, &STANDARD.encode(random)).and_then(|()| fs::hard_link(&draft, path));
    // A leftover draft file is harmless; only the result of the link decides.
    let _ = fs::remove_file(&draft);
    match linked {
        // Another process created the secret first; it is used.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
