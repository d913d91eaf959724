//! `locale_gen`: locales that are generated, by glibc's `/etc/locale.gen`.

use std::path::Path;

use serde_json::json;

use super::edit::{Edited, Existing};
use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct LocaleGen {
    names: Vec<String>,
    present: bool,
}

/// The list of what is generated, and whether all is as wanted.
pub(super) struct Found {
    file: Existing,
    text: String,
    is_so: bool,
}

const LIST: &str = "/etc/locale.gen";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

impl Module for LocaleGen {
    const SPEC: Spec = Spec::new(
        "community.general.locale_gen",
        &[
            Field::list("name").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<LocaleGen, ModuleError> {
        Ok(LocaleGen {
            names: arguments.list("name").unwrap_or_default(),
            present: arguments.text("state") == "present",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, Path::new(LIST))?;
        if file.there.is_none() {
            return Err(ModuleError::new(
                "/var/lib/locales/supported.d/ and /etc/locale.gen are missing. Is the package \
                 \"locales\" installed?",
            ));
        }
        let listed = checked(host, &plain(["locale", "-a"]))?;
        let there: Vec<String> = listed.stdout.lines().map(normal).collect();
        let is_there = |name: &&String| there.contains(&normal(name));
        let supported = host.read_text(Path::new(SUPPORTED)).unwrap_or_default();
        let known = |name: &&String| {
            supported
                .lines()
                .any(|line| bare(line).split_whitespace().next() == Some(name))
        };
        let unknown: Vec<&str> = self
            .names
            .iter()
            .filter(|name| !known(name) && !is_there(name))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(ModuleError::new(format!(
                "The following locales you have entered are not available on your system: {unknown}"
            )));
        }
        let all = self.names.iter().all(|name| is_there(&name));
        Ok(Found {
            text: self.edit(&file.text),
            file,
            is_so: all == self.present,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.is_so {
            return Vec::new();
        }
        let edited = (found.text != found.file.text).then(|| Edited {
            heading: Heading::File,
            text: found.text.clone(),
            backup: false,
            validate: None,
        });
        let mut changes = found.file.changes(edited, &Wanted::default());
        changes.push(programs::change(plain(["locale-gen"])));
        changes
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "name": self.names, "mechanism": "glibc", "ubuntu_mode": false,
        }))))
    }
}

impl LocaleGen {
    fn edit(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| {
            let entry = bare(line);
            let name = entry.split_whitespace().next().unwrap_or_default();
            let charset = entry.split_whitespace().nth(1);
            if charset.is_none() || !self.names.iter().any(|wanted| wanted == name) {
                return line.to_owned();
            }
            let mark = if self.present { "" } else { "# " };
            format!("{mark}{}\n", entry.trim_end())
        });
        lines.collect()
    }
}

/// A line without the mark of a comment.
fn bare(line: &str) -> &str {
    line.trim_start().trim_start_matches('#').trim_start()
}

/// A name with the encoding as `locale -a` spells it.
fn normal(name: &str) -> String {
    let (name, modifier) = match name.split_once('@') {
        Some((name, modifier)) => (name, format!("@{modifier}")),
        None => (name, String::new()),
    };
    match name.split_once('.') {
        Some((language, charset)) => {
            let charset = charset.to_lowercase().replace('-', "");
            format!("{language}.{charset}{modifier}")
        }
        None => format!("{name}{modifier}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_named_and_unnamed_in_the_list() {
        let list = "# This file\n# de_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n";
        let check = |name: &str, present, expected: &str| {
            let names = vec![name.to_owned()];
            assert_eq!(LocaleGen { names, present }.edit(list), expected);
        };
        check(
            "de_DE.UTF-8",
            true,
            "# This file\nde_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n",
        );
        check(
            "en_US.UTF-8",
            false,
            "# This file\n# de_DE.UTF-8 UTF-8\n# en_US.UTF-8 UTF-8\n",
        );
        assert_eq!(normal("de_DE.UTF-8@euro"), "de_DE.utf8@euro");
    }
}
