//! Running the host's own programs, as modules that stand on one do.

use std::collections::BTreeMap;

pub(super) use crate::change::results;

use crate::change::Change;
use crate::host::{Host, HostError};
use crate::module::ModuleError;
use crate::system::{Command, Output};

/// A program whose words are to be read: it speaks English.
pub(super) fn plain<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
    let environment =
        ["LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"].map(|name| (name.to_owned(), "C".to_owned()));
    Command {
        environment: BTreeMap::from(environment),
        ..Command::new(argv)
    }
}

/// Runs a program that must succeed; its complaint is the failure otherwise.
pub(super) fn checked(host: &dyn Host, command: &Command) -> Result<Output, ModuleError> {
    let output = host.run(command)?;
    if output.status == 0 {
        return Ok(output);
    }
    Err(failed(&output))
}

/// A program's failure, told in its own words.
pub(super) fn failed(output: &Output) -> ModuleError {
    let said = match output.stderr.trim_end() {
        "" => output.stdout.trim_end(),
        said => said,
    };
    ModuleError::new(said).with(results(output))
}

/// A program that is to be run as a change, and must succeed.
pub(super) fn change(command: Command) -> Change {
    Change::Run {
        command,
        may_fail: false,
    }
}

/// A program that is to be run as a change; `failure` is what is said if it does not succeed.
pub(super) fn attempt(command: Command, failure: impl Into<String>) -> Change {
    Change::Attempt {
        command,
        failure: failure.into(),
    }
}

/// Texts as Python prints a list of them.
pub(super) fn list_of(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Fails where the host lacks a program.
pub(super) fn required(host: &dyn Host, name: &str) -> Result<(), ModuleError> {
    if host.find_program(name).is_some() {
        return Ok(());
    }
    // A model does not know what its packages brought, and says so when it is to run something.
    match host.run(&plain([name])) {
        Err(error @ HostError::Unknown(_)) => Err(error.into()),
        _ => Err(missing(name)),
    }
}

/// Says that a program is not there, as Ansible does.
pub(super) fn missing(name: &str) -> ModuleError {
    ModuleError::new(format!(
        "Failed to find required executable \"{name}\" in paths: /sbin:/usr/sbin:/usr/local/sbin:\
         /bin:/usr/bin:/usr/local/bin"
    ))
}

/// The words of an argument that is a command line's tail.
pub(super) fn words(line: &str) -> Result<Vec<String>, ModuleError> {
    crate::words::split(line).map_err(ModuleError::new)
}
