//! `apt_repository`: one line of apt's sources is there, or is not.
//!
//! `ppa:OWNER/NAME` stands for the line of an archive on Launchpad, whose key apt comes to trust as well. Ansible may
//! leave that key where apt does not look; here it lies in `trusted.gpg.d`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::edit::Existing;
use super::openpgp::{self, Key};
use super::{apt_key, download};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{PackageChange, PackageOptions, PackageVerb};

pub(super) struct AptRepository {
    repo: String,
    asked: Asked,
    present: bool,
    filename: Option<String>,
    update: bool,
    verify: bool,
    retries: u64,
    max_delay: u64,
    attributes: Attributes,
    check: bool,
}

/// What the task names.
enum Asked {
    /// The words of a line.
    Line(Vec<String>),
    /// An archive on Launchpad, for a release of Ubuntu that may be named.
    Ppa {
        owner: String,
        name: String,
        codename: Option<String>,
    },
}

/// One line of the sources, and how a file of its own is called.
struct Line {
    source: Vec<String>,
    file_name: String,
}

/// The files of sources that change, each with its new text; none is left empty.
pub(super) struct Found {
    edits: Vec<(Existing, String)>,
    /// The keyring that is added for a new archive, and where.
    key: Option<(PathBuf, Vec<u8>)>,
    wanted: Wanted,
}

const FOLDER: &str = "/etc/apt/sources.list.d";

