//! `file`: what stands at a path, and whose it is.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::edit::through_links;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{self, Attributes, Wanted};
use crate::change::{Change, Outcome};
use crate::diff::state_name;
use crate::host::{Host, HostError, Kind, Metadata};
use crate::module::{Context, Module, ModuleError, Report};
use crate::protocol::{Diff, Notice, Task};

mod diff;

/// Deeper folders than this are not walked: such a tree is a mistake or an attack.
const MAX_DEPTH: usize = 200;

/// Which time a path shall have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    Kept,
    Now,
    At(f64),
}

pub(super) struct File {
    path: PathBuf,
    state: Option<String>,
    source: Option<PathBuf>,
    recurse: bool,
    force: bool,
    follow: bool,
    access_time: Moment,
    modification_time: Moment,
    attributes: Attributes,
    /// Whether this is a rehearsal, in which what makes owners and groups did not run.
    check: bool,
}

/// What was found at the path.
pub(super) struct Found {
    state: String,
    /// The path, or where its link ends if links are followed.
    path: PathBuf,
    there: Option<Metadata>,
    wanted: Wanted,
    /// Folders that are missing on the way, outermost first.
    missing: Vec<PathBuf>,
    /// All below, for `recurse`.
    below: Vec<(PathBuf, Metadata)>,
    /// A link that already is as asked.
    linked: bool,
    /// Where a link leads.
    target: Option<PathBuf>,
    /// What attributes of a link are set of: where it will lead to, if links are followed; nothing, if that is not there.
    aim: Option<(PathBuf, Metadata)>,
    now: f64,
}

