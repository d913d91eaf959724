//! A program with a terminal to ask for a password on, while its three streams stay what they are.
//!
//! `doas` reads a password from its terminal alone, and some `sudo` will not run without one. So the agent starts
//! itself twice: once to hold a terminal and answer on it, and once, as the leader of a session on that terminal, to
//! become the program. The password is the first line of the standard input, so that it stands in no argument; what
//! comes after that line is the program's.
//!
//! The agent that the program starts in turn leaves the terminal: it says so on it, and does its work apart, without
//! any. From then on nobody is answered, whoever asks, and a task that wants a terminal finds none instead of being
//! stopped there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::ptsname;

use crate::host::open_terminal;

/// The argument before a program that is to be asked for a password on a terminal.
pub const ON_TERMINAL: &str = "--on-terminal";

/// The argument of an agent that has a terminal which was there for the password alone.
pub const OFF_TERMINAL: &str = "--off-terminal";

/// The argument of an agent that works without the terminal of the one that started it.
const APART: &str = "--apart";

/// What an agent says on the terminal that it leaves.
const LEFT: &str = "the agent has left the terminal";

/// The argument before a terminal and the program that it is for.
const BEHIND: &str = "--behind-terminal";

/// So much of what is said on the terminal is kept.
const KEPT: usize = 4096;

/// The longest password that is taken.
const LONGEST: usize = 4096;

/// Does what the arguments ask for, if they ask for anything here; gives how it ended. None where the agent is to work.
pub fn asked() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next()?.as_str() {
        ON_TERMINAL => hold(arguments.collect()),
        BEHIND => Err(run_behind(&arguments.collect::<Vec<_>>())),
        OFF_TERMINAL => leave(),
        APART => match rustix::process::setsid() {
            Ok(_) => return None,
            Err(error) => Err(error.into()),
        },
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| {
        // Nobody may be left to read it.
        writeln!(io::stderr(), "strata-agent: {error}").ok();
        ExitCode::FAILURE
    }))
}

/// Becomes the program; gives why it could not.
fn run_behind(words: &[String]) -> io::Error {
    let [terminal, program, arguments @ ..] = words else {
        return io::Error::other("no program is given");
    };
    // A session's leader takes the first terminal that it opens.
    if let Err(error) = rustix::process::setsid() {
        return error.into();
    }
    // It stays open for as long as the program runs.
    let opened = rustix::fs::open(terminal.as_str(), OFlags::RDWR, Mode::empty());
    match opened {
        Ok(_kept) => Command::new(program).args(arguments).exec(),
        Err(error) => error.into(),
    }
}

/// Runs the program behind a terminal, and gives it the password when it asks.
fn hold(program: Vec<String>) -> io::Result<ExitCode> {
    let password = first_line()?;
    let (master, slave) = open_terminal(false)?;
    let name = ptsname(&master, Vec::new())?;
    let name = name.to_str().map_err(io::Error::other)?;
    let mut child = Command::new(std::env::current_exe()?)
        .args([BEHIND, name])
        .args(program)
        .spawn()?;
    answer(master, slave, &mut child, password).map(ended)
}

/// Works apart, in a process that has no terminal, and ends as that one does.
fn leave() -> io::Result<ExitCode> {
    let terminal = OpenOptions::new().write(true).open("/dev/tty");
    // Without one there is nothing to leave.
    if let Ok(mut terminal) = terminal {
        writeln!(terminal, "{LEFT}")?;
    }
    let status = Command::new(std::env::current_exe()?).arg(APART).status()?;
    Ok(ended(status))
}

fn ended(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.map_or(1, |code| code as u8))
}

/// Reads to the end of a line and not a byte beyond.
fn first_line() -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while rustix::io::read(io::stdin(), &mut byte)? == 1 && byte != *b"\n" {
        line.push(byte[0]);
        if line.len() > LONGEST {
            return Err(io::Error::other("the password does not end"));
        }
    }
    String::from_utf8(line).map_err(io::Error::other)
}

/// Waits for the program's end, and answers once until the agent has left; what else is said goes to the standard error.
fn answer(
    mut master: File,
    slave: File,
    child: &mut Child,
    password: String,
) -> io::Result<ExitStatus> {
    let mut is_answered = false;
    let mut said = String::new();
    let mut buffer = [0; 1 << 10];
    loop {
        // The program may open the terminal for each question anew, so it is kept open meanwhile, and has no end.
        if !has_data(&master) {
            let Some(status) = child.try_wait()? else {
                continue;
            };
            write!(io::stderr(), "{said}").ok();
            return Ok(status);
        }
        let count = master.read(&mut buffer)?;
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if said.contains(LEFT) {
            drop((slave, password));
            return drained(master, child);
        }
        if !is_question(&said) {
            said.drain(..said.floor_char_boundary(said.len().saturating_sub(KEPT)));
            continue;
        }
        said.clear();
        if is_answered {
            writeln!(io::stderr(), "Incorrect password").ok();
            // Where it is another user's it ends with its terminal.
            child.kill().ok();
            drop((slave, master));
            return child.wait();
        }
        is_answered = true;
        master.write_all(format!("{password}\n").as_bytes())?;
    }
}

/// Waits for the program's end, whatever is said on the terminal.
fn drained(mut master: File, child: &mut Child) -> io::Result<ExitStatus> {
    let mut buffer = [0; 1 << 10];
    // Once nobody has it open any more there is nothing to be read.
    while matches!(master.read(&mut buffer), Ok(1..)) {}
    child.wait()
}

/// Whether the last line asks for the password: a lecture or a warning may only speak of one.
fn is_question(said: &str) -> bool {
    let last = said.lines().next_back().unwrap_or_default();
    last.to_lowercase().contains("password") && last.trim_end().ends_with([':', '：', ']'])
}

fn has_data(master: &File) -> bool {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    let mut polled = [PollFd::new(master, PollFlags::IN)];
    matches!(poll(&mut polled, Some(&moment)), Ok(1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_asks_is_answered() {
        assert!(is_question("\rdoas (me@here) password: "));
        assert!(is_question(
            "a lecture\r\n[strata asks sudo for a password]"
        ));
        assert!(!is_question(
            "For security reasons, the password you type will not be visible.\r\n\r\n"
        ));
        assert!(!is_question("Your password will expire in 3 days.\r\n"));
        assert!(!is_question(""));
    }
}
