//! Limits of the kernel that many containers reach together.
//!
//! Each guest's `systemd` holds about seven inotify instances, and the roots of all guests are one user to
//! the kernel, whose limit is 128 by default: the nineteenth guest ends right after it was started. Incus'
//! documentation asks servers to raise it.

use std::fs;

const SETTING: &str = "/proc/sys/fs/inotify/max_user_instances";

/// Enough for a hundred guests.
const WANTED: u32 = 1024;

/// Raises what is lower; where that is not allowed, says so and goes on.
pub(crate) fn raise() {
    let limit = fs::read_to_string(SETTING).unwrap_or_default();
    let Ok(limit @ ..WANTED) = limit.trim().parse::<u32>() else {
        return;
    };
    println!("raising fs.inotify.max_user_instances from {limit} to {WANTED}");
    if let Err(error) = fs::write(SETTING, WANTED.to_string()) {
        eprintln!("xtask: `{SETTING}` stays {limit}, which is enough for 18 guests: {error}");
    }
}
