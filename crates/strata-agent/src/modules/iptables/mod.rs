//! `iptables`: one rule, chain or policy of the packet filter.

use serde_json::json;

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

mod rule;

pub(super) struct Iptables {
    programs: Vec<(&'static str, Vec<String>)>,
    table: String,
    chain: Option<String>,
    present: bool,
    insert: bool,
    rule_number: Option<String>,
    flush: bool,
    policy: Option<String>,
    chain_management: bool,
    numeric: bool,
    wait: Option<String>,
    ip_version: String,
    /// The rule as it was given, without the jump that logging implies.
    shown: String,
}

/// For each program whether it has to do something.
pub(super) struct Found(Vec<bool>);

impl Module for Iptables {
    const SPEC: Spec = Spec::new(
        "iptables",
        &[
            Field::str("table")
                .choices(&["filter", "nat", "mangle", "raw", "security"])
                .default("filter"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("action")
                .choices(&["append", "insert"])
                .default("append"),
            Field::str("ip_version")
                .choices(&["ipv4", "ipv6", "both"])
                .default("ipv4"),
            Field::str("chain"),
            Field::str("rule_num"),
            Field::str("protocol"),
            Field::str("wait"),
            Field::str("source"),
            Field::str("to_source"),
            Field::str("destination"),
            Field::str("to_destination"),
            Field::list("match"),
            Field::new("tcp_flags", FieldKind::Dict),
            Field::str("jump"),
            Field::str("gateway"),
            Field::str("log_prefix"),
            Field::str("log_level").choices(&[
                "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error",
                "warning", "notice", "info", "debug",
            ]),
            Field::str("goto"),
            Field::str("in_interface"),
            Field::str("out_interface"),
            Field::str("fragment"),
            Field::str("set_counters"),
            Field::str("source_port"),
            Field::str("destination_port"),
            Field::list("destination_ports"),
            Field::str("to_ports"),
            Field::str("set_dscp_mark"),
            Field::str("set_dscp_mark_class"),
            Field::str("comment"),
            Field::list("ctstate"),
            Field::str("src_range"),
            Field::str("dst_range"),
            Field::str("match_set"),
            Field::str("match_set_flags")
                .choices(&["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"]),
            Field::str("limit"),
            Field::str("limit_burst"),
            Field::str("uid_owner"),
            Field::str("gid_owner"),
            Field::str("reject_with"),
            Field::str("icmp_type"),
            Field::str("syn")
                .choices(&["ignore", "match", "negate"])
                .default("ignore"),
            Field::bool("flush", false),
            Field::str("policy").choices(&["ACCEPT", "DROP", "QUEUE", "RETURN"]),
            Field::bool("chain_management", false),
            Field::bool("numeric", false),
        ],
    )
    .exclusive(&[
        &["set_dscp_mark", "set_dscp_mark_class"],
        &["flush", "policy"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Iptables, ModuleError> {
        let flush = arguments.bool("flush");
        let chain = arguments.string("chain");
        if !flush && chain.is_none() {
            return Err(ModuleError::new(
                "flush is False but all of the following are missing: chain",
            ));
        }
        let jump = arguments.string("jump");
        let logs = ["log_prefix", "log_level"]
            .iter()
            .any(|name| arguments.string(name).is_some());
        if logs && jump.as_deref().is_some_and(|jump| jump != "LOG") {
            return Err(ModuleError::new(
                "Logging options can only be used with the LOG jump target.",
            ));
        }
        let is_tee = jump
            .as_ref()
            .is_some_and(|jump| jump.eq_ignore_ascii_case("tee"));
        if is_tee && arguments.string("gateway").is_none() {
            return Err(ModuleError::new(
                "jump is TEE but all of the following are missing: gateway",
            ));
        }
        let ip_version = arguments.text("ip_version");
        let v4 = ("iptables", rule::words(arguments, logs, false));
        let v6 = ("ip6tables", rule::words(arguments, logs, true));
        Ok(Iptables {
            programs: match ip_version.as_str() {
                "both" => vec![v4, v6],
                "ipv6" => vec![v6],
                _ => vec![v4],
            },
            table: arguments.text("table"),
            chain,
            present: arguments.text("state") == "present",
            insert: arguments.text("action") == "insert",
            rule_number: arguments.string("rule_num"),
            flush,
            policy: arguments.string("policy"),
            chain_management: arguments.bool("chain_management"),
            numeric: arguments.bool("numeric"),
            wait: arguments.string("wait"),
            ip_version,
            shown: rule::words(arguments, false, false).join(" "),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut due = Vec::new();
        for (program, rule) in &self.programs {
            programs::required(host, program)?;
            due.push(self.is_due(host, program, rule)?);
        }
        Ok(Found(due))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let due = self.programs.iter().zip(&found.0).filter(|(_, due)| **due);
        let commands = due.filter_map(|((program, rule), _)| self.command(program, rule));
        commands.map(|argv| programs::change(plain(argv))).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut values = values(json!({
            "ip_version": self.ip_version, "table": self.table, "chain": self.chain,
            "flush": self.flush, "rule": self.shown,
            "state": if self.present { "present" } else { "absent" },
            "chain_management": self.chain_management,
        }));
        if let Some(wait) = &self.wait {
            values.insert("wait".to_owned(), wait.as_str().into());
        }
        Ok(Report {
            values,
            changed: Some(found.0.contains(&true)),
            ..Report::default()
        })
    }
}

impl Iptables {
    fn argv(&self, program: &str, action: &str, rule: &[String]) -> Vec<String> {
        let chain = self.chain.clone();
        let mut argv = vec![program.to_owned(), "-t".to_owned(), self.table.clone()];
        argv.push(action.to_owned());
        argv.extend(chain);
        if action == "-I" {
            argv.extend(self.rule_number.clone());
        }
        if let Some(wait) = &self.wait {
            argv.extend(["-w".to_owned(), wait.clone()]);
        }
        argv.extend(rule.iter().cloned());
        argv
    }

    /// Whether something is to be done.
    fn is_due(&self, host: &dyn Host, program: &str, rule: &[String]) -> Result<bool, ModuleError> {
        if self.flush {
            return Ok(true);
        }
        let mut list = self.argv(program, "-L", &[]);
        list.extend(self.numeric.then(|| "--numeric".to_owned()));
        if let Some(wanted) = &self.policy {
            let said = checked(host, &plain(list))?;
            let head = said.stdout.lines().next().unwrap_or_default();
            let now = head.split_once("(policy ").map(|(_, rest)| rest);
            let now = now.and_then(|rest| rest.split([' ', ')']).next());
            return match now {
                Some(now) => Ok(now != wanted),
                None => Err(ModuleError::new("Can't detect current policy")),
            };
        }
        let looks = if rule.is_empty() {
            list
        } else {
            self.argv(program, "-C", rule)
        };
        let is_there = host.run(&plain(looks))?.status == 0;
        Ok(is_there != self.present)
    }

    /// What is run; a chain without rules is only made or removed if that is asked for.
    fn command(&self, program: &str, rule: &[String]) -> Option<Vec<String>> {
        if self.flush {
            return Some(self.argv(program, "-F", &[]));
        }
        if let Some(policy) = &self.policy {
            let mut argv = self.argv(program, "-P", &[]);
            argv.push(policy.clone());
            return Some(argv);
        }
        if rule.is_empty() {
            let action = if self.present { "-N" } else { "-X" };
            return self
                .chain_management
                .then(|| self.argv(program, action, &[]));
        }
        let action = match (self.present, self.insert) {
            (false, _) => "-D",
            (true, true) => "-I",
            (true, false) => "-A",
        };
        Some(self.argv(program, action, rule))
    }
}
