//! `pamd`: rules of a service in `/etc/pam.d` are changed, put beside others, or taken out.
//!
//! As `community.general.pamd` 11.4, with its mark of the last change in the second line. Rules are written anew, in columns;
//! several arguments that are new are put in the order in which they were given.

mod rule;

use std::path::PathBuf;

use serde_json::json;

use rule::{Head, KINDS, Line, Rule, control, read, split_arguments};

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Pamd {
    path: PathBuf,
    is: Head,
    wish: Wish,
    backup: bool,
}

enum Wish {
    Update {
        kind: Option<String>,
        control: Option<String>,
        module: Option<String>,
        arguments: Option<Vec<String>>,
    },
    Before(Rule),
    After(Rule),
    ArgumentsPresent(Vec<String>),
    ArgumentsAbsent(Vec<String>),
    Absent,
}

/// The file, how many rules change in it, and its text then.
pub(super) struct Found {
    file: Existing,
    count: usize,
    text: String,
}

const MARK: &str = "# Updated by Ansible";

impl Module for Pamd {
    const SPEC: Spec = Spec::new(
        "community.general.pamd",
        &[
            Field::str("name").required(),
            Field::str("type").choices(KINDS).required(),
            Field::str("control").required(),
            Field::str("module_path").required(),
            Field::str("new_type").choices(KINDS),
            Field::str("new_control"),
            Field::str("new_module_path"),
            Field::list("module_arguments"),
            Field::str("state")
                .choices(&[
                    "absent",
                    "after",
                    "args_absent",
                    "args_present",
                    "before",
                    "updated",
                ])
                .default("updated"),
            Field::path("path").default("/etc/pam.d"),
            Field::bool("backup", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Pamd, ModuleError> {
        let folder = arguments.path("path").unwrap_or_default();
        Ok(Pamd {
            path: folder.join(arguments.text("name")),
            is: Head {
                kind: arguments.text("type"),
                control: control(&arguments.text("control")),
                module: arguments.text("module_path"),
            },
            wish: Wish::read(arguments)?,
            backup: arguments.bool("backup"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.path)?;
        if file.there.is_none() {
            let shown = self.path.display();
            return Err(ModuleError::new(format!(
                "Unable to open/read PAM module file {shown} with error [Errno 2] No such file or directory: '{shown}'."
            )));
        }
        let mut lines = Vec::new();
        for line in file.text.lines() {
            lines.push(read(line)?);
        }
        let count = self.wish.apply(&self.is, &mut lines);
        for line in &lines {
            if let Line::Rule(rule) = line {
                rule.validate()?;
            }
        }
        let time = crate::time::stamp(host.now(), "%Y-%m-%dT%H:%M:%S%.6f");
        Ok(Found {
            text: marked(&lines, &time),
            file,
            count,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = (found.count > 0).then(|| Edited {
            text: found.text.clone(),
            backup: self.backup,
            validate: None,
            heading: Heading::File,
        });
        found.file.changes(edited, &Wanted::default())
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let backup = outcome.backup_file.clone().unwrap_or_default();
        Ok(Report::of(values(
            json!({"change_count": found.count, "backupdest": backup}),
        )))
    }
}

impl Wish {
    fn read(arguments: &Arguments) -> Result<Wish, ModuleError> {
        let state = arguments.text("state");
        let given = arguments.list("module_arguments");
        let parsed = given.as_deref().map(split_arguments);
        let (kind, module) = (
            arguments.filled("new_type"),
            arguments.filled("new_module_path"),
        );
        let new_control = arguments.filled("new_control").map(|text| control(&text));
        let missing = |names: &[&str]| {
            let missing: Vec<&str> = names
                .iter()
                .filter(|name| arguments.raw(name).is_none())
                .copied()
                .collect();
            ModuleError::new(format!(
                "state is {state} but all of the following are missing: {}",
                missing.join(", ")
            ))
        };
        Ok(match state.as_str() {
            "before" | "after" => {
                let (Some(kind), Some(control), Some(module)) = (kind, new_control, module) else {
                    return Err(missing(&["new_control", "new_type", "new_module_path"]));
                };
                let rule = Rule {
                    head: Head {
                        kind,
                        control,
                        module,
                    },
                    arguments: parsed.unwrap_or_default(),
                };
                match state == "before" {
                    true => Wish::Before(rule),
                    false => Wish::After(rule),
                }
            }
            "args_present" => {
                let parsed = parsed.ok_or_else(|| missing(&["module_arguments"]))?;
                if parsed.iter().any(|argument| argument.starts_with('[')) {
                    return Err(ModuleError::new(
                        "Unable to process bracketed '[' complex arguments with 'args_present'. Please use 'updated'.",
                    ));
                }
                Wish::ArgumentsPresent(parsed)
            }
            "args_absent" => {
                Wish::ArgumentsAbsent(parsed.ok_or_else(|| missing(&["module_arguments"]))?)
            }
            "absent" => Wish::Absent,
            _ => Wish::Update {
                kind,
                control: new_control,
                module,
                arguments: parsed,
            },
        })
    }

    /// Makes the lines as they shall be, and says how many rules that changed.
    fn apply(&self, is: &Head, lines: &mut Vec<Line>) -> usize {
        match self {
            Wish::Absent => {
                let before = lines.len();
                lines.retain(|line| line.head() != Some(is));
                before - lines.len()
            }
            Wish::Before(new) => insert(lines, is, new, false),
            Wish::After(new) => insert(lines, is, new, true),
            _ => {
                let mut count = 0;
                for line in lines {
                    if let Line::Rule(rule) = line
                        && rule.head == *is
                    {
                        let before = rule.clone();
                        self.edit(rule);
                        count += usize::from(*rule != before);
                    }
                }
                count
            }
        }
    }

    fn edit(&self, rule: &mut Rule) {
        match self {
            Wish::Update {
                kind,
                control,
                module,
                arguments,
            } => {
                let take = |from: &Option<String>, to: &mut String| {
                    if let Some(text) = from {
                        to.clone_from(text);
                    }
                };
                take(kind, &mut rule.head.kind);
                take(control, &mut rule.head.control);
                take(module, &mut rule.head.module);
                if let Some(arguments) = arguments {
                    rule.arguments.clone_from(arguments);
                }
            }
            Wish::ArgumentsPresent(wanted) => {
                for argument in wanted {
                    rule.add(argument);
                }
            }
            Wish::ArgumentsAbsent(gone) => rule.arguments.retain(|there| !gone.contains(there)),
            Wish::Before(_) | Wish::After(_) | Wish::Absent => {}
        }
    }
}

/// Puts a rule beside each that matches, unless it is there already; comments between the two do not count.
fn insert(lines: &mut Vec<Line>, is: &Head, new: &Rule, after: bool) -> usize {
    let ours = |at: &usize| lines[*at].head() == Some(is);
    let places: Vec<usize> = (0..lines.len()).filter(ours).collect();
    let mut count = 0;
    // From the end, so that what is put in moves none that are still to come.
    for at in places.into_iter().rev() {
        let is_rule = |line: &&Line| !matches!(line, Line::Blank(_));
        let neighbour = match after {
            true => lines[at + 1..].iter().find(is_rule),
            false => lines[..at].iter().rev().find(is_rule),
        };
        if neighbour.and_then(Line::head) == Some(&new.head) {
            continue;
        }
        let place = match (after, neighbour) {
            // As in the original, behind the last rule it is put at the end of the file.
            (true, None) => lines.len(),
            (true, Some(_)) => at + 1,
            (false, _) => at,
        };
        lines.insert(place, Line::Rule(new.clone()));
        count += 1;
    }
    count
}

/// The text of the file, with when it was changed in the second line.
fn marked(lines: &[Line], time: &str) -> String {
    let mark = format!("{MARK} - {time}");
    let mut shown: Vec<String> = lines.iter().map(Line::shown).collect();
    match shown.get_mut(1) {
        None => {
            shown.insert(0, String::new());
            shown.insert(1, mark);
        }
        Some(second) if second.starts_with(MARK) => *second = mark,
        Some(_) => shown.insert(1, mark),
    }
    shown.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# head\n# Updated by Ansible - before\nauth required pam_env.so\n# note\n\
                        auth\t[success=1 default = ignore] pam_unix.so nullok try_first_pass\n\
                        @include common\nsession optional pam_x.so [a b] c=1\n";

    fn check(is: [&str; 3], wish: Wish, from: &str, to: &str) {
        let mut lines: Vec<Line> = TEXT.lines().map(|line| read(line).unwrap()).collect();
        let before = marked(&lines, "now");
        let [kind, control, module] = is.map(str::to_owned);
        let is = Head {
            kind,
            control,
            module,
        };
        let count = wish.apply(&is, &mut lines);
        assert_eq!(count, usize::from(from != to));
        assert_eq!(marked(&lines, "now"), before.replace(from, to));
    }

    fn rule(text: &str) -> Rule {
        match read(text).unwrap() {
            Line::Rule(rule) => rule,
            line => panic!("{line:?}"),
        }
    }

    #[test]
    fn rules_are_put_beside_others_once() {
        let unix = ["auth", "[success=1 default=ignore]", "pam_unix.so"];
        let new = || rule("auth optional pam_new.so");
        let there = "auth       [success=1 default=ignore] pam_unix.so nullok try_first_pass\n";
        let line = "auth       optional pam_new.so\n";
        check(unix, Wish::Before(new()), there, &format!("{line}{there}"));
        check(unix, Wish::After(new()), there, &format!("{there}{line}"));
        check(unix, Wish::Before(rule("auth required pam_env.so")), "", "");
        check(unix, Wish::Absent, there, "");
    }

    #[test]
    fn arguments_are_added_changed_and_removed() {
        let x = ["session", "optional", "pam_x.so"];
        let words = |text: &str| split_arguments(&[text.to_owned()]);
        let there = "pam_x.so [a b] c=1";
        check(
            x,
            Wish::ArgumentsPresent(words("c=2 d")),
            there,
            "pam_x.so [a b] c=2 d",
        );
        check(x, Wish::ArgumentsPresent(words("c=1")), "", "");
        check(
            x,
            Wish::ArgumentsAbsent(words("c=1 d")),
            there,
            "pam_x.so [a b]",
        );
    }
}
