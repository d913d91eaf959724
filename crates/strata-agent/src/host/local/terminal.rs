//! A program on a terminal of its own, whose questions are answered: for `expect`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::process::{Cancel, find_program};
use crate::host::HostError;
use crate::system::{Command, Dialogue, MAX_OUTPUT, Output, Question};

/// What follows when the time is over without a known question or the end.
const OVER: &str = "command exceeded timeout";

pub(super) fn converse(
    command: &Command,
    dialogue: &Dialogue,
    environment: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> Result<Output, HostError> {
    let Some(name) = command.argv.first() else {
        return Err(HostError::Other("no command given".to_owned()));
    };
    let questions = compile(&dialogue.questions)?;
    let (master, slave) =
        open(dialogue.echo).map_err(|error| HostError::Other(error.to_string()))?;
    let ours = |file: &File| file.try_clone().map(Stdio::from);
    let streams = (ours(&slave), ours(&slave), ours(&slave));
    let (Ok(input), Ok(output), Ok(errors)) = streams else {
        return Err(HostError::Other("no terminal can be had".to_owned()));
    };
    let path = match name.contains('/') {
        true => name.into(),
        false => {
            find_program(name, environment).ok_or_else(|| HostError::NoProgram(name.clone()))?
        }
    };
    // Programs that ask for a password want a controlling terminal, which `setsid` gives them.
    let mut process = match find_program("setsid", environment) {
        Some(setsid) => {
            let mut process = std::process::Command::new(setsid);
            process.args(["-c", "-w"]).arg(path);
            process
        }
        None => std::process::Command::new(path),
    };
    process
        .args(&command.argv[1..])
        .env_clear()
        .envs(environment)
        .envs(&command.environment)
        .stdin(input)
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    if let Some(directory) = &command.directory {
        process.current_dir(directory);
    }
    let started = cancel
        .spawn(&mut process)
        .map_err(|error| HostError::io("run", Path::new(name), &error))?;
    let Some(mut child) = started else {
        return Err(HostError::Cancelled);
    };
    // Only the program holds the other end, so that its end is the end.
    drop(process);
    drop(slave);
    let group = child.id() as i32;
    let talk = Talk {
        master,
        questions,
        said: Vec::new(),
        read_to: 0,
        limit: command.timeout,
    };
    let talked = talk.run();
    if talked.is_err() {
        super::process::end_group(group);
    }
    let status = child.wait();
    cancel.forget(group);
    cancel.check()?;
    let said = talked?;
    let status = status.map_err(|error| HostError::Other(error.to_string()))?;
    let code = status.code();
    Ok(Output {
        status: code.unwrap_or_else(|| -status.signal().unwrap_or(1)),
        stdout: String::from_utf8_lossy(&said).into_owned(),
        ..Output::default()
    })
}

/// A new terminal: our end and the program's.
pub(crate) fn open(echo: bool) -> std::io::Result<(File, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
    if !echo {
        let mut modes = tcgetattr(&slave)?;
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
    }
    Ok((File::from(master), File::from(slave)))
}

/// A question that is looked for.
struct Asked {
    pattern: regex::bytes::Regex,
    answers: Vec<String>,
    repeats: bool,
    count: usize,
}

fn compile(questions: &[Question]) -> Result<Vec<Asked>, HostError> {
    let compiled = questions.iter().map(|question| {
        let pattern = regex::bytes::Regex::new(&question.pattern)
            .map_err(|error| HostError::Other(format!("{}: {error}", question.pattern)))?;
        Ok(Asked {
            pattern,
            answers: question.answers.clone(),
            repeats: question.repeats,
            count: 0,
        })
    });
    compiled.collect()
}

struct Talk {
    master: File,
    questions: Vec<Asked>,
    said: Vec<u8>,
    /// Up to here questions were answered.
    read_to: usize,
    limit: Option<Duration>,
}

impl Talk {
    /// Reads to the end and answers; gives all that was said.
    fn run(mut self) -> Result<Vec<u8>, HostError> {
        let mut heard = Instant::now();
        let mut buffer = [0; 4 << 10];
        loop {
            if self.has_data() {
                // The end of a terminal is an error of input (EIO).
                let Ok(count @ 1..) = self.master.read(&mut buffer) else {
                    return Ok(self.said);
                };
                if self.said.len() < MAX_OUTPUT {
                    self.said.extend_from_slice(&buffer[..count]);
                }
                if self.answer()? {
                    heard = Instant::now();
                }
            } else if self.limit.is_some_and(|limit| heard.elapsed() > limit) {
                return Err(HostError::TimedOut(OVER.to_owned()));
            }
        }
    }

    /// Answers the question that comes first in what was said since the last one.
    fn answer(&mut self) -> Result<bool, HostError> {
        let rest = &self.said[self.read_to..];
        let found = self.questions.iter_mut().filter_map(|asked| {
            let place = asked.pattern.find(rest)?;
            Some((place.start(), place.end(), asked))
        });
        let Some((_, end, asked)) = found.min_by_key(|(start, ..)| *start) else {
            return Ok(false);
        };
        let answer = match asked.repeats {
            true => asked.answers.first(),
            false => asked.answers.get(asked.count),
        };
        let Some(answer) = answer else {
            let (pattern, count) = (asked.pattern.as_str(), asked.answers.len());
            return Err(HostError::Other(format!(
                "No remaining responses for '{pattern}', which was asked more than {count} times"
            )));
        };
        asked.count += 1;
        self.read_to += end;
        let line = format!("{}\n", answer.trim_end_matches('\n'));
        // A program that ended meanwhile needs no answer.
        self.master.write_all(line.as_bytes()).ok();
        Ok(true)
    }

    fn has_data(&self) -> bool {
        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        let mut polled = [PollFd::new(&self.master, PollFlags::IN)];
        matches!(poll(&mut polled, Some(&moment)), Ok(1..))
    }
}
