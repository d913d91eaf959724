//! Disks: what a drive's setting says, and the volumes that are made, copied and removed for it.

use std::collections::BTreeMap;

use super::{
    answer::{Refusal, fail, wrong},
    api,
    call::Call,
    permission,
    store::{Kind, Settings, Store, Volume},
};

/// The size of the variables of OVMF.
const EFI_SIZE: u64 = 528 << 10;

/// The size of a cloud-init drive.
const CLOUDINIT_SIZE: u64 = 4 << 20;

/// True if all nodes see the same in a storage.
pub(super) fn is_shared(storage: &Settings) -> bool {
    let ty = storage.get("type").map_or("dir", String::as_str);
    storage.get("shared").is_some_and(|text| text == "1")
        || matches!(ty, "nfs" | "cifs" | "pbs" | "cephfs" | "rbd" | "iscsi")
}

/// The largest file that is believed.
const LARGEST: f64 = 1_000_000.0;

/// A drive's setting, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Drive {
    /// The volume, `none`, or what is to be made: `STORAGE:SIZE`.
    pub(super) file: String,
    pub(super) options: BTreeMap<String, String>,
}

/// True for the name of a drive of a VM.
pub(super) fn is_drive(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem != name
        && matches!(
            stem,
            "ide" | "sata" | "scsi" | "virtio" | "efidisk" | "tpmstate" | "unused"
        )
}

/// True for the name of a volume of a container.
pub(super) fn is_mount(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    name == "rootfs" || (stem != name && matches!(stem, "mp" | "unused"))
}

impl Drive {
    /// Takes a setting apart without checking it: it was checked when it came in.
    pub(super) fn read(text: &str) -> Self {
        let mut drive = Self::default();
        for part in text.split(',') {
            match part.split_once('=') {
                None => part.clone_into(&mut drive.file),
                Some(("file" | "volume", file)) => file.clone_into(&mut drive.file),
                Some((name, value)) => {
                    drive.options.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        drive
    }

    pub(super) fn print(&self) -> String {
        // Where a volume is mounted comes before all else.
        let (first, rest): (Vec<_>, Vec<_>) =
            self.options.iter().partition(|(name, _)| *name == "mp");
        let options = first
            .into_iter()
            .chain(rest)
            .map(|(name, value)| format!(",{name}={value}"));
        format!("{}{}", self.file, options.collect::<String>())
    }

    pub(super) fn is_cdrom(&self) -> bool {
        self.options
            .get("media")
            .is_some_and(|media| media == "cdrom")
    }

    pub(super) fn is_cloudinit(&self) -> bool {
        self.file.contains("cloudinit")
    }

    /// Storage and rest of the volume's name.
    pub(super) fn place(&self) -> Option<(&str, &str)> {
        self.file.split_once(':')
    }

    /// What is to be made: storage and size in GiB.
    pub(super) fn wanted(&self) -> Option<(&str, f64)> {
        let (storage, size) = self.place()?;
        let plain = size.chars().all(|c| c.is_ascii_digit() || c == '.');
        plain
            .then(|| size.parse().ok())
            .flatten()
            .map(|size| (storage, size))
    }
}

/// A size as PVE writes it: the largest unit that leaves no fraction.
pub(super) fn print_size(mut size: u64) -> String {
    for unit in ["", "K", "M", "G"] {
        if !size.is_multiple_of(1024) || size == 0 {
            return format!("{size}{unit}");
        }
        size /= 1024;
    }
    format!("{size}T")
}

/// Reads a size such as `10G`.
pub(super) fn read_size(text: &str) -> Option<u64> {
    let (number, factor) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 1_u64 << 10),
        (at, 'M') => (&text[..at], 1 << 20),
        (at, 'G') => (&text[..at], 1 << 30),
        (at, 'T') => (&text[..at], 1 << 40),
        _ => (text, 1),
    };
    let number: f64 = number.parse().ok()?;
    Some((number * factor as f64) as u64)
}

impl Store {
    /// True if a storage keeps files, each with its own format.
    pub(super) fn keeps_files(&self, storage: &str) -> bool {
        let ty = self
            .storages
            .get(storage)
            .and_then(|storage| storage.get("type"));
        !matches!(
            ty.map(String::as_str),
            Some("lvm" | "lvmthin" | "zfspool" | "rbd" | "zfs" | "iscsi")
        )
    }

