//! Child processes that are signalled when guichet ends, also if it is killed.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd;

/// Gives the child its own session, so that a signal to guichet's process group (Ctrl-C) does not reach it, and has the
/// kernel send it `death_signal` when the spawning **thread** ends.
///
/// The parent-death signal is set after `uid` and `gid`, since a change of credentials clears it. On systems without
/// parent-death signals (macOS), the next start finds the orphaned server and stops it.
#[expect(unsafe_code, reason = "the parent-death signal can only be set between fork and exec")]
pub fn signal_on_thread_exit(command: &mut Command, death_signal: Signal) {
    let parent = std::process::id();
    // SAFETY: the closure only makes async-signal-safe system calls, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            unistd::setsid()?;
            set_parent_death_signal(death_signal)?;
            // If the parent died before the signal was set, no signal will be sent.
            if u32::try_from(unistd::getppid().as_raw()) != Ok(parent) {
                return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(target_os = "linux")]
fn set_parent_death_signal(death_signal: Signal) -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(death_signal)?)
}

#[cfg(not(target_os = "linux"))]
fn set_parent_death_signal(_farewell: Signal) -> io::Result<()> {
    Ok(())
}
