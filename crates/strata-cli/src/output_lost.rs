//! An output that takes no more (a full disk) ends what is shown, and never what is under way.
//!
//! The macros that print panic where they cannot. In a renderer's thread that ends the drawing alone, and the run goes
//! on to its end; here it ends the command, which has nothing more to do than to print.

use std::{
    io::{self, Write, stderr},
    panic::{self, PanicHookInfo},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

/// Set once something could not be printed, and there is a reader that misses it.
static MISSED: AtomicBool = AtomicBool::new(false);
/// Set once something could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Runs a command; what cannot be printed is an error, told once.
pub(crate) fn guard(command: impl FnOnce() -> ExitCode) -> ExitCode {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| match reason(info) {
        Some(reason) => tell(reason),
        None => usual(info),
    }));
    let done = panic::catch_unwind(panic::AssertUnwindSafe(command));
    match done {
        Ok(_) if MISSED.load(Ordering::Relaxed) => ExitCode::FAILURE,
        Ok(code) => code,
        Err(_) if LOST.load(Ordering::Relaxed) => ExitCode::FAILURE,
        Err(panic) => panic::resume_unwind(panic),
    }
}

/// Why the output takes no more, if that is what a panic is about.
fn reason<'a>(info: &'a PanicHookInfo<'_>) -> Option<&'a str> {
    let text = info.payload_as_str()?;
    let (what, why) = text.split_once(": ")?;
    what.starts_with("failed printing to std").then_some(why)
}

/// Takes note of what could not be printed; the work goes on all the same.
pub(crate) fn heed(printed: io::Result<()>) {
    if let Err(error) = printed {
        tell(&error.to_string());
    }
}

/// Tells, once, why the output takes no more. A reader that went away, as `head` does, has all that it wanted.
fn tell(reason: &str) {
    let is_missed = !reason.starts_with("Broken pipe");
    MISSED.fetch_or(is_missed, Ordering::Relaxed);
    if !LOST.swap(true, Ordering::Relaxed) && is_missed {
        // Nobody is left to tell if that fails, too.
        drop(writeln!(
            stderr(),
            "error[output]: The output cannot be written\n |\n = why: {reason}"
        ));
    }
}