    /// A name that no volume has: `vm-100-disk-0.raw` in the way of the storage.
    pub(super) fn free_name(&self, storage: &str, id: u32, prefix: &str, format: &str) -> String {
        let files = self.keeps_files(storage);
        for number in 0..1000 {
            let stem = format!("{prefix}-{id}-disk-{number}");
            let taken = self.volumes.iter().any(|(name, volume)| {
                let last = name.rsplit(['/', ':']).next().unwrap_or_default();
                let last = last.split('.').next().unwrap_or_default();
                volume.storage == storage && (last == stem || last == stem.replace("vm-", "base-"))
            });
            if !taken {
                return match files {
                    true => format!("{storage}:{id}/{stem}.{format}"),
                    false => format!("{storage}:{stem}"),
                };
            }
        }
        format!("{storage}:{id}/{prefix}-{id}-disk-1000.{format}")
    }

    /// Makes a volume.
    pub(super) fn make_volume(&mut self, name: &str, volume: Volume) {
        let storage = name.split(':').next().unwrap_or_default().to_owned();
        let ctime = self.now();
        self.volumes.insert(
            name.to_owned(),
            Volume {
                storage,
                ctime,
                ..volume
            },
        );
    }

    /// Makes a file that a node gets: in a storage that is not shared it is on that node alone.
    pub(super) fn make_file(&mut self, node: &str, name: &str, volume: Volume) {
        let storage = name.split(':').next().unwrap_or_default();
        if self.storages.get(storage).is_some_and(is_shared) {
            return self.make_volume(name, volume);
        }
        let volume = Volume {
            node: Some(node.to_owned()),
            ..volume
        };
        let former = self.volumes.remove(name);
        self.make_volume(name, volume);
        let (Some(mut former), Some(made)) = (former, self.volumes.get_mut(name)) else {
            return;
        };
        made.elsewhere = std::mem::take(&mut former.elsewhere);
        made.elsewhere.remove(node);
        if let Some(other) = former.node.clone().filter(|other| other != node) {
            made.elsewhere.insert(other, former);
        }
    }

    /// Removes a file from a node, and leaves those of the same name on others.
    pub(super) fn remove_file(&mut self, node: &str, name: &str) -> Result<(), String> {
        let Some(volume) = self.volumes.get_mut(name) else {
            return Ok(());
        };
        if volume.elsewhere.remove(node).is_some() {
            return Ok(());
        }
        let mut others = std::mem::take(&mut volume.elsewhere);
        match others.pop_first() {
            None => self.remove_volume(name),
            Some((_, mut next)) => {
                next.elsewhere = others;
                self.volumes.insert(name.to_owned(), next);
                Ok(())
            }
        }
    }

    /// Makes the disk that a setting asks for, and gives the setting as it reads back.
    pub(super) fn allocate(
        &mut self,
        kind: Kind,
        id: u32,
        key: &str,
        drive: &Drive,
        log: &mut Vec<String>,
    ) -> Result<Drive, Refusal> {
        let mut made = drive.clone();
        if drive.file.ends_with(":cloudinit") {
            made.file = self.make_cloudinit(id, drive);
            made.options.remove("format");
            made.options.insert("media".to_owned(), "cdrom".to_owned());
            log.push(format!(
                "{key}: successfully created disk '{}'",
                made.print()
            ));
            return Ok(made);
        }
        if let Some(source) = made.options.remove("import-from") {
            return self.import(id, key, made, &source, log);
        }
        let Some((storage, size)) = drive.wanted() else {
            self.settle(&mut made);
            return Ok(made);
        };
        let format = made
            .options
            .remove("format")
            .unwrap_or_else(|| "raw".to_owned());
        let (size, storage) = (self.real_size(key, size), storage.to_owned());
        if size as f64 / f64::from(1 << 30) > LARGEST {
            let name = self.free_name(&storage, id, "vm", &format);
            let name = name.rsplit('/').next().unwrap_or_default();
            let path = format!("/var/lib/vz/images/{id}/{name}");
            return fail(format!(
                "unable to create image: qemu-img.real: {path}: The image size is too large for file format '{format}'"
            ));
        }
        made.file = self.free_name(
            &storage,
            id,
            if kind == Kind::Lxc && !self.keeps_files(&storage) && self.is_zfs(&storage) {
                "subvol"
            } else {
                "vm"
            },
            &format,
        );
        let content = if kind == Kind::Lxc {
            "rootdir"
        } else {
            "images"
        };
        self.make_volume(
            &made.file,
            Volume {
                content: content.to_owned(),
                format: if self.keeps_files(&storage) {
                    format
                } else {
                    "raw".to_owned()
                },
                size,
                vmid: Some(id),
                ..Volume::default()
            },
        );
        made.options.insert("size".to_owned(), print_size(size));
        log.push(format!(
            "{key}: successfully created disk '{}'",
            made.print()
        ));
        Ok(made)
    }

