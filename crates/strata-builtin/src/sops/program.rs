//! Runs `sops`, which alone knows where keys are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value as Json;
use strata_core::Diagnostics;
use strata_provider::Schema;
use tokio::process::Command;

use crate::failure::failed;

/// The deepest that values are taken apart.
const DEEPEST: usize = 64;

/// The formats of encrypted files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    Raw,
}

impl Format {
    /// The format of a file with this ending, without its dot.
    pub(super) fn of_ending(ending: &str) -> Option<Self> {
        Some(match ending {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "env" => Self::Dotenv,
            "ini" => Self::Ini,
            _ => return None,
        })
    }

    /// The format that `input_type` names.
    pub(super) fn named(name: &str) -> Result<Self, Diagnostics> {
        let found = match name {
            "dotenv" => Some(Self::Dotenv),
            "raw" => Some(Self::Raw),
            "yaml" | "json" | "ini" => Self::of_ending(name),
            _ => None,
        };
        found.ok_or_else(|| {
            failed(
                "The type of a SOPS file is not known",
                format!("`input_type` is `yaml`, `json`, `dotenv`, `ini` or `raw`, not `{name}`."),
            )
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Raw => "binary",
        }
    }
}

/// What was encrypted.
#[derive(Default, Schema)]
pub(super) struct Decrypted {
    /// Its values as texts, those further in under names such as `a.b` and `list.0`; empty if it is `raw`.
    #[schema(computed, sensitive)]
    pub(super) data: BTreeMap<String, String>,
    /// All of it, decrypted.
    #[schema(computed, sensitive)]
    pub(super) raw: String,
}

/// The program.
pub(super) struct Sops {
    program: PathBuf,
}

impl Sops {
    /// The one that `PATH` leads to.
    pub(super) fn usual() -> Self {
        Self {
            program: "sops".into(),
        }
    }

    /// Decrypts a file, once as it is and once as JSON for its values.
    pub(super) async fn decrypt(
        &self,
        path: &Path,
        format: Format,
    ) -> Result<Decrypted, Diagnostics> {
        let raw = self.run(path, format, format).await?;
        let mut data = BTreeMap::new();
        if format != Format::Raw {
            let text = self.run(path, format, Format::Json).await?;
            let values: Json = serde_json::from_str(&text).map_err(|error| {
                // The parser's own message may quote a secret.
                let place = format!("line {}, column {}", error.line(), error.column());
                self.wrong(path, &format!("its answer is not JSON at {place}"))
            })?;
            flatten(None, &values, 0, &mut data);
        }
        Ok(Decrypted { raw, data })
    }

    async fn run(&self, path: &Path, given: Format, wanted: Format) -> Result<String, Diagnostics> {
        let output = Command::new(&self.program)
            .args(["--decrypt", "--input-type", given.word()])
            .args(["--output-type", wanted.word()])
            .arg(path)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.map_err(|error| {
            self.wrong(
                path,
                &format!("`{}` cannot be started: {error}", self.program.display()),
            )
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(self.wrong(path, said.trim()));
        }
        String::from_utf8(output.stdout).map_err(|_| self.wrong(path, "what it holds is no text"))
    }

    fn wrong(&self, path: &Path, why: &str) -> Diagnostics {
        failed(
            "A file cannot be decrypted with SOPS",
            format!("`{}`: {why}.", path.display()),
        )
    }
}

/// The values by their names, those further in with dots between.
fn flatten(at: Option<&str>, value: &Json, depth: usize, into: &mut BTreeMap<String, String>) {
    let name = |part: &str| match at {
        Some(at) => format!("{at}.{part}"),
        None => part.to_owned(),
    };
    match value {
        Json::Object(values) if depth < DEEPEST => {
            for (key, value) in values {
                flatten(Some(&name(key)), value, depth + 1, into);
            }
        }
        Json::Array(values) if depth < DEEPEST => {
            for (index, value) in values.iter().enumerate() {
                flatten(Some(&name(&index.to_string())), value, depth + 1, into);
            }
        }
        Json::String(text) => {
            into.insert(at.unwrap_or_default().to_owned(), text.clone());
        }
        Json::Null => {
            into.insert(at.unwrap_or_default().to_owned(), "null".to_owned());
        }
        other => {
            into.insert(at.unwrap_or_default().to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// A `sops` that "decrypts" by answering what stands in the file `json` beside it, or the file itself.
    fn stand_in(folder: &Path, script: &str) -> Sops {
        let program = folder.join("sops");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Sops { program }
    }

    async fn decrypt(script: &str, format: Format) -> Result<Decrypted, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets");
        fs::write(&file, "as: it is\n").unwrap();
        let found = stand_in(folder.path(), script).decrypt(&file, format).await;
        found.map_err(|diags| diags.iter().map(|found| found.detail.clone()).collect())
    }

    #[tokio::test]
    async fn values_further_in_have_names_with_dots() {
        let script = r#"case "$*" in
          *"--output-type json"*) echo '{"a": {"b": "x", "n": 2}, "l": ["y", {"z": true}], "e": null}';;
          *) cat "$6";;
        esac"#;
        let found = decrypt(script, Format::Yaml).await.unwrap();
        assert_eq!(found.raw, "as: it is\n");
        let pairs: Vec<(&str, &str)> = found
            .data
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("a.b", "x"),
                ("a.n", "2"),
                ("e", "null"),
                ("l.0", "y"),
                ("l.1.z", "true")
            ]
        );
        let raw = decrypt("cat \"$6\"", Format::Raw).await.unwrap();
        assert!(raw.data.is_empty());
    }

    #[tokio::test]
    async fn what_sops_complains_of_is_told() {
        let said = decrypt("echo no key >&2; exit 128", Format::Yaml).await;
        assert!(said.is_err_and(|said| said.contains("no key")));
        let said = decrypt("echo '{secret'", Format::Json).await;
        assert!(said.is_err_and(|said| said.contains("not JSON") && !said.contains("secret'")));
    }

    #[test]
    fn formats_come_from_the_ending_or_are_named() {
        assert_eq!(Format::of_ending("yml"), Some(Format::Yaml));
        assert_eq!(Format::of_ending("txt"), None);
        assert!(Format::named("dotenv").is_ok_and(|found| found == Format::Dotenv));
        assert!(Format::named("toml").is_err());
    }
}
