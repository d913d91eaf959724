//! `console`: expressions and what they give, one after another.

use std::{
    io::{BufRead, IsTerminal, stdin},
    path::PathBuf,
};

use anstream::println;
use rustyline::{DefaultEditor, error::ReadlineError};
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    console::{Answer, Console, is_whole},
    infrastructure::Settings,
    registry::Platforms,
    stop::Stop,
};

use super::{Exit, FAILED, complain, process, surgery::work};
use crate::{args, render::console as draw};

const HELP: &str = "\
Type an expression and hit <enter> to see what it gives. Variables, locals, modules and the
resources in the state can be named as in the configuration: `incus_instance.web.ipv4_address`.
An expression may go on over several lines while a bracket or heredoc is open.

`type(EXPRESSION)` shows the type of a value.

To leave, type `exit` and hit <enter>, or use Control-C or Control-D.";

pub(super) fn run(arguments: &args::Console) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let settings = Settings {
        state: arguments.state.clone(),
        variables: arguments.variables.0.clone(),
        ..Settings::of(PathBuf::from("."))
    };
    let platforms = Platforms::real(&process);
    let console = match arguments.plan {
        false => {
            let mut diags = Diagnostics::new();
            let console = Console::open(&settings, &process, &platforms, &mut diags)?;
            complain(&diags);
            console
        }
        true => {
            let stop = Stop::new();
            work(async |events| {
                Console::open_planned(&settings, &process, &platforms, &stop, events).await
            })?
        }
    };
    let exit = if stdin().is_terminal() {
        interactive(&console)
    } else {
        piped(&console)
    };
    // The program ends: giving back each part of large values first would take as long as making them.
    std::mem::forget(console);
    exit
}

/// Answers all of the input, and shows the last answer, as Terraform does; stops at a mistake.
fn piped(console: &Console) -> Result<Exit, Diagnostics> {
    let (mut open, mut last) = (String::new(), String::new());
    for line in stdin().lock().lines() {
        let line = line.map_err(|error| {
            Diagnostic::error("unreadable", "The input cannot be read").detail(error.to_string())
        })?;
        open.push_str(&line);
        if !is_whole(&open) {
            open.push('\n');
            continue;
        }
        match said(console, &std::mem::take(&mut open)) {
            Said::Text(text) => last = text,
            Said::Wrong(diags) => return Err(diags),
            Said::Leave => return Ok(0),
        }
    }
    if let Said::Wrong(diags) = said(console, &open) {
        return Err(diags);
    }
    println!("{last}");
    Ok(0)
}

/// Reads lines with history and editing until the user leaves.
fn interactive(console: &Console) -> Result<Exit, Diagnostics> {
    let mut editor = DefaultEditor::new().map_err(no_terminal)?;
    let mut open = String::new();
    loop {
        let prompt = if open.is_empty() { "> " } else { ": " };
        match editor.readline(prompt) {
            Ok(line) => open.push_str(&line),
            Err(ReadlineError::Interrupted) if !open.is_empty() => {
                open.clear();
                continue;
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(0),
            Err(error) => return Err(no_terminal(error)),
        }
        if !is_whole(&open) {
            open.push('\n');
            continue;
        }
        let entered = std::mem::take(&mut open);
        if !entered.trim().is_empty() && editor.add_history_entry(&entered).is_err() {
            return Ok(FAILED);
        }
        match said(console, &entered) {
            Said::Text(text) if text.is_empty() => {}
            Said::Text(text) => println!("{text}"),
            Said::Wrong(diags) => complain(&diags),
            Said::Leave => return Ok(0),
        }
    }
}

fn no_terminal(error: ReadlineError) -> Diagnostics {
    Diagnostic::error("terminal", "The terminal cannot be read")
        .detail(error.to_string())
        .into()
}

/// What comes of one input.
enum Said {
    Text(String),
    Wrong(Diagnostics),
    Leave,
}

fn said(console: &Console, input: &str) -> Said {
    match input.trim() {
        "" => Said::Text(String::new()),
        "exit" => Said::Leave,
        "help" => Said::Text(HELP.to_owned()),
        expression => match console.answer(expression) {
            Ok(Answer::Value(value)) => Said::Text(draw::value(&value, 0)),
            Ok(Answer::Type(ty)) => Said::Text(draw::ty(&ty, 0)),
            Err(diags) => Said::Wrong(diags),
        },
    }
}
