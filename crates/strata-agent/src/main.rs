//! The `strata-agent` binary: speaks the protocol on its standard input and output.

use std::io;
use std::process::ExitCode;

use strata_agent::host::{Host, Imagined, Local, Rehearsal};

fn main() -> ExitCode {
    if let Some(ended) = strata_agent::on_terminal::asked() {
        return ended;
    }
    // Modes of new files are what modules say, and 0644 or 0755 where they say nothing.
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o022));
    let imagined = Imagined::default();
    let known = imagined.clone();
    let machine = move |task: &strata_agent::protocol::Task, cancel| -> Box<dyn Host> {
        if let Some(folder) = &task.folder {
            // A user who cannot enter it stays where the agent is, as below `sudo`.
            std::env::set_current_dir(folder).ok();
        }
        let local = Box::new(Local::new(&task.environment, cancel));
        match task.check && task.rehearse {
            true => {
                let rehearsal = Rehearsal::new(local, imagined.clone());
                match &task.rehearse_as {
                    Some(user) => Box::new(rehearsal.seen_by(user)),
                    None => Box::new(rehearsal),
                }
            }
            // A task that runs in a rehearsal all the same may miss what an earlier one would have brought.
            false if task.rehearse => Box::new(local.beside(imagined.clone())),
            false => local,
        }
    };
    let output = Box::new(io::stdout());
    let served = strata_agent::serve::serve(&mut io::stdin().lock(), output, &machine, &known);
    // Nobody waits for us any more.
    if let Ok(own) = std::env::current_exe() {
        strata_agent::outdated::remove(&own, std::time::SystemTime::now());
    }
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write;
            // Nobody may be left to read it.
            writeln!(io::stderr(), "strata-agent: {error}").ok();
            ExitCode::FAILURE
        }
    }
}
