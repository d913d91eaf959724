//! `copy`: a file with a content that the controller, the task or another file gives.
//!
//! What is there already is told by its digest: a file that is right is neither sent nor written.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::copy_tree;
use super::file::{fresh, missing_folders};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::{self, Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Heading, Outcome};
use crate::digest;
use crate::host::{Host, Kind, Metadata};
use crate::mode::Mode;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{ContentReference, Task};

pub(super) struct Copy {
    source: Source,
    dest: String,
    backup: bool,
    force: bool,
    follow: bool,
    validate: Option<String>,
    attributes: Attributes,
    directory_mode: Option<Mode>,
    checksum: Option<String>,
}

enum Source {
    Text(String),
    Offered(ContentReference),
    Remote(PathBuf),
}

/// The destination before, and the source's name.
pub(super) struct Found {
    dest: PathBuf,
    there: Option<Metadata>,
    missing: Vec<PathBuf>,
    sha1: String,
    same: bool,
    wanted: Wanted,
    /// When a source on the host was read and changed, which the copy keeps.
    times: Option<(f64, f64)>,
    /// What has to be done where a whole folder is copied.
    tree: Option<Vec<Change>>,
}

impl Module for Copy {
    const SPEC: Spec = Spec::new(
        "copy",
        &[
            Field::path("src"),
            Field::new("content", FieldKind::Raw),
            Field::path("dest").required(),
            Field::bool("backup", false),
            Field::bool("force", true).alias(&["thirsty"]),
            Field::bool("follow", false),
            Field::str("validate"),
            Field::new("directory_mode", FieldKind::Raw),
            Field::bool("remote_src", false),
            // The controller has seen to these two.
            Field::bool("local_follow", true),
            Field::bool("decrypt", true),
            Field::str("checksum"),
            Field::str("_original_basename"),
        ],
    )
    .with_file_attributes()
    .exclusive(&[&["content", "src"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Copy, ModuleError> {
        Ok(Copy {
            source: source(arguments, task)?,
            dest: arguments.text("dest"),
            backup: arguments.bool("backup"),
            force: arguments.bool("force"),
            follow: arguments.bool("follow"),
            validate: arguments.filled("validate"),
            attributes: Attributes::read_with_source(arguments)?,
            directory_mode: arguments
                .raw("directory_mode")
                .map(Mode::read)
                .transpose()?,
            checksum: arguments.filled("checksum"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut wanted = self.attributes.resolve(host)?;
        if let Some(found) = self.observe_tree(host, &wanted)? {
            return Ok(found);
        }
        if let Source::Remote(path) = &self.source {
            self.observe_remote(host, path, &mut wanted)?;
        } else if wanted.mode == Some(Mode::Preserve) && matches!(self.source, Source::Text(_)) {
            // Ansible keeps the content in a file of its own first.
            wanted.mode = Some(Mode::Absolute(0o600));
        } else if wanted.mode == Some(Mode::Preserve) {
            return Err(ModuleError::new(
                "mode `preserve` needs the mode of a source file",
            ));
        }
        let sha1 = self.sha1(host)?;
        if self
            .checksum
            .as_ref()
            .is_some_and(|expected| *expected != sha1)
        {
            let msg = "Copied file does not match the expected checksum. Transfer failed.";
            return Err(ModuleError::new(msg)
                .with(json!({"checksum": sha1, "expected_checksum": self.checksum})));
        }
        let (dest, missing) = self.destination(host)?;
        let there = host.metadata(&dest)?;
        let is_file = there.as_ref().is_some_and(|there| there.kind == Kind::File);
        let same = match &there {
            Some(found) if found.kind == Kind::File => {
                self.has_size(found) && file_sha1(host, &dest)? == sha1
            }
            _ => false,
        };
        // What a file of the host replaces takes its mode, as in Ansible.
        if let (Source::Remote(from), None, true, false) =
            (&self.source, &wanted.mode, is_file, same)
        {
            let mode = host.metadata_followed(from)?.map(|found| found.mode);
            wanted.mode = mode.map(Mode::Absolute);
        }
        let times = match &self.source {
            Source::Remote(from) => host.metadata_followed(from)?,
            _ => None,
        };
        Ok(Found {
            dest,
            there,
            missing,
            sha1,
            same,
            wanted,
            times: times.map(|found| (found.accessed, found.modified)),
            tree: None,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if let Some(changes) = &found.tree {
            return changes.clone();
        }
        let mut changes = Vec::new();
        let folder_mode = Wanted {
            mode: self.directory_mode.clone(),
            ..Wanted::default()
        };
        for path in &found.missing {
            changes.push(Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
            changes.extend(folder_mode.change(path, &fresh(Kind::Directory, 0o755), true));
        }
        match &found.there {
            Some(_) if !self.force => {}
            Some(there) if found.same => {
                changes.extend(found.wanted.change(&found.dest, there, true));
            }
            there => {
                changes.push(Change::Write(FileWrite {
                    path: found.dest.clone(),
                    content: self.content(),
                    // A link in the way is replaced, and its mode means nothing.
                    permissions: found.wanted.for_write(
                        there.as_ref().filter(|there| there.kind == Kind::File),
                        0o644,
                    ),
                    backup: self.backup,
                    validate: self.validate.clone(),
                    heading: Heading::From(self.shown_source(&found.dest)),
                }));
                changes.extend(found.times.map(|(access, modification)| Change::Times {
                    path: found.dest.clone(),
                    access: Some(access),
                    modification: Some(modification),
                }));
            }
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut values = values(json!({ "dest": found.dest.to_string_lossy() }));
        if found.tree.is_some() {
            values.insert("src".to_owned(), self.source_name().into());
            values.extend(attributes::describe(host, &found.dest)?);
            let mut report = Report::of(values);
            if found.there.is_some() && !self.force {
                report.msg = "file already exists".to_owned();
            }
            return Ok(report);
        }
        if found.there.is_some() && !self.force {
            return Ok(Report {
                msg: "file already exists".to_owned(),
                values,
                ..Report::default()
            });
        }
        values.insert("checksum".to_owned(), found.sha1.clone().into());
        values.insert("src".to_owned(), self.source_name().into());
        let is_remote = matches!(self.source, Source::Remote(_));
        // Of a source on the host the sum is known before it is copied.
        let summed = match &self.source {
            Source::Remote(from) if outcome.check => Some(from.as_path()),
            _ if outcome.check => None,
            _ => Some(found.dest.as_path()),
        };
        if let Some(path) = summed.filter(|_| !found.same || is_remote) {
            let mut written = host.open(path)?;
            let md5 = digest::of_stream("md5", &mut written).ok().flatten();
            values.insert("md5sum".to_owned(), md5.into());
        }
        // Ansible asks `file` then, which knows a `path` and no `src`.
        if found.same && !is_remote {
            values.remove("src");
            values.insert("path".to_owned(), found.dest.to_string_lossy().into());
        }
        if !(outcome.check && found.there.is_none()) {
            values.extend(attributes::describe(host, &found.dest)?);
        }
        Ok(Report::of(values))
    }
}

/// JSON as Python writes it: a blank after commas and colons, ASCII alone.
pub(super) fn python_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python);
    let written = value.serialize(&mut serializer);
    written.expect("a JSON value can be written");
    let text = String::from_utf8(bytes).expect("JSON is UTF-8");
    let mut ascii = String::new();
    for c in text.chars() {
        match c.is_ascii() {
            true => ascii.push(c),
            false => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                units
                    .iter()
                    .for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
            }
        }
    }
    ascii
}

struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

fn source(arguments: &Arguments, task: &Task) -> Result<Source, ModuleError> {
    match (
        arguments.raw("content"),
        arguments.path("src"),
        &task.content,
    ) {
        (Some(content), _, _) => Ok(Source::Text(match content {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => python_json(content),
            other => crate::arguments::text(other).unwrap_or_default(),
        })),
        (None, Some(path), _) if arguments.bool("remote_src") => Ok(Source::Remote(path)),
        (None, _, Some(reference)) => Ok(Source::Offered(reference.clone())),
        (None, Some(path), None) => {
            let shown = path.display();
            Err(ModuleError::new(format!(
                "the controller did not offer the file `{shown}`"
            )))
        }
        (None, None, None) => Err(ModuleError::new("src (or content) is required")),
    }
}

impl Copy {
    /// What is found where the source is a folder of the host; none for anything else.
    fn observe_tree(&self, host: &dyn Host, wanted: &Wanted) -> Result<Option<Found>, ModuleError> {
        let Source::Remote(from) = &self.source else {
            return Ok(None);
        };
        let kind = host.metadata_followed(from)?.map(|found| found.kind);
        if kind != Some(Kind::Directory) {
            return Ok(None);
        }
        let request = copy_tree::Request {
            from,
            dest: &self.dest,
            wanted,
            force: self.force,
            backup: self.backup,
        };
        let copied = copy_tree::copied(host, &request)?;
        Ok(Some(Found {
            dest: PathBuf::from(copied.dest),
            there: copied.there,
            missing: Vec::new(),
            sha1: String::new(),
            same: false,
            times: None,
            wanted: wanted.clone(),
            tree: Some(copied.changes),
        }))
    }

    fn observe_remote(
        &self,
        host: &dyn Host,
        path: &Path,
        wanted: &mut Wanted,
    ) -> Result<(), ModuleError> {
        let shown = path.display();
        match host.metadata_followed(path)? {
            None => Err(ModuleError::new(format!("Source {shown} not found"))),
            Some(found) => {
                if wanted.mode == Some(Mode::Preserve) {
                    wanted.mode = Some(Mode::Absolute(found.mode));
                }
                Ok(())
            }
        }
    }

    fn sha1(&self, host: &dyn Host) -> Result<String, ModuleError> {
        match &self.source {
            Source::Text(text) => Ok(digest::sha1(text.as_bytes())),
            Source::Offered(reference) => Ok(reference.sha1.clone()),
            Source::Remote(path) => file_sha1(host, path),
        }
    }

    /// A file of another size cannot be the same, and need not be read.
    fn has_size(&self, found: &Metadata) -> bool {
        match &self.source {
            Source::Text(text) => text.len() as u64 == found.size,
            Source::Offered(reference) => reference.size == found.size,
            Source::Remote(_) => true,
        }
    }

    /// The file that `dest` means, and the folders to be made for it.
    fn destination(&self, host: &dyn Host) -> Result<(PathBuf, Vec<PathBuf>), ModuleError> {
        let dest = PathBuf::from(&self.dest);
        let kind = host.metadata_followed(&dest)?.map(|found| found.kind);
        let is_folder = kind == Some(Kind::Directory);
        if self.dest.ends_with('/') || is_folder {
            let Some(name) = self.file_name() else {
                let msg = "can not use content with a dir as dest";
                return Err(ModuleError::new(msg));
            };
            return Ok((dest.join(name), missing_folders(host, &dest)?));
        }
        let folder = match dest.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            folder => folder.unwrap_or(Path::new("/")),
        };
        if host.metadata_followed(folder)?.is_none() {
            let shown = folder.display();
            return Err(ModuleError::new(format!(
                "Destination directory {shown} does not exist"
            )));
        }
        let is_link = host
            .metadata(&dest)?
            .is_some_and(|found| found.kind == Kind::Symlink);
        match host.resolve(&dest) {
            Ok(end) if self.follow && is_link => Ok((end, Vec::new())),
            _ => Ok((dest, Vec::new())),
        }
    }

    fn file_name(&self) -> Option<String> {
        match &self.source {
            Source::Text(_) => None,
            Source::Offered(reference) => Some(reference.name.clone()),
            Source::Remote(path) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned()),
        }
    }

    fn source_name(&self) -> String {
        match &self.source {
            Source::Text(_) => "dynamically generated".to_owned(),
            Source::Offered(reference) => reference.name.clone(),
            Source::Remote(path) => path.to_string_lossy().into_owned(),
        }
    }

    /// Where the new text comes from, for a reader of its diff.
    fn shown_source(&self, dest: &Path) -> String {
        match &self.source {
            Source::Text(_) => dest.to_string_lossy().into_owned(),
            _ => self.source_name(),
        }
    }

    fn content(&self) -> FileContent {
        match &self.source {
            Source::Text(text) => FileContent::Bytes(text.clone().into_bytes()),
            Source::Offered(reference) => FileContent::Offered(reference.clone()),
            Source::Remote(path) => FileContent::HostFile(path.clone()),
        }
    }
}

fn file_sha1(host: &dyn Host, path: &Path) -> Result<String, ModuleError> {
    let digest = digest::of_stream("sha1", &mut host.open(path)?);
    match digest {
        Ok(digest) => Ok(digest.unwrap_or_default()),
        Err(error) => Err(ModuleError::new(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}
