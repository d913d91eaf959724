//! The words of a rule, in the order in which Ansible gives them.

use crate::arguments::{Arguments, text};

/// The words being put together.
struct Words<'a> {
    arguments: &'a Arguments,
    words: Vec<String>,
}

/// All that the arguments say about packets and what becomes of them.
pub(super) fn words(arguments: &Arguments, logs: bool, v6: bool) -> Vec<String> {
    let mut words = Words {
        arguments,
        words: Vec::new(),
    };
    words.of_packets(logs);
    words.of_ports();
    words.of_matches();
    words.of_end(v6);
    words.words
}

impl Words<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.arguments.string(name)
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.arguments.list(name).unwrap_or_default()
    }

    fn push(&mut self, words: &[&str]) {
        self.words
            .extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// A flag with its value; `!` before the value stands before the flag.
    fn value(&mut self, flag: &str, value: &str) {
        match value.strip_prefix('!') {
            Some(value) => self.push(&["!", flag, value.trim_start()]),
            None => self.push(&[flag, value]),
        }
    }

    fn add(&mut self, name: &str, flag: &str) {
        if let Some(value) = self.get(name) {
            self.value(flag, &value);
        }
    }

    fn of_packets(&mut self, logs: bool) {
        self.add("protocol", "-p");
        self.add("source", "-s");
        self.add("destination", "-d");
        for name in self.list("match") {
            self.value("-m", &name);
        }
        self.tcp_flags();
        let jump = self.get("jump").or_else(|| logs.then(|| "LOG".to_owned()));
        if let Some(jump) = &jump {
            self.value("-j", jump);
            if jump.eq_ignore_ascii_case("tee") {
                self.add("gateway", "--gateway");
            }
        }
        self.add("log_prefix", "--log-prefix");
        self.add("log_level", "--log-level");
        self.add("to_destination", "--to-destination");
    }

    fn tcp_flags(&mut self) {
        let flags = self.arguments.raw("tcp_flags");
        let list = |name: &str| {
            let items = flags?.get(name)?.as_array()?;
            Some(items.iter().filter_map(text).collect::<Vec<_>>().join(","))
        };
        if let (Some(flags), Some(set)) = (list("flags"), list("flags_set")) {
            self.push(&["--tcp-flags", &flags, &set]);
        }
    }

    fn of_ports(&mut self) {
        let ports = self.list("destination_ports");
        if !ports.is_empty() {
            self.push(&["-m", "multiport", "--dports", &ports.join(",")]);
        }
        self.add("to_source", "--to-source");
        self.add("goto", "-g");
        self.add("in_interface", "-i");
        self.add("out_interface", "-o");
        self.add("fragment", "-f");
        self.add("set_counters", "-c");
        self.add("source_port", "--source-port");
        self.add("destination_port", "--destination-port");
        self.add("to_ports", "--to-ports");
        self.add("set_dscp_mark", "--set-dscp");
        self.add("set_dscp_mark_class", "--set-dscp-class");
        match self.arguments.text("syn").as_str() {
            "match" => self.push(&["--syn"]),
            "negate" => self.push(&["!", "--syn"]),
            _ => {}
        }
    }

    fn of_matches(&mut self) {
        let matches = self.list("match");
        let named = |name: &str| matches.iter().any(|known| known == name);
        let states = self.list("ctstate").join(",");
        if !states.is_empty() {
            let by_state = named("state") && !named("conntrack");
            if !named("conntrack") && !named("state") {
                self.push(&["-m", "conntrack"]);
            }
            let flag = if by_state { "--state" } else { "--ctstate" };
            self.push(&[flag, &states]);
        }
        let ranges = self.get("src_range").is_some() || self.get("dst_range").is_some();
        if ranges && !named("iprange") {
            self.push(&["-m", "iprange"]);
        }
        self.add("src_range", "--src-range");
        self.add("dst_range", "--dst-range");
        if let Some(set) = self.get("match_set") {
            if !named("set") {
                self.push(&["-m", "set"]);
            }
            self.value("--match-set", &set);
            if let Some(flags) = self.get("match_set_flags") {
                self.push(&[&flags]);
            }
        }
        if self.get("limit").is_some() || self.get("limit_burst").is_some() {
            self.push(&["-m", "limit"]);
        }
        self.add("limit", "--limit");
        self.add("limit_burst", "--limit-burst");
        for (name, flag) in [("uid_owner", "--uid-owner"), ("gid_owner", "--gid-owner")] {
            if self.get(name).is_some() {
                self.push(&["-m", "owner"]);
            }
            self.add(name, flag);
        }
    }

    fn of_end(&mut self, v6: bool) {
        if let (None, Some(_)) = (self.get("jump"), self.get("reject_with")) {
            self.push(&["-j", "REJECT"]);
        }
        self.add("reject_with", "--reject-with");
        self.add(
            "icmp_type",
            if v6 { "--icmpv6-type" } else { "--icmp-type" },
        );
        if let Some(comment) = self.get("comment") {
            self.push(&["-m", "comment", "--comment", &comment]);
        }
    }
}
