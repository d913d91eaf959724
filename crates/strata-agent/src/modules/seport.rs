//! `seport`: which ports have a type of SELinux, by `semanage`.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Seport {
    ports: Vec<String>,
    protocol: String,
    kind: String,
    is_present: bool,
    reload: bool,
    local: bool,
    ignore_state: bool,
}

/// A line of `semanage port -l`.
#[derive(Debug, PartialEq)]
pub(super) struct Rule {
    kind: String,
    protocol: String,
    ports: Vec<String>,
}

impl Module for Seport {
    const SPEC: Spec = Spec::new(
        "community.general.seport",
        &[
            Field::bool("ignore_selinux_state", false),
            Field::bool("local", false),
            Field::list("ports").required(),
            Field::str("proto").choices(&["tcp", "udp"]).required(),
            Field::bool("reload", true),
            Field::str("setype").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    );
    type Current = Vec<Rule>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Seport, ModuleError> {
        Ok(Seport {
            ports: arguments.list("ports").unwrap_or_default(),
            protocol: arguments.text("proto"),
            kind: arguments.text("setype"),
            is_present: arguments.text("state") == "present",
            reload: arguments.bool("reload"),
            local: arguments.bool("local"),
            ignore_state: arguments.bool("ignore_selinux_state"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<Rule>, ModuleError> {
        let is_on = host.metadata("/sys/fs/selinux/enforce".as_ref())?.is_some();
        if !is_on && !self.ignore_state {
            return Err(ModuleError::new("SELinux is disabled on this host."));
        }
        programs::required(host, "semanage")?;
        let mut words = vec!["semanage", "port", "-l", "-n"];
        words.extend(self.local.then_some("-C"));
        let output = programs::checked(host, &plain(words))?;
        Ok(output.stdout.lines().filter_map(read).collect())
    }

    fn decide(&self, rules: &Vec<Rule>) -> Vec<Change> {
        let due = self.ports.iter().filter(|port| {
            let has = rules
                .iter()
                .any(|rule| self.is_ours(rule) && rule.ports.contains(port));
            has != self.is_present
        });
        due.map(|port| self.change(port, rules)).collect()
    }

    fn report(&self, _: &dyn Host, _: &Vec<Rule>, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.is_present { "present" } else { "absent" };
        Ok(Report::of(values(json!({
            "ports": self.ports, "proto": self.protocol, "setype": self.kind, "state": state,
        }))))
    }
}

impl Seport {
    fn is_ours(&self, rule: &Rule) -> bool {
        rule.kind == self.kind && rule.protocol == self.protocol
    }

    fn change(&self, port: &str, rules: &[Rule]) -> Change {
        // A port that another type has is given to this one.
        let is_known = |rule: &Rule| {
            rule.protocol == self.protocol && rule.ports.iter().any(|known| known == port)
        };
        let verb = match (self.is_present, rules.iter().any(is_known)) {
            (false, _) => "-d",
            (true, true) => "-m",
            (true, false) => "-a",
        };
        let mut words = vec!["semanage", "port", verb];
        words.extend((!self.reload).then_some("-N"));
        if self.is_present {
            words.extend(["-t", &self.kind]);
        }
        words.extend(["-p", &self.protocol, port]);
        programs::change(plain(words))
    }
}

/// `http_port_t   tcp   80, 81, 443-445`
fn read(line: &str) -> Option<Rule> {
    let mut words = line.split_whitespace();
    let (kind, protocol) = (words.next()?, words.next()?);
    let ports = words.map(|port| port.trim_end_matches(',').to_owned());
    Some(Rule {
        kind: kind.to_owned(),
        protocol: protocol.to_owned(),
        ports: ports.collect(),
    })
}
