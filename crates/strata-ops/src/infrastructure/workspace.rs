//! Which workspace is selected, and where its state is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Settings;

/// The workspace that is there without being made.
const DEFAULT: &str = "default";

/// The workspace: the one asked for, `TF_WORKSPACE`, the selected one, or `default`.
pub(crate) fn name(settings: &Settings, environment: &BTreeMap<String, String>) -> Arc<str> {
    let selected = || fs::read_to_string(settings.directory.join(".terraform/environment")).ok();
    let from_environment = || {
        environment
            .get("TF_WORKSPACE")
            .filter(|name| !name.is_empty())
            .cloned()
    };
    let named = settings
        .workspace
        .as_deref()
        .map(str::to_owned)
        .or_else(from_environment)
        .or_else(selected);
    named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .map_or(DEFAULT.into(), Into::into)
}

/// The state file: `-state`, the `path` of the `local` backend, or Terraform's place for the workspace.
pub(super) fn state_file(
    settings: &Settings,
    workspace: &str,
    backend_path: Option<&Path>,
    backend_folder: Option<&Path>,
) -> PathBuf {
    if let Some(state) = &settings.state {
        return state.clone();
    }
    let folder = &settings.directory;
    if workspace == DEFAULT {
        return folder.join(backend_path.unwrap_or(Path::new("terraform.tfstate")));
    }
    let all = backend_folder.unwrap_or(Path::new("terraform.tfstate.d"));
    folder.join(all).join(workspace).join("terraform.tfstate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workspace_has_its_state_where_terraform_has_it() {
        let settings = Settings::of("root".into());
        assert_eq!(
            state_file(&settings, "default", None, None),
            Path::new("root/terraform.tfstate")
        );
        assert_eq!(
            state_file(&settings, "default", Some(Path::new("x.tfstate")), None),
            Path::new("root/x.tfstate")
        );
        assert_eq!(
            state_file(&settings, "prod", None, None),
            Path::new("root/terraform.tfstate.d/prod/terraform.tfstate")
        );
        let other = Settings {
            state: Some("y".into()),
            ..settings
        };
        assert_eq!(state_file(&other, "prod", None, None), Path::new("y"));
    }
}
