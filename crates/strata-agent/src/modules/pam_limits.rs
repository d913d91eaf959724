//! `pam_limits`: one line of `/etc/security/limits.conf`.

use std::path::PathBuf;

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(super) struct PamLimits {
    rule: Rule,
    backup: bool,
    dest: PathBuf,
}

struct Rule {
    domain: String,
    kind: String,
    item: String,
    value: String,
    extreme: Extreme,
    comment: String,
}

/// Which of two values is kept.
#[derive(PartialEq)]
enum Extreme {
    None,
    Greatest,
    Least,
}

/// The file and what it becomes.
pub(super) struct Found {
    file: Existing,
    text: String,
    line: String,
}

impl Module for PamLimits {
    const SPEC: Spec = Spec::new(
        "community.general.pam_limits",
        &[
            Field::str("domain").required(),
            Field::str("limit_type")
                .choices(&["soft", "hard", "-"])
                .required(),
            Field::str("limit_item")
                .choices(&[
                    "core",
                    "data",
                    "fsize",
                    "memlock",
                    "nofile",
                    "rss",
                    "stack",
                    "cpu",
                    "nproc",
                    "as",
                    "maxlogins",
                    "maxsyslogins",
                    "priority",
                    "locks",
                    "sigpending",
                    "msgqueue",
                    "nice",
                    "rtprio",
                    "chroot",
                ])
                .required(),
            Field::str("value").required(),
            Field::bool("use_max", false),
            Field::bool("use_min", false),
            Field::bool("backup", false),
            Field::str("dest").default("/etc/security/limits.conf"),
            Field::str("comment").default(""),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PamLimits, ModuleError> {
        let extreme = match (arguments.bool("use_max"), arguments.bool("use_min")) {
            (true, true) => {
                return Err(ModuleError::new(
                    "Cannot use use_min and use_max at the same time.",
                ));
            }
            (true, false) => Extreme::Greatest,
            (false, true) => Extreme::Least,
            (false, false) => Extreme::None,
        };
        let (item, value) = (arguments.text("limit_item"), arguments.text("value"));
        must_be_valid(&item, &value, "")?;
        Ok(PamLimits {
            rule: Rule {
                domain: arguments.text("domain"),
                kind: arguments.text("limit_type"),
                item,
                value,
                extreme,
                comment: arguments.text("comment"),
            },
            backup: arguments.bool("backup"),
            dest: arguments.path("dest").unwrap_or_default(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.dest)?;
        let folder = self.dest.parent().unwrap_or(&self.dest);
        let is_folder = host
            .metadata_followed(folder)?
            .is_some_and(|found| found.kind == Kind::Directory);
        if file.there.is_none() && !is_folder {
            let shown = folder.display();
            return Err(ModuleError::new(format!(
                "directory {shown} is not writable (check presence, access rights, use sudo)"
            )));
        }
        let prefix = format!("Invalid configuration found in '{}'.", self.dest.display());
        let (text, line) = self.rule.apply(&file.text, &prefix)?;
        Ok(Found { file, text, line })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = (found.text != found.file.text).then(|| Edited {
            heading: Heading::From(String::new()),
            text: found.text.clone(),
            backup: self.backup,
            validate: None,
        });
        found.file.changes(edited, &Wanted::default())
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.line.clone(),
            ..Report::default()
        })
    }
}

impl Rule {
    /// The new text, and the line that is about the limit.
    fn apply(&self, text: &str, prefix: &str) -> Result<(String, String), ModuleError> {
        let mut new = String::new();
        let mut found = None;
        let mut comment = self.comment.clone();
        for line in text.split_inclusive('\n') {
            let (bare, remark) = line.split_once('#').unwrap_or((line, ""));
            let fields: Vec<&str> = bare.split_whitespace().collect();
            let [domain, kind, item, value] = fields[..] else {
                new.push_str(line);
                continue;
            };
            if line.starts_with('#') {
                new.push_str(line);
                continue;
            }
            must_be_valid(item, value, prefix)?;
            if (domain, kind, item) != (&self.domain, &self.kind, &self.item) {
                new.push_str(line);
                continue;
            }
            if comment.is_empty() {
                comment = remark.trim_end_matches('\n').to_owned();
            }
            let wanted = self.choose(value);
            let chosen = match wanted == value {
                true => line.to_owned(),
                false => self.line(&wanted, &comment),
            };
            new.push_str(&chosen);
            found = Some(chosen);
        }
        let line = match found {
            Some(line) => line,
            None => {
                let line = self.line(&self.value, &comment);
                if !new.is_empty() && !new.ends_with('\n') {
                    new.push('\n');
                }
                new.push_str(&line);
                line
            }
        };
        Ok((new, line))
    }

    fn line(&self, value: &str, comment: &str) -> String {
        let comment = match comment {
            "" => String::new(),
            comment => format!("\t#{comment}"),
        };
        let (domain, kind, item) = (&self.domain, &self.kind, &self.item);
        format!("{domain}\t{kind}\t{item}\t{value}{comment}\n")
    }

    /// The value that stays, of what is there and what is asked for.
    fn choose(&self, now: &str) -> String {
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        let endless = |text: &str| matches!(text, "unlimited" | "infinity" | "-1");
        let now_is_greater = match (endless(now), endless(&self.value)) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => number(now) >= number(&self.value),
        };
        let keeps = match self.extreme {
            Extreme::None => false,
            Extreme::Greatest => now_is_greater,
            Extreme::Least => !now_is_greater || (endless(now) && endless(&self.value)),
        };
        if keeps { now } else { &self.value }.to_owned()
    }
}

fn must_be_valid(item: &str, value: &str, prefix: &str) -> Result<(), ModuleError> {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if matches!(item, "nice" | "priority") {
        let number = value.strip_prefix('-').unwrap_or(value);
        let fits = value
            .parse::<i64>()
            .is_ok_and(|number| (-20..=19).contains(&number));
        if fits && is_number(number) {
            return Ok(());
        }
        return Err(ModuleError::new(format!(
            "{prefix} Value of '{value}' for item '{item}' is invalid. Value must be a number in \
             the range -20 to 19 inclusive. Refer to the limits.conf(5) manual pages for more \
             details."
        )));
    }
    if matches!(value, "unlimited" | "infinity" | "-1") || is_number(value) {
        return Ok(());
    }
    Err(ModuleError::new(format!(
        "{prefix} Value of '{value}' for item '{item}' is invalid. Value must either be \
         'unlimited', 'infinity', '-1', or a number. Refer to the limits.conf(5) manual pages for \
         more details."
    )))
}
