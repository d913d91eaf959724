//! Secrets in a file of Ansible Vault: encrypted as a whole, or with encrypted values (`!vault`).

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use strata_core::{Diagnostics, Source};
use strata_playbook::yaml;

use super::structured;
use crate::{playbook::Project, process::Process, vault::Sources};

/// The mark of an encrypted value, as the reader of YAML gives it.
const VALUE: &str = strata_jinja::VAULT_KEY;

/// The text at `key`; the password is in `password_file`, or where `ansible.cfg` says.
pub(super) fn read(
    file: &Path,
    key: &str,
    password_file: Option<PathBuf>,
    process: &Process,
) -> Result<String, String> {
    let sources = Sources {
        files: password_file.into_iter().collect(),
        ..Sources::default()
    };
    let mut diags = Diagnostics::new();
    let project = Project::open(&sources, process, None, &mut diags);
    if let Some(error) = diags.iter().find(|diagnostic| diagnostic.is_error()) {
        let detail = &error.detail;
        return Err(format!("{}. {detail}", error.summary).trim_end().to_owned());
    }
    let text = project.files.read_text(file);
    let text = text.map_err(|error| format!("`{}`: {}", file.display(), error.reason))?;
    let source = Source::new(file.display().to_string(), text);
    // What the parser complains of may quote the secret.
    let document = yaml::parse(&source, &mut Diagnostics::new());
    let document = document.ok_or_else(|| format!("`{}` is no YAML", file.display()))?;
    structured::text_at(decrypted(document.to_json(), &project)?, key)
}

/// The document with its encrypted values as they are.
fn decrypted(value: Json, project: &Project) -> Result<Json, String> {
    Ok(match value {
        Json::Object(entries) => match entries.get(VALUE).and_then(Json::as_str) {
            Some(text) => {
                let opened = project.secrets.value(text);
                Json::String(opened.map_err(|error| error.to_string())?)
            }
            None => Json::Object(
                entries
                    .into_iter()
                    .map(|(name, value)| Ok((name, decrypted(value, project)?)))
                    .collect::<Result<_, String>>()?,
            ),
        },
        Json::Array(items) => Json::Array(
            items
                .into_iter()
                .map(|item| decrypted(item, project))
                .collect::<Result<_, _>>()?,
        ),
        other => other,
    })
}
