//! The daemon itself: started in a session of its own, ended only if it is the one we started.
//!
//! A process id alone does not say whose it is once it has been used again, so the record holds
//! the process' start time as well, and both must agree before anything is ended.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::site::Site;
use crate::failure::Failure;
use crate::process;

/// Closes what was inherited, so that no lock or pipe of the caller lives on in the daemon.
const DETACHED: &str = "for fd in $(ls /proc/$$/fd); do [ $fd -gt 2 ] && eval \"exec $fd>&-\"; done; \
                        exec setsid /usr/libexec/incus/incusd --group root --logfile \"$0\"";

/// The file that says that everything beside it came from a testbed.
const MARK: &str = ".strata-testbed";

/// Which process is the daemon.
#[derive(Debug, PartialEq, Eq)]
struct Recorded {
    pid: u32,
    started: u64,
}

/// Starts the daemon unless one answers already, and waits until it is ready.
pub(crate) fn start(site: &Site) -> Result<(), Failure> {
    if answers(site) {
        return Ok(());
    }
    make_folder(&site.state)?;
    make_folder(&site.incus)?;
    mark_if_empty(&site.incus)?;
    println!("starting the daemon, log in `{}`", site.log().display());
    let mut shell = process::command(&["bash", "-c", DETACHED]);
    shell.arg(site.log()).current_dir("/").env_clear();
    shell
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("INCUS_DIR", &site.incus);
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    let child = shell
        .spawn()
        .map_err(|error| Failure::new(format!("`bash` could not be run: {error}")))?;
    record(site, child.id())?;
    wait_ready(site)
}

/// Ends the daemon and its containers if it is ours; tells whether it was.
pub(crate) fn stop(site: &Site) -> Result<bool, Failure> {
    let Some(ours) = running(site) else {
        return Ok(false);
    };
    // The daemon stops its containers and its dnsmasq by itself when asked to shut down.
    if let Err(failure) =
        process::output_of(&mut site.incus(&["admin", "shutdown", "--timeout", "60"]))
    {
        eprintln!("xtask: {failure}");
        process::run(&["kill", "-TERM", &ours.pid.to_string()])?;
    }
    wait_until("the daemon to end", Duration::from_secs(60), || {
        running(site).is_none()
    })?;
    remove_file(&site.pid_file())?;
    Ok(true)
}

/// Removes everything an ended daemon stored, its log and the keys of its ssh targets.
///
/// Somebody's own Incus, which merely does not run, has no mark and is refused.
pub(crate) fn forget(site: &Site) -> Result<(), Failure> {
    if !site.incus.join(MARK).exists() || answers(site) {
        let folder = site.incus.display();
        return Err(Failure::new(format!(
            "`{folder}` was not made by the testbed, or is in use: it stays"
        )));
    }
    unmount_below(&site.incus)?;
    for folder in [&site.incus, &site.state] {
        if let Err(error) = fs::remove_dir_all(folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(Failure::file(folder, &error));
        }
    }
    Ok(())
}

/// Tells whether a daemon, ours or not, answers on the socket.
pub(crate) fn answers(site: &Site) -> bool {
    site.socket().exists() && process::output_of(&mut site.incus(&["query", "/1.0"])).is_ok()
}

/// Says in a few words what is running.
pub(crate) fn describe(site: &Site) -> String {
    match (answers(site), running(site)) {
        (true, Some(ours)) => format!("running, process {}, ours", ours.pid),
        (true, None) => "running, not ours".to_owned(),
        (false, Some(ours)) => format!("process {} does not answer", ours.pid),
        (false, None) => "not running".to_owned(),
    }
}

fn mark_if_empty(folder: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::file(folder, &error);
    let mut entries = fs::read_dir(folder).map_err(failed)?;
    match entries.next() {
        Some(_) => Ok(()),
        None => fs::write(folder.join(MARK), "").map_err(failed),
    }
}

fn wait_ready(site: &Site) -> Result<(), Failure> {
    let socket = site.socket();
    let gone = || running(site).is_none();
    wait_until("the daemon's socket", Duration::from_secs(60), || {
        socket.exists() || gone()
    })?;
    if gone() {
        let log = fs::read_to_string(site.log()).unwrap_or_default();
        return Err(Failure::new(format!(
            "the daemon ended at once; its log:\n{log}"
        )));
    }
    process::output_of(&mut site.incus(&["admin", "waitready", "--timeout", "60"])).map(drop)
}

fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) -> Result<(), Failure> {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > limit {
            return Err(Failure::new(format!(
                "waited {} s for {what} in vain",
                limit.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Gives the recorded process if it is still the same one.
fn running(site: &Site) -> Option<Recorded> {
    let recorded = parse(&fs::read_to_string(site.pid_file()).ok()?)?;
    (start_time(recorded.pid)? == recorded.started).then_some(recorded)
}

fn record(site: &Site, pid: u32) -> Result<(), Failure> {
    let started = start_time(pid).ok_or_else(|| Failure::new("the daemon ended at once"))?;
    let path = site.pid_file();
    fs::write(&path, format!("{pid} {started}\n")).map_err(|error| Failure::file(&path, &error))
}

fn parse(text: &str) -> Option<Recorded> {
    let (pid, started) = text.trim().split_once(' ')?;
    Some(Recorded {
        pid: pid.parse().ok()?,
        started: started.parse().ok()?,
    })
}

/// Reads when a process started; nothing for one that is gone or has only its exit status left.
fn start_time(pid: u32) -> Option<u64> {
    start_time_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn start_time_in(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses and may hold anything, even spaces.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    // Field 22 of all; the state, just taken, is the third.
    let started = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(started)
}

/// Takes down mounts that the daemon left behind, the deepest first.
fn unmount_below(folder: &Path) -> Result<(), Failure> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let mut below: Vec<&str> = points
        .filter(|point| Path::new(point).starts_with(folder))
        .collect();
    below.sort_unstable();
    below
        .iter()
        .rev()
        .try_for_each(|point| process::run(&["umount", "--lazy", point]))
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))
}

fn remove_file(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_two_numbers() {
        assert_eq!(
            parse("12 345\n"),
            Some(Recorded {
                pid: 12,
                started: 345
            })
        );
        assert_eq!(parse("12\n"), None);
        assert_eq!(parse("x 345"), None);
    }

    #[test]
    fn start_time_is_field_22_whatever_the_program_is_called() {
        let fields: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) (b c) S {}", fields.join(" "));
        assert_eq!(start_time_in(&stat), Some(22));
        assert_eq!(start_time_in(&stat.replace(" S ", " Z ")), None);
    }

    #[test]
    fn this_process_has_a_start_time_and_an_absurd_one_has_none() {
        assert!(start_time(std::process::id()).is_some());
        assert_eq!(start_time(u32::MAX), None);
    }
}
