//! The embedded PostgreSQL, with real servers. A second guichet is this test binary, run again as the test
//! `another_process` with instructions in a variable, so that it can be killed.

mod fixture;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use fixture::{CHILD_FOLDER, Folder, Owner, child, child_running, query, read, settings, until};
use guichet_db::embedded::{Cluster, EmbeddedSettings, LoginRole};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Uid, User, getsid};

#[test]
fn a_second_start_on_the_same_folder_is_refused_by_name() -> Result<()> {
    let folder = Folder::open()?;
    let first = folder.start()?;
    let refusal = folder.refusal()?;
    assert!(refusal.contains("already runs on"), "{refusal}");
    assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");
    query(&first, "SELECT 1")
}

#[test]
fn data_of_another_major_version_is_refused_naming_it() -> Result<()> {
    let folder = Folder::open()?;
    folder.start()?.stop()?;
    let version = folder.home()?.join("data/PG_VERSION");
    let original = fs::read_to_string(&version)?;
    fs::write(&version, "9\n")?;
    let refusal = folder.refusal()?;
    assert!(refusal.contains("created by PostgreSQL 9") && refusal.contains("postgresql-9"), "{refusal}");
    fs::write(&version, original)?;
    folder.start()?.stop()
}

#[test]
fn without_programs_the_start_says_what_to_install() -> Result<()> {
    let folder = Folder::open()?;
    let output = child(folder.path())?.env("GUICHET_PG_BIN", "/nowhere").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("GUICHET_PG_BIN=/nowhere") && said.contains("apt-get install postgresql"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_server_that_gives_up_fails_the_start_with_its_own_words() -> Result<()> {
    let folder = Folder::open()?;
    let settings = EmbeddedSettings { max_connections: 0, ..folder.settings() };
    let error = format!("{:#}", Cluster::start(&settings).err().context("started")?);
    assert!(error.contains("max_connections"), "{error}");
    folder.start()?.stop()
}

#[test]
fn a_link_in_place_of_the_home_is_not_followed() -> Result<()> {
    let folder = Folder::open()?;
    let elsewhere = tempfile::tempdir()?;
    symlink(elsewhere.path(), folder.path().join("postgres"))?;
    let refusal = folder.refusal()?;
    assert!(refusal.contains("is not a folder"), "{refusal}");
    Ok(())
}

#[test]
fn a_noted_home_that_is_gone_is_not_replaced_in_silence() -> Result<()> {
    let folder = Folder::open()?;
    fs::write(folder.path().join("postgres.path"), "/var/tmp/guichet-gone\n")?;
    let refusal = folder.refusal()?;
    assert!(refusal.contains("/var/tmp/guichet-gone, which does not exist"), "{refusal}");
    Ok(())
}

#[test]
fn data_lasts_from_one_start_to_the_next() -> Result<()> {
    let folder = Folder::open()?;
    let first = folder.start()?;
    query(&first, "CREATE TABLE kept (id int)")?;
    first.stop()?;
    let second = folder.start()?;
    query(&second, "INSERT INTO kept VALUES (1)")
}

#[test]
fn letters_beyond_ascii_are_letters() -> Result<()> {
    let folder = Folder::open()?;
    let cluster = folder.start()?;
    query(&cluster, "SELECT 1 / (lower('ÉTÉ') = 'été')::int")
}

#[test]
fn no_port_is_open_and_the_session_is_its_own() -> Result<()> {
    let folder = Folder::open()?;
    let cluster = folder.start()?;
    query(&cluster, "SELECT 1 / (current_setting('listen_addresses') = '')::int")?;
    let server = folder.server()?.context("no server")?;
    assert_ne!(getsid(Some(server))?, getsid(None)?);
    Ok(())
}

#[test]
fn the_environment_of_guichet_does_not_reach_the_server() -> Result<()> {
    let folder = Folder::open()?;
    let mut owner = Owner::spawn(child(folder.path())?.env("JWT_SECRET", "hidden").env("PGPORT", "1"))?;
    let server = folder.server()?.context("no server")?;
    let environment = fs::read(format!("/proc/{server}/environ"))?;
    assert!(!String::from_utf8_lossy(&environment).contains("hidden"));
    owner.kill()
}

#[test]
fn stop_leaves_no_process_and_can_be_said_twice() -> Result<()> {
    let folder = Folder::open()?;
    let cluster = folder.start()?;
    assert!(folder.server()?.is_some());
    cluster.stop()?;
    assert_eq!(folder.server()?, None);
    cluster.stop()
}

#[test]
fn dropping_the_owner_stops_the_server() -> Result<()> {
    let folder = Folder::open()?;
    drop(folder.start()?);
    assert_eq!(folder.server()?, None);
    Ok(())
}

#[test]
fn the_server_outlives_the_thread_that_started_it() -> Result<()> {
    let folder = Folder::open()?;
    let settings = folder.settings();
    let starter = thread::spawn(move || Cluster::start(&settings));
    let cluster = starter.join().map_err(|_| anyhow::anyhow!("the starting thread panicked"))??;
    query(&cluster, "SELECT 1")
}

#[test]
fn a_killed_guichet_leaves_no_orphan_and_the_next_takes_over() -> Result<()> {
    let folder = Folder::open()?;
    let mut owner = Owner::spawn(&mut child(folder.path())?)?;
    let refusal = folder.refusal()?;
    assert!(refusal.contains(&format!("process {}", owner.0.id())), "{refusal}");
    owner.kill()?;
    let next = folder.start()?;
    query(&next, "SELECT 1")?;
    next.stop()?;

    Owner::spawn(&mut child(folder.path())?)?.kill()?;
    until("the server to end", || Ok(folder.server()?.is_none()))
}

#[test]
fn the_next_start_recovers_when_the_server_was_killed_as_well() -> Result<()> {
    let folder = Folder::open()?;
    let mut owner = Owner::spawn(&mut child(folder.path())?)?;
    let seen = Cluster::connect_running(folder.path())?.context("not running")?;
    // A server without fsync answers before it has written; this commit must be durable.
    query(&seen, "SET synchronous_commit = on; CREATE TABLE kept (id int)")?;
    kill(folder.server()?.context("no server")?, Signal::SIGKILL)?;
    owner.kill()?;
    let next = folder.start()?;
    query(&next, "INSERT INTO kept VALUES (1)")
}

#[test]
fn an_initialisation_cut_short_is_begun_anew() -> Result<()> {
    let folder = Folder::open()?;
    let mut owner = Owner(child(folder.path())?.stdout(Stdio::null()).spawn()?);
    let unfinished = folder.path().join("postgres/data.new");
    until("initdb to be at work", || Ok(unfinished.join("PG_VERSION").exists()))?;
    owner.kill()?;
    ensure!(!folder.path().join("postgres/data").exists(), "initdb was done before the kill");
    let next = folder.start()?;
    assert!(!unfinished.exists());
    query(&next, "SELECT 1")
}

#[test]
fn a_pid_file_that_names_another_program_harms_nobody() -> Result<()> {
    let folder = Folder::open()?;
    folder.start()?.stop()?;
    let data = folder.home()?.join("data");
    let mut bystander = Owner(Command::new("sleep").arg("600").spawn()?);
    let pid = bystander.0.id();
    fs::write(data.join("postmaster.pid"), format!("{pid}\n{}\n1\n5432\n\n\n1 1\nready\n", data.display()))?;
    assert!(Cluster::connect_running(folder.path())?.is_none());
    let cluster = folder.start()?;
    query(&cluster, "SELECT 1")?;
    assert!(bystander.0.try_wait()?.is_none(), "the bystander was stopped");
    bystander.kill()
}

#[test]
fn other_commands_reach_the_running_server_and_do_not_stop_it() -> Result<()> {
    let folder = Folder::open()?;
    assert!(Cluster::connect_running(&folder.path().join("missing"))?.is_none());
    assert!(Cluster::connect_running(folder.path())?.is_none());
    let owner = folder.start()?;
    let other = Cluster::connect_running(folder.path())?.context("not running")?;
    assert_eq!(other.url(LoginRole::Admin, "postgres"), owner.url(LoginRole::Admin, "postgres"));
    other.stop()?;
    drop(other);
    query(&owner, "SELECT 1")?;
    owner.stop()?;
    assert!(Cluster::connect_running(folder.path())?.is_none());
    Ok(())
}

#[test]
fn another_command_waits_for_a_server_that_is_starting() -> Result<()> {
    let folder = Folder::open()?;
    let mut owner = Owner(child(folder.path())?.stdout(Stdio::null()).spawn()?);
    until("the folder to be taken", || Ok(!read(&folder.path().join("guichet.lock"))?.is_empty()))?;
    let seen = Cluster::connect_running(folder.path())?.context("not running")?;
    query(&seen, "SELECT 1")?;
    owner.kill()
}

#[test]
fn a_folder_closed_to_the_servers_user_has_its_database_elsewhere() -> Result<()> {
    let folder = Folder::closed()?;
    let cluster = folder.start()?;
    query(&cluster, "CREATE TABLE kept (id int)")?;
    let home = folder.home()?;
    assert_eq!(home.starts_with("/var/tmp"), Uid::effective().is_root(), "{}", home.display());
    assert!(folder.refusal()?.contains("already runs"));
    let seen = Cluster::connect_running(folder.path())?.context("not running")?;
    query(&seen, "SELECT 1")?;
    cluster.stop()?;
    query(&folder.start()?, "INSERT INTO kept VALUES (1)")
}

#[test]
fn a_path_too_long_for_a_socket_works() -> Result<()> {
    let folder = Folder::open()?;
    let deep = folder.path().join("a folder, with a comma").join("x".repeat(100));
    let cluster = Cluster::start(&EmbeddedSettings { data_dir: deep.clone(), ..folder.settings() })?;
    query(&cluster, "SELECT 1")?;
    query(&Cluster::connect_running(&deep)?.context("not running")?, "SELECT 1")?;
    let url = cluster.url(LoginRole::Admin, "postgres");
    cluster.stop()?;
    let (_, host) = url.split_once("host=").context("no host")?;
    let socket = host.split('&').next().unwrap_or_default().replace("%2F", "/");
    Ok(fs::remove_dir_all(socket)?)
}

#[test]
fn someone_who_is_not_root_runs_it_as_themselves() -> Result<()> {
    if !Uid::effective().is_root() {
        return Ok(()); // Every other test has shown it.
    }
    let name = "nobody";
    let unprivileged = User::from_name(name)?.context("the system has no unprivileged user")?;
    let folder = Folder::open()?;
    let data_dir = folder.path().join("theirs");
    fs::create_dir(&data_dir)?;
    std::os::unix::fs::chown(&data_dir, Some(unprivileged.uid.as_raw()), Some(unprivileged.gid.as_raw()))?;
    // A copy, since this binary may be where that user cannot enter.
    let program = folder.path().join("guichet-test");
    // Copied by another process: a child forked meanwhile could hold the file open for writing, and such a file
    // cannot be executed.
    let copied = Command::new("cp").arg(std::env::current_exe()?).arg(&program).status()?;
    ensure!(copied.success(), "cp failed");
    let mut command = child_running(&program, &data_dir);
    let mut owner = Owner::spawn(command.uid(unprivileged.uid.as_raw()).gid(unprivileged.gid.as_raw()))?;
    owner.kill()?;
    let taken_over = Cluster::start(&EmbeddedSettings { data_dir, ..folder.settings() });
    let refusal = format!("{:#}", taken_over.err().context("root took over a stranger's folder")?);
    assert!(refusal.contains("run guichet as that user"), "{refusal}");
    Ok(())
}

#[test]
fn root_serves_the_data_as_whom_it_belongs_to() -> Result<()> {
    if !Uid::effective().is_root() {
        return Ok(()); // Only root chooses.
    }
    let folder = Folder::open()?;
    folder.start()?.stop()?;
    let data = folder.home()?.join("data");
    ensure!(Command::new("chown").args(["-R", "nobody"]).arg(&data).status()?.success(), "chown failed");
    query(&folder.start()?, "SELECT 1")
}

/// Not a test by itself: the program of `child`. It owns a server until it is killed or its input ends.
#[test]
fn another_process() -> Result<()> {
    let Some(data_dir) = std::env::var_os(CHILD_FOLDER).map(PathBuf::from) else { return Ok(()) };
    let cluster = Cluster::start(&settings(&data_dir))?;
    query(&cluster, "SELECT 1")?;
    println!("\nstarted");
    std::io::stdin().read_line(&mut String::new())?;
    cluster.stop()
}
