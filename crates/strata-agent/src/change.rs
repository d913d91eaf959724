//! The changes that modules decide on, as plain data, and the one place that makes them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::host::{Host, HostError, Permissions};
use crate::module::{Context, ModuleError};
use crate::protocol::{ContentReference, Notice};
use crate::request::{self, Answer, Request};
use crate::system::{
    AccountChange, Command, Dialogue, Output, PackageChange, PackageVerb, UnitChange,
};

pub use crate::diff::diffs;

/// One thing to do to a host.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Put a file in its place.
    Write(FileWrite),
    /// Set mode, owner or group of what is there.
    Permissions {
        path: PathBuf,
        permissions: Permissions,
        follow: bool,
        /// What stands above the sides of its diff.
        heading: Heading,
    },
    /// Make one folder.
    CreateDirectory { path: PathBuf, mode: u32 },
    /// Make a symbolic link.
    Symlink { path: PathBuf, target: PathBuf },
    /// Make a hard link.
    HardLink { path: PathBuf, target: PathBuf },
    /// Remove whatever is there.
    Remove { path: PathBuf },
    /// Set the times.
    Times {
        path: PathBuf,
        access: Option<f64>,
        modification: Option<f64>,
    },
    /// Make, change or remove a user or group.
    Account(AccountChange),
    /// Let the package manager work.
    Packages(PackageChange),
    /// Let the service manager work.
    Unit(UnitChange),
    /// Make an HTTP request.
    Request(Box<Request>),
    /// Run a program on a terminal and answer it; its module judges the exit status itself.
    Converse {
        command: Command,
        dialogue: Dialogue,
    },
    /// Run a program; where `may_fail`, its module judges the exit status itself.
    Run { command: Command, may_fail: bool },
    /// Run a program that must succeed; `failure` is what is said if it does not, in which `{status}`, `{stdout}` and
    /// `{stderr}` stand for what became of it.
    Attempt { command: Command, failure: String },
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct FileWrite {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub content: FileContent,
    /// Mode and owners of the new file.
    pub permissions: Permissions,
    /// Keep what was there beside it, with the time in its name.
    pub backup: bool,
    /// A command that checks the file before it is put in place, `%s` standing for it.
    pub validate: Option<String>,
    /// What stands above the sides of its diff.
    pub heading: Heading,
}

/// What stands above the sides of a file's diff.
#[derive(Debug, Clone, PartialEq)]
pub enum Heading {
    /// The file.
    File,
    /// The file, and that it is about its content.
    Content,
    /// The file, and whether it is about its content or its attributes, of which both are shown.
    Aspect,
    /// Where the new side comes from; the old side is the file, if it was there.
    From(String),
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone, PartialEq)]
pub enum FileContent {
    /// They are here.
    Bytes(Vec<u8>),
    /// They are here, and no diff shows them, nor what they replace.
    Hidden(Vec<u8>),
    /// The controller has them.
    Offered(ContentReference),
    /// Another file of the host has them.
    HostFile(PathBuf),
}

impl FileWrite {
    /// Bytes for a path, with nothing asked about mode and owner.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> FileWrite {
        let path = path.into();
        FileWrite {
            path,
            content: FileContent::Bytes(bytes.into()),
            permissions: Permissions::default(),
            backup: false,
            validate: None,
            heading: Heading::File,
        }
    }
}

impl Change {
    /// Writes a file, keeping its mode and owner.
    pub fn write(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Change {
        Change::Write(FileWrite::new(path, bytes))
    }

    /// The same change of attributes, with that above its diff.
    pub fn as_aspect(mut self) -> Change {
        if let Change::Permissions { heading, .. } = &mut self {
            *heading = Heading::Aspect;
        }
        self
    }

    /// Runs a program that must succeed.
    pub fn run(argv: &[&str]) -> Change {
        Change::Run {
            command: Command::new(argv.iter().copied()),
            may_fail: false,
        }
    }
}

/// Gives what the controller offers.
pub trait Contents: Send + Sync {
    /// Opens a content, after asking for it if need be.
    fn open(&self, reference: &ContentReference) -> Result<Box<dyn Read + Send>, HostError>;
}

/// For tasks that bring no content.
pub struct NoContents;

impl Contents for NoContents {
    fn open(&self, reference: &ContentReference) -> Result<Box<dyn Read + Send>, HostError> {
        Err(HostError::Other(format!(
            "nobody offers the content {}",
            reference.sha256
        )))
    }
}

/// What acting came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Whether anything was done, or would have been in check mode.
    pub changed: bool,
    /// Whether nothing was done because of check mode.
    pub check: bool,
    /// What the programs said, in order.
    pub outputs: Vec<Output>,
    /// What addresses answered, in order.
    pub answers: Vec<Answer>,
    /// The backup that was made.
    pub backup_file: Option<String>,
    /// Warnings.
    pub notices: Vec<Notice>,
}

