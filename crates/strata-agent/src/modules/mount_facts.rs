//! `mount_facts`: what is mounted, as the kernel and the tables tell it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::programs::plain;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::glob;
use crate::host::{Host, HostError};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};

pub(super) struct MountFacts {
    devices: Option<Vec<String>>,
    kinds: Option<Vec<String>>,
    sources: Vec<String>,
    binary: Option<String>,
    all: Option<bool>,
    timeout: Option<f64>,
    on_timeout: String,
}

/// The mounts in order, and what is to be said of them.
#[derive(Default)]
pub(super) struct Found {
    mounts: Vec<Value>,
    notices: Vec<Notice>,
}

const STATIC: &[&str] = &["/etc/fstab", "/etc/vfstab", "/etc/filesystems"];
const DYNAMIC: &[&str] = &["/etc/mtab", "/proc/mounts", "/etc/mnttab"];

impl Module for MountFacts {
    const SPEC: Spec = Spec::new(
        "mount_facts",
        &[
            Field::list("devices"),
            Field::list("fstypes"),
            Field::list("sources"),
            Field::new("mount_binary", FieldKind::Raw).default("mount"),
            Field::maybe("include_aggregate_mounts"),
            Field::new("timeout", FieldKind::Float),
            Field::str("on_timeout")
                .choices(&["error", "warn", "ignore"])
                .default("error"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<MountFacts, ModuleError> {
        let timeout = arguments.raw("timeout").and_then(Value::as_f64);
        if timeout.is_some_and(|seconds| seconds <= 0.0) {
            return Err(ModuleError::new(
                "argument 'timeout' must be a positive number or null",
            ));
        }
        let sources = arguments
            .list("sources")
            .unwrap_or_else(|| vec!["all".to_owned()]);
        let binary = arguments.raw("mount_binary").and_then(Value::as_str);
        Ok(MountFacts {
            devices: arguments.list("devices"),
            kinds: arguments.list("fstypes"),
            sources,
            binary: binary.filter(|name| !name.is_empty()).map(str::to_owned),
            all: arguments.maybe("include_aggregate_mounts"),
            timeout,
            on_timeout: arguments.text("on_timeout"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found::default();
        for source in self.files() {
            let before = found.mounts.len();
            self.read(host, &source, &mut found)?;
            // One of the lists that change is enough.
            let is_list = DYNAMIC.contains(&source.as_str()) || source == "mount";
            if is_list && found.mounts.len() > before && self.is_broad() {
                break;
            }
        }
        if self.all.is_none() && has_twice(&found.mounts) {
            found.notices.push(Notice::Warning(
                "mount_facts: include_aggregate_mounts is unset, but there are multiple mounts on \
                 some mount point."
                    .to_owned(),
            ));
        }
        Ok(found)
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut points = Map::new();
        for mount in &found.mounts {
            let point = mount["mount"].as_str().unwrap_or_default();
            // The first counts.
            points.entry(point).or_insert_with(|| mount.clone());
        }
        let aggregate = match self.all {
            Some(true) => json!(found.mounts),
            _ => json!([]),
        };
        Ok(Report {
            notices: found.notices.clone(),
            ..Report::of(values(json!({
                "ansible_facts": {"mount_points": points, "aggregate_mounts": aggregate},
            })))
        })
    }
}

fn has_twice(mounts: &[Value]) -> bool {
    let mut points: Vec<&str> = mounts
        .iter()
        .filter_map(|mount| mount["mount"].as_str())
        .collect();
    points.sort_unstable();
    points.windows(2).any(|pair| pair[0] == pair[1])
}

impl MountFacts {
    /// Whether all lists are looked at that there may be.
    fn is_broad(&self) -> bool {
        self.sources
            .iter()
            .any(|source| source == "all" || source == "dynamic")
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        let mut add = |names: &[&str]| files.extend(names.iter().map(|name| (*name).to_owned()));
        for source in &self.sources {
            match source.as_str() {
                "all" => {
                    add(STATIC);
                    add(DYNAMIC);
                    add(&["mount"]);
                }
                "static" => add(STATIC),
                "dynamic" => {
                    add(DYNAMIC);
                    add(&["mount"]);
                }
                file => add(&[file]),
            }
        }
        files
    }

    fn read(&self, host: &dyn Host, source: &str, found: &mut Found) -> Result<(), ModuleError> {
        let text = match (source, &self.binary) {
            ("mount", None) => None,
            ("mount", Some(binary)) => {
                let said = host.run(&plain([binary.as_str()])).ok();
                said.filter(|said| said.status == 0).map(|said| said.stdout)
            }
            (file, _) => host.read_text(file.as_ref()),
        };
        for line in text.unwrap_or_default().lines() {
            let parsed = match source {
                "mount" => of_program(line),
                _ => of_table(line, STATIC.contains(&source)),
            };
            let Some(mut mount) = parsed.filter(|mount| self.wants(mount)) else {
                continue;
            };
            mount["ansible_context"] = json!({"source": source, "source_data": line});
            let device = mount["device"].as_str().unwrap_or_default();
            mount["uuid"] = json!(uuid(host, device));
            self.measure(host, &mut mount, found)?;
            found.mounts.push(mount);
        }
        Ok(())
    }

    fn wants(&self, mount: &Value) -> bool {
        let fits = |patterns: &Option<Vec<String>>, key: &str| match patterns {
            None => true,
            Some(patterns) => {
                let value = mount[key].as_str().unwrap_or_default();
                patterns.iter().any(|pattern| {
                    glob::compile(pattern).is_some_and(|pattern| pattern.is_match(value))
                })
            }
        };
        fits(&self.devices, "device") && fits(&self.kinds, "fstype")
    }

    /// Adds how large it is; a share that does not answer is given up after the time.
    fn measure(
        &self,
        host: &dyn Host,
        mount: &mut Value,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let point = mount["mount"].as_str().unwrap_or_default().to_owned();
        let size = match self.timeout {
            None => host.filesystem(point.as_ref()).map(Some),
            Some(seconds) => {
                let mut look = plain(["stat", "-f", "-c", "%S", &point]);
                look.timeout = Some(Duration::from_secs_f64(seconds.min(86_400.0)));
                match host.run(&look) {
                    Ok(_) => host.filesystem(point.as_ref()).map(Some),
                    Err(error) => Err(error),
                }
            }
        };
        match size {
            Ok(Some(size)) => {
                let used = size.blocks.saturating_sub(size.blocks_available);
                let more = json!({
                    "size_total": size.blocks * size.block_size,
                    "size_available": size.blocks_available * size.block_size,
                    "block_size": size.block_size, "block_total": size.blocks,
                    "block_available": size.blocks_available, "block_used": used,
                    "inode_total": size.inodes, "inode_available": size.inodes_available,
                    "inode_used": size.inodes.saturating_sub(size.inodes_available),
                });
                if let (Some(mount), Value::Object(more)) = (mount.as_object_mut(), more) {
                    mount.extend(more);
                }
                Ok(())
            }
            Err(HostError::TimedOut(_)) => {
                let limit = self.timeout.unwrap_or_default();
                let msg = format!(
                    "Timed out getting mount size for mount {point} (after {limit} seconds)"
                );
                match self.on_timeout.as_str() {
                    "error" => return Err(ModuleError::new(msg)),
                    "warn" => found.notices.push(Notice::Warning(msg)),
                    _ => {}
                }
                Ok(())
            }
            // What is in a table need not be mounted.
            Ok(None) | Err(_) => Ok(()),
        }
    }
}

/// What a filesystem is known by: its table says it, or the links that there are for all.
fn uuid(host: &dyn Host, device: &str) -> Option<String> {
    if let Some(uuid) = device.strip_prefix("UUID=") {
        return Some(uuid.to_owned());
    }
    let folder = Path::new("/dev/disk/by-uuid");
    let name = Path::new(device.strip_prefix("/dev/")?).file_name()?;
    let known = host.list(folder).ok()?.into_iter();
    let mut known = known.filter(|uuid| {
        let target = host.link_target(&folder.join(uuid));
        target.is_ok_and(|target| target.file_name() == Some(name))
    });
    known.next()
}

/// A line of `fstab` or `mtab`; spaces in names are written in octal.
fn of_table(line: &str, of_boot: bool) -> Option<Value> {
    let fields: Vec<String> = line
        .split_whitespace()
        .map(|field| {
            field
                .replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\134", "\\")
        })
        .collect();
    if line.trim_start().starts_with('#') || fields.len() < 3 {
        return None;
    }
    if of_boot && fields[1] == "none" {
        return None;
    }
    let number = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok());
    let options = fields.get(3).cloned().unwrap_or_default();
    let mut mount = json!({
        "device": fields[0], "mount": fields[1], "fstype": fields[2], "options": options,
    });
    for (name, at) in [("dump", 4), ("passno", 5)] {
        if let Some(number) = number(at) {
            mount[name] = number.into();
        }
    }
    Some(mount)
}

/// A line as `/dev/x on /y type ext4 (rw)`.
fn of_program(line: &str) -> Option<Value> {
    let (device, rest) = line.split_once(" on ")?;
    let (point, rest) = rest.split_once(" type ")?;
    let (kind, options) = rest.split_once(" (")?;
    Some(json!({
        "device": device, "mount": point, "fstype": kind,
        "options": options.trim_end_matches(')'),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_from_tables_and_from_the_program() {
        let mount = of_table("/dev/sda1 /a\\040b ext4 rw,noatime 0 2", true).unwrap();
        assert_eq!(
            (&mount["mount"], &mount["passno"]),
            (&json!("/a b"), &json!(2))
        );
        assert!(of_table("# /dev/sda1 / ext4", true).is_none());
        assert_eq!(
            of_program("proc on /proc type proc (rw,nosuid)").unwrap()["fstype"],
            "proc"
        );
    }
}
