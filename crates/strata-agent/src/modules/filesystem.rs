//! `filesystem`: a file system on a device.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Filesystem {
    kind: Option<String>,
    device: String,
    options: Vec<String>,
    uuid: Option<String>,
    force: bool,
    resizes: bool,
    present: bool,
}

/// What is on the device, and what is done to it.
pub(super) struct Found {
    commands: Vec<Vec<String>>,
    msg: Option<String>,
}

/// How each kind is made; the options that force it, give it an UUID, and how it grows.
struct Maker {
    kind: &'static str,
    make: &'static [&'static str],
    force: &'static [&'static str],
    uuid: Option<&'static str>,
    grow: Option<&'static str>,
}

const MAKERS: &[Maker] = &[
    maker(
        "bcachefs",
        &["mkfs.bcachefs"],
        &["--force"],
        Some("--uuid"),
        None,
    ),
    maker("btrfs", &["mkfs.btrfs"], &["-f"], Some("-U"), Some("btrfs")),
    maker(
        "ext2",
        &["mkfs.ext2"],
        &["-F"],
        Some("-U"),
        Some("resize2fs"),
    ),
    maker(
        "ext3",
        &["mkfs.ext3"],
        &["-F"],
        Some("-U"),
        Some("resize2fs"),
    ),
    maker(
        "ext4",
        &["mkfs.ext4"],
        &["-F"],
        Some("-U"),
        Some("resize2fs"),
    ),
    maker(
        "ext4dev",
        &["mkfs.ext4"],
        &["-F"],
        Some("-U"),
        Some("resize2fs"),
    ),
    maker("f2fs", &["mkfs.f2fs"], &["-f"], None, Some("resize.f2fs")),
    maker("lvm", &["pvcreate"], &["-f"], Some("-u"), Some("pvresize")),
    maker("ocfs2", &["mkfs.ocfs2"], &["-Fx"], Some("-U"), None),
    maker(
        "reiserfs",
        &["mkfs.reiserfs", "-q"],
        &["-f"],
        Some("-u"),
        Some("resize_reiserfs"),
    ),
    maker("swap", &["mkswap"], &["-f"], Some("-U"), None),
    maker("ufs", &["newfs"], &[], None, None),
    maker("vfat", &["mkfs.vfat"], &[], Some("-i"), Some("fatresize")),
    maker("xfs", &["mkfs.xfs"], &["-f"], None, Some("xfs_growfs")),
];

const fn maker(
    kind: &'static str,
    make: &'static [&'static str],
    force: &'static [&'static str],
    uuid: Option<&'static str>,
    grow: Option<&'static str>,
) -> Maker {
    Maker {
        kind,
        make,
        force,
        uuid,
        grow,
    }
}

