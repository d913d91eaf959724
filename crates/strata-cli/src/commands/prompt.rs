//! Asking for the values of variables, as Terraform asks.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use strata_ops::{
    infrastructure::{Settings, UnsetVariable, VariableArgument, unset_variables},
    process::Process,
};

/// Asks for every variable without value, if `input` says so and there is a terminal; else nothing happens, and the
/// operation reports them.
pub(super) fn variables(settings: &mut Settings, input: bool, process: &Process) {
    let forbidden = process.environment.get("TF_INPUT");
    let forbidden = forbidden.is_some_and(|value| matches!(value.as_str(), "0" | "false"));
    if !input || forbidden || !stdin().is_terminal() {
        return;
    }
    for variable in unset_variables(settings, process) {
        let Some(value) = ask(&variable) else { return };
        let given = VariableArgument::Value(format!("{}={value}", variable.name));
        settings.variables.push(given);
    }
}

/// One value; none if the input ends.
fn ask(variable: &UnsetVariable) -> Option<String> {
    anstream::println!("var.{}", variable.name);
    if let Some(description) = &variable.description {
        anstream::println!("  {}", description.replace('\n', "\n  "));
    }
    anstream::print!("\n  Enter a value: ");
    stdout().flush().ok()?;
    let hidden = variable.sensitive.then(hide).flatten();
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    if let Some(before) = hidden {
        let restored = tcsetattr(stdin(), OptionalActions::Now, &before);
        anstream::println!();
        restored.ok()?;
    }
    anstream::println!();
    match read {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(answer.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// Stops the terminal from showing what is typed; gives what it was before.
fn hide() -> Option<rustix::termios::Termios> {
    let before = tcgetattr(stdin()).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Now, &silent).ok()?;
    Some(before)
}
