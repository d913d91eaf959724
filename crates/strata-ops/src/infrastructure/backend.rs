//! What `init` knows of the backend: `.terraform/terraform.tfstate`, as Terraform writes and reads it.
//!
//! It holds the arguments that the block and `-backend-config` gave together, so that later commands find the state.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use strata_config::{Config, module::Backend};
use strata_core::{Diagnostic, Diagnostics};

/// The arguments of the `local` backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Local {
    /// `path`.
    pub(crate) path: Option<String>,
    /// `workspace_dir`.
    pub(crate) workspace_dir: Option<String>,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: String,
    pub(crate) arguments: Local,
    hash: u64,
}

#[derive(Deserialize)]
struct File {
    backend: Option<SavedBackend>,
}

#[derive(Deserialize)]
struct SavedBackend {
    #[serde(rename = "type")]
    kind: String,
    config: Json,
    #[serde(default)]
    hash: u64,
}

impl Local {
    /// What the block alone says.
    pub(crate) fn of(backend: &Backend) -> Self {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        Self {
            path: text(&backend.path),
            workspace_dir: text(&backend.workspace_directory),
        }
    }

    /// A number that differs where the arguments do (FNV-1a), by which a change of the block is noticed.
    fn hash(&self) -> u64 {
        let text = format!("{:?} {:?}", self.path, self.workspace_dir);
        let bytes = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        u64::from(bytes)
    }

    /// True if nothing that the block says is said otherwise here.
    fn agrees_with(&self, block: &Self) -> bool {
        let agrees = |own: &Option<String>, block: &Option<String>| block.is_none() || own == block;
        agrees(&self.path, &block.path) && agrees(&self.workspace_dir, &block.workspace_dir)
    }
}

fn place(data: &Path) -> PathBuf {
    data.join("terraform.tfstate")
}

/// Reads what an earlier `init` found; none if there was none.
pub(crate) fn known(data: &Path) -> Result<Option<Known>, Diagnostics> {
    let path = place(data);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error.to_string())),
    };
    let file: File =
        serde_json::from_str(&text).map_err(|error| unreadable(&path, &error.to_string()))?;
    Ok(file.backend.map(|saved| Known {
        kind: saved.kind,
        // Another backend's arguments are of no account: it is not supported.
        arguments: serde_json::from_value(saved.config).unwrap_or_default(),
        hash: saved.hash,
    }))
}

fn unreadable(path: &Path, why: &str) -> Diagnostics {
    let summary = "What `init` knows of the backend cannot be read";
    Diagnostic::error("backend-file", summary)
        .detail(format!("`{}`: {why}.", path.display()))
        .hint("Run `strata init -reconfigure`.")
        .into()
}

/// Writes what later commands need to know.
pub(crate) fn write(data: &Path, block: &Local, arguments: &Local) -> Result<(), Diagnostics> {
    let file = json!({
        "version": 3,
        "terraform_version": "1.11.4",
        "backend": { "type": "local", "config": arguments, "hash": block.hash() },
    });
    let path = place(data);
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    std::fs::create_dir_all(data).map_err(|error| unwritable(&path, &error.to_string()))?;
    strata_state::write_private(&path, text.as_bytes())
        .map_err(|error| unwritable(&path, &error.to_string()))
}

/// Forgets the backend.
pub(crate) fn forget(data: &Path) -> Result<(), Diagnostics> {
    let path = place(data);
    std::fs::remove_file(&path).map_err(|error| unwritable(&path, &error.to_string()))
}

fn unwritable(path: &Path, why: &str) -> Diagnostics {
    let summary = "What `init` knows of the backend cannot be written";
    Diagnostic::error("backend-file", summary)
        .detail(format!("`{}`: {why}.", path.display()))
        .into()
}

/// The arguments that count: those that `init` found, where it ran, else those of the block.
///
/// A block that was changed since then is a mistake, as nobody has said what shall become of the state.
pub(crate) fn arguments(config: &Config, data: &Path) -> Result<Local, Diagnostics> {
    let backend = config.root().settings.backend.as_ref();
    let block = backend.map(Local::of);
    let known = known(data)?;
    match (block, known) {
        (block, None) => Ok(block.unwrap_or_default()),
        (None, Some(known)) => {
            let why = format!("Unsetting the previously set backend \"{}\"", known.kind);
            Err(uninitialized(&why, None))
        }
        (Some(block), Some(known)) => {
            let same = known.hash == block.hash() || known.arguments.agrees_with(&block);
            if known.kind == "local" && same {
                return Ok(known.arguments);
            }
            let why = "Backend configuration block has changed";
            Err(uninitialized(why, backend))
        }
    }
}

fn uninitialized(why: &str, backend: Option<&Backend>) -> Diagnostics {
    let summary = "Backend initialization required: please run \"terraform init\"";
    let found = Diagnostic::error("backend-changed", summary)
        .detail(format!(
            "Reason: {why}. The state may have to be moved; nothing has been changed so far."
        ))
        .hint("Run `strata init -migrate-state` to take the state along, or `strata init -reconfigure` to leave it.");
    match backend {
        Some(backend) => found.at(backend.span.clone()).into(),
        None => found.into(),
    }
}
