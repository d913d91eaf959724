//! Agents of other versions that nobody has used for long.
//!
//! Each version of the controller pushes an agent of its own, under a name that holds its sum, beside those of others.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// An agent that nobody has started for so long is not needed any more; who needs it all the same pushes it again.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Removes the agents beside `own` that were neither written nor run in the last 30 days before `now`, and what pushes
/// that broke off left. Anything else that lies there stays.
///
/// When a program was last run is what the file system says of its last reading: to the day, and on one that does not
/// keep it (`noatime`), when it was written.
pub fn remove(own: &Path, now: SystemTime) {
    let Some(entries) = own.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return;
    };
    for entry in entries.flatten() {
        let is_own = Some(entry.file_name().as_os_str()) == own.file_name();
        if !is_own && is_agent(&entry) && is_unused(&entry, now) {
            // It may be somebody else's, or another agent was quicker.
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// Whether a file is called `agent-SUM`, or `agent-SUM.NUMBER` while it is being written.
fn is_agent(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let Some(name) = name.to_str().and_then(|name| name.strip_prefix("agent-")) else {
        return false;
    };
    let (sum, number) = name.split_once('.').unwrap_or((name, ""));
    sum.len() == 64
        && sum.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_unused(entry: &DirEntry, now: SystemTime) -> bool {
    let Ok(metadata) = entry.metadata() else {
        return false;
    };
    let long_ago = |time: std::io::Result<SystemTime>| {
        let since = time.ok().and_then(|time| now.duration_since(time).ok());
        since.is_some_and(|since| since > UNUSED)
    };
    metadata.is_file() && long_ago(metadata.accessed()) && long_ago(metadata.modified())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, FileTimes};

    #[test]
    fn what_nobody_used_for_a_month_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let days = |count: u64| now - Duration::from_secs(count * 24 * 60 * 60);
        let sum = |digit: &str| format!("agent-{}", digit.repeat(64));
        let place = |name: &str, written: u64, run: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            let times = FileTimes::new().set_modified(days(written));
            file.set_times(times.set_accessed(days(run))).unwrap();
        };
        place(&sum("0"), 90, 90);
        place(&sum("a"), 90, 31);
        place(&sum("b"), 90, 3);
        place(&sum("c"), 3, 90);
        place(&format!("{}.4711", sum("d")), 90, 90);
        place(&format!("{}.txt", sum("e")), 90, 90);
        place("agent-notes", 90, 90);
        remove(&folder.path().join(sum("0")), now);
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let expected = [
            sum("0"),
            sum("b"),
            sum("c"),
            format!("{}.txt", sum("e")),
            "agent-notes".to_owned(),
        ];
        assert_eq!(left, expected);
    }
}
