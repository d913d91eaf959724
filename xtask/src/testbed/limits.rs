//! Limits of the kernel that many containers reach together: the roots of all guests are one user to the kernel.
//!
//! Each guest's `systemd` holds about seven inotify instances, and the limit is 128 by default: the nineteenth
//! guest ends right after it was started. Each guest, and each container of Docker inside of one, holds keys, of
//! which 200 are allowed. Incus' documentation asks servers to raise both.

use std::fs;

/// A setting, and what is enough for a hundred guests.
const LIMITS: &[(&str, u32)] = &[
    ("fs/inotify/max_user_instances", 1024),
    ("kernel/keys/maxkeys", 2000),
];

/// Raises what is lower; where that is not allowed, says so and goes on.
pub(crate) fn raise() {
    for (setting, wanted) in LIMITS {
        raise_one(setting, *wanted);
    }
}

fn raise_one(setting: &str, wanted: u32) {
    let path = format!("/proc/sys/{setting}");
    let limit = fs::read_to_string(&path).unwrap_or_default();
    let limit = match limit.trim().parse::<u32>() {
        Ok(limit) if limit < wanted => limit,
        _ => return,
    };
    let name = setting.replace('/', ".");
    println!("raising {name} from {limit} to {wanted}");
    if let Err(error) = fs::write(&path, wanted.to_string()) {
        eprintln!("xtask: `{name}` stays {limit}, which is enough for few guests: {error}");
    }
}
