//! The program as a separate process, for tests that measure its memory, kill it or read its log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use guichet_db::embedded::LoginRole;

use super::{JWT_SECRET, TestServer};

/// A service in its own process, with its own log.
pub struct Process {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    pub url: String,
}

impl Process {
    /// Starts a process on the database of `server`, which continues to run, and waits until it is ready.
    pub fn start(server: &TestServer, log_level: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_guichet"))
            .arg("serve")
            .env_clear()
            .env("BIND", "127.0.0.1:0")
            .env("DATABASE_URL", server.database.url(LoginRole::App))
            .env("DATABASE_WORKER_URL", server.database.url(LoginRole::Worker))
            .env("JWT_SECRET", JWT_SECRET)
            .env("NOTIFICATION_LOG_LEVEL", log_level)
            .env("LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut service = Self { child, lines, url: String::new() };
        let mut log = String::new();
        while let Ok(line) = service.lines.recv_timeout(Duration::from_secs(60)) {
            if let Some((_, rest)) = line.split_once("guichet is ready on ") {
                service.url = rest.split(['"', ' ']).next().unwrap().to_owned();
                return service;
            }
            log.push_str(&line);
            log.push('\n');
        }
        panic!("the service did not start:\n{log}");
    }

    /// Peak resident memory in KiB, if the system reports it.
    pub fn peak_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Stops the process with SIGTERM, and returns the rest of its log.
    pub fn stop(mut self) -> Vec<String> {
        let pid = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
