//! `stat`: what stands at a path, with the names that Ansible gives to it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::digest;
use crate::host::{Host, Kind, Metadata};
use crate::mode;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Stat {
    path: PathBuf,
    follow: bool,
    checksum: Option<String>,
    mime: bool,
    flags: bool,
    selinux: bool,
}

impl Module for Stat {
    const SPEC: Spec = Spec::new(
        "stat",
        &[
            Field::path("path").alias(&["dest", "name"]).required(),
            Field::bool("follow", false),
            Field::bool("get_checksum", true),
            Field::str("checksum_algorithm")
                .alias(&["checksum", "checksum_algo"])
                .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
                .default("sha1"),
            // On by default in Ansible; as both cost a program's run, here they are on demand.
            Field::bool("get_mime", true).alias(&["mime", "mime_type", "mime-type"]),
            Field::bool("get_attributes", true).alias(&["attr", "attributes"]),
            Field::bool("get_selinux_context", false),
        ],
    );
    type Current = Map<String, Value>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Stat, ModuleError> {
        let algorithm = arguments.text("checksum_algorithm");
        Ok(Stat {
            path: arguments.path("path").unwrap_or_default(),
            follow: arguments.bool("follow"),
            checksum: arguments.bool("get_checksum").then_some(algorithm),
            mime: arguments.bool("get_mime"),
            flags: arguments.bool("get_attributes"),
            selinux: arguments.bool("get_selinux_context"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Map<String, Value>, ModuleError> {
        let found = match self.follow {
            true => host.metadata_followed(&self.path)?,
            false => host.metadata(&self.path)?,
        };
        let Some(found) = found else {
            return Ok(values(json!({ "exists": false })));
        };
        let mut stat = facts(host, &self.path, &found)?;
        if found.kind == Kind::Symlink {
            let target = host.link_target(&self.path)?;
            stat.insert("lnk_target".to_owned(), target.to_string_lossy().into());
            // Where a link into nothing would end, too.
            let folder = self.path.parent().unwrap_or(Path::new("/"));
            let end = host
                .resolve(&self.path)
                .unwrap_or_else(|_| folder.join(target));
            stat.insert("lnk_source".to_owned(), end.to_string_lossy().into());
        }
        if let (Some(algorithm), Kind::File) = (&self.checksum, found.kind) {
            // A file that may not be read has no checksum, as in Ansible.
            if let Ok(mut file) = host.open(&self.path) {
                let digest = digest::of_stream(algorithm, &mut file).ok().flatten();
                stat.insert("checksum".to_owned(), digest.into());
            }
        }
        if self.mime {
            stat.extend(mime(host, &self.path)?);
        }
        if self.flags {
            stat.extend(flags(host, &self.path));
        }
        if self.selinux {
            let context = selinux_context(host, &self.path)?;
            stat.insert("selinux_context".to_owned(), context);
        }
        Ok(stat)
    }

    fn decide(&self, _current: &Map<String, Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        stat: &Map<String, Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({ "stat": stat }))))
    }
}

pub(super) fn facts(
    host: &dyn Host,
    path: &Path,
    found: &Metadata,
) -> Result<Map<String, Value>, ModuleError> {
    let bit = |bit: u32| found.mode & bit != 0;
    let is = |kind: Kind| found.kind == kind;
    let access = host.access(path);
    let owner = host.users()?.into_iter().find(|user| user.uid == found.uid);
    let group = host
        .groups()?
        .into_iter()
        .find(|group| group.gid == found.gid);
    let mut stat = values(json!({
        "exists": true,
        "path": path.to_string_lossy(),
        "mode": mode::four_digits(found.mode),
        "isdir": is(Kind::Directory),
        "ischr": is(Kind::CharacterDevice),
        "isblk": is(Kind::BlockDevice),
        "isreg": is(Kind::File),
        "isfifo": is(Kind::Fifo),
        "islnk": is(Kind::Symlink),
        "issock": is(Kind::Socket),
        "uid": found.uid,
        "gid": found.gid,
        "size": found.size,
        "inode": found.inode,
        "dev": found.device,
        "nlink": found.links,
        "atime": found.accessed,
        "mtime": found.modified,
        "ctime": found.changed,
        "blocks": found.blocks,
        "block_size": found.block_size,
        "device_type": found.device_type,
        "readable": access.read,
        "writeable": access.write,
        "executable": access.execute,
        "wusr": bit(0o200), "rusr": bit(0o400), "xusr": bit(0o100),
        "wgrp": bit(0o020), "rgrp": bit(0o040), "xgrp": bit(0o010),
        "woth": bit(0o002), "roth": bit(0o004), "xoth": bit(0o001),
        "isuid": bit(0o4000),
        "isgid": bit(0o2000),
    }));
    if let Some(owner) = owner {
        stat.insert("pw_name".to_owned(), owner.name.into());
    }
    if let Some(group) = group {
        stat.insert("gr_name".to_owned(), group.name.into());
    }
    Ok(stat)
}

/// What `file` takes the content for.
fn mime(host: &dyn Host, path: &Path) -> Result<Map<String, Value>, ModuleError> {
    let unknown = || values(json!({"mimetype": "unknown", "charset": "unknown"}));
    if host.find_program("file").is_none() {
        return Ok(unknown());
    }
    let shown = path.to_string_lossy();
    let argv = ["file", "-b", "--mime-type", "--mime-encoding", &shown];
    let Ok(said) = host.run(&Command::new(argv)) else {
        return Ok(unknown());
    };
    let found = said.stdout.trim().split_once("; charset=");
    Ok(match found.filter(|_| said.status == 0) {
        Some((kind, charset)) => values(json!({"mimetype": kind, "charset": charset})),
        None => unknown(),
    })
}

/// The flags of the file system, as `lsattr` prints them.
fn flags(host: &dyn Host, path: &Path) -> Map<String, Value> {
    let Some((version, letters)) = crate::flags::of_path(host, path) else {
        return values(json!({"version": null, "attributes": [], "attr_flags": ""}));
    };
    let names = FLAGS.iter().filter(|(letter, _)| letters.contains(*letter));
    let names: Vec<&str> = names.map(|(_, name)| *name).collect();
    values(json!({"version": version, "attributes": names, "attr_flags": letters}))
}

/// User, role, type and level of SELinux; nothing of each where the kernel has it off.
fn selinux_context(host: &dyn Host, path: &Path) -> Result<Value, ModuleError> {
    if host
        .metadata(Path::new("/sys/fs/selinux/enforce"))?
        .is_none()
    {
        return Ok(json!([null, null, null]));
    }
    let said = host.run(&Command::new([
        "stat",
        "-c",
        "%C",
        "--",
        &path.to_string_lossy(),
    ]))?;
    let parts: Vec<&str> = said.stdout.trim().splitn(4, ':').collect();
    Ok(match said.status {
        0 => json!(parts),
        _ => json!([null, null, null, null]),
    })
}

/// The letters of `lsattr`, as chattr(1) names them.
const FLAGS: &[(char, &str)] = &[
    ('A', "noatime"),
    ('a', "append"),
    ('c', "compressed"),
    ('C', "nocow"),
    ('d', "nodump"),
    ('D', "dirsync"),
    ('e', "extents"),
    ('E', "encrypted"),
    ('I', "indexed"),
    ('i', "immutable"),
    ('j', "journalled"),
    ('N', "inline"),
    ('s', "zero"),
    ('S', "synchronous"),
    ('t', "notail"),
    ('T', "blockroot"),
    ('u', "undelete"),
    ('X', "compressedraw"),
    ('Z', "compresseddirty"),
];
