//! `ufw`: the uncomplicated firewall.
//!
//! As Ansible, it lets `ufw` judge: what is asked for is run, and what changed is seen from its
//! rules and its status. In check mode `ufw --dry-run` says what the rules would be.

use std::path::Path;

use serde_json::json;

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Ufw {
    state: Option<String>,
    default: Option<String>,
    logging: Option<String>,
    direction: Option<String>,
    rule: Option<Rule>,
}

/// A rule in ufw's long form, but for where it is inserted.
struct Rule {
    head: Vec<String>,
    insert: Option<(i64, String)>,
    tail: Vec<String>,
}

/// The firewall as it is.
pub(super) struct Found {
    program: String,
    status: String,
    rules: String,
    /// The rule as it is run.
    rule: Option<Vec<String>>,
    /// Whether anything would change.
    differs: bool,
}

const RULES: &[&str] = &["/etc/ufw/user.rules", "/etc/ufw/user6.rules"];

impl Module for Ufw {
    const SPEC: Spec = Spec::new(
        "community.general.ufw",
        &[
            Field::str("state").choices(&["enabled", "disabled", "reloaded", "reset"]),
            Field::str("default")
                .alias(&["policy"])
                .choices(&["allow", "deny", "reject"]),
            Field::str("logging").choices(&["full", "high", "low", "medium", "off", "on"]),
            Field::str("direction").choices(&["in", "incoming", "out", "outgoing", "routed"]),
            Field::bool("delete", false),
            Field::bool("route", false),
            Field::int("insert"),
            Field::str("insert_relative_to")
                .choices(&["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"])
                .default("zero"),
            Field::str("rule").choices(&["allow", "deny", "limit", "reject"]),
            Field::str("interface").alias(&["if"]),
            Field::str("interface_in").alias(&["if_in"]),
            Field::str("interface_out").alias(&["if_out"]),
            Field::bool("log", false),
            Field::str("from_ip").alias(&["from", "src"]).default("any"),
            Field::str("from_port"),
            Field::str("to_ip").alias(&["dest", "to"]).default("any"),
            Field::str("to_port").alias(&["port"]),
            Field::str("proto").alias(&["protocol"]).choices(&[
                "ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp",
            ]),
            Field::str("name").alias(&["app"]),
            Field::str("comment"),
        ],
    )
    .exclusive(&[
        &["name", "proto", "logging"],
        &["direction", "interface_in"],
        &["direction", "interface_out"],
    ])
    .one_of(&[&["state", "default", "rule", "logging"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Ufw, ModuleError> {
        let direction = arguments.string("direction");
        let fail = |msg: &str| Err(ModuleError::new(msg));
        if arguments.string("interface").is_some() && direction.is_none() {
            return fail("missing parameter(s) required by 'interface': direction");
        }
        let default = arguments.string("default");
        let side = direction.as_deref();
        if default.is_some() && matches!(side, Some("in" | "out")) {
            return fail(
                "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", \
                 or direction must not be specified.",
            );
        }
        let has_rule = arguments.string("rule").is_some();
        if has_rule && !matches!(side, Some("in" | "out") | None) {
            return fail(
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be \
                 specified.",
            );
        }
        let both = ["interface_in", "interface_out"]
            .iter()
            .all(|name| arguments.filled(name).is_some());
        if has_rule && both && !arguments.bool("route") {
            return fail("Only route rules can combine interface_in and interface_out");
        }
        Ok(Ufw {
            state: arguments.string("state"),
            default,
            logging: arguments.string("logging"),
            direction,
            rule: Rule::read(arguments),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let program = host.find_program("ufw");
        let program = program.ok_or_else(|| programs::missing("ufw"))?;
        let program = program.to_string_lossy().into_owned();
        let status = checked(host, &plain([&program, "status", "verbose"]))?.stdout;
        let rules = rules(host);
        let rule = match &self.rule {
            Some(rule) => Some(rule.words(host, &program)?),
            None => None,
        };
        let mut differs = self.differs(&status);
        if let Some(words) = &rule {
            let dry = [program.as_str(), "--dry-run"];
            let words = words.iter().map(String::as_str);
            let said = checked(host, &plain(dry.into_iter().chain(words)))?.stdout;
            differs |= would_change(&said, &rules);
        }
        Ok(Found {
            program,
            status,
            rules,
            rule,
            differs,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = |words: &[&str]| {
            let argv = std::iter::once(found.program.as_str()).chain(words.iter().copied());
            programs::change(plain(argv))
        };
        let mut changes = Vec::new();
        if let Some(state) = &self.state {
            let verb = match state.as_str() {
                "enabled" => "enable",
                "disabled" => "disable",
                "reloaded" => "reload",
                _ => "reset",
            };
            changes.push(run(&["-f", verb]));
        }
        if let Some(policy) = &self.default {
            let mut words = vec!["default", policy];
            words.extend(self.direction.as_deref());
            changes.push(run(&words));
        }
        if let Some(rule) = &found.rule {
            let words: Vec<&str> = rule.iter().map(String::as_str).collect();
            changes.push(run(&words));
        }
        if let Some(level) = &self.logging {
            changes.push(run(&["logging", level]));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let runs = self
            .decide(found)
            .into_iter()
            .filter_map(|change| match change {
                Change::Run { command, .. } => Some(command.argv.join(" ")),
                _ => None,
            });
        let commands: Vec<String> = std::iter::once(format!("{} status verbose", found.program))
            .chain(runs)
            .collect();
        let values = values(json!({"commands": commands}));
        if outcome.check {
            return Ok(Report {
                values,
                changed: Some(found.differs),
                ..Report::default()
            });
        }
        let status = checked(host, &plain([&found.program, "status", "verbose"]))?.stdout;
        let acts = matches!(self.state.as_deref(), Some("reloaded" | "reset"));
        // Where the status does not say how much is logged, it counts as other.
        let changed = acts
            || self.logging_differs(&found.status)
            || status != found.status
            || rules(host) != found.rules;
        Ok(Report {
            msg: status.trim_end().to_owned(),
            values,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

impl Ufw {
    /// Whether state, policy or logging are others than the status says.
    fn differs(&self, status: &str) -> bool {
        let line = |start: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(start));
            found.map(str::trim)
        };
        let active = line("Status:") == Some("active");
        let state = match self.state.as_deref() {
            Some("enabled") => !active,
            Some("disabled") => active,
            other => other.is_some(),
        };
        let policy = self.default.as_ref().is_some_and(|wanted| {
            let side = self.direction.as_deref().unwrap_or("incoming");
            let mark = format!("({side})");
            let policies = line("Default:").unwrap_or_default();
            let now = policies.split(',').find(|policy| policy.contains(&mark));
            let now = now.and_then(|policy| policy.split_whitespace().next());
            !matches!(now, Some(now) if now == wanted || now == "disabled")
        });
        state || policy || self.logging_differs(status)
    }

    fn logging_differs(&self, status: &str) -> bool {
        let line = |start: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(start));
            found.map(str::trim)
        };
        self.logging.as_deref().is_some_and(|wanted| {
            let now = line("Logging:").unwrap_or_default();
            let level = now.split(['(', ')']).nth(1).unwrap_or_default();
            let is_on = now.starts_with("on");
            match wanted {
                _ if now.is_empty() => true,
                "off" => is_on,
                "on" => !is_on,
                level_wanted => !is_on || level_wanted != level,
            }
        })
    }
}

impl Rule {
    fn read(arguments: &Arguments) -> Option<Rule> {
        let rule = arguments.string("rule")?;
        let delete = arguments.bool("delete");
        let mut head: Vec<String> = Vec::new();
        head.extend(arguments.bool("route").then(|| "route".to_owned()));
        head.extend(delete.then(|| "delete".to_owned()));
        let mut tail = vec![rule];
        tail.extend(arguments.string("direction"));
        let mut add = |words: &[&str], name: &str| {
            if let Some(value) = arguments.filled(name) {
                tail.extend(words.iter().map(|word| (*word).to_owned()));
                tail.push(value);
            }
        };
        add(&["on"], "interface");
        add(&["in", "on"], "interface_in");
        add(&["out", "on"], "interface_out");
        if arguments.bool("log") {
            tail.push("log".to_owned());
        }
        let mut add = |word: &str, name: &str| {
            if let Some(value) = arguments.filled(name) {
                tail.extend([word.to_owned(), value]);
            }
        };
        add("from", "from_ip");
        add("port", "from_port");
        add("to", "to_ip");
        add("port", "to_port");
        add("proto", "proto");
        add("app", "name");
        add("comment", "comment");
        let insert = arguments.int("insert").filter(|_| !delete);
        Some(Rule {
            head,
            insert: insert.map(|number| (number, arguments.text("insert_relative_to"))),
            tail,
        })
    }

    fn words(&self, host: &dyn Host, program: &str) -> Result<Vec<String>, ModuleError> {
        let mut words = self.head.clone();
        if let Some((number, relative)) = &self.insert {
            let at = match relative.as_str() {
                "zero" => Some(*number),
                relative => {
                    let said = checked(host, &plain([program, "status", "numbered"]))?;
                    place(&said.stdout, *number, relative)
                }
            };
            if let Some(at) = at {
                words.extend(["insert".to_owned(), at.to_string()]);
            }
        }
        words.extend(self.tail.iter().cloned());
        Ok(words)
    }
}

/// The number at which a rule goes; none for the end, beyond which ufw would refuse.
fn place(numbered: &str, number: i64, relative: &str) -> Option<i64> {
    let rules: Vec<(i64, bool)> = numbered
        .lines()
        .filter_map(|line| {
            let (number, _) = line.strip_prefix('[')?.split_once(']')?;
            Some((number.trim().parse().ok()?, line.contains("(v6)")))
        })
        .collect();
    let last = rules.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let last_v4 = rules
        .iter()
        .filter(|(_, v6)| !v6)
        .map(|(number, _)| *number)
        .max();
    let has_v6 = rules.iter().any(|(_, v6)| *v6);
    let base = match relative {
        "last-ipv4" => last_v4.unwrap_or(1),
        "first-ipv6" => last_v4.map_or(1, |last| last + 1),
        "last-ipv6" if has_v6 => last,
        "last-ipv6" => last + 1,
        _ => 1,
    };
    Some(number + base).filter(|at| *at <= last)
}

/// The rules that ufw keeps, a line each.
fn rules(host: &dyn Host) -> String {
    let texts = RULES
        .iter()
        .filter_map(|path| host.read_text(Path::new(path)));
    texts.map(|text| tuples(&text)).collect()
}

fn tuples(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| line.starts_with("### tuple")).collect()
}

/// Whether a dry run ends in other rules than there are. It prints those of one family alone
/// where the rule is of one family.
fn would_change(said: &str, rules: &str) -> bool {
    let skips = said.lines().all(|line| line.contains("Skipping"));
    let missing = said.contains("Could not delete non-existent rule");
    if missing || (skips && !said.is_empty()) {
        return false;
    }
    let dry = tuples(said);
    if dry == rules {
        return false;
    }
    // Only one of the families: the others are as they were.
    let only = |v6: bool| {
        let of = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| is_v6(line) == v6);
            lines.map(str::to_owned).collect()
        };
        of(&dry) == of(rules)
    };
    let has = |v6: bool| dry.lines().any(|line| is_v6(line) == v6);
    match (has(false), has(true)) {
        (true, false) => !only(false),
        (false, true) => !only(true),
        _ => true,
    }
}

fn is_v6(tuple: &str) -> bool {
    tuple.split_whitespace().any(|word| word.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_placed_among_those_of_its_family() {
        let numbered = "[ 1] 22 ALLOW IN Anywhere\n[ 2] 80 ALLOW IN Anywhere\n[ 3] 22 (v6)\n";
        assert_eq!(place(numbered, 0, "first-ipv4"), Some(1));
        assert_eq!(place(numbered, 0, "last-ipv4"), Some(2));
        assert_eq!(place(numbered, 0, "first-ipv6"), Some(3));
        assert_eq!(place(numbered, 1, "last-ipv6"), None);
    }

    #[test]
    fn a_dry_run_is_compared_with_the_rules() {
        let v4 = "### tuple ### allow any 22 0.0.0.0/0 any 0.0.0.0/0 in\n";
        let v6 = "### tuple ### allow any 22 ::/0 any ::/0 in\n";
        let both = format!("{v4}{v6}");
        assert!(!would_change(
            "Skipping adding existing rule\nSkipping adding existing rule (v6)\n",
            &both
        ));
        assert!(would_change(&format!("*filter\n{both}"), ""));
        assert!(!would_change(v4, &both));
        assert!(would_change(&format!("{both}{v4}"), &both));
    }
}
