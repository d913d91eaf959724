//! `hostname`: the name a host gives itself.
//!
//! Two things carry it, the kernel and a file; each that differs is one change. The file is `/etc/hostname` nearly everywhere;
//! `redhat`, `sles` and `openrc` have their own, as in ansible-core 2.19, which leaves the kernel's name alone there.

use std::path::Path;

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};

/// How long a name may be for the kernel.
const LONGEST: usize = 64;

pub(super) struct Hostname {
    name: String,
    diff: bool,
    place: Option<Place>,
}

/// Where the name is written down.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// A file with nothing else in it.
    File(&'static str),
    /// A line of a file, which begins so, and what stands around the name.
    Line(&'static str, &'static str, &'static str),
}

const ETC_HOSTNAME: Place = Place::File("/etc/hostname");
const OPENRC: Place = Place::Line("/etc/conf.d/hostname", "hostname=", "\"");

/// The names that are there.
pub(super) struct Names {
    kernel: String,
    place: Place,
    /// What the place has in it.
    text: String,
    /// What sets the kernel's name; some systems lack `hostname`.
    setter: &'static [&'static str],
}

impl Module for Hostname {
    const SPEC: Spec = Spec::new(
        "hostname",
        &[
            Field::str("name").required(),
            Field::str("use").choices(&[
                "alpine", "debian", "generic", "openrc", "redhat", "sles", "systemd",
            ]),
        ],
    );
    type Current = Names;

    fn new(arguments: &Arguments, task: &Task) -> Result<Hostname, ModuleError> {
        let name = arguments.text("name");
        // Said before the file is written, which then would hold what no kernel takes.
        if name.len() > LONGEST {
            return Err(ModuleError::new(
                "name cannot be longer than 64 characters on systemd servers, try a shorter name",
            ));
        }
        Ok(Hostname {
            name,
            diff: task.diff,
            place: arguments.filled("use").map(|word| match word.as_str() {
                "openrc" => OPENRC,
                "redhat" => Place::Line("/etc/sysconfig/network", "HOSTNAME=", ""),
                "sles" => Place::File("/etc/HOSTNAME"),
                _ => ETC_HOSTNAME,
            }),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Names, ModuleError> {
        let place = match self.place {
            Some(place) => place,
            None => usual(host)?,
        };
        let lacks = |name: &str| host.find_program(name).is_none();
        Ok(Names {
            kernel: host.kernel()?.node,
            text: host.read_text(place.path()).unwrap_or_default(),
            place,
            setter: match lacks("hostname") && !lacks("hostnamectl") {
                true => &["hostnamectl", "--transient", "set-hostname"],
                false => &["hostname"],
            },
        })
    }

    fn decide(&self, current: &Names) -> Vec<Change> {
        let mut changes = Vec::new();
        // The file first: were we cut off between the two, the next boot would still be right.
        if current.place.name(&current.text) != Some(&self.name) {
            let text = current.place.with(&current.text, &self.name);
            // The diff is of names alone, as in Ansible.
            changes.push(Change::Write(FileWrite {
                content: FileContent::Hidden(text.into_bytes()),
                ..FileWrite::new(current.place.path(), Vec::new())
            }));
        }
        if current.kernel != self.name {
            let words = current.setter.iter().copied();
            let words: Vec<&str> = words.chain([self.name.as_str()]).collect();
            changes.push(Change::run(&words));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        names: &Names,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let short = self.name.split('.').next().unwrap_or_default();
        let before = match names.kernel != self.name {
            true => names.kernel.as_str(),
            false => names.place.name(&names.text).unwrap_or_default(),
        };
        let shown = |name: &str| format!("hostname = {name}\n");
        let diff = (self.diff && outcome.changed).then(|| Diff {
            path: names.place.path().to_string_lossy().into_owned(),
            before: shown(before),
            after: shown(&self.name),
            ..Diff::default()
        });
        let values = values(json!({
            "name": self.name,
            "ansible_facts": {
                "ansible_hostname": short,
                "ansible_nodename": self.name,
                "ansible_fqdn": self.name,
                "ansible_domain": self.name.split_once('.').map_or("", |(_, domain)| domain),
            },
        }));
        Ok(Report {
            values,
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

/// The file of a host: that of OpenRC on Gentoo, where systemd is not there.
fn usual(host: &dyn Host) -> Result<Place, ModuleError> {
    let is_there = |path: &str| host.metadata_followed(Path::new(path));
    let has_openrc = is_there("/etc/conf.d/hostname")?.is_some();
    let reads_other =
        is_there("/etc/alpine-release")?.is_some() || is_there("/run/systemd/system")?.is_some();
    Ok(match has_openrc && !reads_other {
        true => OPENRC,
        false => ETC_HOSTNAME,
    })
}

impl Place {
    fn path(&self) -> &'static Path {
        match *self {
            Place::File(path) | Place::Line(path, _, _) => Path::new(path),
        }
    }

    /// The name that a text has at this place.
    fn name<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Place::File(_) => Some(text.trim()),
            Place::Line(_, start, _) => {
                let mut lines = text.lines().map(str::trim);
                let value = lines.find_map(|line| line.strip_prefix(start))?;
                Some(value.trim().trim_matches('"'))
            }
        }
    }

    /// The text with the name at this place.
    fn with(&self, text: &str, name: &str) -> String {
        let Place::Line(_, start, quote) = self else {
            return format!("{name}\n");
        };
        let line = format!("{start}{quote}{name}{quote}");
        let mut lines: Vec<&str> = text.lines().collect();
        match lines
            .iter_mut()
            .find(|line| line.trim_start().starts_with(start))
        {
            Some(found) => *found = &line,
            None => lines.push(&line),
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again_and_made_where_it_is_missing() {
        let text = "# the name\nhostname=\"old\"\nx=1\n";
        assert_eq!(OPENRC.name(text), Some("old"));
        let after = OPENRC.with(text, "new");
        assert_eq!(after, "# the name\nhostname=\"new\"\nx=1\n");
        assert_eq!(OPENRC.name(&after), Some("new"));
        assert_eq!(OPENRC.name("x=1\n"), None);
        assert_eq!(OPENRC.with("x=1", "new"), "x=1\nhostname=\"new\"\n");
    }
}