/// Makes the changes in order, stopping at the first that fails; in check mode makes none.
pub fn act(changes: &[Change], context: &Context<'_>) -> Result<Outcome, ModuleError> {
    let mut outcome = Outcome {
        changed: !changes.is_empty(),
        check: context.task.check,
        ..Outcome::default()
    };
    if context.task.check {
        if context.host.rehearses() {
            for change in changes {
                imagine(change, context)?;
            }
        }
        return Ok(outcome);
    }
    for (done, change) in changes.iter().enumerate() {
        apply(change, context, &mut outcome).map_err(|error| ModuleError {
            changed: done > 0 || error.changed,
            ..error
        })?;
    }
    Ok(outcome)
}

/// Lets a rehearsal see what a change would leave; where that cannot be known, it is in doubt from then on.
/// What the user may not do fails, as it would.
fn imagine(change: &Change, context: &Context<'_>) -> Result<(), ModuleError> {
    let known = match change {
        Change::Write(write) => imagine_write(write, context).map_err(ModuleError::from),
        Change::Request(_)
        | Change::Converse { .. }
        | Change::Run { .. }
        | Change::Attempt { .. } => {
            context.host.doubt();
            return Ok(());
        }
        change => apply(change, context, &mut Outcome::default()),
    };
    match known {
        Err(error) if error.denied => return Err(error),
        Err(_) => context.host.doubt(),
        Ok(()) => {}
    }
    Ok(())
}

fn imagine_write(write: &FileWrite, context: &Context<'_>) -> Result<(), HostError> {
    let mut content = open(&write.content, context)?;
    context
        .host
        .write(&write.path, &mut content, write.permissions)
}

/// Lets the package manager work; lists that do not come are asked for again, after twice the time.
fn change_packages(change: &PackageChange, host: &dyn Host) -> Result<Output, HostError> {
    let mut output = host.change_packages(change)?;
    let options = &change.options;
    let tries = match change.verb {
        PackageVerb::Update => options.update_retries.saturating_sub(1),
        _ => 0,
    };
    for done in 0..tries {
        if output.status == 0 {
            break;
        }
        let delay = 2_u64.saturating_pow(u32::try_from(done).unwrap_or(u32::MAX));
        host.sleep(Duration::from_secs(delay.min(options.update_max_delay)))?;
        output = host.change_packages(change)?;
    }
    Ok(output)
}

fn apply(change: &Change, context: &Context<'_>, outcome: &mut Outcome) -> Result<(), ModuleError> {
    let host = context.host;
    match change {
        Change::Write(write) => write_file(write, context, outcome)?,
        Change::Permissions {
            path,
            permissions,
            follow,
            ..
        } => {
            set_permissions(host, path, *permissions, *follow)?;
        }
        Change::CreateDirectory { path, mode } => host.create_directory(path, *mode)?,
        Change::Symlink { path, target } => host.symlink(target, path)?,
        Change::HardLink { path, target } => host.hard_link(target, path)?,
        Change::Remove { path } => host.remove(path)?,
        Change::Times {
            path,
            access,
            modification,
        } => {
            host.set_times(path, *access, *modification)?;
        }
        Change::Account(change) => must_succeed(host.change_account(change)?, outcome)?,
        Change::Packages(change) => {
            let output = change_packages(change, host)?;
            if output.status != 0 {
                return Err(packages_failed(change, &output));
            }
            outcome.outputs.push(output);
        }
        Change::Unit(change) => {
            let output = host.change_unit(change)?;
            let what = format!("Unable to {} service {}", change.verb.name(), change.name);
            if output.status != 0 {
                return Err(ModuleError::new(format!("{what}: {}", output.stderr)));
            }
        }
        Change::Request(request) => outcome.answers.push(request::send(host, request)?),
        Change::Converse { command, dialogue } => {
            outcome.outputs.push(converse(host, command, dialogue)?);
        }
        Change::Run {
            command,
            may_fail: true,
        } => outcome.outputs.push(host.run(command)?),
        Change::Run {
            command,
            may_fail: false,
        } => must_succeed(host.run(command)?, outcome)?,
        Change::Attempt { command, failure } => {
            let output = command.concealed(host.run(command)?);
            if output.status != 0 {
                return Err(ModuleError::new(filled(failure, &output)).with(results(&output)));
            }
            outcome.outputs.push(output);
        }
    }
    Ok(())
}

