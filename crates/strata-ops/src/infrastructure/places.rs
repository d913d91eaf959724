//! Where things are kept: Terraform's own folder, the selected workspace, and the state of each workspace.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use strata_config::{Config, LoadOptions};
use strata_core::{Diagnostic, Diagnostics, files::Files};
use strata_state::{Store, backend::Backend};

use super::{
    Settings,
    backend::{self, Chosen},
    encryption::{self, Encrypted},
    inputs,
    trouble::diagnostic,
};
use crate::{files::Disk, process::Process};

/// The workspace that is there without being made.
pub(super) const DEFAULT: &str = "default";

/// Where the states of a root module are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Where everything begins.
    folder: PathBuf,
    /// `-state`: the one state that counts.
    state: Option<PathBuf>,
    /// `path` of the backend.
    path: Option<PathBuf>,
    /// `workspace_dir` of the backend.
    workspaces: Option<PathBuf>,
    /// The backend, if that is not the local disk.
    remote: Option<Backend>,
    /// Which backend that is, with its arguments.
    chosen: Chosen,
    /// How states and plans are encrypted.
    encrypted: Encrypted,
    /// `.terraform`, or what `TF_DATA_DIR` says.
    data: PathBuf,
}

impl Places {
    /// The places of a configuration that is loaded.
    pub(super) fn of(
        settings: &Settings,
        config: &Config,
        process: &Process,
    ) -> Result<Self, Diagnostics> {
        let chosen = match settings.state {
            // Where the state is has been said.
            Some(_) => Chosen::default(),
            None => backend::chosen(config, &settings.directory, &data_folder(settings, process))?,
        };
        Self::with(settings, &chosen, process)?.encrypted_by(config, settings, process)
    }

    /// The same, with states and plans encrypted as the configuration says.
    pub(crate) fn encrypted_by(
        self,
        config: &Config,
        settings: &Settings,
        process: &Process,
    ) -> Result<Self, Diagnostics> {
        let mut unheard = Diagnostics::new();
        let inputs = inputs::collect(settings, &process.environment, &Disk, &mut unheard);
        let workspace = workspace(settings, process);
        Ok(Self {
            encrypted: encryption::encrypted(config, &inputs, &workspace, process)?,
            ..self
        })
    }

    /// The places for these arguments of the backend.
    pub(crate) fn with(
        settings: &Settings,
        chosen: &Chosen,
        process: &Process,
    ) -> Result<Self, Diagnostics> {
        // With `-state` the backend does not count.
        check_overridden(process)?;
        let is_remote = chosen.kind != "local" && settings.state.is_none();
        let remote = is_remote.then(|| {
            Backend::open(&chosen.kind, &chosen.arguments, &backend::outside(process))
                .map_err(|error| diagnostic(&error))
        });
        Ok(Self {
            folder: settings.directory.clone(),
            state: settings.state.clone(),
            path: chosen.text("path").map(PathBuf::from),
            workspaces: chosen.text("workspace_dir").map(PathBuf::from),
            remote: remote.transpose()?,
            chosen: chosen.clone(),
            encrypted: Encrypted::default(),
            data: data_folder(settings, process),
        })
    }

    /// The places of the configuration in the folder, as far as it can be read.
    ///
    /// A backend that is not supported is a mistake; all others are of no account to who only works on the state.
    pub(super) fn find(settings: &Settings, process: &Process) -> Result<Self, Diagnostics> {
        let mut diags = Diagnostics::new();
        let files: &dyn Files = &Disk;
        let mut unheard = Diagnostics::new();
        let inputs = inputs::collect(settings, &process.environment, files, &mut unheard);
        let data = data_folder(settings, process);
        let options = LoadOptions {
            inputs: &inputs,
            workspace: &workspace(settings, process),
            data_directory: Some(&data),
            working_directory: Some(&process.started_in),
        };
        let config = strata_config::load_with(files, &settings.directory, &options, &mut diags);
        let mut wrong = Diagnostics::new();
        wrong.extend(strata_config::unsupported_storage(&config));
        // Where the state is, is not known then.
        let places = |found: &Diagnostic| found.code == strata_config::BACKEND_ARGUMENT;
        wrong.extend(diags.into_iter().filter(places));
        wrong.into_result(())?;
        Self::of(settings, &config, process)
    }

    /// The backend, if that is not the local disk.
    pub(crate) fn remote(&self) -> Option<&Backend> {
        self.remote.as_ref()
    }

