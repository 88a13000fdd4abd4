//! The libraries and their runtimes, fetched from npm and PyPI once per set of versions.
//!
//! Everything is stored below cargo's target folder. A file lock lets one test install while the others wait.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

const NODE_MAJOR: &str = "v22.";

/// Where the programs of `tests/clients/` can run.
pub struct Toolbox {
    pub node: PathBuf,
    pub python: PathBuf,
    /// The folder that holds them, beside the libraries they import.
    pub programs: PathBuf,
    /// Versions that were printed already.
    said: Mutex<BTreeSet<String>>,
}

impl Toolbox {
    /// Installs what is missing.
    ///
    /// # Errors
    /// npm or Python is missing; the message says what to install. Nothing is skipped.
    pub fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
        fs::create_dir_all(&root)?;
        let lock = File::create(root.join("lock"))?;
        let _ours = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        let node = installed(&root, "node", &["package.json", "package-lock.json"], install_node)?;
        let python = installed(&root, "python", &["requirements.txt"], install_python)?;
        Ok(Self {
            programs: place_programs(&node)?,
            node: node.join("node_modules/.bin/node"),
            python: python.join("bin/python"),
            said: Mutex::default(),
        })
    }

    /// Prints the versions once, to standard error itself, since the test runner captures the output of passing
    /// tests.
    pub fn say(&self, versions: String) -> Result<()> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.contains(&versions) {
            writeln!(std::io::stderr(), "{versions}")?;
            said.insert(versions);
        }
        Ok(())
    }
}

/// The folder for exactly these files. It is created again unless an earlier installation was completed.
fn installed(root: &Path, name: &str, inputs: &[&str], install: fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = root.join(format!("{name}-{}", fingerprint(inputs)?));
    let done = folder.join("installed");
    if !done.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        copy(inputs.iter().map(|input| sources().join(input)), &folder)?;
        install(&folder)?;
        File::create(done)?;
    }
    Ok(folder)
}

/// `npm ci` installs the packages in the lock file and verifies them. The package `node` fetches Node by its install
/// script, which npm has to run.
fn install_node(folder: &Path) -> Result<()> {
    let missing =
        "npm is needed: install Node.js with npm (Debian: apt-get install npm; macOS: brew install node)";
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts=false"]).current_dir(folder);
    run(&mut npm, missing)?;
    let mut node = Command::new(folder.join("node_modules/.bin/node"));
    let version = run(
        node.arg("--version"),
        "npm did not install the package `node`; are its install scripts allowed?",
    )?;
    ensure!(version.starts_with(NODE_MAJOR), "the package `node` brought {version} instead of {NODE_MAJOR}x");
    Ok(())
}

fn install_python(folder: &Path) -> Result<()> {
    let missing = "Python 3.11 or later with venv is needed \
                   (Debian: apt-get install python3 python3-venv; macOS: brew install python)";
    run(Command::new("python3").args(["-m", "venv"]).arg(folder), missing)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]);
    run(pip.current_dir(folder), missing)?;
    Ok(())
}

/// Node looks for packages next to and above the program, wherever it is started.
fn place_programs(node: &Path) -> Result<PathBuf> {
    let programs = fs::read_dir(sources())?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_program = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "mjs" || kind == "py");
    let programs: Vec<_> = programs.into_iter().filter(is_program).collect();
    let names: Vec<_> = programs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let folder = node.join(format!("programs-{}", fingerprint(&names)?));
    if !folder.exists() {
        fs::create_dir(&folder)?;
        copy(programs.iter().cloned(), &folder)?;
    }
    Ok(folder)
}

fn copy(files: impl Iterator<Item = PathBuf>, folder: &Path) -> Result<()> {
    for file in files {
        fs::copy(&file, folder.join(file.file_name().context("a file has a name")?))?;
    }
    Ok(())
}

fn fingerprint(inputs: &[&str]) -> Result<String> {
    let mut inputs = inputs.to_vec();
    inputs.sort_unstable();
    let mut digest = Sha256::new();
    for input in inputs {
        digest.update(input);
        digest.update(fs::read(sources().join(input)).with_context(|| input.to_owned())?);
    }
    Ok(digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn run(command: &mut Command, if_missing: &str) -> Result<String> {
    let output = command.output().with_context(|| if_missing.to_owned())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {said}{}\n{if_missing}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
