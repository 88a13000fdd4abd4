//! Child processes that end with guichet, however guichet ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd;

/// Gives the child its own session, so that a signal to guichet's group (Ctrl-C) does not reach it first, and has the
/// kernel send it `farewell` when the spawning **thread** ends.
///
/// Call it after `uid` and `gid`: a later change of credentials would clear the signal. On systems without
/// parent-death signals (macOS), the next start finds the orphaned server and stops it.
#[expect(unsafe_code, reason = "only what happens between fork and exec can tie a child to its parent")]
pub fn end_with_this_thread(command: &mut Command, farewell: Signal) {
    let parent = std::process::id();
    // SAFETY: the closure only makes async-signal-safe system calls, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            unistd::setsid()?;
            set_parent_death_signal(farewell)?;
            // The parent may have died before the signal was set; then no signal would come.
            if u32::try_from(unistd::getppid().as_raw()) != Ok(parent) {
                return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(target_os = "linux")]
fn set_parent_death_signal(farewell: Signal) -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(farewell)?)
}

#[cfg(not(target_os = "linux"))]
fn set_parent_death_signal(_farewell: Signal) -> io::Result<()> {
    Ok(())
}