/// A program that waits for what nobody answers has failed; the agent has not.
fn converse(
    host: &dyn Host,
    command: &Command,
    dialogue: &Dialogue,
) -> Result<Output, ModuleError> {
    host.converse(command, dialogue)
        .map_err(|error| match error {
            HostError::TimedOut(why) | HostError::Other(why) => ModuleError {
                changed: true,
                ..ModuleError::new(why)
            },
            error => error.into(),
        })
}

/// Says what the package manager's complaint means.
pub fn packages_failed(change: &PackageChange, output: &Output) -> ModuleError {
    let said = output.stderr.trim();
    let quoted = |start: &str| {
        let rest = said.lines().find_map(|line| line.strip_prefix(start))?;
        Some(rest.trim_matches(['\'', ' ']).to_owned())
    };
    let msg = if let Some(name) = quoted("E: Unable to locate package ") {
        format!("No package matching '{name}' is available")
    } else if change.verb == PackageVerb::Update {
        format!("Failed to update apt cache: {said}")
    } else {
        format!("apt-get failed for {}: {said}", change.names.join(" "))
    };
    ModuleError::new(msg).with(json!({
        "rc": output.status, "stdout": output.stdout, "stderr": output.stderr,
    }))
}

/// The words for a failure, with what the program said in its places.
fn filled(failure: &str, output: &Output) -> String {
    failure
        .replace("{status}", &output.status.to_string())
        .replace("{stdout}", &output.stdout)
        .replace("{stderr}", &output.stderr)
}

/// What a program left, under the names of `command`.
pub(crate) fn results(output: &Output) -> Value {
    json!({ "rc": output.status, "stdout": output.stdout, "stderr": output.stderr })
}

fn must_succeed(output: Output, outcome: &mut Outcome) -> Result<(), ModuleError> {
    if output.status != 0 {
        let said = if output.stderr.is_empty() {
            &output.stdout
        } else {
            &output.stderr
        };
        return Err(ModuleError::new(said.trim_end()).with(json!({"rc": output.status})));
    }
    outcome.outputs.push(output);
    Ok(())
}

/// Sets owner, group and mode of one path.
pub(crate) fn set_permissions(
    host: &dyn Host,
    path: &Path,
    permissions: Permissions,
    follow: bool,
) -> Result<(), HostError> {
    // Owner first: changing it clears the set-user-id bits that the mode may ask for.
    if permissions.uid.is_some() || permissions.gid.is_some() {
        host.set_owner(path, permissions.uid, permissions.gid, follow)?;
    }
    match permissions.mode {
        Some(mode) => host.set_mode(path, mode),
        None => Ok(()),
    }
}

fn write_file(
    write: &FileWrite,
    context: &Context<'_>,
    outcome: &mut Outcome,
) -> Result<(), ModuleError> {
    if let Some(command) = &write.validate {
        validate(write, command, context, outcome)?;
    }
    let host = context.host;
    if write.backup
        && let Some(before) = host.metadata_followed(&write.path)?
    {
        let backup = backup_name(host, &write.path)?;
        let permissions = Permissions {
            mode: Some(before.mode),
            uid: Some(before.uid),
            gid: Some(before.gid),
        };
        host.write(&backup, &mut host.open(&write.path)?, permissions)?;
        host.set_times(&backup, Some(before.accessed), Some(before.modified))?;
        outcome.backup_file = Some(backup.to_string_lossy().into_owned());
    }
    Ok(host.write(
        &write.path,
        &mut open(&write.content, context)?,
        write.permissions,
    )?)
}