    /// Which backend keeps the states, with its arguments.
    pub(super) fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// The state of a workspace, wherever it is kept.
    pub(crate) fn store(&self, workspace: &str) -> Result<Store, Diagnostics> {
        let Some(remote) = &self.remote else {
            return Ok(self.sealed(Store::new(self.state_file(workspace))));
        };
        let remote = remote
            .state(workspace)
            .map_err(|error| diagnostic(&error))?;
        // What is noted of one state must not be taken for notes of another.
        let digest = Sha256::digest(remote.place());
        let name: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let beside = self
            .data
            .join("backend")
            .join(name)
            .join("terraform.tfstate");
        Ok(self.sealed(Store::remote(remote, beside)))
    }

    /// A store whose state is encrypted as the configuration says.
    pub(super) fn sealed(&self, store: Store) -> Store {
        store.with_encryption(self.encrypted.state.clone())
    }

    /// How states and plans are encrypted.
    pub(super) fn encrypted(&self) -> &Encrypted {
        &self.encrypted
    }

    /// The state file of a workspace on the local disk: `-state`, the `path` of the `local` backend, or Terraform's place for it.
    pub(crate) fn state_file(&self, workspace: &str) -> PathBuf {
        if let Some(state) = &self.state {
            return state.clone();
        }
        let usual = || PathBuf::from("terraform.tfstate");
        match workspace {
            DEFAULT => self.folder.join(self.path.clone().unwrap_or_else(usual)),
            workspace => self.workspaces().join(workspace).join(usual()),
        }
    }

    /// The folder with a folder for each workspace.
    pub(crate) fn workspaces(&self) -> PathBuf {
        let folder = self.workspaces.as_deref();
        self.folder
            .join(folder.unwrap_or(Path::new("terraform.tfstate.d")))
    }

    /// The file that says which workspace is selected.
    pub(super) fn selection(&self) -> PathBuf {
        self.data.join("environment")
    }
}

/// Where Terraform keeps what is of this folder alone.
pub(crate) fn data_folder(settings: &Settings, process: &Process) -> PathBuf {
    let named = process.environment.get("TF_DATA_DIR");
    let named = named.filter(|folder| !folder.is_empty());
    settings
        .directory
        .join(named.map_or(".terraform", String::as_str))
}

/// The workspace: the one asked for, `TF_WORKSPACE`, the selected one, or `default`.
pub(crate) fn workspace(settings: &Settings, process: &Process) -> Arc<str> {
    let selected = || {
        let file = data_folder(settings, process).join("environment");
        fs::read_to_string(file).ok()
    };
    let named = settings.workspace.as_deref().map(str::to_owned);
    named
        .or_else(|| overridden(process))
        .or_else(selected)
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .map_or(DEFAULT.into(), Into::into)
}

/// True of what a workspace may be called: what stands in a path and in a URL as it is.
pub(super) fn is_workspace_name(name: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:@".contains(c);
    !name.is_empty() && name != "." && name != ".." && name.chars().all(is_safe)
}

/// Refuses what `TF_WORKSPACE` says if no workspace can be called so.
pub(super) fn check_overridden(process: &Process) -> Result<(), Diagnostic> {
    match overridden(process) {
        Some(name) if !is_workspace_name(&name) => {
            let summary = "Invalid workspace name set using TF_WORKSPACE";
            Err(Diagnostic::error("workspace-name", summary).detail(format!(
                "`{name}` is none: a name must contain only URL safe characters, and no path separators."
            )))
        }
        _ => Ok(()),
    }
}

/// What `TF_WORKSPACE` says.
pub(super) fn overridden(process: &Process) -> Option<String> {
    let name = process.environment.get("TF_WORKSPACE");
    name.filter(|name| !name.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workspace_has_its_state_where_terraform_has_it() {
        let places = Places {
            folder: "root".into(),
            state: None,
            path: None,
            workspaces: None,
            remote: None,
            chosen: Chosen::default(),
            encrypted: Encrypted::default(),
            data: "root/.terraform".into(),
        };
        let file = |places: &Places, workspace| places.state_file(workspace);
        assert_eq!(
            file(&places, "default"),
            Path::new("root/terraform.tfstate")
        );
        assert_eq!(
            file(&places, "prod"),
            Path::new("root/terraform.tfstate.d/prod/terraform.tfstate")
        );
        let named = Places {
            path: Some("x.tfstate".into()),
            workspaces: Some("w".into()),
            ..places.clone()
        };
        assert_eq!(file(&named, "default"), Path::new("root/x.tfstate"));
        assert_eq!(
            file(&named, "prod"),
            Path::new("root/w/prod/terraform.tfstate")
        );
        let other = Places {
            state: Some("y".into()),
            ..places
        };
        assert_eq!(file(&other, "prod"), Path::new("y"));
    }
}
