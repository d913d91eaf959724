//! `lvol`: a logical volume with its size, or a snapshot or thin volume.

use serde_json::json;

use super::{bytes, listed};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs::{self, plain};
use crate::protocol::Task;

pub(in crate::modules) struct Lvol {
    group: String,
    name: Option<String>,
    size: Option<Size>,
    options: Vec<String>,
    devices: Vec<String>,
    snapshot: Option<String>,
    pool: Option<String>,
    present: bool,
    active: bool,
    force: bool,
    shrinks: bool,
    resizes: bool,
}

/// A size: so much, or so many percent of something; more or less of it.
#[derive(Debug, Clone)]
struct Size {
    sign: Option<char>,
    text: String,
    of: Option<String>,
}

/// What is to be run, and what is said.
pub(in crate::modules) struct Found {
    commands: Vec<Vec<String>>,
    msg: String,
}

impl Module for Lvol {
    const SPEC: Spec = Spec::new(
        "community.general.lvol",
        &[
            Field::str("vg").required(),
            Field::bool("active", true),
            Field::bool("force", false),
            Field::str("lv"),
            Field::str("opts").default(""),
            Field::list("pvs"),
            Field::bool("resizefs", false),
            Field::bool("shrink", true),
            Field::str("size"),
            Field::str("snapshot"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("thinpool"),
        ],
    )
    .one_of(&[&["lv", "thinpool"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Lvol, ModuleError> {
        Ok(Lvol {
            group: arguments.text("vg"),
            name: arguments.string("lv"),
            size: arguments
                .string("size")
                .map(|size| Size::read(&size))
                .transpose()?,
            options: programs::words(&arguments.text("opts"))?,
            devices: arguments.list("pvs").unwrap_or_default(),
            snapshot: arguments.string("snapshot"),
            pool: arguments.string("thinpool"),
            present: arguments.text("state") == "present",
            active: arguments.bool("active"),
            force: arguments.bool("force"),
            shrinks: arguments.bool("shrink"),
            resizes: arguments.bool("resizefs"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            commands: Vec::new(),
            msg: String::new(),
        };
        let groups = listed(host, "vgs", "vg_name,vg_size,vg_free,vg_extent_size", &[])?;
        let Some(group) = groups.iter().find(|row| row.first() == Some(&self.group)) else {
            return match self.present {
                true => Err(ModuleError::new(format!(
                    "Volume group {} does not exist.",
                    self.group
                ))),
                false => Ok(found),
            };
        };
        let volumes = listed(
            host,
            "lvs",
            "lv_name,lv_size,lv_active",
            &["-a", &self.group],
        )?;
        let target = self.target();
        let there = volumes.iter().find(|row| {
            row.first()
                .is_some_and(|name| name.trim_matches(['[', ']']) == target)
        });
        match (there, self.present) {
            (None, false) => {}
            (None, true) => self.create(&volumes, &mut found)?,
            (Some(_), false) if !self.force => {
                return Err(ModuleError::new(format!(
                    "Sorry, no removal of logical volume {target} without force=true."
                )));
            }
            (Some(_), false) => {
                let path = format!("{}/{target}", self.group);
                found.commands.push(words(&["lvremove", "--force", &path]));
            }
            (Some(volume), true) => self.change(volume, group, &mut found)?,
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found.commands.iter().cloned();
        run.map(|argv| programs::change(plain(argv))).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let msg = match outcome.outputs.last() {
            Some(output) if found.msg.is_empty() => output.stdout.trim().to_owned(),
            _ => found.msg.clone(),
        };
        Ok(Report {
            msg: if outcome.changed { msg } else { String::new() },
            values: values(json!({})),
            ..Report::default()
        })
    }
}

impl Size {
    fn read(text: &str) -> Result<Size, ModuleError> {
        let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'));
        let text = text.trim_start_matches(['+', '-']);
        if let Some((number, of)) = text.split_once('%') {
            let of = of.to_uppercase();
            let percent: Result<u64, _> = number.parse();
            let fits = percent.is_ok_and(|percent| percent <= 100);
            if !fits || !matches!(of.as_str(), "VG" | "PVS" | "FREE" | "ORIGIN") {
                return Err(ModuleError::new(format!(
                    "Bad size specification of '{text}'"
                )));
            }
            return Ok(Size {
                sign,
                text: number.to_owned(),
                of: Some(of),
            });
        }
        if bytes(text, 'm').is_none() {
            return Err(ModuleError::new(format!(
                "Bad size specification of '{text}'"
            )));
        }
        Ok(Size {
            sign,
            text: text.to_owned(),
            of: None,
        })
    }

    /// As the tools take it.
    fn words(&self) -> [String; 2] {
        let sign = self.sign.map(String::from).unwrap_or_default();
        match &self.of {
            Some(of) => ["-l".to_owned(), format!("{sign}{}%{of}", self.text)],
            None => {
                let unit = if self.text.ends_with(|c: char| c.is_ascii_digit()) {
                    "m"
                } else {
                    ""
                };
                ["-L".to_owned(), format!("{sign}{}{unit}", self.text)]
            }
        }
    }

    /// So many bytes, given the group's size and what is free of it.
    fn bytes(&self, now: u64, group: u64, free: u64) -> Option<u64> {
        let plain = match &self.of {
            Some(of) => {
                let percent: u64 = self.text.parse().ok()?;
                let whole = match of.as_str() {
                    "FREE" => free,
                    _ => group,
                };
                whole / 100 * percent
            }
            None => bytes(&self.text, 'm')?,
        };
        Some(match self.sign {
            Some('+') => now + plain,
            Some(_) => now.saturating_sub(plain),
            // All that is free comes to what the volume has.
            None if self.of.as_deref() == Some("FREE") => now + plain,
            None => plain,
        })
    }
}

impl Lvol {
    /// The volume that is meant: the snapshot, the volume, or the pool.
    fn target(&self) -> String {
        let name = self.snapshot.clone().or_else(|| self.name.clone());
        name.or_else(|| self.pool.clone()).unwrap_or_default()
    }

    fn create(&self, volumes: &[Vec<String>], found: &mut Found) -> Result<(), ModuleError> {
        let has = |name: &String| volumes.iter().any(|row| row.first() == Some(name));
        let mut create = words(&["lvcreate", "-y"]);
        create.extend(self.options.iter().cloned());
        let size = self.size.as_ref().map(Size::words);
        match (&self.snapshot, &self.pool, &self.name) {
            (Some(snapshot), _, Some(origin)) => {
                if !has(origin) {
                    return Err(ModuleError::new(format!(
                        "Snapshot origin LV {origin} does not exist in volume group {}.",
                        self.group
                    )));
                }
                create.extend(size.into_iter().flatten());
                create.extend(words(&[
                    "-s",
                    "-n",
                    snapshot,
                    &format!("{}/{origin}", self.group),
                ]));
            }
            (None, Some(pool), Some(name)) => {
                let size = size.ok_or_else(no_size)?;
                create.extend(words(&["-n", name, "-V", &size[1]]));
                create.extend(words(&["-T", &format!("{}/{pool}", self.group)]));
            }
            (None, Some(pool), None) => {
                create.extend(size.ok_or_else(no_size)?);
                create.extend(words(&["-T", &format!("{}/{pool}", self.group)]));
            }
            (_, _, Some(name)) => {
                create.extend(words(&["-n", name]));
                create.extend(size.ok_or_else(no_size)?);
                create.push(self.group.clone());
                create.extend(self.devices.iter().cloned());
            }
            _ => return Err(no_size()),
        }
        found.commands.push(create);
        Ok(())
    }

    fn change(
        &self,
        volume: &[String],
        group: &[String],
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let field = |row: &[String], at: usize| {
            row.get(at)
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let now = field(volume, 1);
        let path = format!("{}/{}", self.group, self.target());
        if let Some(size) = self.size.as_ref().filter(|_| self.snapshot.is_none()) {
            let extent = field(group, 3).max(1);
            let wanted = size
                .bytes(now, field(group, 1), field(group, 2))
                .unwrap_or(now);
            let steps = wanted.div_ceil(extent) * extent;
            // Percents are of whole extents, rounded by the tools.
            let wanted = match size.of {
                Some(_) => wanted / extent * extent,
                None => steps,
            };
            self.resize(size, now, wanted, &path, found)?;
        }
        let is_active = volume.get(2).is_none_or(|state| state == "active");
        if is_active != self.active && self.snapshot.is_none() {
            let word = if self.active { "-ay" } else { "-an" };
            found.commands.push(words(&["lvchange", word, &path]));
        }
        Ok(())
    }

    fn resize(
        &self,
        size: &Size,
        now: u64,
        wanted: u64,
        path: &str,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let mut change = match wanted.cmp(&now) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => words(&["lvextend"]),
            std::cmp::Ordering::Less if !self.shrinks => return Ok(()),
            std::cmp::Ordering::Less if !self.force => {
                return Err(ModuleError::new(format!(
                    "Sorry, no shrinking of {} without force=true.",
                    self.target()
                )));
            }
            std::cmp::Ordering::Less => words(&["lvreduce", "--force"]),
        };
        if self.resizes {
            change.push("--resizefs".to_owned());
        }
        change.extend(match size.of.as_deref() {
            // Without a sign these would be the whole, not what is added.
            Some("FREE") if size.sign.is_none() => {
                ["-l".to_owned(), format!("+{}%FREE", size.text)]
            }
            _ => size.words(),
        });
        change.push(path.to_owned());
        change.extend(self.devices.iter().cloned());
        found.commands.push(change);
        found.msg = format!("Volume {} resized to {}", self.target(), size.words()[1]);
        Ok(())
    }
}

fn no_size() -> ModuleError {
    ModuleError::new("No size given.")
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
