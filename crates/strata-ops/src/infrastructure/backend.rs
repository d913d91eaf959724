//! Which backend keeps the state, with which arguments.
//!
//! `init` writes both into `.terraform/terraform.tfstate`, as Terraform writes and reads it: the arguments that the
//! block and `-backend-config` gave together, so that later commands find the state.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use strata_config::{Config, module::Backend};
use strata_core::{Diagnostic, Diagnostics};
use strata_state::backend::{Outside, arguments};

use crate::{http::States, process::Process};

/// A backend with its arguments; none of them is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) kind: String,
    pub(crate) arguments: Map<String, Json>,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) chosen: Chosen,
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
    #[serde(default)]
    config: Map<String, Json>,
    #[serde(default)]
    hash: u64,
}

impl Default for Chosen {
    /// The local disk, without arguments.
    fn default() -> Self {
        Self {
            kind: "local".to_owned(),
            arguments: Map::new(),
        }
    }
}

impl Chosen {
    /// What the block alone says, as it is written.
    pub(crate) fn of(backend: &Backend) -> Self {
        let argument = |(name, argument): (&Arc<str>, &strata_config::module::BackendArgument)| {
            let value = strata_state::json::plain(&argument.value);
            (!value.is_null()).then(|| (name.to_string(), value))
        };
        Self {
            kind: backend.kind.to_string(),
            arguments: backend.arguments.iter().filter_map(argument).collect(),
        }
    }

    /// The same with arguments in their types; `block` is where they stand, if they do.
    pub(crate) fn checked(self, block: Option<&Backend>) -> Result<Self, Diagnostics> {
        match arguments::check(&self.kind, &self.arguments) {
            Ok(arguments) => Ok(Self { arguments, ..self }),
            Err(all) => {
                let mut diags = Diagnostics::new();
                diags.extend(all.into_iter().map(|wrong| diagnostic(wrong, block)));
                Err(diags)
            }
        }
    }

    /// An argument that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Json::as_str)
    }

    /// A number that differs where the arguments do, by which a change of the block is noticed.
    fn hash(&self) -> u64 {
        arguments::hash(&self.kind, &self.arguments)
    }

    /// True if nothing that the block says is said otherwise here.
    fn agrees_with(&self, block: &Self) -> bool {
        let mut said = block.arguments.iter();
        self.kind == block.kind && said.all(|(name, value)| self.arguments.get(name) == Some(value))
    }
}

/// A mistake in an argument, at its place if it stands in the block.
pub(crate) fn diagnostic(wrong: arguments::Wrong, block: Option<&Backend>) -> Diagnostic {
    let mut found = Diagnostic::error("backend-argument", wrong.summary).detail(wrong.detail);
    let named = wrong.name.as_ref();
    let argument = block
        .zip(named)
        .and_then(|(block, name)| block.arguments.get(name));
    if let Some(span) = argument
        .map(|found| &found.span)
        .or(block.map(|block| &block.span))
    {
        found = found.at(span.clone());
    }
    match wrong.hint {
        Some(hint) => found.hint(hint),
        None => found,
    }
}

/// What backends need of this machine.
pub(crate) fn outside(process: &Process) -> Outside {
    Outside {
        web: Arc::new(States::default()),
        environment: Arc::new(process.environment.clone()),
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
        Err(error) => return Err(unreadable(&path, &error.to_string(), way_to(data, &error))),
    };
    let again = "Run `strata init -reconfigure`.".to_owned();
    let file: File = serde_json::from_str(&text)
        .map_err(|error| unreadable(&path, &error.to_string(), again))?;
    Ok(file.backend.map(|saved| Known {
        chosen: Chosen {
            kind: saved.kind,
            arguments: saved
                .config
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        },
        hash: saved.hash,
    }))
}

fn unreadable(path: &Path, why: &str, hint: String) -> Diagnostics {
    let summary = "What `init` knows of the backend cannot be read";
    Diagnostic::error("backend-file", summary)
        .detail(format!("`{}`: {why}.", path.display()))
        .hint(hint)
        .into()
}

/// What to do where the folder is not as `init` makes it.
fn way_to(data: &Path, error: &std::io::Error) -> String {
    let data = data.display();
    match error.kind() {
        std::io::ErrorKind::NotADirectory => {
            format!("`{data}` is to be a folder: move what is there away, and run `strata init`.")
        }
        std::io::ErrorKind::PermissionDenied => format!(
            "`{data}` belongs to somebody else: work as that user, or name a folder of your own by `TF_DATA_DIR` and run `strata init`."
        ),
        _ => "Run `strata init -reconfigure`.".to_owned(),
    }
}

/// Writes what later commands need to know. It may hold secrets: only its owner may read it.
pub(crate) fn write(data: &Path, block: &Chosen, chosen: &Chosen) -> Result<(), Diagnostics> {
    let config = arguments::complete(&chosen.kind, &chosen.arguments);
    let file = json!({
        "version": 3,
        "terraform_version": "1.11.4",
        "backend": { "type": chosen.kind, "config": config, "hash": block.hash() },
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

/// The backend that counts: the one that `init` found, where it ran, else that of the block if that is `local`.
///
/// A block that was changed since then is a mistake, as nobody has said what shall become of the state; so is one that
/// came after a state was written into the `folder` where no block was.
pub(crate) fn chosen(config: &Config, folder: &Path, data: &Path) -> Result<Chosen, Diagnostics> {
    let backend = config.root().settings.backend.as_ref();
    let block = backend.map(|found| Chosen::of(found).checked(Some(found)));
    match (block.transpose()?, known(data)?) {
        (Some(block), None) if block.kind != "local" || leaves_behind(&block, folder) => {
            let why = format!(
                "Initial configuration of the requested backend \"{}\"",
                block.kind
            );
            Err(uninitialized(&why, backend))
        }
        (block, None) => Ok(block.unwrap_or_default()),
        (None, Some(known)) => {
            let kind = known.chosen.kind;
            let why = format!("Unsetting the previously set backend \"{kind}\"");
            Err(uninitialized(&why, None))
        }
        (Some(block), Some(known)) => {
            let kind = known.chosen.kind.clone();
            let chosen = known.chosen.checked(backend)?;
            if known.hash == block.hash() || chosen.agrees_with(&block) {
                return Ok(chosen);
            }
            let why = match kind == block.kind {
                true => "Backend configuration block has changed".to_owned(),
                false => format!("Backend type changed from \"{kind}\" to \"{}\"", block.kind),
            };
            Err(uninitialized(&why, backend))
        }
    }
}

/// True if there is a state where it would be without the block, and none yet where the block has it.
fn leaves_behind(block: &Chosen, folder: &Path) -> bool {
    let is_there = |path: &str| folder.join(path).exists();
    let path = block.text("path").unwrap_or(USUAL);
    path != USUAL && is_there(USUAL) && !is_there(path)
}

/// Where the state is if nobody says so.
const USUAL: &str = "terraform.tfstate";

fn uninitialized(why: &str, backend: Option<&Backend>) -> Diagnostics {
    let summary = "Backend initialization required, please run \"terraform init\"";
    let found = Diagnostic::error("backend-changed", summary)
        .detail(format!(
            "Reason: {why}. The state may have to be moved; nothing has been changed so far."
        ))
        .hint("Run `strata init`; with `-migrate-state` to take a state along, with `-reconfigure` to leave it.");
    match backend {
        Some(backend) => found.at(backend.span.clone()).into(),
        None => found.into(),
    }
}
