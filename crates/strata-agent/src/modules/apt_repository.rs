//! `apt_repository`: one line of apt's sources is there, or is not.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::edit::Existing;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{PackageChange, PackageOptions, PackageVerb};

pub(super) struct AptRepository {
    repo: String,
    source: Vec<String>,
    present: bool,
    filename: Option<String>,
    update: bool,
    attributes: Attributes,
}

/// The files of sources that change, each with its new text; none is left empty.
pub(super) struct Found {
    edits: Vec<(Existing, String)>,
    wanted: Wanted,
}

const FOLDER: &str = "/etc/apt/sources.list.d";

impl Module for AptRepository {
    const SPEC: Spec = Spec::new(
        "apt_repository",
        &[
            Field::str("repo").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("filename"),
            Field::bool("update_cache", true).alias(&["update-cache"]),
            Field::fixed("update_cache_retries", "5"),
            Field::fixed("update_cache_retry_max_delay", "12"),
            Field::fixed("validate_certs", "true"),
            Field::fixed("install_python_apt", "true"),
            Field::unsupported("codename"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<AptRepository, ModuleError> {
        let repo = arguments.text("repo").trim().to_owned();
        if repo.starts_with("ppa:") {
            return Err(ModuleError::new(
                "a `ppa:` repository is not supported by Strata yet",
            ));
        }
        let source = parse(&repo).filter(|_| !repo.contains('\n'));
        let source =
            source.ok_or_else(|| ModuleError::new(format!("Invalid repository string: {repo}")))?;
        let filename = arguments.string("filename");
        if filename
            .as_ref()
            .is_some_and(|name| name.starts_with('.') || name.is_empty())
        {
            return Err(ModuleError::new(
                "filename cannot be empty or begin with a dot",
            ));
        }
        Ok(AptRepository {
            repo,
            source,
            present: arguments.text("state") == "present",
            filename,
            update: arguments.bool("update_cache"),
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
        let folder = Path::new(FOLDER);
        if host.metadata_followed(folder)?.is_some() {
            let names = host.list(folder)?.into_iter();
            let lists = names.filter(|name| name.ends_with(".list"));
            paths.extend(lists.map(|name| folder.join(name)));
        }
        let mut files = Vec::new();
        for path in paths {
            files.push(Existing::read(host, &path)?);
        }
        let there = files.iter().any(|file| self.is_in(&file.text));
        let edits = match (self.present, there) {
            (true, false) => vec![self.addition(host, files)?],
            (false, true) => {
                let ours = files.into_iter().filter(|file| self.is_in(&file.text));
                ours.map(|file| {
                    let text = self.without(&file.text);
                    (file, text)
                })
                .collect()
            }
            _ => Vec::new(),
        };
        Ok(Found {
            edits,
            wanted: self.attributes.resolve(host)?,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (file, text) in &found.edits {
            let path = file.path.clone();
            // A file of the folder goes with its last line, as with Ansible.
            if text.trim().is_empty() && path.starts_with(FOLDER) {
                changes.push(Change::Remove { path });
                continue;
            }
            changes.push(Change::Write(FileWrite {
                content: FileContent::Bytes(text.clone().into_bytes()),
                permissions: found.wanted.for_write(file.there.as_ref(), 0o644),
                ..FileWrite::new(path, Vec::new())
            }));
        }
        if self.update && !changes.is_empty() {
            changes.push(Change::Packages(PackageChange {
                verb: PackageVerb::Update,
                names: Vec::new(),
                options: PackageOptions {
                    lock_timeout: 60,
                    ..PackageOptions::default()
                },
            }));
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let is_new = |file: &Existing| file.there.is_none();
        let is_gone = |text: &str| text.trim().is_empty();
        let name = |file: &Existing| file.path.to_string_lossy().into_owned();
        let added = found.edits.iter().filter(|(file, _)| is_new(file));
        let removed = found.edits.iter().filter(|(_, text)| is_gone(text));
        Ok(Report::of(values(json!({
            "repo": self.repo,
            "state": if self.present { "present" } else { "absent" },
            "sources_added": added.map(|(file, _)| name(file)).collect::<Vec<_>>(),
            "sources_removed": removed.map(|(file, _)| name(file)).collect::<Vec<_>>(),
        }))))
    }
}

impl AptRepository {
    fn is_ours(&self, line: &str) -> bool {
        parse(line).is_some_and(|source| source == self.source)
    }

    fn is_in(&self, text: &str) -> bool {
        text.lines().any(|line| self.is_ours(line))
    }

    fn without(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n');
        lines.filter(|line| !self.is_ours(line)).collect()
    }

    /// The file that the line goes to, with the line at its end.
    fn addition(
        &self,
        host: &dyn Host,
        files: Vec<Existing>,
    ) -> Result<(Existing, String), ModuleError> {
        let path = self.path();
        let known = files.into_iter().find(|file| file.path == path);
        let file = match known {
            Some(file) => file,
            None => Existing::read(host, &path)?,
        };
        let mut text = file.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", self.source.join(" ")));
        Ok((file, text))
    }

    fn path(&self) -> PathBuf {
        match &self.filename {
            Some(name) if name.starts_with('/') => PathBuf::from(name),
            Some(name) => {
                let name = name.trim_end_matches(".list");
                Path::new(FOLDER).join(format!("{}.list", name.replace('/', "_")))
            }
            None => Path::new(FOLDER).join(format!("{}.list", self.usual_name())),
        }
    }

    /// The address without its scheme, all but letters and digits made `_`.
    fn usual_name(&self) -> String {
        let address = self.source.iter().find(|word| word.contains(':'));
        let address = address.map_or("repository", String::as_str);
        let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
        // What may be secret stays out of the name.
        let bare = bare.rsplit('@').next().unwrap_or(bare);
        let words = bare.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("_")
    }
}

/// The words of a source, its options as one word; `None` for anything else.
fn parse(line: &str) -> Option<Vec<String>> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    if !matches!(kind, "deb" | "deb-src") {
        return None;
    }
    let rest = rest.trim_start();
    let mut words = vec![kind.to_owned()];
    let rest = match rest.strip_prefix('[') {
        Some(inside) => {
            let (options, rest) = inside.split_once(']')?;
            let options: Vec<&str> = options.split_whitespace().collect();
            words.push(format!("[{}]", options.join(" ")));
            rest
        }
        None => rest,
    };
    let tail: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    let is_source = tail.len() >= 2 && tail[0].contains(':');
    is_source.then(|| words.into_iter().chain(tail).collect())
}