    fn is_zfs(&self, storage: &str) -> bool {
        self.storages
            .get(storage)
            .and_then(|storage| storage.get("type"))
            .is_some_and(|ty| ty == "zfspool")
    }

    fn real_size(&self, key: &str, wanted: f64) -> u64 {
        match key {
            "efidisk0" => EFI_SIZE,
            "tpmstate0" => 4 << 20,
            // Containers' volumes are whole KiB; PVE rounds up to whole MiB.
            _ if is_mount(key) => ((wanted * 1024.0) as u64).max(1) << 20,
            _ => (wanted * f64::from(1 << 30)) as u64,
        }
    }

    fn make_cloudinit(&mut self, id: u32, drive: &Drive) -> String {
        let storage = drive
            .place()
            .map_or("local", |(storage, _)| storage)
            .to_owned();
        let format = drive.options.get("format").map_or("qcow2", String::as_str);
        let (name, format) = match self.keeps_files(&storage) {
            true => (
                format!("{storage}:{id}/vm-{id}-cloudinit.{format}"),
                format.to_owned(),
            ),
            false => (format!("{storage}:vm-{id}-cloudinit"), "raw".to_owned()),
        };
        self.make_volume(
            &name,
            Volume {
                content: "images".to_owned(),
                format,
                size: CLOUDINIT_SIZE,
                vmid: Some(id),
                ..Volume::default()
            },
        );
        name
    }

    /// Gives a volume that is there its size.
    fn settle(&self, drive: &mut Drive) {
        if drive.is_cdrom() && drive.file.contains(":iso/") && !drive.options.contains_key("size") {
            if let Some(volume) = self.volumes.get(&drive.file) {
                drive
                    .options
                    .insert("size".to_owned(), print_size(volume.size));
            }
        } else if let Some(volume) = self
            .volumes
            .get(&drive.file)
            .filter(|_| !drive.is_cloudinit())
        {
            drive
                .options
                .insert("size".to_owned(), print_size(volume.size));
        }
    }

    fn import(
        &mut self,
        id: u32,
        key: &str,
        mut drive: Drive,
        source: &str,
        log: &mut Vec<String>,
    ) -> Result<Drive, Refusal> {
        let storage = drive
            .place()
            .map_or("local", |(storage, _)| storage)
            .to_owned();
        if self.lenient && !self.volumes.contains_key(source) {
            self.imagine(source);
        }
        let Some(from) = self.volumes.get(source).cloned() else {
            let path = source.split_once(':').map_or(source, |(_, path)| path);
            return fail(format!("failed to stat '/var/lib/vz/{path}'"));
        };
        let format = drive
            .options
            .remove("format")
            .unwrap_or_else(|| from.format.clone());
        let format = if matches!(format.as_str(), "qcow2" | "raw" | "vmdk") {
            format
        } else {
            "raw".to_owned()
        };
        drive.file = self.free_name(&storage, id, "vm", &format);
        let size = if from.content == "import" {
            self.virtual_size(&from)
        } else {
            from.size
        };
        self.make_volume(
            &drive.file,
            Volume {
                content: "images".to_owned(),
                format: if self.keeps_files(&storage) {
                    format
                } else {
                    "raw".to_owned()
                },
                size,
                vmid: Some(id),
                ..Volume::default()
            },
        );
        drive.options.insert("size".to_owned(), print_size(size));
        let named = if from.content == "import" {
            String::new()
        } else {
            format!("{key} ")
        };
        log.push(format!("create full clone of drive {named}({source})"));
        log.push(format!("allocated target volume '{}'", drive.file));
        Ok(drive)
    }

    /// What a disk image unpacks to; a model knows no more than that it is a round size.
    fn virtual_size(&self, image: &Volume) -> u64 {
        match image.text.as_deref().and_then(|text| text.parse().ok()) {
            Some(size) => size,
            None => (image.size.max(1)).div_ceil(1 << 30) << 30,
        }
    }

    /// Lets an image be there, for a rehearsal.
    pub(super) fn imagine(&mut self, name: &str) {
        let Some((_, rest)) = name.split_once(':') else {
            return;
        };
        let content = match rest.split_once('/') {
            Some((folder @ ("iso" | "vztmpl" | "import" | "snippets" | "backup"), _)) => folder,
            _ => "images",
        };
        let format = name.rsplit('.').next().unwrap_or("raw");
        let volume = Volume {
            content: content.to_owned(),
            format: format.to_owned(),
            size: 1 << 30,
            ..Volume::default()
        };
        self.make_volume(name, volume);
    }

