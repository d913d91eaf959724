//! `cron`: a job or a variable of a user's crontab, or of a file in `/etc/cron.d`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::programs;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Notice, Task};
use crate::system::Command;
use table::{Place, Table};

mod table;

pub(super) struct Cron {
    name: String,
    user: Option<String>,
    file: Option<PathBuf>,
    given_file: Option<String>,
    present: bool,
    backup: bool,
    what: What,
    notices: Vec<Notice>,
    diff: bool,
}

/// What the name means.
enum What {
    /// The line of a job; none where only its name is needed.
    Job(Option<String>),
    Variable(String, Place),
}

/// The table before and after.
pub(super) struct Found {
    text: String,
    table: Table,
    changed: bool,
    /// The file has nothing left in it and goes.
    empty: bool,
    backup: PathBuf,
}

impl Module for Cron {
    const SPEC: Spec = Spec::new(
        "cron",
        &[
            Field::str("name").required(),
            Field::str("user"),
            Field::str("job").alias(&["value"]),
            Field::path("cron_file"),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::bool("backup", false),
            Field::str("minute").default("*"),
            Field::str("hour").default("*"),
            Field::str("day").alias(&["dom"]).default("*"),
            Field::str("month").default("*"),
            Field::str("weekday").alias(&["dow"]).default("*"),
            Field::str("special_time").choices(&[
                "reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly",
            ]),
            Field::bool("disabled", false),
            Field::bool("env", false),
            Field::str("insertafter"),
            Field::str("insertbefore"),
        ],
    )
    .exclusive(&[&["insertafter", "insertbefore"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Cron, ModuleError> {
        refuse(arguments)?;
        let name = arguments.text("name");
        let present = arguments.text("state") == "present";
        let given_file = arguments.string("cron_file");
        let mut notices = Vec::new();
        if let Some(file) = &given_file {
            let base = file.rsplit('/').next().unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if base.is_empty() || !base.chars().all(plain) {
                notices.push(Notice::Warning(format!(
                    "Filename portion of cron_file (\"{base}\") should consist solely of upper- \
                     and lower-case letters, digits, underscores, and hyphens"
                )));
            }
        }
        let job = arguments.text("job");
        if job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
            let text = "Job should not contain line breaks".to_owned();
            notices.push(Notice::Warning(text));
        }
        let what = match arguments.bool("env") {
            true => What::Variable(job, place(arguments)),
            false => What::Job(present.then(|| line(arguments, given_file.is_some()))),
        };
        Ok(Cron {
            name,
            user: arguments.string("user"),
            file: given_file
                .as_ref()
                .map(|file| Path::new("/etc/cron.d").join(file)),
            given_file,
            present,
            backup: arguments.bool("backup"),
            what,
            notices,
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let text = self.read(host)?;
        let before = Table::read(&text);
        let mut table = before.clone();
        match &self.what {
            What::Job(Some(job)) => table.set_job(&self.name, job),
            What::Job(None) => table.remove_job(&self.name),
            What::Variable(value, place) if self.present => {
                let set = table.set_variable(&self.name, value, place);
                set.map_err(|name| {
                    ModuleError::new(format!("Variable named '{name}' not found."))
                })?;
            }
            What::Variable(..) => table.remove_variable(&self.name),
        }
        let edited = table != before;
        // A last line without its end would be lost to cron.
        let unended = !text.is_empty() && !text.ends_with(['\r', '\n']);
        let is_job = matches!(self.what, What::Job(_));
        let empty = edited && is_job && !self.present && self.file.is_some() && table.is_empty();
        Ok(Found {
            changed: edited || unended,
            empty,
            backup: PathBuf::from(format!("/tmp/crontab{:x}", (host.now() * 1e6) as u64)),
            text,
            table,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if !found.changed {
            return Vec::new();
        }
        let mut changes = Vec::new();
        if self.backup {
            let permissions = Permissions {
                mode: Some(0o600),
                ..Permissions::default()
            };
            changes.push(Change::Write(FileWrite {
                permissions,
                ..FileWrite::new(&found.backup, Table::read(&found.text).render())
            }));
        }
        changes.push(match &self.file {
            Some(path) if found.empty => Change::Remove { path: path.clone() },
            Some(path) => Change::write(path, found.table.render()),
            None => programs::change(Command {
                stdin: Some(found.table.render()),
                ..self.crontab("-")
            }),
        });
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut values = if found.empty {
            values(json!({"state": "absent"}))
        } else {
            values(json!({"jobs": found.table.jobs(), "envs": found.table.variables()}))
        };
        if let Some(file) = &self.given_file {
            values.insert("cron_file".to_owned(), file.as_str().into());
        }
        if self.backup && found.changed && !outcome.check {
            let backup = found.backup.to_string_lossy();
            values.insert("backup_file".to_owned(), backup.into());
        }
        // The diff of a file is that of its write.
        let shown = self.diff && found.changed && self.file.is_none();
        let header = self.user.as_ref().map_or("crontab".to_owned(), |user| {
            format!("crontab for user \"{user}\"")
        });
        let diff = shown.then(|| Diff {
            path: header.clone(),
            before_header: header.clone(),
            after_header: header,
            before: found.text.clone(),
            after: found.table.render(),
        });
        Ok(Report {
            values,
            notices: self.notices.clone(),
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl Cron {
    fn read(&self, host: &dyn Host) -> Result<String, ModuleError> {
        if let Some(path) = &self.file {
            return match host.metadata_followed(path)? {
                None => Ok(String::new()),
                Some(_) => Ok(String::from_utf8_lossy(&host.read(path)?).into_owned()),
            };
        }
        programs::required(host, "crontab")?;
        let said = host.run(&self.crontab("-l"))?;
        match said.status {
            0 => Ok(said.stdout),
            // There is none yet.
            1 => Ok(String::new()),
            _ => Err(ModuleError::new("Unable to read crontab").with(programs::results(&said))),
        }
    }

    fn crontab(&self, verb: &str) -> Command {
        let user = self.user.as_deref().map(|user| ["-u", user]);
        let words = ["crontab"].into_iter().chain(user.into_iter().flatten());
        Command::new(words.chain([verb]))
    }
}

fn refuse(arguments: &Arguments) -> Result<(), ModuleError> {
    let fail = |msg: &str| Err(ModuleError::new(msg));
    let file = arguments.string("cron_file");
    let present = arguments.text("state") == "present";
    let times = ["minute", "hour", "day", "month", "weekday"];
    if file.as_deref() == Some("/etc/crontab") {
        return fail("Will not manage /etc/crontab via cron_file, see documentation.");
    }
    if arguments.string("special_time").is_some()
        && times.iter().any(|name| arguments.text(name) != "*")
    {
        return fail(
            "You cannot combine special_time with any of the time or day/date parameters.",
        );
    }
    if present && file.is_some() && arguments.string("user").is_none() {
        return fail("To use cron_file=... parameter you must specify user=... as well");
    }
    if present && arguments.string("job").is_none() {
        return fail("You must specify 'job' to install a new cron job or variable");
    }
    let env = arguments.bool("env");
    let beside = ["insertafter", "insertbefore"]
        .iter()
        .any(|name| arguments.string(name).is_some());
    if present && beside && !env {
        return fail("Insertafter and insertbefore parameters are valid only with env=yes");
    }
    if env && arguments.text("name").contains(' ') {
        return fail("Invalid name for environment variable");
    }
    Ok(())
}

fn place(arguments: &Arguments) -> Place {
    let after = arguments.string("insertafter").map(Place::After);
    let before = arguments.string("insertbefore").map(Place::Before);
    after.or(before).unwrap_or(Place::First)
}

/// The line of a job; in a file it also names the user.
fn line(arguments: &Arguments, in_file: bool) -> String {
    let get = |name| arguments.text(name);
    let mut line = String::from(if arguments.bool("disabled") { "#" } else { "" });
    match arguments.string("special_time") {
        Some(special) => line.push_str(&format!("@{special}")),
        None => line.push_str(&format!(
            "{} {} {} {} {}",
            get("minute"),
            get("hour"),
            get("day"),
            get("month"),
            get("weekday"),
        )),
    }
    if in_file {
        line.push_str(&format!(" {}", get("user")));
    }
    let job = get("job");
    format!("{line} {}", job.trim_matches(['\r', '\n']))
}
