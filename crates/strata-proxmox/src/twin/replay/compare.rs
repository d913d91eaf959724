//! Two answers held against each other, without what differs from run to run.

use super::*;

pub(super) struct Compare<'a> {
    pub(super) area: &'a str,
    pub(super) volatile: &'a BTreeSet<&'a str>,
}

impl Compare<'_> {
    pub(super) fn values(
        &self,
        at: &str,
        expected: &Json,
        ours: &Json,
        problems: &mut Vec<String>,
    ) {
        let placeholder = expected
            .as_str()
            .is_some_and(|text| text.starts_with('<') && text.ends_with('>'));
        if self.volatile.contains(at) || problems.len() > 6 || (placeholder && ours.is_string()) {
            return;
        }
        match (expected, ours) {
            (Json::Object(expected), Json::Object(own)) => {
                let lagging = expected.get("status") == Some(&json!("unknown"))
                    && expected.contains_key("vmid");
                for (name, value) in expected
                    .iter()
                    .filter(|(name, _)| !lagging || *name != "status")
                {
                    let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                    match own.get(name) {
                        Some(other) => self.values(&path, value, other, problems),
                        None if self.volatile.contains(path.as_str()) => {}
                        None => problems.push(format!("no {path} {value}")),
                    }
                }
                // The server looks at guests every ten seconds; the twin knows of them at once.
                if lagging {
                    return;
                }
                for (name, value) in own.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                    problems.push(format!("too much: {at}/{name} {value}"));
                }
            }
            (Json::Array(expected), Json::Array(own)) => self.lists(at, expected, own, problems),
            (Json::String(one), Json::String(other)) if is_list(at) => {
                let set = |text: &str| {
                    text.split([',', ';'])
                        .map(str::to_owned)
                        .collect::<BTreeSet<_>>()
                };
                if set(one) != set(other) {
                    problems.push(format!("{at}: {other} for {one}"));
                }
            }
            (Json::String(one), Json::String(other))
                if without_numbers(one) == without_numbers(other) => {}
            // A MAC address or a time that was made up.
            (Json::String(one), Json::String(other))
                if self.made_up(one) == self.made_up(other) => {}
            (one, other) if one != other => problems.push(format!("{at}: {other} for {one}")),
            _ => {}
        }
    }

    fn made_up(&self, text: &str) -> String {
        let mut shown = String::new();
        for part in text.split(',') {
            match part.find("BC:24:11:") {
                Some(at) => shown.push_str(&part[..at]),
                None if part.starts_with("ctime=") => shown.push_str("ctime"),
                None if part.contains("$5$twin$") => shown.push_str(&without_hash(part)),
                None => shown.push_str(part),
            }
            shown.push(',');
        }
        shown
    }

    fn lists(&self, at: &str, expected: &[Json], own: &[Json], problems: &mut Vec<String>) {
        let mut met = Vec::new();
        for (number, row) in expected.iter().enumerate() {
            match partner(row, own) {
                Some(other) => {
                    self.values(&format!("{at}/{number}"), row, other, problems);
                    met.push(other);
                }
                None if self.foreign(row) => {}
                None => problems.push(format!("no row {at}/{number} {row}")),
            }
        }
        for row in own.iter().filter(|row| {
            !met.iter().any(|other| std::ptr::eq(*other, *row)) && !self.other_area(row)
        }) {
            problems.push(format!("too much: row {row}"));
        }
    }

    /// True for a guest of another recording that the fixture put there.
    fn other_area(&self, row: &Json) -> bool {
        matches!(self.area, "access" | "cluster-node") && row["vmid"].is_u64() && self.foreign(row)
    }

    /// True for a row that belongs to what was recorded at the same time on the same server.
    fn foreign(&self, row: &Json) -> bool {
        let own: std::ops::Range<u64> = match self.area {
            "errors" => 100..101,
            "qemu" => 300..400,
            "qemu-runtime" => 400..500,
            "lxc" => 500..600,
            "firewall" => 600..700,
            "access" => 700..790,
            "cluster-node" => 790..800,
            "base" => 900..950,
            "concurrency" => 2000..2100,
            "storage" => 990..1000,
            _ => 0..1_000_000,
        };
        let id = row["vmid"].as_u64().or_else(|| {
            let text = row["volid"]
                .as_str()
                .or(row["id"].as_str())
                .or(row["storage"].as_str())?;
            text.split(['/', ':', '-'])
                .find_map(|part| part.parse().ok())
        });
        match id {
            Some(id) => !own.contains(&id),
            // Storages and files that another area made.
            None => {
                self.area != "storage" && (row["storage"].is_string() || row["volid"].is_string())
            }
        }
    }
}

/// A text with the recording's word for a password's hash.
fn without_hash(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    let shown = words.map(|word| match word.trim_end().strip_prefix("$5$twin$") {
        Some(_) => format!("<password-hash>{}", &word[word.trim_end().len()..]),
        None => word.to_owned(),
    });
    shown.collect()
}

/// True for texts that are lists without an order.
pub(super) fn is_list(at: &str) -> bool {
    let name = at.rsplit('/').next().unwrap_or_default();
    matches!(
        name,
        "content" | "nodes" | "privs" | "groups" | "users" | "resources"
    )
}
