//! `archive`: files packed into one, by the host's `tar`, `gzip`, `bzip2`, `xz` or `zip`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::crc32;
use crate::glob;
use crate::host::{Host, Kind, Metadata, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Archive {
    paths: Vec<String>,
    dest: Option<PathBuf>,
    format: String,
    exclude: Vec<String>,
    patterns: Vec<String>,
    force: bool,
    remove: bool,
    attributes: Attributes,
}

/// What is packed, and where.
pub(super) struct Found {
    there: Vec<PathBuf>,
    /// What was asked for, patterns as what they stand for.
    expanded: Vec<PathBuf>,
    missing: Vec<String>,
    excluded: Vec<PathBuf>,
    /// All files below, by their names in the archive.
    members: Vec<String>,
    root: PathBuf,
    dest: PathBuf,
    before: Option<Metadata>,
    single: bool,
    wanted: Wanted,
    /// Whether the archive there holds just these files.
    same: bool,
}

impl Module for Archive {
    const SPEC: Spec = Spec::new(
        "community.general.archive",
        &[
            Field::list("path").required(),
            Field::str("format")
                .choices(&["bz2", "gz", "tar", "xz", "zip"])
                .default("gz"),
            Field::path("dest"),
            Field::list("exclude_path"),
            Field::list("exclusion_patterns"),
            Field::bool("force_archive", false),
            Field::bool("remove", false),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Archive, ModuleError> {
        let list = |name| arguments.list(name).unwrap_or_default();
        Ok(Archive {
            paths: list("path"),
            dest: arguments.path("dest"),
            format: arguments.text("format"),
            exclude: list("exclude_path"),
            patterns: list("exclusion_patterns"),
            force: arguments.bool("force_archive"),
            remove: arguments.bool("remove"),
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut there = Vec::new();
        let mut missing = Vec::new();
        let mut excluded = Vec::new();
        let mut expanded = Vec::new();
        let mut globbed = false;
        for path in &self.paths {
            let is_pattern = path.contains(['*', '?', '[']);
            globbed |= is_pattern;
            let found = glob::expand(host, Path::new(path))?;
            if found.is_empty() {
                missing.push(path.clone());
            }
            match is_pattern {
                true => expanded.extend(found.iter().cloned()),
                false => expanded.push(PathBuf::from(path)),
            }
            there.extend(found);
        }
        for path in &self.exclude {
            excluded.extend(glob::expand(host, Path::new(path))?);
        }
        there.retain(|path| !excluded.contains(path));
        let mut is_single = self.paths.len() == 1 && !globbed && !self.force;
        if let (true, [only]) = (is_single, &there[..]) {
            let kind = host.metadata(only)?.map(|found| found.kind);
            is_single = kind == Some(Kind::File);
        }
        let asked = expanded.iter().filter(|path| !excluded.contains(*path));
        let asked: Vec<PathBuf> = asked.cloned().collect();
        let root = common(&asked, is_single || asked.len() == 1);
        let dest = self.destination(&asked, &there, is_single)?;
        let mut members = Vec::new();
        for path in &there {
            collect(
                host,
                path,
                &root,
                &excluded,
                &self.patterns,
                0,
                &mut members,
            )?;
        }
        let before = host.metadata_followed(&dest)?;
        if before.as_ref().map(|found| found.kind) == Some(Kind::Directory) {
            let shown = dest.display();
            return Err(ModuleError::new(format!("{shown} is a directory")));
        }
        let mut found = Found {
            there,
            expanded,
            missing,
            excluded,
            members,
            root,
            dest,
            before,
            single: is_single,
            wanted: self.attributes.resolve(host)?,
            same: false,
        };
        found.same = found.before.is_some() && self.is_same(host, &found)?;
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if found.there.is_empty() {
            return changes;
        }
        if !found.same {
            changes.push(programs::change(self.pack(found)));
            changes.extend(self.attributes_of_new(found));
        } else if let Some(there) = &found.before {
            changes.extend(found.wanted.change(&found.dest, there, true));
        }
        if self.remove {
            let gone = found.there.iter().filter(|path| **path != found.dest);
            changes.extend(gone.map(|path| Change::Remove { path: path.clone() }));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let shown = |paths: &[PathBuf]| -> Vec<String> {
            paths
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect()
        };
        let state = match (&found.there[..], found.missing.is_empty(), found.single) {
            _ if outcome.check && found.before.is_none() => "absent",
            ([], _, _) => "absent",
            (_, false, _) => "incomplete",
            (_, true, true) if self.format != "tar" && self.format != "zip" => "compress",
            (_, true, _) => "archive",
        };
        let members = found.members.iter().map(|name| found.root.join(name));
        // The folders that were named are not told, nor what would be packed.
        let is_named = |path: &PathBuf| found.there.contains(path) && holds_others(path, found);
        let told = members.filter(|path| !outcome.check && !is_named(path));
        let archived: Vec<Value> = told
            .map(|path| path.to_string_lossy().into_owned().into())
            .collect();
        let root = match found.root.to_string_lossy() {
            root if root.ends_with('/') => root.into_owned(),
            root => format!("{root}/"),
        };
        Ok(Report::of(values(json!({
            "dest": found.dest.to_string_lossy(), "arcroot": root, "dest_state": state,
            "archived": archived, "missing": found.missing, "expanded_paths": shown(&found.expanded),
            "expanded_exclude_paths": shown(&found.excluded),
        }))))
    }
}

/// Whether a member is a folder with others in it.
fn holds_others(path: &Path, found: &Found) -> bool {
    let mut members = found.members.iter().map(|name| found.root.join(name));
    members.any(|member| member != *path && member.starts_with(path))
}

/// Whether the files are those that a zip holds, by their checksums.
fn has_sums(host: &dyn Host, dest: &str, found: &Found) -> Result<bool, ModuleError> {
    let said = host.run(&programs::plain(["unzip", "-v", dest]))?;
    // Length, method, size, ratio, date, time, checksum, and what is left is the name.
    let sums: BTreeMap<&str, &str> = said.stdout.lines().filter_map(sum).collect();
    for name in &found.members {
        let path = found.root.join(name);
        let kind = host.metadata_followed(&path)?.map(|found| found.kind);
        if kind != Some(Kind::File) {
            continue;
        }
        let sum = crc32::of_stream(&mut host.open(&path)?);
        let sum = sum.map_err(|error| ModuleError::new(format!("{}: {error}", path.display())))?;
        if sums.get(name.as_str()) != Some(&format!("{sum:08x}").as_str()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A line of `unzip -v`: the name and the checksum.
fn sum(line: &str) -> Option<(&str, &str)> {
    let mut rest = line.trim_start();
    let mut word = "";
    for _ in 0..7 {
        let end = rest.find(char::is_whitespace)?;
        word = &rest[..end];
        rest = rest[end..].trim_start();
    }
    Some((rest, word))
}

impl Archive {
    /// The program makes a new file; one that was there keeps mode and owners where nothing else is asked for.
    fn attributes_of_new(&self, found: &Found) -> Option<Change> {
        let fresh = super::file::fresh(Kind::File, 0o644);
        let Some(before) = &found.before else {
            return found.wanted.change(&found.dest, &fresh, true);
        };
        Some(Change::Permissions {
            path: found.dest.clone(),
            permissions: Permissions {
                mode: found
                    .wanted
                    .for_write(Some(before), 0o644)
                    .mode
                    .or(Some(before.mode)),
                uid: found.wanted.uid.or(Some(before.uid)),
                gid: found.wanted.gid.or(Some(before.gid)),
            },
            follow: true,
            heading: Heading::File,
        })
    }

    /// Where the archive comes to lie; `asked` are the paths whether they are there or not, without those left out.
    fn destination(
        &self,
        asked: &[PathBuf],
        there: &[PathBuf],
        single: bool,
    ) -> Result<PathBuf, ModuleError> {
        match (&self.dest, asked) {
            (_, []) => Err(ModuleError::new("Error, no source paths were found")),
            (Some(dest), _) => Ok(dest.clone()),
            (None, [only]) if single || (there.is_empty() && !self.force) => {
                Ok(PathBuf::from(format!("{}.{}", only.display(), self.format)))
            }
            _ => Err(ModuleError::new(
                "Error, must specify \"dest\" when archiving multiple files or trees",
            )),
        }
    }

    /// Whether the archive that is there lists the same files; of a single one, its content.
    fn is_same(&self, host: &dyn Host, found: &Found) -> Result<bool, ModuleError> {
        let dest = found.dest.to_string_lossy();
        let list = match (self.format.as_str(), self.compresses(found)) {
            (_, Some(program)) => {
                let script = "\"$1\" -dc \"$2\" | cmp -s - \"$3\"";
                let only = found.there[0].to_string_lossy();
                let argv = ["sh", "-c", script, "sh", program, &dest, &only];
                return Ok(host.run(&programs::plain(argv))?.status == 0);
            }
            ("zip", _) => programs::plain(["unzip", "-Z1", &dest]),
            _ => programs::plain(["tar", "--list", "--file", &dest]),
        };
        let said = host.run(&list)?;
        let mut listed: Vec<&str> = said
            .stdout
            .lines()
            .map(|name| name.trim_end_matches('/'))
            .collect();
        let mut members: Vec<&str> = found.members.iter().map(String::as_str).collect();
        listed.sort_unstable();
        members.sort_unstable();
        if said.status != 0 || listed != members {
            return Ok(false);
        }
        if self.format == "zip" {
            return has_sums(host, &dest, found);
        }
        let root = found.root.to_string_lossy();
        let diff = programs::plain(["tar", "--diff", "--file", &dest, "-C", &root]);
        Ok(host.run(&diff)?.status == 0)
    }

    /// The program that compresses a single file by itself.
    fn compresses(&self, found: &Found) -> Option<&'static str> {
        if !found.single {
            return None;
        }
        match self.format.as_str() {
            "gz" => Some("gzip"),
            "bz2" => Some("bzip2"),
            "xz" => Some("xz"),
            _ => None,
        }
    }

    fn pack(&self, found: &Found) -> Command {
        let dest = found.dest.to_string_lossy().into_owned();
        if let Some(program) = self.compresses(found) {
            let script = "umask 022; \"$1\" -c \"$2\" > \"$3.part\" && mv \"$3.part\" \"$3\"";
            let only = found.there[0].to_string_lossy();
            return programs::plain(["sh", "-c", script, "sh", program, &only, &dest]);
        }
        let names = found.members.join("\n") + "\n";
        let argv: Vec<String> = match self.format.as_str() {
            "zip" => {
                let script =
                    "umask 022; rm -f \"$1.part\"; zip -q \"$1.part\" -@ && mv \"$1.part\" \"$1\"";
                ["sh", "-c", script, "sh", &dest]
                    .map(str::to_owned)
                    .to_vec()
            }
            format => {
                let flag = match format {
                    "gz" => "--gzip",
                    "bz2" => "--bzip2",
                    "xz" => "--xz",
                    _ => "--format=gnu",
                };
                // Status 1 is a folder that changed as it was read, such as the one that the archive comes into.
                let script = "umask 022; tar --create \"$2\" --no-recursion --file \"$1.part\" \
                              --files-from -; [ $? -le 1 ] && mv \"$1.part\" \"$1\"";
                ["sh", "-c", script, "sh", &dest, flag]
                    .map(str::to_owned)
                    .to_vec()
            }
        };
        Command {
            stdin: Some(names),
            directory: Some(found.root.clone()),
            ..programs::plain(argv)
        }
    }
}

/// The folder that all have in common; of one path alone, its parent.
fn common(paths: &[PathBuf], alone: bool) -> PathBuf {
    let Some(first) = paths.first() else {
        return PathBuf::from("/");
    };
    let mut root = first.parent().unwrap_or(Path::new("/")).to_owned();
    if alone {
        return root;
    }
    while !paths.iter().all(|path| path.starts_with(&root)) {
        match root.parent() {
            Some(parent) => root = parent.to_owned(),
            None => break,
        }
    }
    root
}

/// All that is below a path, by names relative to the root.
fn collect(
    host: &dyn Host,
    path: &Path,
    root: &Path,
    excluded: &[PathBuf],
    patterns: &[String],
    depth: usize,
    members: &mut Vec<String>,
) -> Result<(), ModuleError> {
    let name = path
        .strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned();
    let matches =
        |pattern: &String| glob::compile(pattern).is_some_and(|glob| glob.is_match(&name));
    if depth > 200 || excluded.iter().any(|out| out == path) || patterns.iter().any(matches) {
        return Ok(());
    }
    if !name.is_empty() {
        members.push(name);
    }
    let is_folder = host
        .metadata(path)?
        .is_some_and(|found| found.kind == Kind::Directory);
    if is_folder {
        for inner in host.list(path)? {
            let path = path.join(inner);
            collect(host, &path, root, excluded, patterns, depth + 1, members)?;
        }
    }
    Ok(())
}
