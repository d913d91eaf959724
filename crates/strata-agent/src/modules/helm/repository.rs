//! `helm_repository`: a repository of charts is known to the host's `helm`, or is not.
//!
//! As `kubernetes.core.helm_repository` 6. The password goes to `helm` on standard input, for which it needs `--password-stdin`;
//! `command` is what Ansible's module returns, with stars in the password's place.

use serde_json::{Value, json};

use super::{CLUSTER, Cluster, EXCLUSIVE, FAILURE, Helm, failed, required_if};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;
use crate::system::Command;

pub(in crate::modules) struct HelmRepository {
    cluster: Cluster,
    name: String,
    url: Option<String>,
    user: Option<(String, String)>,
    present: bool,
    force: bool,
    flags: Vec<&'static str>,
}

/// What is left to do, if anything is.
pub(in crate::modules) struct Current {
    due: Option<Due>,
    /// Holds what the command needs.
    _helm: Helm,
}

struct Due {
    /// As it is returned.
    line: String,
    command: Command,
}

impl Module for HelmRepository {
    const SPEC: Spec = Spec::new(
        "kubernetes.core.helm_repository",
        &[
            Field::str("repo_name").alias(&["name"]).required(),
            Field::str("repo_url").alias(&["url"]),
            Field::str("repo_username").alias(&["username"]),
            Field::str("repo_password").alias(&["password"]),
            Field::str("repo_state")
                .alias(&["state"])
                .choices(&["present", "absent"])
                .default("present"),
            Field::bool("pass_credentials", false),
            Field::bool("force_update", false).alias(&["force"]),
            Field::bool("insecure_skip_tls_verify", false).alias(&["skip_tls_certs_check"]),
        ],
    )
    .with(CLUSTER)
    .exclusive(EXCLUSIVE);
    type Current = Current;

    fn new(arguments: &Arguments, _task: &Task) -> Result<HelmRepository, ModuleError> {
        let user = arguments.string("repo_username");
        let password = arguments.string("repo_password");
        if user.is_some() != password.is_some() {
            return Err(ModuleError::new(
                "parameters are required together: repo_username, repo_password",
            ));
        }
        required_if(arguments, ("repo_state", "present"), "repo_url")?;
        let flags = [
            ("pass_credentials", "--pass-credentials"),
            ("force_update", "--force-update"),
            ("insecure_skip_tls_verify", "--insecure-skip-tls-verify"),
        ];
        let flags = flags.into_iter().filter(|(name, _)| arguments.bool(name));
        Ok(HelmRepository {
            cluster: Cluster::read(arguments),
            name: arguments.text("repo_name"),
            url: arguments.string("repo_url"),
            user: user.zip(password),
            present: arguments.text("repo_state") == "present",
            force: arguments.bool("force_update"),
            flags: flags.map(|(_, flag)| flag).collect(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        let helm = self.cluster.connect(host)?;
        let there = self.there(&helm, host)?;
        let due = match (&there, self.present) {
            (Some(_), false) => {
                let line = format!("{} repo rm {}", helm.program, self.name);
                let command = helm.command(host, &line)?;
                Some(Due { line, command })
            }
            (None, true) => Some(self.added(&helm, host)?),
            (Some(_), true) if self.force => Some(self.added(&helm, host)?),
            (Some(there), true) if there["url"].as_str() != self.url.as_deref() => {
                return Err(ModuleError::new(format!(
                    "Repository already have a repository named {}",
                    self.name
                )));
            }
            _ => None,
        };
        Ok(Current { due, _helm: helm })
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let due = current.due.iter();
        due.map(|due| programs::attempt(due.command.clone(), FAILURE))
            .collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let done = current.due.as_ref().zip(outcome.outputs.last());
        Ok(Report::of(match (&current.due, done) {
            (_, Some((due, output))) => values(json!({
                "command": due.line, "stdout": output.stdout, "stderr": output.stderr,
            })),
            (None, None) if !outcome.check => {
                values(json!({"repo_name": self.name, "repo_url": self.url}))
            }
            _ => values(json!({})),
        }))
    }
}

impl HelmRepository {
    fn there(&self, helm: &Helm, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let line = format!("{} repo list --output=json", helm.program);
        let output = helm.run(host, &line)?;
        if output.status == 1 && output.stderr.contains("no repositories to show") {
            return Ok(None);
        }
        if output.status != 0 {
            return Err(failed(&output, &line));
        }
        let listed: Value = serde_json::from_str(&output.stdout)
            .map_err(|error| ModuleError::new(format!("`{line}` says what is no JSON: {error}")))?;
        let mut listed = listed.as_array().cloned().unwrap_or_default().into_iter();
        Ok(listed.find(|one| one["name"] == self.name.as_str()))
    }

    fn added(&self, helm: &Helm, host: &dyn Host) -> Result<Due, ModuleError> {
        let url = self.url.as_deref().unwrap_or_default();
        let start = format!("{} repo add {} {url}", helm.program, self.name);
        let flags: String = self.flags.iter().map(|flag| format!(" {flag}")).collect();
        let Some((user, password)) = &self.user else {
            let line = start + &flags;
            let command = helm.command(host, &line)?;
            return Ok(Due { line, command });
        };
        let start = format!("{start} --username={user}");
        let command = helm.command(host, &format!("{start} --password-stdin{flags}"))?;
        Ok(Due {
            line: format!("{start} --password=******{flags}"),
            command: Command {
                stdin: Some(password.clone()),
                ..command
            },
        })
    }
}