    /// Removes a volume unless a linked clone stands on it.
    pub(super) fn remove_volume(&mut self, name: &str) -> Result<(), String> {
        let used = self
            .volumes
            .values()
            .any(|volume| volume.parent.as_deref() == Some(name));
        match used {
            true => Err(format!(
                "base volume '{name}' is still in use by linked cloned"
            )),
            false => {
                self.volumes.remove(name);
                Ok(())
            }
        }
    }

    /// True if a volume belongs to a guest, so that it goes with it.
    pub(super) fn owns(&self, id: u32, file: &str) -> bool {
        let content = self.volumes.get(file);
        content.is_some_and(|volume| {
            volume.vmid == Some(id) && matches!(volume.content.as_str(), "images" | "rootdir")
        })
    }

    /// Checks a drive's setting before anything is made, as PVE does.
    pub(super) fn check_drive(&self, call: &Call, key: &str, drive: &Drive) -> Result<(), Refusal> {
        if drive.file == "none" || drive.file == "cdrom" {
            return Ok(());
        }
        if drive.file.starts_with('/') {
            if call.who.is_root() {
                return Ok(());
            }
            return wrong(
                key,
                format!("unable to associate path '{}' to any storage", drive.file),
            );
        }
        let Some((storage, rest)) = drive.place() else {
            return wrong(
                key,
                format!("unable to associate path '{}' to any storage", drive.file),
            );
        };
        self.storage(storage)?;
        if drive.options.contains_key("import-from") {
            return self.check_import(call, key, drive);
        }
        let path = format!("/storage/{storage}");
        if drive.wanted().is_some() || rest == "cloudinit" {
            return permission::one(self, &call.who, &path, "Datastore.AllocateSpace");
        }
        if rest.starts_with("iso/") && !drive.is_cdrom() {
            return wrong(key, "explicit 'media=cdrom' is required for iso images");
        }
        if self.keeps_files(storage) && !rest.contains('/') {
            return fail(format!("unable to parse directory volume name '{rest}'"));
        }
        match self.volumes.contains_key(&drive.file) || self.lenient {
            true => Ok(()),
            false => fail(format!("volume '{}' does not exist", drive.file)),
        }
    }

    fn check_import(&self, call: &Call, key: &str, drive: &Drive) -> Result<(), Refusal> {
        let source = drive.options.get("import-from").map_or("", String::as_str);
        if drive.wanted().is_none_or(|(_, size)| size != 0.0) {
            return wrong(
                key,
                "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>",
            );
        }
        let kind = source
            .split_once(':')
            .and_then(|(_, volume)| volume.split_once('/'));
        match kind {
            _ if source.starts_with('/') && !call.who.is_root() => fail(
                "Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.",
            ),
            // A rehearsal has no nodes that take such an image over ssh: its API does.
            Some((kind @ ("iso" | "vztmpl"), _)) if !self.lenient => wrong(
                key,
                format!("{source} has wrong type '{kind}' - needs to be 'images' or 'import'"),
            ),
            _ => Ok(()),
        }
    }
}

/// A network device's setting with an address of its own, in the order in which PVE writes it.
pub(super) fn net(
    store: &mut Store,
    kind: Kind,
    call_format: &serde_json::Value,
    text: &str,
) -> String {
    let Ok(mut parts) = api::parse_property(call_format, text) else {
        return text.to_owned();
    };
    let key = if kind == Kind::Qemu {
        "macaddr"
    } else {
        "hwaddr"
    };
    let mac = parts
        .remove(key)
        .unwrap_or_else(|| store.mac())
        .to_uppercase();
    if kind == Kind::Lxc {
        parts
            .entry("type".to_owned())
            .or_insert_with(|| "veth".to_owned());
        parts.insert(key.to_owned(), mac);
        let name = parts.remove("name").unwrap_or_default();
        let rest = parts.iter().map(|(name, value)| format!(",{name}={value}"));
        return format!("name={name}{}", rest.collect::<String>());
    }
    parts.insert(key.to_owned(), mac);
    api::print_property(call_format, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_the_largest_whole_unit() {
        assert_eq!(print_size(1 << 30), "1G");
        assert_eq!(print_size(2_684_354_560), "2560M");
        assert_eq!(print_size(540_672), "528K");
        assert_eq!(read_size("2560M"), Some(2_684_354_560));
        assert_eq!(read_size("0.5G"), Some(1 << 29));
    }

    #[test]
    fn a_drive_says_what_is_to_be_made() {
        let drive = Drive::read("local:1,format=qcow2,discard=on");
        assert_eq!(drive.wanted(), Some(("local", 1.0)));
        assert_eq!(
            Drive::read("local:100/vm-100-disk-0.raw,size=1G").wanted(),
            None
        );
        assert!(Drive::read("ide2=x,media=cdrom").is_cdrom());
    }
}
