//! `deb822_repository`: one of apt's sources in the new form, and the key that signs it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::download;
use super::file::missing_folders;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::{Host, Metadata, Permissions};
use crate::mode::Mode;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Deb822Repository {
    present: bool,
    slug: String,
    /// Names and values in the order of the file, but for the key.
    fields: Vec<(String, String)>,
    signed_by: Option<String>,
    mode: Mode,
}

/// What is there of source and key, and what shall be.
pub(super) struct Found {
    source: Option<(Metadata, Vec<u8>)>,
    text: String,
    key: Option<Key>,
    missing: Vec<PathBuf>,
    /// Keys of ours that go with the source.
    stale: Vec<PathBuf>,
}

/// A key that was fetched.
struct Key {
    path: PathBuf,
    bytes: Vec<u8>,
    there: Option<(Metadata, Vec<u8>)>,
}

const KEYRINGS: &str = "/etc/apt/keyrings";

const BOOLEANS: &[&str] = &[
    "allow_downgrade_to_insecure",
    "allow_insecure",
    "allow_weak",
    "by_hash",
    "check_date",
    "check_valid_until",
    "enabled",
    "pdiffs",
    "trusted",
];
const LISTS: &[&str] = &[
    "architectures",
    "components",
    "languages",
    "suites",
    "targets",
    "types",
    "uris",
];
/// All that stand in the file, in the order in which they do.
const ORDER: &[&str] = &[
    "allow_downgrade_to_insecure",
    "allow_insecure",
    "allow_weak",
    "architectures",
    "by_hash",
    "check_date",
    "check_valid_until",
    "components",
    "date_max_future",
    "enabled",
    "inrelease_path",
    "languages",
    "name",
    "pdiffs",
    "signed_by",
    "suites",
    "targets",
    "trusted",
    "types",
    "uris",
];

