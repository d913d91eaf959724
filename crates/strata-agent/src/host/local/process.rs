//! Programs of the real machine: started in a group of their own, read with a bound, ended with
//! their children when the task ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::host::HostError;
use crate::system::{Command, MAX_OUTPUT, Output};

/// The end of a task from outside: its running programs are ended, new ones do not start.
#[derive(Default)]
pub struct Cancel {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    groups: BTreeSet<i32>,
}

impl Cancel {
    /// Ends everything.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        for group in &state.groups {
            end_group(*group);
        }
        self.woken.notify_all();
    }

    /// Waits, or fails as soon as the task is cancelled.
    pub fn wait(&self, duration: Duration) -> Result<(), HostError> {
        let end = Instant::now() + duration;
        let mut state = self.lock();
        while !state.cancelled {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let waited = self.woken.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(HostError::Cancelled)
    }

    /// Fails if the task was cancelled.
    pub(super) fn check(&self) -> Result<(), HostError> {
        match self.lock().cancelled {
            true => Err(HostError::Cancelled),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spawns and enters the group in one step, so that none escapes a cancel.
    pub(super) fn spawn(
        &self,
        command: &mut std::process::Command,
    ) -> Result<Option<Child>, io::Error> {
        let mut state = self.lock();
        if state.cancelled {
            return Ok(None);
        }
        let child = command.spawn()?;
        state.groups.insert(child.id() as i32);
        Ok(Some(child))
    }

    pub(super) fn forget(&self, group: i32) {
        self.lock().groups.remove(&group);
    }
}

pub(super) fn end_group(group: i32) {
    if let Some(pid) = Pid::from_raw(group) {
        // It may have ended by itself a moment ago.
        kill_process_group(pid, Signal::KILL).ok();
    }
}

pub(super) fn run(
    command: &Command,
    environment: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> Result<Output, HostError> {
    let Some(name) = command.argv.first() else {
        return Err(HostError::Other("no command given".to_owned()));
    };
    let mut process = std::process::Command::new(program(name, command, environment));
    // Programs call themselves as they were called.
    process
        .arg0(name)
        .args(&command.argv[1..])
        .env_clear()
        .envs(environment)
        .envs(&command.environment)
        .stdin(if command.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(directory) = &command.directory {
        process.current_dir(directory);
    }
    match cancel.spawn(&mut process) {
        Ok(Some(child)) => finish(child, command, cancel),
        Ok(None) => Err(HostError::Cancelled),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(HostError::NoProgram(name.clone()))
        }
        Err(error) => Err(HostError::io("run", Path::new(name), &error)),
    }
}

/// The program by its path, looked up as the task's environment says, not ours.
fn program(name: &str, command: &Command, environment: &BTreeMap<String, String>) -> PathBuf {
    if name.contains('/') {
        return PathBuf::from(name);
    }
    let mut environment = environment.clone();
    environment.extend(command.environment.clone());
    find_program(name, &environment).unwrap_or_else(|| PathBuf::from(name))
}

pub(super) fn find_program(name: &str, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let path = environment.get("PATH").map_or("", String::as_str);
    let system = [
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    ];
    let folders = path
        .split(':')
        .filter(|folder| !folder.is_empty())
        .chain(system);
    folders
        .map(|folder| Path::new(folder).join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn finish(mut child: Child, command: &Command, cancel: &Cancel) -> Result<Output, HostError> {
    let group = child.id() as i32;
    let stdin = child.stdin.take().zip(command.stdin.clone());
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (done, over) = (Mutex::new(false), Condvar::new());
    let ended = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        if let Some((mut pipe, text)) = stdin {
            // A program that does not read all of its input is no error.
            scope.spawn(move || pipe.write_all(text.as_bytes()).ok());
        }
        let timed_out = command.timeout.map(|limit| {
            let (done, over) = (&done, &over);
            scope.spawn(move || end_after(limit, group, done, over))
        });
        let out = scope.spawn(|| read_bounded(stdout, &ended));
        let err = scope.spawn(|| read_bounded(stderr, &ended));
        let status = child.wait();
        ended.store(true, Ordering::Release);
        let (out, err) = (join(out), join(err));
        *done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        over.notify_all();
        let timed_out = timed_out.is_some_and(|watch| watch.join().unwrap_or(false));
        (status, out, err, timed_out)
    });
    cancel.forget(group);
    let (status, (stdout, cut_out), (stderr, cut_err), timed_out) = result;
    let status = status.map_err(|error| HostError::Other(error.to_string()))?;
    cancel.check()?;
    if timed_out {
        let limit = command.timeout.unwrap_or_default().as_secs();
        return Err(HostError::TimedOut(format!(
            "the command did not end within {limit} s"
        )));
    }
    let status = status
        .code()
        .unwrap_or_else(|| -status.signal().unwrap_or(1));
    Ok(Output {
        status,
        stdout,
        stderr,
        truncated: cut_out || cut_err,
    })
}

fn join<T: Default>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_default()
}

/// Ends the group after a time, unless it is done before; says whether it did.
fn end_after(limit: Duration, group: i32, done: &Mutex<bool>, over: &Condvar) -> bool {
    let end = Instant::now() + limit;
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    while !*done {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            end_group(group);
            return true;
        }
        done = over
            .wait_timeout(done, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
    false
}

/// Reads to the end, keeps what fits, and says whether something did not.
///
/// A daemon that the program left behind may hold the pipe open for ever: once the program has
/// `ended`, a pause in the data is the end too.
fn read_bounded(pipe: Option<impl Read + AsFd>, ended: &AtomicBool) -> (String, bool) {
    let Some(mut pipe) = pipe else {
        return (String::new(), false);
    };
    let mut kept = Vec::new();
    let mut buffer = [0; 16 << 10];
    let mut cut = false;
    loop {
        if !has_data(&pipe) {
            if ended.load(Ordering::Acquire) {
                break;
            }
            continue;
        }
        let Ok(count @ 1..) = pipe.read(&mut buffer) else {
            break;
        };
        let room = (MAX_OUTPUT - kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
        cut |= room < count;
    }
    (String::from_utf8_lossy(&kept).into_owned(), cut)
}

/// Waits a moment for data or the end of the pipe.
fn has_data(pipe: &impl AsFd) -> bool {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    let mut pipes = [PollFd::new(pipe, PollFlags::IN)];
    matches!(poll(&mut pipes, Some(&moment)), Ok(1..))
}