impl Module for File {
    const SPEC: Spec = Spec::new(
        "file",
        &[
            Field::path("path").alias(&["dest", "name"]).required(),
            Field::str("state").choices(&["absent", "directory", "file", "hard", "link", "touch"]),
            Field::path("src"),
            Field::bool("recurse", false),
            Field::bool("force", false),
            Field::bool("follow", true),
            Field::str("access_time"),
            Field::str("modification_time"),
            Field::str("access_time_format").default("%Y%m%d%H%M.%S"),
            Field::str("modification_time_format").default("%Y%m%d%H%M.%S"),
            Field::str("_original_basename"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<File, ModuleError> {
        let touch = arguments.string("state").as_deref() == Some("touch");
        let time = |name| {
            let default = if touch { "now" } else { "preserve" };
            let given = arguments.string(name).unwrap_or_else(|| default.to_owned());
            let format = arguments.text(&format!("{name}_format"));
            match given.as_str() {
                "now" => Ok(Moment::Now),
                "preserve" | "" => Ok(Moment::Kept),
                _ => match crate::time::read(&given, &format) {
                    Some(time) => Ok(Moment::At(time)),
                    None => Err(ModuleError::new(format!(
                        "Error while obtaining timestamp for time {given} using format {format}: \
                         time data '{given}' does not match format '{format}'"
                    ))),
                },
            }
        };
        Ok(File {
            path: arguments.path("path").unwrap_or_default(),
            state: arguments.string("state"),
            source: arguments.path("src"),
            recurse: arguments.bool("recurse"),
            force: arguments.bool("force"),
            follow: arguments.bool("follow"),
            access_time: time("access_time")?,
            modification_time: time("modification_time")?,
            attributes: Attributes::read(arguments)?,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let own = host.metadata(&self.path)?;
        let state = self.state(own.as_ref());
        let given = self.given(host, &state)?;
        let own = match given == self.path {
            true => own,
            false => host.metadata(&given)?,
        };
        if self.recurse && state != "directory" {
            let msg = "recurse option requires state to be 'directory'".to_owned();
            return Err(failed(&given, msg));
        }
        if self.source.is_some() && !matches!(state.as_str(), "link" | "hard") {
            let msg = "src option requires state to be 'link' or 'hard'".to_owned();
            return Err(failed(&given, msg));
        }
        let is_link = own
            .as_ref()
            .is_some_and(|found| found.kind == Kind::Symlink);
        let about_target = matches!(state.as_str(), "file" | "directory" | "touch");
        let path = match is_link && self.follow && about_target {
            true => through_links(host, &given)?,
            false => given,
        };
        let there = host.metadata(&path)?;
        let linked = self.check(host, &state, &path, there.as_ref())?;
        let target = match there.as_ref().map(|found| found.kind) {
            Some(Kind::Symlink) => Some(host.link_target(&path)?),
            _ => None,
        };
        let aim = match state.as_str() {
            "link" => self.aim(host, &path, target.as_deref())?,
            _ => None,
        };
        let missing = if state == "directory" {
            missing_folders(host, &path)?
        } else {
            Vec::new()
        };
        let mut below = Vec::new();
        if self.recurse && there.is_some() {
            walk(host, &path, 0, &mut below)?;
        }
        let makes = matches!(state.as_str(), "directory" | "touch") && there.is_none();
        let wanted = match makes && self.check {
            // As in Ansible, what will be made is not asked for its owner yet, who may be made before it.
            true => self.attributes.without_owners(),
            false => self.attributes.resolve(host)?,
        };
        Ok(Found {
            state,
            path,
            there,
            wanted,
            missing,
            below,
            linked,
            target,
            aim,
            now: host.now(),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        match found.state.as_str() {
            "absent" => match found.there {
                Some(_) => vec![Change::Remove {
                    path: found.path.clone(),
                }],
                None => Vec::new(),
            },
            "directory" => self.decide_directory(found),
            "link" | "hard" => self.decide_link(found),
            "touch" => self.decide_touch(found),
            _ => {
                let mut changes = self.decide_existing(found);
                changes.extend(self.times(found));
                changes
            }
        }
    }

    fn diffs(
        &self,
        found: &Found,
        changes: &[Change],
        context: &Context<'_>,
    ) -> Result<Vec<Diff>, ModuleError> {
        self.shown(found, changes, context.host)
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let shown = |path: &Path| Value::from(path.to_string_lossy().into_owned());
        let mut values = Map::new();
        match found.state.as_str() {
            "absent" => {
                values.insert("path".to_owned(), shown(&found.path));
                values.insert("state".to_owned(), "absent".into());
                return Ok(Report::of(values));
            }
            "link" | "hard" => {
                values.insert("dest".to_owned(), shown(&found.path));
                // Without `src` a link is what it is; one that is followed tells where it leads.
                let target = found
                    .target
                    .as_ref()
                    .filter(|_| self.follow && found.aim.is_some());
                let source = self.source.as_ref().or(target);
                values.insert(
                    "src".to_owned(),
                    source.map(|it| shown(it)).unwrap_or_default(),
                );
            }
            "touch" => {
                values.insert("dest".to_owned(), shown(&found.path));
            }
            _ => {
                values.insert("path".to_owned(), shown(&found.path));
            }
        }
        values.extend(attributes::describe(host, &found.path)?);
        if outcome.check && found.there.is_none() {
            values.insert("state".to_owned(), found.state.clone().into());
        }
        let exists = found.there.is_some() || !outcome.check;
        let dangles = found.state == "link" && found.aim.is_none() && exists;
        let warning = dangles.then(|| Notice::Warning(DANGLING.to_owned()));
        Ok(Report {
            notices: warning.into_iter().collect(),
            ..Report::of(values)
        })
    }
}

/// What Ansible says of a link that leads nowhere.
const DANGLING: &str = "Cannot set fs attributes on a non-existent symlink target. follow should be \
                        set to False to avoid this.";

impl File {
    fn state(&self, there: Option<&Metadata>) -> String {
        match (&self.state, there) {
            (Some(state), _) => state.clone(),
            (None, Some(found)) if found.kind == Kind::Directory => "directory".to_owned(),
            (None, Some(found)) if found.kind == Kind::Symlink => "link".to_owned(),
            (None, Some(found)) if found.kind == Kind::File && found.links > 1 => "hard".to_owned(),
            (None, None) if self.recurse => "directory".to_owned(),
            (None, _) => "file".to_owned(),
        }
    }

    /// What attributes of a link are set of.
    fn aim(
        &self,
        host: &dyn Host,
        path: &Path,
        target: Option<&Path>,
    ) -> Result<Option<(PathBuf, Metadata)>, ModuleError> {
        if !self.follow {
            let there = host.metadata(path)?;
            let link = there.filter(|found| found.kind == Kind::Symlink);
            let link = link.unwrap_or_else(|| fresh(Kind::Symlink, 0o777));
            return Ok(Some((path.to_owned(), link)));
        }
        let Some(target) = self.source.as_deref().or(target) else {
            return Ok(None);
        };
        let from = path.parent().unwrap_or(Path::new("/"));
        let Ok(end) = host.resolve(&from.join(target)) else {
            return Ok(None);
        };
        let there = host.metadata(&end)?;
        Ok(there.map(|there| (end, there)))
    }

    /// The path that is meant: a folder stands for a file in it, named as the source.
    fn given(&self, host: &dyn Host, state: &str) -> Result<PathBuf, ModuleError> {
        let name = self.source.as_deref().and_then(Path::file_name);
        let Some(name) = name.filter(|_| !matches!(state, "link" | "absent")) else {
            return Ok(self.path.clone());
        };
        let there = host.metadata_followed(&self.path)?;
        Ok(match there {
            Some(found) if found.kind == Kind::Directory => self.path.join(name),
            _ => self.path.clone(),
        })
    }

    /// Refuses what cannot be, and says whether a link is already as asked.
    fn check(
        &self,
        host: &dyn Host,
        state: &str,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<bool, ModuleError> {
        let shown = path.display();
        match (state, there.map(|found| found.kind)) {
            ("file", None) => {
                let msg = format!("file ({shown}) is absent, cannot continue");
                Err(failed(path, msg).with(json!({"state": "absent"})))
            }
            ("file", Some(Kind::Directory)) => Err(failed(
                path,
                format!("file ({shown}) is directory, cannot continue"),
            )),
            ("directory", Some(kind)) if kind != Kind::Directory => {
                let name = state_name(there);
                Err(failed(path, format!("{shown} already exists as a {name}")))
            }
            ("link", _) => self.check_link(host, path, there),
            ("hard", _) => self.check_hard(host, path, there),
            _ => Ok(false),
        }
    }

    fn check_link(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<bool, ModuleError> {
        let Some(source) = &self.source else {
            // Without `src` an existing link keeps its target.
            return match there {
                Some(found) if found.kind == Kind::Symlink => Ok(true),
                _ => Err(failed(
                    path,
                    "src is required for creating new symlinks".to_owned(),
                )),
            };
        };
        // Where a folder is in the way, Ansible reads the source from there.
        let from = match there.map(|found| found.kind) {
            Some(Kind::Directory) => path,
            _ => path.parent().unwrap_or(Path::new("/")),
        };
        let target = from.join(source);
        if !self.force && host.metadata_followed(&target)?.is_none() {
            let msg = format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                target.display()
            );
            let source = json!({"src": source.to_string_lossy()});
            return Err(failed(path, msg).with(source));
        }
        match there.map(|found| found.kind) {
            Some(Kind::Symlink) => Ok(host.link_target(path)? == *source),
            None => Ok(false),
            Some(Kind::Directory) if !self.force => Err(refused(path, "directory", "symlink")),
            Some(Kind::Directory) if !host.list(path)?.is_empty() => {
                let shown = path.display();
                Err(failed(
                    path,
                    format!("the directory {shown} is not empty, refusing to convert it"),
                ))
            }
            Some(_) if !self.force => Err(refused(path, state_name(there), "symlink")),
            Some(_) => Ok(false),
        }
    }

    fn check_hard(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<bool, ModuleError> {
        let Some(source) = &self.source else {
            // Without `src` a file of several names keeps them.
            return match there {
                Some(found) if found.links > 1 => Ok(true),
                _ => Err(failed(
                    path,
                    "src is required for creating new hardlinks".to_owned(),
                )),
            };
        };
        let ends = json!({"dest": path.to_string_lossy(), "src": source.to_string_lossy()});
        let Some(target) = host.metadata_followed(source)? else {
            return Err(ModuleError::new("src does not exist").with(ends));
        };
        match there {
            Some(found) if (found.device, found.inode) == (target.device, target.inode) => Ok(true),
            // A link gives way, unless it leads to the source by the same name.
            Some(found) if found.kind == Kind::Symlink => Ok(host.link_target(path)? == *source),
            Some(found) if !self.force => {
                let msg = match found.links > 1 {
                    true => "Cannot link, different hard link exists at destination".to_owned(),
                    false => "Cannot link, file exists at destination".to_owned(),
                };
                Err(ModuleError::new(msg).with(ends))
            }
            _ => Ok(false),
        }
    }

    fn decide_directory(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        for path in &found.missing {
            changes.push(Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
            changes.extend(
                found
                    .wanted
                    .change(path, &fresh(Kind::Directory, 0o755), true),
            );
        }
        if let Some(there) = &found.there {
            changes.extend(found.wanted.change(&found.path, there, true));
        }
        changes.extend(self.times(found));
        for (path, metadata) in &found.below {
            changes.extend(found.wanted.change(path, metadata, false));
        }
        changes
    }

    fn decide_link(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let (false, Some(target)) = (found.linked, &self.source) {
            let (path, target) = (found.path.clone(), target.clone());
            if found
                .there
                .as_ref()
                .is_some_and(|there| there.kind == Kind::Directory)
            {
                changes.push(Change::Remove { path: path.clone() });
            }
            changes.push(match found.state.as_str() {
                "hard" => Change::HardLink { path, target },
                _ => Change::Symlink { path, target },
            });
        }
        if found.state == "link" {
            let aim = found.aim.as_ref();
            changes.extend(
                aim.and_then(|(path, there)| found.wanted.change(path, there, self.follow)),
            );
            return changes;
        }
        let fresh = fresh(Kind::File, 0o777);
        let current = found
            .there
            .as_ref()
            .filter(|_| found.linked)
            .unwrap_or(&fresh);
        changes.extend(found.wanted.change(&found.path, current, false));
        changes.extend(self.times(found).filter(|_| found.linked));
        changes
    }

    fn decide_touch(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        let fresh = fresh(Kind::File, 0o644);
        if found.there.is_none() {
            changes.push(Change::write(&found.path, ""));
        } else {
            changes.extend(self.times(found));
        }
        let current = found.there.as_ref().unwrap_or(&fresh);
        changes.extend(found.wanted.change(&found.path, current, true));
        changes
    }

    /// Sets the times that are asked for and are not those of the path.
    fn times(&self, found: &Found) -> Option<Change> {
        let there = found.there.as_ref()?;
        let due = |wish: Moment, is: f64| match wish {
            Moment::Kept => None,
            Moment::Now => Some(found.now),
            Moment::At(time) => (time != is.trunc()).then_some(time),
        };
        let access = due(self.access_time, there.accessed);
        let modification = due(self.modification_time, there.modified);
        (access.is_some() || modification.is_some()).then(|| Change::Times {
            path: found.path.clone(),
            access,
            modification,
        })
    }

    fn decide_existing(&self, found: &Found) -> Vec<Change> {
        let there = found.there.as_ref();
        there
            .and_then(|there| found.wanted.change(&found.path, there, self.follow))
            .into_iter()
            .collect()
    }
}

fn failed(path: &Path, msg: String) -> ModuleError {
    ModuleError::new(msg).with(json!({ "path": path.to_string_lossy() }))
}

fn refused(path: &Path, from: &str, to: &str) -> ModuleError {
    failed(
        path,
        format!(
            "refusing to convert from {from} to {to} for {}",
            path.display()
        ),
    )
}

/// What is new is nobody's yet: owner and group that are asked for are always set.
pub(super) fn fresh(kind: Kind, mode: u32) -> Metadata {
    Metadata {
        kind,
        mode,
        uid: u32::MAX,
        gid: u32::MAX,
        size: 0,
        inode: 0,
        device: 0,
        links: 1,
        accessed: 0.0,
        modified: 0.0,
        changed: 0.0,
        blocks: 0,
        block_size: 0,
        device_type: 0,
    }
}

/// The folders of a path that are not there, outermost first.
pub(super) fn missing_folders(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, ModuleError> {
    let mut missing = Vec::new();
    for folder in path.ancestors() {
        match host.metadata_followed(folder)? {
            Some(found) if found.kind == Kind::Directory => break,
            Some(_) => {
                let shown = folder.display();
                return Err(ModuleError::new(format!("{shown} is not a directory")));
            }
            None if folder.as_os_str().is_empty() => break,
            None => missing.push(folder.to_owned()),
        }
    }
    missing.reverse();
    Ok(missing)
}

fn walk(
    host: &dyn Host,
    folder: &Path,
    depth: usize,
    found: &mut Vec<(PathBuf, Metadata)>,
) -> Result<(), HostError> {
    if depth > MAX_DEPTH {
        return Err(HostError::Other(format!(
            "{} is nested too deep",
            folder.display()
        )));
    }
    for name in host.list(folder)? {
        let path = folder.join(name);
        let Some(metadata) = host.metadata(&path)? else {
            continue;
        };
        let is_folder = metadata.kind == Kind::Directory;
        found.push((path.clone(), metadata));
        if is_folder {
            walk(host, &path, depth + 1, found)?;
        }
    }
    Ok(())
}
