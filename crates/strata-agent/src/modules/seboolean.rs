//! `seboolean`: a switch of the SELinux policy, now and at the next start.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Seboolean {
    name: String,
    state: bool,
    persistent: bool,
    ignores_selinux: bool,
}

/// The switch now, and as it is kept.
pub(super) struct Found {
    now: Option<bool>,
    kept: Option<bool>,
}

impl Module for Seboolean {
    const SPEC: Spec = Spec::new(
        "ansible.posix.seboolean",
        &[
            Field::str("name").required(),
            Field::maybe("state").required(),
            Field::bool("persistent", false),
            Field::bool("ignore_selinux_state", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Seboolean, ModuleError> {
        Ok(Seboolean {
            name: arguments.text("name"),
            state: arguments.bool("state"),
            persistent: arguments.bool("persistent"),
            ignores_selinux: arguments.bool("ignore_selinux_state"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let is_on = host.metadata("/sys/fs/selinux/enforce".as_ref())?.is_some();
        if !is_on && !self.ignores_selinux {
            return Err(ModuleError::new("SELinux is disabled on this host."));
        }
        let mut found = Found {
            now: None,
            kept: None,
        };
        if self.persistent {
            programs::required(host, "semanage")?;
            let said = programs::checked(host, &plain(["semanage", "boolean", "-l", "-n"]))?;
            found.kept = parse(&said.stdout, &self.name);
            if found.kept.is_none() {
                return Err(ModuleError::new(format!(
                    "SELinux boolean {} is not defined in persistent policy",
                    self.name
                )));
            }
        }
        if is_on {
            let path = format!("/sys/fs/selinux/booleans/{}", self.name);
            let text = host.read_text(path.as_ref());
            found.now = text.and_then(|text| text.trim().chars().next().map(|digit| digit == '1'));
            if found.now.is_none() && !self.persistent {
                return Err(ModuleError::new(format!(
                    "Failed to determine current state for boolean {}",
                    self.name
                )));
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let differs = |is: Option<bool>| is.is_some_and(|is| is != self.state);
        if self.persistent && differs(found.kept) {
            let mut argv = vec!["semanage", "boolean", "--modify"];
            argv.extend(found.now.is_none().then_some("-N"));
            argv.extend([
                if self.state { "--on" } else { "--off" },
                self.name.as_str(),
            ]);
            return vec![Change::run(&argv)];
        }
        if !self.persistent && differs(found.now) {
            let word = if self.state { "on" } else { "off" };
            return vec![Change::run(&["setsebool", &self.name, word])];
        }
        Vec::new()
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "name": self.name, "state": self.state, "persistent": self.persistent,
        }))))
    }
}

/// The kept value in a line as `httpd_can_network  (off  ,  on)  …`.
fn parse(text: &str, name: &str) -> Option<bool> {
    let line = text
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name))?;
    let (_, rest) = line.split_once(',')?;
    Some(rest.trim_start().starts_with("on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_value_is_the_second_one() {
        let list = "a_b    (off  ,   on)  Allow a\nc      (on   ,  off)  Allow c\n";
        assert_eq!(parse(list, "a_b"), Some(true));
        assert_eq!(parse(list, "c"), Some(false));
        assert_eq!(parse(list, "a"), None);
    }
}
