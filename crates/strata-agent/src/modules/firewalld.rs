//! `firewalld`: rules of a zone, by the host's `firewall-cmd`.

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Firewalld {
    what: What,
    zone: Option<String>,
    state: String,
    permanent: bool,
    immediate: bool,
    offline: bool,
    timeout: i64,
}

/// What the task is about, in the words of `firewall-cmd`.
enum What {
    /// A thing that a zone has or has not: the word after `--add-`, and its value.
    Item(&'static str, Option<String>),
    Target(String),
    Zone,
}

/// What has to be run, and what is said of it.
pub(super) struct Found {
    commands: Vec<Vec<String>>,
    msgs: Vec<String>,
}

impl Module for Firewalld {
    const SPEC: Spec = Spec::new(
        "ansible.posix.firewalld",
        &[
            Field::str("state")
                .choices(&["absent", "disabled", "enabled", "present"])
                .required(),
            Field::str("service"),
            Field::str("port"),
            Field::str("protocol"),
            Field::str("rich_rule"),
            Field::str("source"),
            Field::str("interface"),
            Field::str("icmp_block"),
            Field::maybe("icmp_block_inversion"),
            Field::maybe("masquerade"),
            Field::maybe("forward"),
            Field::new("port_forward", FieldKind::Raw),
            Field::str("target").choices(&["default", "ACCEPT", "DROP", "%%REJECT%%"]),
            Field::str("zone"),
            Field::bool("permanent", false),
            Field::bool("immediate", false),
            Field::bool("offline", false),
            Field::int("timeout").default("0"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Firewalld, ModuleError> {
        let state = arguments.text("state");
        let what = what(arguments)?;
        let permanent = arguments.bool("permanent");
        let of_zone = matches!(what, What::Zone);
        if of_zone && !matches!(state.as_str(), "present" | "absent") {
            return Err(ModuleError::new(
                "absent and present state can only be used in zone level operations",
            ));
        }
        if of_zone && !permanent {
            return Err(ModuleError::new(
                "zone operations must be permanent. Make sure you didn't set the 'permanent' flag \
                 to 'false' or the 'immediate' flag to 'true'.",
            ));
        }
        let timeout = arguments.int("timeout").unwrap_or(0);
        if timeout > 0 && permanent {
            return Err(ModuleError::new(
                "timeout can not be used with permanent rules",
            ));
        }
        Ok(Firewalld {
            what,
            zone: arguments.string("zone"),
            state,
            // Without either only the running firewall changes.
            immediate: arguments.bool("immediate") || !permanent,
            permanent,
            offline: arguments.bool("offline"),
            timeout,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "firewall-cmd")?;
        let runs = host.run(&plain(["firewall-cmd", "--state"]))?.status == 0;
        if !runs && !self.offline {
            return Err(ModuleError::new(
                "firewall is not currently running, unable to perform immediate actions without a \
                 running firewall daemon",
            ));
        }
        let mut found = Found {
            commands: Vec::new(),
            msgs: Vec::new(),
        };
        let zone = self.zone(host, runs)?;
        if self.permanent || !runs {
            let program = if runs {
                "firewall-cmd --permanent"
            } else {
                "firewall-offline-cmd"
            };
            self.settle(host, program, &zone, &mut found)?;
        }
        let at_once = self.immediate && runs && !matches!(self.what, What::Zone | What::Target(_));
        if at_once {
            self.settle(host, "firewall-cmd", &zone, &mut found)?;
        }
        let operation = match (self.permanent || !runs, at_once) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation",
            (true, false) => "Permanent operation",
            (false, _) => "Non-permanent operation",
        };
        found.msgs.push(operation.to_owned());
        if !found.commands.is_empty() {
            found.msgs.extend(self.told(&zone));
        }
        if !runs {
            let offline = "(offline operation: only on-disk configs were altered)";
            found.msgs.push(offline.to_owned());
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found.commands.iter().cloned();
        run.map(|argv| programs::change(plain(argv))).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.msgs.join(", "),
            values: values(json!({})),
            ..Report::default()
        })
    }
}

/// The one thing that the task is about.
fn what(arguments: &Arguments) -> Result<What, ModuleError> {
    let mut all = Vec::new();
    for (name, word) in [
        ("service", "service"),
        ("port", "port"),
        ("protocol", "protocol"),
        ("rich_rule", "rich-rule"),
        ("source", "source"),
        ("interface", "interface"),
        ("icmp_block", "icmp-block"),
    ] {
        let value = arguments.string(name);
        all.extend(value.map(|value| What::Item(word, Some(value))));
    }
    for (name, word) in [
        ("masquerade", "masquerade"),
        ("icmp_block_inversion", "icmp-block-inversion"),
        ("forward", "forward"),
    ] {
        all.extend(arguments.maybe(name).map(|_| What::Item(word, None)));
    }
    if let Some(Value::Array(given)) = arguments.raw("port_forward") {
        if given.len() > 1 {
            return Err(ModuleError::new(
                "Only one port forward supported at a time",
            ));
        }
        for rule in given {
            let field = |name: &str| text(&rule[name]);
            let (Some(port), Some(proto), Some(to)) =
                (field("port"), field("proto"), field("toport"))
            else {
                return Err(ModuleError::new(
                    "missing required arguments: port, proto, toport found in port_forward",
                ));
            };
            let address = field("toaddr").map(|address| format!(":toaddr={address}"));
            let value = format!(
                "port={port}:proto={proto}:toport={to}{}",
                address.unwrap_or_default()
            );
            all.push(What::Item("forward-port", Some(value)));
        }
    }
    all.extend(arguments.string("target").map(What::Target));
    if all.len() > 1 {
        return Err(ModuleError::new(
            "can only operate on port, service, rich_rule, masquerade, icmp_block, \
             icmp_block_inversion, interface or source at once",
        ));
    }
    if all.is_empty() && arguments.string("zone").is_none() {
        return Err(ModuleError::new(
            "nothing to do: no rule and no zone is given",
        ));
    }
    if let Some(What::Item("port", Some(port))) = all.first()
        && !port.contains('/')
    {
        return Err(ModuleError::new("improper port format (missing protocol?)"));
    }
    Ok(all.pop().unwrap_or(What::Zone))
}

impl Firewalld {
    fn zone(&self, host: &dyn Host, runs: bool) -> Result<String, ModuleError> {
        if let Some(zone) = &self.zone {
            return Ok(zone.clone());
        }
        let program = if runs {
            "firewall-cmd"
        } else {
            "firewall-offline-cmd"
        };
        let said = programs::checked(host, &plain([program, "--get-default-zone"]))?;
        Ok(said.stdout.trim().to_owned())
    }

    /// Brings one of the two configurations to the state.
    fn settle(
        &self,
        host: &dyn Host,
        program: &str,
        zone: &str,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let words: Vec<String> = program.split(' ').map(str::to_owned).collect();
        let ask =
            |question: &[String]| host.run(&plain([words.clone(), question.to_vec()].concat()));
        let zone_word = format!("--zone={zone}");
        let wanted = matches!(self.state.as_str(), "enabled" | "present");
        let command: Vec<String> = match &self.what {
            What::Zone => {
                let said = ask(&["--get-zones".to_owned()])?;
                let is_there = said.stdout.split_whitespace().any(|known| known == zone);
                if is_there == wanted {
                    return Ok(());
                }
                let verb = if wanted { "new" } else { "delete" };
                vec![format!("--{verb}-zone={zone}")]
            }
            What::Target(target) => {
                let said = ask(&[zone_word.clone(), "--get-target".to_owned()])?;
                let target = if wanted { target.as_str() } else { "default" };
                if said.stdout.trim() == target {
                    return Ok(());
                }
                vec![zone_word, format!("--set-target={target}")]
            }
            What::Item(word, value) => {
                let value = value
                    .as_ref()
                    .map_or(String::new(), |value| format!("={value}"));
                let said = ask(&[zone_word.clone(), format!("--query-{word}{value}")])?;
                if !matches!(said.status, 0 | 1) {
                    return Err(ModuleError::new(said.stderr.trim()));
                }
                if (said.status == 0) == wanted {
                    return Ok(());
                }
                let verb = if wanted { "add" } else { "remove" };
                // Without a daemon the plain word means another command, that of an older tool.
                let is_old = !wanted && *word == "service" && program == "firewall-offline-cmd";
                let from = if is_old { "-from-zone" } else { "" };
                let mut command = vec![zone_word, format!("--{verb}-{word}{from}{value}")];
                if self.timeout > 0 && wanted && !program.contains("permanent") {
                    command.push(format!("--timeout={}", self.timeout));
                }
                command
            }
        };
        found.commands.push([words, command].concat());
        Ok(())
    }

    /// What is said of a change, in the words of Ansible's module.
    fn told(&self, zone: &str) -> Vec<String> {
        let wanted = matches!(self.state.as_str(), "enabled" | "present");
        let moved = |what: &str, added: &str, to: &str| match wanted {
            true => format!("{added} {what} {to} zone {zone}"),
            false => format!("Removed {what} from zone {zone}"),
        };
        let set = |what: &str| format!("Changed {what} to {}", self.state);
        match &self.what {
            What::Zone => {
                let verb = if wanted { "Added" } else { "Removed" };
                vec![format!("{verb} zone {zone}"), set(&format!("zone {zone}"))]
            }
            What::Target(target) => vec![match wanted {
                true => format!("Set zone {zone} target to {target}"),
                false => format!("Reset zone {zone} target to default"),
            }],
            What::Item("source", Some(value)) => vec![moved(value, "Added", "to")],
            What::Item("interface", Some(value)) => vec![moved(value, "Changed", "to")],
            What::Item("rich-rule", Some(rule)) => vec![set(&format!("rich_rule {rule}"))],
            What::Item("forward-port", Some(rule)) => {
                let address = if rule.contains(":toaddr=") {
                    ""
                } else {
                    ":toaddr="
                };
                vec![set(&format!("port_forward {rule}{address}"))]
            }
            What::Item("icmp-block-inversion", _) => vec![set("icmp-block-inversion True")],
            What::Item(word, Some(value)) => vec![set(&format!("{word} {value}"))],
            What::Item(word, None) => vec![moved(word, "Added", "to")],
        }
    }
}