impl Module for Filesystem {
    const SPEC: Spec = Spec::new(
        "community.general.filesystem",
        &[
            Field::path("dev").alias(&["device"]).required(),
            Field::bool("force", false),
            Field::str("fstype").alias(&["type"]).choices(&[
                "bcachefs", "btrfs", "ext2", "ext3", "ext4", "ext4dev", "f2fs", "lvm", "ocfs2",
                "reiserfs", "xfs", "vfat", "swap", "ufs",
            ]),
            Field::str("opts"),
            Field::bool("resizefs", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("uuid"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Filesystem, ModuleError> {
        let (present, kind) = (
            arguments.text("state") == "present",
            arguments.string("fstype"),
        );
        if present && kind.is_none() {
            return Err(ModuleError::new(
                "state is present but all of the following are missing: fstype",
            ));
        }
        let device = arguments.text("dev");
        if !device.starts_with('/') {
            return Err(ModuleError::new(format!("Device {device} not found.")));
        }
        Ok(Filesystem {
            kind,
            device,
            options: programs::words(&arguments.text("opts"))?,
            uuid: arguments.string("uuid"),
            force: arguments.bool("force"),
            resizes: arguments.bool("resizefs"),
            present,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            commands: Vec::new(),
            msg: None,
        };
        let there = host.metadata_followed(self.device.as_ref())?;
        let Some(there) = there else {
            if self.present {
                let device = &self.device;
                return Err(ModuleError::new(format!("Device {device} not found.")));
            }
            found.msg = Some(format!("Device {} not found.", self.device));
            return Ok(found);
        };
        if !matches!(there.kind, Kind::BlockDevice | Kind::File) {
            return Err(ModuleError::new(format!(
                "device is not a block device nor a regular file: {}",
                self.device
            )));
        }
        let now = self.now(host)?;
        match self.present {
            true => self.make(host, &now, &mut found)?,
            false if now.is_empty() => {}
            false => found.commands.push(self.words(&["wipefs", "--all"], &[])),
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
        let grown = outcome
            .outputs
            .last()
            .filter(|_| self.resizes && !found.commands.is_empty());
        let msg = grown
            .map(|output| output.stdout.clone())
            .or(found.msg.clone());
        Ok(Report {
            msg: msg.unwrap_or_default(),
            values: values(json!({})),
            ..Report::default()
        })
    }
}

impl Filesystem {
    /// The file system on the device, in our words; empty for none.
    fn now(&self, host: &dyn Host) -> Result<String, ModuleError> {
        programs::required(host, "blkid")?;
        let argv = [
            "blkid",
            "-c",
            "/dev/null",
            "-o",
            "value",
            "-s",
            "TYPE",
            &self.device,
        ];
        let said = host.run(&plain(argv))?;
        Ok(match said.stdout.trim() {
            "LVM2_member" => "lvm".to_owned(),
            kind => kind.to_owned(),
        })
    }

    fn words(&self, words: &[&str], more: &[&str]) -> Vec<String> {
        let all = words.iter().chain(more).map(|word| (*word).to_owned());
        all.chain([self.device.clone()]).collect()
    }

    fn make(&self, host: &dyn Host, now: &str, found: &mut Found) -> Result<(), ModuleError> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let maker = MAKERS.iter().find(|maker| maker.kind == kind);
        let maker = maker.ok_or_else(|| {
            ModuleError::new(format!(
                "module does not support this filesystem ({kind}) yet."
            ))
        })?;
        let same = now == kind || (now == "ext4" && kind == "ext4dev");
        if same && !self.force {
            return match self.resizes {
                true => self.grow(host, maker, found),
                false => Ok(()),
            };
        }
        if !now.is_empty() && !self.force {
            return Err(ModuleError::new(format!(
                "'{}' is already used as {now}, use force=true to overwrite",
                self.device
            )));
        }
        programs::required(host, maker.make[0])?;
        let mut more: Vec<&str> = Vec::new();
        // Asked by no one, these ask whether a file is meant.
        if self.force || matches!(maker.kind, "ext2" | "ext3" | "ext4" | "ext4dev") {
            more.extend(maker.force);
        }
        more.extend(self.options.iter().map(String::as_str));
        let of_xfs;
        match (&self.uuid, maker.uuid, maker.kind) {
            (None, ..) => {}
            (Some(uuid), _, "xfs") => {
                of_xfs = format!("uuid={uuid}");
                more.extend(["-m", &of_xfs]);
            }
            (Some(uuid), Some(flag), "lvm") => {
                more.extend([flag, uuid.as_str(), "--norestorefile"])
            }
            (Some(uuid), Some(flag), _) => more.extend([flag, uuid.as_str()]),
            (Some(_), None, kind) => {
                return Err(ModuleError::new(format!(
                    "module does not support UUID option for this filesystem ({kind}) yet."
                )));
            }
        }
        if same || !now.is_empty() {
            found.commands.push(self.words(&["wipefs", "--all"], &[]));
        }
        found.commands.push(self.words(maker.make, &more));
        Ok(())
    }

    /// Grows it to the device's size, where it is smaller.
    fn grow(&self, host: &dyn Host, maker: &Maker, found: &mut Found) -> Result<(), ModuleError> {
        let unsupported = || {
            let kind = maker.kind;
            ModuleError::new(format!(
                "module does not support resizing {kind} filesystem yet"
            ))
        };
        let grow = maker.grow.ok_or_else(unsupported)?;
        programs::required(host, grow)?;
        let device = self.device_size(host)?;
        let (size, step) = match maker.grow {
            Some("resize2fs") => self.extended(host)?,
            Some("pvresize") => self.physical(host)?,
            Some("xfs_growfs") => self.mounted(host, "xfs_info")?,
            Some("btrfs") => self.mounted(host, "btrfs")?,
            _ => return Err(unsupported()),
        };
        if device < size + step {
            let (kind, device) = (maker.kind, &self.device);
            found.msg = Some(format!(
                "{kind} filesystem is using the whole device {device}"
            ));
            return Ok(());
        }
        found.commands.push(match grow {
            "xfs_growfs" | "btrfs" => {
                let folder = self.mount_point(host)?.unwrap_or_default();
                let words: &[&str] = match grow {
                    "btrfs" => &["btrfs", "filesystem", "resize", "max", &folder],
                    _ => &["xfs_growfs", &folder],
                };
                words.iter().map(|word| (*word).to_owned()).collect()
            }
            grow => self.words(&[grow], &[]),
        });
        Ok(())
    }

    fn device_size(&self, host: &dyn Host) -> Result<u64, ModuleError> {
        let there = host.metadata_followed(self.device.as_ref())?;
        if let Some(file) = there.filter(|there| there.kind == Kind::File) {
            return Ok(file.size);
        }
        let said = programs::checked(host, &plain(["blockdev", "--getsize64", &self.device]))?;
        number(said.stdout.trim())
    }

    fn extended(&self, host: &dyn Host) -> Result<(u64, u64), ModuleError> {
        let said = programs::checked(host, &plain(["tune2fs", "-l", &self.device]))?;
        let field = |name: &str| {
            let line = said.stdout.lines().find_map(|line| line.strip_prefix(name));
            number(line.unwrap_or_default().trim())
        };
        let block = field("Block size:")?;
        Ok((field("Block count:")? * block, block))
    }

    fn physical(&self, host: &dyn Host) -> Result<(u64, u64), ModuleError> {
        let argv = [
            "pvs",
            "--noheadings",
            "--nosuffix",
            "--units",
            "b",
            "-o",
            "pv_size",
            &self.device,
        ];
        let said = programs::checked(host, &plain(argv))?;
        // Less its own head, and in whole extents.
        Ok((number(said.stdout.trim())?, 5 << 20))
    }

    fn mount_point(&self, host: &dyn Host) -> Result<Option<String>, ModuleError> {
        let argv = [
            "findmnt",
            "-n",
            "-f",
            "-o",
            "TARGET",
            "--source",
            &self.device,
        ];
        let said = host.run(&plain(argv))?;
        let target = said.stdout.trim();
        Ok((!target.is_empty()).then(|| target.to_owned()))
    }

    /// The size of one that only grows while it is mounted.
    fn mounted(&self, host: &dyn Host, program: &str) -> Result<(u64, u64), ModuleError> {
        let Some(folder) = self.mount_point(host)? else {
            return Err(ModuleError::new(format!(
                "{} needs to be mounted for the filesystem to be grown",
                self.device
            )));
        };
        if program == "btrfs" {
            let argv = ["btrfs", "filesystem", "usage", "-b", &folder];
            let said = programs::checked(host, &plain(argv))?;
            let line = said
                .stdout
                .lines()
                .find_map(|line| line.trim().strip_prefix("Device size:"));
            return Ok((number(line.unwrap_or_default().trim())?, 4096));
        }
        let said = programs::checked(host, &plain(["xfs_info", &folder]))?;
        let data = said.stdout.lines().find(|line| line.starts_with("data"));
        let field = |name: &str| {
            let rest = data
                .and_then(|data| data.split(name).nth(1))
                .unwrap_or_default();
            number(rest.split([',', ' ']).next().unwrap_or_default())
        };
        let block = field("bsize=")?;
        Ok((block * field("blocks=")?, block))
    }
}

fn number(text: &str) -> Result<u64, ModuleError> {
    let parsed = text.parse();
    parsed.map_err(|_| ModuleError::new(format!("not a size: `{text}`")))
}