/// Opens the bytes of a file that is to be written.
pub fn open(
    content: &FileContent,
    context: &Context<'_>,
) -> Result<Box<dyn Read + Send>, HostError> {
    match content {
        FileContent::Bytes(bytes) | FileContent::Hidden(bytes) => {
            Ok(Box::new(std::io::Cursor::new(bytes.clone())))
        }
        FileContent::Offered(reference) => context.contents.open(reference),
        FileContent::HostFile(path) => context.host.open(path),
    }
}

/// As Ansible names backups: process number and local time. Ansible has a process for each task or item; here one does
/// them all, so the number goes up where there is such a backup already, which may be the only one of the original.
fn backup_name(host: &dyn Host, path: &Path) -> Result<PathBuf, HostError> {
    let time = crate::time::stamp(host.now(), "%Y-%m-%d@%H:%M:%S");
    let mut number = std::process::id();
    loop {
        let name = PathBuf::from(format!("{}.{number}.{time}~", path.display()));
        if host.metadata(&name)?.is_none() {
            return Ok(name);
        }
        number += 1;
    }
}

/// Runs the check on a copy that nobody else can read.
fn validate(
    write: &FileWrite,
    command: &str,
    context: &Context<'_>,
    outcome: &mut Outcome,
) -> Result<(), ModuleError> {
    if !command.contains("%s") {
        return Err(ModuleError::new(format!(
            "validate must contain %s: {command}"
        )));
    }
    let host = context.host;
    let folder = temporary_folder(host)?;
    let copy = folder.join(write.path.file_name().unwrap_or("file".as_ref()));
    let mode = Permissions {
        mode: write.permissions.mode.or(Some(0o600)),
        ..write.permissions
    };
    let checked = host
        .write(&copy, &mut open(&write.content, context)?, mode)
        .and_then(|()| run_check(host, command, &copy));
    host.remove(&folder)?;
    match checked {
        Ok(output) if output.status == 0 => Ok(()),
        Ok(output) => {
            let (status, said) = (output.status, output.stderr.trim_end());
            let msg = format!("failed to validate: rc:{status} error:{said}");
            Err(ModuleError::new(msg).with(json!({
                "exit_status": status, "stdout": output.stdout, "stderr": output.stderr,
            })))
        }
        Err(HostError::Unknown(what)) => {
            let text = format!("not validated: the model cannot say {what}");
            outcome.notices.push(Notice::Warning(text));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn run_check(host: &dyn Host, command: &str, copy: &Path) -> Result<Output, HostError> {
    let line = command.replace("%s", &copy.to_string_lossy());
    let argv = crate::words::split(&line).map_err(HostError::Other)?;
    let environment = BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]);
    host.run(&Command {
        environment,
        ..Command::new(argv)
    })
}

/// Makes a folder for this user alone, in the first place that has room for one.
pub fn temporary_folder(host: &dyn Host) -> Result<PathBuf, HostError> {
    let environment = host.environment();
    let given = environment.get("TMPDIR").map(PathBuf::from);
    let usual = TEMPORARY.iter().map(PathBuf::from);
    let home = environment.get("HOME").map(PathBuf::from);
    let mut first = None;
    for base in given.into_iter().chain(usual).chain(home) {
        match folder_in(host, &base) {
            Ok(folder) => return Ok(folder),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| HostError::Other("there is no place for a folder".to_owned())))
}

/// Where files for a short time are put; not every machine has all of them.
pub(crate) const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

fn folder_in(host: &dyn Host, base: &Path) -> Result<PathBuf, HostError> {
    let nanoseconds = (host.now().fract() * 1e9) as u64;
    for attempt in 0..100_u64 {
        let name = format!(".strata-{}-{:x}", std::process::id(), nanoseconds + attempt);
        let folder = base.join(name);
        match host.create_directory(&folder, 0o700) {
            Err(HostError::Io {
                kind: std::io::ErrorKind::AlreadyExists,
                ..
            }) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(folder),
        }
    }
    Err(HostError::Other(format!(
        "no free name for a folder in {}",
        base.display()
    )))
}
