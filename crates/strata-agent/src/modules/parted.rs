//! `parted`: a partition of a device.

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Parted {
    device: String,
    number: Option<i64>,
    align: String,
    flags: Option<Vec<String>>,
    kind: Option<String>,
    label: String,
    name: Option<String>,
    start: String,
    end: String,
    part: String,
    resizes: bool,
    state: String,
    unit: String,
}

/// The disk before, and what is to be run.
pub(super) struct Found {
    disk: Disk,
    script: Vec<String>,
}

/// What `parted` prints of a device.
#[derive(Default)]
struct Disk {
    generic: Value,
    partitions: Vec<Value>,
}

impl Module for Parted {
    const SPEC: Spec = Spec::new(
        "community.general.parted",
        &[
            Field::str("device").required(),
            Field::str("align")
                .choices(&["cylinder", "minimal", "none", "optimal", "undefined"])
                .default("optimal"),
            Field::list("flags"),
            Field::str("fs_type"),
            Field::str("label")
                .choices(&[
                    "aix", "amiga", "bsd", "dvh", "gpt", "loop", "mac", "msdos", "pc98", "sun",
                ])
                .default("msdos"),
            Field::str("name"),
            Field::int("number"),
            Field::str("part_end").default("100%"),
            Field::str("part_start").default("0%"),
            Field::str("part_type")
                .choices(&["extended", "logical", "primary"])
                .default("primary"),
            Field::bool("resize", false),
            Field::str("state")
                .choices(&["absent", "present", "info"])
                .default("info"),
            Field::str("unit")
                .choices(&[
                    "s", "B", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "%", "cyl",
                    "chs", "compact",
                ])
                .default("KiB"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Parted, ModuleError> {
        let (state, number) = (arguments.text("state"), arguments.int("number"));
        if state != "info" && number.is_none() {
            return Err(ModuleError::new(format!(
                "state is {state} but all of the following are missing: number"
            )));
        }
        if number.is_some_and(|number| number < 1) {
            return Err(ModuleError::new(
                "The partition number must be greater then 0.",
            ));
        }
        for name in ["part_start", "part_end"] {
            let text = arguments.text(name);
            let text = text.trim_start_matches('-');
            if !text.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(ModuleError::new(format!(
                    "The argument '{name}' must respect required format.The size unit is case sensitive."
                )));
            }
        }
        Ok(Parted {
            device: arguments.text("device"),
            number,
            align: arguments.text("align"),
            flags: arguments.list("flags"),
            kind: arguments.string("fs_type"),
            label: arguments.text("label"),
            name: arguments.string("name"),
            start: arguments.text("part_start"),
            end: arguments.text("part_end"),
            part: arguments.text("part_type"),
            resizes: arguments.bool("resize"),
            state,
            unit: arguments.text("unit"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "parted")?;
        let disk = self.disk(host)?;
        let script = match self.state.as_str() {
            "present" => self.wanted(&disk),
            "absent" => match self.partition(&disk) {
                Some(_) => vec!["rm".to_owned(), self.number()],
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        Ok(Found { disk, script })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.script.is_empty() {
            return Vec::new();
        }
        let words = ["parted", "-s", "-m", "-a", &self.align, &self.device, "--"];
        let words = words.iter().map(|word| (*word).to_owned());
        vec![programs::change(plain(
            words.chain(found.script.iter().cloned()),
        ))]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let after;
        let disk = match outcome.changed && !outcome.check {
            true => {
                after = self.disk(host)?;
                &after
            }
            false => &found.disk,
        };
        Ok(Report::of(values(json!({
            "disk": disk.generic, "partitions": disk.partitions,
            "script": found.script.join(" "),
        }))))
    }
}

impl Parted {
    fn number(&self) -> String {
        self.number.unwrap_or_default().to_string()
    }

    fn print(&self, unit: &str) -> Command {
        plain([
            "parted",
            "-s",
            "-m",
            &self.device,
            "--",
            "unit",
            unit,
            "print",
        ])
    }

    fn disk(&self, host: &dyn Host) -> Result<Disk, ModuleError> {
        let said = host.run(&self.print(&self.unit))?;
        let words = format!("{}{}", said.stdout, said.stderr);
        if said.status != 0 && !words.contains("unrecognised disk label") {
            return Err(ModuleError::new(format!(
                "Error while getting device information with parted script: '{}'",
                said.stderr.trim()
            ))
            .with(json!({"rc": said.status, "err": said.stderr})));
        }
        Ok(parse(&said.stdout, &self.unit))
    }

    fn partition<'a>(&self, disk: &'a Disk) -> Option<&'a Value> {
        disk.partitions
            .iter()
            .find(|part| part["num"].as_i64() == self.number)
    }

    /// What has to be told to `parted`, in its words.
    fn wanted(&self, disk: &Disk) -> Vec<String> {
        let mut script: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| script.extend(words.iter().map(|word| (*word).to_owned()));
        let number = self.number();
        let there = self.partition(disk);
        let table = disk.generic["table"].as_str().unwrap_or("unknown");
        if there.is_none() {
            if table == "unknown" || table != self.label && disk.partitions.is_empty() {
                add(&["mklabel", &self.label]);
            }
            add(&["unit", &self.unit, "mkpart"]);
            match (self.label.as_str(), &self.name) {
                ("gpt", Some(name)) => add(&[&format!("\"{name}\"")]),
                ("gpt", None) => add(&["primary"]),
                _ => add(&[&self.part]),
            }
            add(&self.kind.as_deref().into_iter().collect::<Vec<_>>());
            add(&[&self.start, &self.end]);
        } else if self.resizes {
            let end = there
                .map(|part| part["end"].to_string())
                .unwrap_or_default();
            let wanted = self.end.trim_end_matches(|c: char| !c.is_ascii_digit());
            if self.end.ends_with('%') || end.trim_end_matches(".0") != wanted {
                add(&["unit", &self.unit, "resizepart", &number, &self.end]);
            }
        }
        let name = there
            .and_then(|part| part["name"].as_str())
            .unwrap_or_default();
        if let Some(wanted) = self.name.as_ref().filter(|wanted| *wanted != name) {
            add(&["name", &number, &format!("\"{wanted}\"")]);
        }
        if let Some(wanted) = &self.flags {
            let flags = there.map(|part| part["flags"].as_array().cloned().unwrap_or_default());
            let flags: Vec<String> = flags
                .unwrap_or_default()
                .iter()
                .filter_map(|flag| flag.as_str().map(str::to_owned))
                .collect();
            for flag in wanted
                .iter()
                .filter(|flag| !flags.contains(flag) && !flag.is_empty())
            {
                add(&["set", &number, flag, "on"]);
            }
            // Set by the table itself, on a partition of its kind.
            let own = |flag: &&String| {
                wanted.iter().any(|wanted| wanted == "esp") && flag.as_str() == "boot"
            };
            for flag in flags
                .iter()
                .filter(|flag| !wanted.contains(flag) && !own(flag))
            {
                add(&["set", &number, flag, "off"]);
            }
        }
        script
    }
}

/// Reads lines of fields that colons part.
fn parse(text: &str, unit: &str) -> Disk {
    let mut lines = text
        .lines()
        .map(|line| line.trim_end_matches(';').split(':').collect::<Vec<_>>());
    let head = lines.find(|fields| fields.len() >= 6 && fields[0].starts_with('/'));
    let Some(head) = head else {
        return Disk {
            generic: json!({"table": "unknown"}),
            partitions: Vec::new(),
        };
    };
    let whole = |text: &str| text.parse::<u64>().ok();
    let size = |text: &str| {
        let at = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let number = text[..at].parse::<f64>().unwrap_or(0.0);
        json!(number)
    };
    let shown_unit = unit.to_lowercase();
    let generic = json!({
        "dev": head[0], "size": size(head[1]), "unit": shown_unit, "table": head[5],
        "model": head.get(6).copied().unwrap_or_default(),
        "logical_block": whole(head[3]), "physical_block": whole(head[4]),
    });
    let parts = lines.filter(|fields| fields.len() >= 5 && whole(fields[0]).is_some());
    let parts = parts.map(|fields| {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let flags = field(6).split(", ").filter(|flag| !flag.is_empty());
        json!({
            "num": whole(fields[0]), "begin": size(field(1)), "end": size(field(2)),
            "size": size(field(3)), "fstype": field(4), "name": field(5),
            "flags": flags.collect::<Vec<_>>(), "unit": shown_unit,
        })
    });
    Disk {
        partitions: parts.collect(),
        generic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_read_from_its_fields() {
        let disk = parse(
            "BYT;\n/dev/x:64.0MiB:loopback:512:4096:gpt:Loop:;\n1:1.00MiB:63.0MiB:62.0MiB:ext4:data:boot, esp;\n",
            "MiB",
        );
        assert_eq!(disk.generic["table"], "gpt");
        assert_eq!(disk.partitions[0]["flags"], json!(["boot", "esp"]));
        assert_eq!(disk.partitions[0]["size"], json!(62.0));
    }
}
