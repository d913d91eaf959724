//! `capabilities`: what a program may do beyond its user, as `getcap` and `setcap` have it.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Capabilities {
    path: String,
    wanted: Capability,
    is_present: bool,
}

/// `cap_net_bind_service+ep`: its name and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Capability {
    name: String,
    flags: String,
}

impl Module for Capabilities {
    const SPEC: Spec = Spec::new(
        "community.general.capabilities",
        &[
            Field::str("capability").alias(&["cap"]).required(),
            Field::str("path").alias(&["key"]).required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    );
    type Current = Vec<Capability>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Capabilities, ModuleError> {
        let is_present = arguments.text("state") == "present";
        let wanted = Capability::read(arguments.text("capability").trim());
        if is_present && wanted.flags.is_empty() {
            return Err(ModuleError::new(
                "Couldn't find operator (one of: ('=', '-', '+'))",
            ));
        }
        Ok(Capabilities {
            path: arguments.text("path").trim().to_owned(),
            wanted,
            is_present,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<Capability>, ModuleError> {
        programs::required(host, "getcap")?;
        programs::required(host, "setcap")?;
        let output = host.run(&plain(["getcap", "-v", &self.path]))?;
        let said = output.stdout.trim();
        // What is not there is told on standard output, and with success.
        if output.status != 0 || !output.stderr.is_empty() || said.ends_with(')') {
            let failure = ModuleError::new(format!("Unable to get capabilities of {}", self.path));
            return Err(failure.with(json!({ "stdout": said, "stderr": output.stderr })));
        }
        Ok(read(said.strip_prefix(&self.path).unwrap_or_default()))
    }

    fn decide(&self, current: &Vec<Capability>) -> Vec<Change> {
        let has = current.iter().any(|one| one.name == self.wanted.name);
        let is_done = match self.is_present {
            true => current.contains(&self.wanted),
            false => !has,
        };
        if is_done {
            return Vec::new();
        }
        let others = current.iter().filter(|one| one.name != self.wanted.name);
        let all = others.chain(Some(&self.wanted).filter(|_| self.is_present));
        let words: Vec<String> = all.map(|one| one.name.clone() + &one.flags).collect();
        let command = plain(["setcap", &words.join(" "), &self.path]);
        vec![programs::change(command)]
    }

    fn report(
        &self,
        _: &dyn Host,
        _: &Vec<Capability>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.is_present { "present" } else { "absent" };
        let mut report = Report::of(values(json!({ "state": state })));
        if outcome.changed {
            report.msg = "capabilities changed".to_owned();
        }
        if let Some(output) = outcome.outputs.last() {
            report
                .values
                .extend(values(json!({ "stdout": output.stdout })));
        }
        Ok(report)
    }
}

impl Capability {
    fn read(word: &str) -> Capability {
        let word = word.to_lowercase();
        let at = word.find(['=', '-', '+']).unwrap_or(word.len());
        let (name, flags) = word.split_at(at);
        Capability {
            name: name.to_owned(),
            flags: flags.to_owned(),
        }
    }
}

/// What follows the path in what `getcap` says: names with commas between share their flags.
fn read(said: &str) -> Vec<Capability> {
    let said = said.trim();
    // Versions before 2.41 have a sign between path and capabilities.
    let said = said.strip_prefix("= ").unwrap_or(said);
    let words = said.split_whitespace().filter(|word| *word != "=");
    let mut all = Vec::new();
    for word in words {
        let whole = Capability::read(word);
        all.extend(whole.name.split(',').map(|name| Capability {
            name: name.to_owned(),
            flags: whole.flags.clone(),
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_share_their_flags_in_old_and_new_versions() {
        let check = |said: &str| {
            let all: Vec<String> = read(said)
                .iter()
                .map(|one| one.name.clone() + &one.flags)
                .collect();
            all.join(" ")
        };
        assert_eq!(check(" cap_chown,cap_kill=ep"), "cap_chown=ep cap_kill=ep");
        assert_eq!(
            check(" = cap_chown+ep cap_kill+i"),
            "cap_chown+ep cap_kill+i"
        );
        assert_eq!(check(""), "");
        assert_eq!(check(" ="), "");
    }
}