impl Module for Deb822Repository {
    const SPEC: Spec = Spec::new(
        "deb822_repository",
        &[
            Field::maybe("allow_downgrade_to_insecure"),
            Field::maybe("allow_insecure"),
            Field::maybe("allow_weak"),
            Field::list("architectures"),
            Field::maybe("by_hash"),
            Field::maybe("check_date"),
            Field::maybe("check_valid_until"),
            Field::list("components"),
            Field::int("date_max_future"),
            Field::maybe("enabled"),
            Field::str("inrelease_path"),
            Field::list("languages"),
            Field::new("mode", FieldKind::Raw).default("0644"),
            Field::str("name").required(),
            Field::maybe("pdiffs"),
            Field::str("signed_by"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::list("suites"),
            Field::list("targets"),
            Field::maybe("trusted"),
            Field::list("types").default("deb"),
            Field::list("uris"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Deb822Repository, ModuleError> {
        let types = arguments.list("types").unwrap_or_default();
        if let Some(wrong) = types
            .iter()
            .find(|kind| !["deb", "deb-src"].contains(&kind.as_str()))
        {
            return Err(ModuleError::new(format!(
                "value of types must be one or more of: deb, deb-src. Got no match for: {wrong}"
            )));
        }
        let fields = ORDER
            .iter()
            .filter_map(|name| Some((field_name(name), value(arguments, name)?)));
        Ok(Deb822Repository {
            present: arguments.text("state") == "present",
            slug: slug(&arguments.text("name")),
            fields: fields.collect(),
            signed_by: arguments.string("signed_by"),
            mode: Mode::read(arguments.raw("mode").unwrap_or(&json!("0644")))?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            source: read(host, &self.path())?,
            text: String::new(),
            key: None,
            missing: Vec::new(),
            stale: Vec::new(),
        };
        if !self.present {
            for extension in ["asc", "gpg"] {
                let path = self.key_path(extension);
                if host.metadata(&path)?.is_some() {
                    found.stale.push(path);
                }
            }
            return Ok(found);
        }
        let mut signed_by = self.signed_by.clone();
        if let Some(url) = self
            .signed_by
            .as_ref()
            .filter(|text| download::is_address(text))
        {
            let bytes = download::fetch(host, url, true).map_err(|error| match error.unknown {
                true => error,
                false => ModuleError::new(format!("Could not fetch signed_by key: {}", error.msg)),
            })?;
            let armored =
                String::from_utf8_lossy(&bytes).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
            let path = self.key_path(if armored { "asc" } else { "gpg" });
            signed_by = Some(path.to_string_lossy().into_owned());
            let there = read(host, &path)?;
            found.missing = missing_folders(host, Path::new(KEYRINGS))?;
            found.key = Some(Key { path, bytes, there });
        }
        found.text = self.text(signed_by.as_deref());
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if !self.present {
            let source = found.source.as_ref().map(|_| self.path());
            let gone = source.into_iter().chain(found.stale.iter().cloned());
            return gone.map(|path| Change::Remove { path }).collect();
        }
        let mut changes = Vec::new();
        if let Some(key) = &found.key {
            let folders = found.missing.iter().map(|path| Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
            changes.extend(folders);
            let mode = Wanted {
                mode: Mode::read(&json!("0644")).ok(),
                ..Wanted::default()
            };
            changes.extend(put(&key.path, &key.bytes, key.there.as_ref(), &mode));
        }
        let mode = Wanted {
            mode: Some(self.mode.clone()),
            ..Wanted::default()
        };
        let source = found.source.as_ref();
        changes.extend(put(&self.path(), found.text.as_bytes(), source, &mode));
        changes
    }

    fn report(&self, host: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let is_there = |path: &str| host.metadata_followed(Path::new(path));
        let key = match (&found.key, &self.signed_by) {
            _ if !self.present => Some(self.key_path("gpg").to_string_lossy().into_owned()),
            (Some(key), _) => Some(key.path.to_string_lossy().into_owned()),
            // A keyring that is not there yet is not named, as in Ansible.
            (None, Some(path)) if path.starts_with('/') && is_there(path)?.is_some() => {
                Some(path.clone())
            }
            _ => None,
        };
        let repo = self.present.then_some(&found.text);
        Ok(Report::of(values(json!({
            "repo": repo, "dest": self.path().to_string_lossy(), "key_filename": key,
        }))))
    }
}

impl Deb822Repository {
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/etc/apt/sources.list.d/{}.sources", self.slug))
    }

    fn key_path(&self, extension: &str) -> PathBuf {
        Path::new(KEYRINGS).join(format!("{}.{extension}", self.slug))
    }

    /// The text of the file; the key has its place among the fields.
    fn text(&self, signed_by: Option<&str>) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            let value = match name.as_str() {
                "Signed-By" => signed_by.unwrap_or(value),
                _ => value,
            };
            let gap = if value.contains('\n') { "" } else { " " };
            let line = format!("{name}:{gap}{}", folded(value));
            text.push_str(&format!("{}\n", line.trim_end()));
        }
        text
    }
}

fn put(
    path: &Path,
    bytes: &[u8],
    there: Option<&(Metadata, Vec<u8>)>,
    wanted: &Wanted,
) -> Option<Change> {
    let there_now = there.filter(|(_, now)| now == bytes);
    if let Some((metadata, _)) = there_now {
        return wanted.change(path, metadata, true);
    }
    let permissions = wanted.for_write(there.map(|(metadata, _)| metadata), 0o644);
    Some(Change::Write(FileWrite {
        content: FileContent::Bytes(bytes.to_vec()),
        permissions: Permissions { ..permissions },
        ..FileWrite::new(path, Vec::new())
    }))
}

fn read(host: &dyn Host, path: &Path) -> Result<Option<(Metadata, Vec<u8>)>, ModuleError> {
    Ok(match host.metadata_followed(path)? {
        Some(metadata) => Some((metadata, host.read(path)?)),
        None => None,
    })
}

/// A value of several lines, as deb822(5) has them: indented, a dot for an empty one.
fn folded(value: &str) -> String {
    if !value.contains('\n') {
        return value.to_owned();
    }
    let lines = value.trim().lines().map(|line| match line.trim() {
        "" => "\n    .".to_owned(),
        line => format!("\n    {line}"),
    });
    lines.collect()
}

fn value(arguments: &Arguments, name: &str) -> Option<String> {
    if BOOLEANS.contains(&name) {
        let yes = |yes| if yes { "yes" } else { "no" };
        return arguments.maybe(name).map(|value| yes(value).to_owned());
    }
    if LISTS.contains(&name) {
        return arguments.list(name).map(|items| items.join(" "));
    }
    let number = || arguments.int(name).map(|number| number.to_string());
    arguments.string(name).or_else(number)
}

fn field_name(name: &str) -> String {
    match name {
        "name" => "X-Repolib-Name".to_owned(),
        "uris" => "URIs".to_owned(),
        name => {
            let words = name.split('_').map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_uppercase() + rest
            });
            words.collect::<Vec<_>>().join("-")
        }
    }
}

/// The name as part of a file's name.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    let mut gap = false;
    for c in name.to_lowercase().chars() {
        if c == '_' || c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap {
            slug.push('-');
            gap = false;
        }
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' {
            slug.push(c);
        }
    }
    if gap {
        slug.push('-');
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_file_names() {
        assert_eq!(slug("Docker CE_stable!"), "docker-ce-stable");
        assert_eq!(
            field_name("allow_downgrade_to_insecure"),
            "Allow-Downgrade-To-Insecure"
        );
        assert_eq!(folded("a\n\nb\n"), "\n    a\n    .\n    b");
    }
}
