//! How hosts are reached, as far as the command line and the settings say it.

use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use super::Options;
use super::settings::Settings;

/// What the command line and the settings say of connections; it counts where the inventory is silent.
pub(crate) struct ConnectionDefaults(Vec<(&'static str, String)>);

impl ConnectionDefaults {
    /// What tasks see of it, as variables; a password is not for them.
    pub(super) fn seen(&self) -> Map<String, Json> {
        let said = self.0.iter();
        said.map(|(name, value)| ((*name).to_owned(), Json::from(value.clone())))
            .collect()
    }

    /// What is said by the command line or, where that is silent, by the settings.
    pub(crate) fn of(options: &Options, settings: &Settings, password: Option<String>) -> Self {
        let shown = |path: PathBuf| path.display().to_string();
        let key = options
            .private_key
            .clone()
            .or(settings.path("private_key_file"));
        let said = [
            (
                "ansible_user",
                options.remote_user.clone().or(settings.text("remote_user")),
            ),
            ("ansible_password", password),
            ("ansible_port", settings.text("remote_port")),
            ("ansible_ssh_private_key_file", key.map(shown)),
            (
                "ansible_connection",
                options.connection.clone().or(settings.text("transport")),
            ),
            ("ansible_ssh_args", settings.text("ssh_args")),
            (
                "ansible_ssh_common_args",
                options
                    .ssh_common_args
                    .clone()
                    .or(settings.text("ssh_common_args")),
            ),
            (
                "ansible_ssh_extra_args",
                options
                    .ssh_extra_args
                    .clone()
                    .or(settings.text("ssh_extra_args")),
            ),
            (
                "ansible_timeout",
                options
                    .timeout
                    .map(|seconds| seconds.to_string())
                    .or(settings.text("timeout")),
            ),
            ("ansible_ssh_retries", settings.text("ssh_retries")),
            (
                "ansible_host_key_checking",
                settings
                    .flag("host_key_checking")
                    .map(|checked| checked.to_string()),
            ),
        ];
        let said = said.into_iter();
        Self(
            said.filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        )
    }

    /// A host with what is said, where its own variables are silent.
    pub(crate) fn applied(&self, target: &strata_runner::Target) -> strata_runner::Target {
        let mut target = target.clone();
        for (name, value) in &self.0 {
            target
                .variables
                .entry(*name)
                .or_insert_with(|| Json::from(value.as_str()));
        }
        target
    }
}