/// Where Launchpad tells of archives, where they are, and where their keys are.
const LAUNCHPAD: &str = "https://launchpad.net/api/1.0";
const ARCHIVES: &str = "https://ppa.launchpadcontent.net";
const KEYSERVER: &str = "hkps://keyserver.ubuntu.com";

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
            Field::int("update_cache_retries").default("5"),
            Field::int("update_cache_retry_max_delay").default("12"),
            Field::bool("validate_certs", true),
            // Nothing of Python is needed.
            Field::bool("install_python_apt", true),
            Field::str("codename"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<AptRepository, ModuleError> {
        let repo = arguments.text("repo").trim().to_owned();
        let asked = match repo.strip_prefix("ppa:") {
            Some(ppa) => ppa_of(ppa, arguments.filled("codename")),
            None => parse(&repo).map(Asked::Line),
        };
        let asked = asked.filter(|_| !repo.contains('\n'));
        let asked = asked.ok_or_else(|| invalid(&repo))?;
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
            asked,
            present: arguments.text("state") == "present",
            filename,
            update: arguments.bool("update_cache"),
            verify: arguments.bool("validate_certs"),
            retries: arguments.seconds("update_cache_retries"),
            max_delay: arguments.seconds("update_cache_retry_max_delay"),
            check: task.check,
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
        let line = self.line(host)?;
        let there = files.iter().any(|file| line.is_in(&file.text));
        let mut key = None;
        let edits = match (self.present, there) {
            (true, false) => {
                if let (Asked::Ppa { owner, name, .. }, false) = (&self.asked, self.check) {
                    key = self.key(host, owner, name)?;
                }
                vec![line.addition(host, files, self.path(&line))?]
            }
            (false, true) => {
                let ours = files.into_iter().filter(|file| line.is_in(&file.text));
                ours.map(|file| {
                    let text = line.without(&file.text);
                    (file, text)
                })
                .collect()
            }
            _ => Vec::new(),
        };
        Ok(Found {
            edits,
            key,
            wanted: self.attributes.resolve(host)?,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        if let Some((path, ring)) = &found.key {
            changes.push(Change::Write(FileWrite {
                permissions: apt_key::PUBLIC,
                ..FileWrite::new(path, ring.clone())
            }));
        }
        for (file, text) in &found.edits {
            let path = file.path.clone();
            // A file of the folder goes with its last line, as with Ansible.
            if text.trim().is_empty() && path.starts_with(FOLDER) {
                changes.push(Change::Remove { path });
                continue;
            }
            changes.push(Change::Write(FileWrite {
                content: FileContent::Bytes(file.bytes(text.clone())),
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
                    update_retries: self.retries,
                    update_max_delay: self.max_delay,
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
    /// The line that is asked for, on this host.
    fn line(&self, host: &dyn Host) -> Result<Line, ModuleError> {
        let (owner, name, codename) = match &self.asked {
            Asked::Line(source) => {
                return Ok(Line {
                    file_name: usual_name(source),
                    source: source.clone(),
                });
            }
            Asked::Ppa {
                owner,
                name,
                codename,
            } => (owner, name, codename),
        };
        let release = host
            .read_text(Path::new("/etc/os-release"))
            .unwrap_or_default();
        let says = |name: &str| {
            let line = release
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        let is_ubuntu = [says("ID"), says("ID_LIKE")]
            .iter()
            .flatten()
            .any(|ids| ids.split(' ').any(|id| id == "ubuntu"));
        // Debian's own sources have no such archives.
        if !is_ubuntu {
            return Err(invalid(&self.repo));
        }
        let its = says("UBUNTU_CODENAME").or_else(|| says("VERSION_CODENAME"));
        let codename = codename.clone().or(its).unwrap_or_default();
        let address = format!("{ARCHIVES}/{owner}/{name}/ubuntu");
        let source = ["deb", &address, &codename, "main"].map(str::to_owned);
        Ok(Line {
            source: source.to_vec(),
            file_name: words(&format!("{}_{codename}", self.repo)),
        })
    }

    /// The key of an archive, if apt does not know it yet, and the file that it goes to.
    fn key(
        &self,
        host: &dyn Host,
        owner: &str,
        name: &str,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, ModuleError> {
        let address = format!("{LAUNCHPAD}/~{owner}/+archive/{name}");
        let about = download::fetch_json(host, &address, self.verify).map_err(|error| {
            ModuleError::new(format!(
                "failed to fetch PPA information, error was: {}",
                error.msg
            ))
        })?;
        let Some(fingerprint) = about["signing_key_fingerprint"].as_str() else {
            return Err(ModuleError::new(format!(
                "{address} names no signing_key_fingerprint"
            )));
        };
        if apt_key::is_trusted(host, fingerprint)? {
            return Ok(None);
        }
        let from = apt_key::lookup(KEYSERVER, fingerprint);
        let sent = openpgp::keys(&download::fetch(host, &from, self.verify)?);
        let ring: Vec<u8> = sent
            .iter()
            .filter(|key: &&Key| key.is(fingerprint))
            .flat_map(|key| key.packets.clone())
            .collect();
        match ring.is_empty() {
            true => Err(ModuleError::new(format!(
                "{KEYSERVER} does not have the key {fingerprint}"
            ))),
            false => Ok(Some((
                Path::new(apt_key::FOLDER).join(format!("{owner}-ubuntu-{name}.gpg")),
                ring,
            ))),
        }
    }

    /// The file that a new line goes to.
    fn path(&self, line: &Line) -> PathBuf {
        match &self.filename {
            Some(name) if name.starts_with('/') => PathBuf::from(name),
            Some(name) => {
                let name = name.trim_end_matches(".list");
                Path::new(FOLDER).join(format!("{}.list", name.replace('/', "_")))
            }
            None => Path::new(FOLDER).join(format!("{}.list", line.file_name)),
        }
    }
}

impl Line {
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
        path: PathBuf,
    ) -> Result<(Existing, String), ModuleError> {
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
}

/// The address without its scheme and what may be secret in it, all but letters and digits made `_`.
fn usual_name(source: &[String]) -> String {
    let address = source.iter().find(|word| word.contains(':'));
    let address = address.map_or("repository", String::as_str);
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
    words(bare.rsplit('@').next().unwrap_or(bare))
}

fn words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}

fn invalid(repo: &str) -> ModuleError {
    ModuleError::new(format!("Invalid repository string: {repo}"))
}

/// Reads `OWNER/NAME`, or `OWNER` alone, whose archive is called `ppa`.
fn ppa_of(text: &str, codename: Option<String>) -> Option<Asked> {
    let (owner, name) = text.split_once('/').unwrap_or((text, "ppa"));
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
        !name.is_empty() && name.chars().all(fits)
    };
    (is_name(owner) && is_name(name)).then(|| Asked::Ppa {
        owner: owner.to_owned(),
        name: name.to_owned(),
        codename,
    })
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
