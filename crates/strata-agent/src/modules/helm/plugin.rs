//! `helm_plugin`: a plugin of the host's `helm` is there, is as new as can be, or is gone.
//!
//! As `kubernetes.core.helm_plugin` 6, which in check mode takes every plugin for a new one; ours sees that one in a
//! folder of the host is there.

use std::path::Path;

use serde_json::json;

use super::{CLUSTER, Cluster, Helm, reading, required_if};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(in crate::modules) struct HelmPlugin {
    cluster: Cluster,
    state: State,
    check: bool,
}

enum State {
    Present {
        path: String,
        version: Option<String>,
    },
    Latest(String),
    Absent(String),
}

/// What is left to do, or what there is to say.
pub(in crate::modules) struct Current {
    line: String,
    due: Result<Command, (&'static str, Output)>,
    /// Holds what the command needs.
    _helm: Helm,
}

const THERE: &str = "Plugin already exists";

impl Module for HelmPlugin {
    const SPEC: Spec = Spec::new(
        "kubernetes.core.helm_plugin",
        &[
            Field::str("plugin_path"),
            Field::str("plugin_name"),
            Field::str("plugin_version"),
            Field::str("state")
                .choices(&["present", "absent", "latest"])
                .default("present"),
        ],
    )
    .with(CLUSTER)
    .exclusive(&[
        &["context", "ca_cert"],
        &["context", "validate_certs"],
        &["plugin_name", "plugin_path"],
    ]);
    type Current = Current;

    fn new(arguments: &Arguments, task: &Task) -> Result<HelmPlugin, ModuleError> {
        for (state, needed) in [
            ("present", "plugin_path"),
            ("absent", "plugin_name"),
            ("latest", "plugin_name"),
        ] {
            required_if(arguments, ("state", state), needed)?;
        }
        let name = arguments.text("plugin_name");
        Ok(HelmPlugin {
            cluster: Cluster::read(arguments),
            state: match arguments.text("state").as_str() {
                "absent" => State::Absent(name),
                "latest" => State::Latest(name),
                _ => State::Present {
                    path: arguments.text("plugin_path"),
                    version: arguments.string("plugin_version"),
                },
            },
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        let helm = self.cluster.connect(host)?;
        let program = format!("{} plugin", helm.program);
        let (line, missing) = match &self.state {
            State::Present { path, version } => {
                let mut line = format!("{program} install {path}");
                if let Some(version) = version {
                    line.push_str(&format!(" --version={version}"));
                }
                if self.check && is_there(&helm, host, path)? {
                    let due = Err((THERE, Output::default()));
                    return Ok(Current {
                        line,
                        due,
                        _helm: helm,
                    });
                }
                (line, None)
            }
            State::Latest(name) => (
                format!("{program} update {name}"),
                Some((name, "Plugin not found")),
            ),
            State::Absent(name) => {
                let gone = "Plugin not found or is already uninstalled";
                (format!("{program} uninstall {name}"), Some((name, gone)))
            }
        };
        if let Some((name, missing)) = missing {
            let (plugins, output) = helm.plugins(host)?;
            if !plugins.iter().any(|(plugin, _)| plugin == name) {
                let line = format!("{program} list");
                let due = Err((missing, output));
                return Ok(Current {
                    line,
                    due,
                    _helm: helm,
                });
            }
        }
        let due = Ok(helm.command(host, &line)?);
        Ok(Current {
            line,
            due,
            _helm: helm,
        })
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let change = |command: &Command| Change::Run {
            command: command.clone(),
            may_fail: true,
        };
        current.due.iter().map(change).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let (done, failure) = match self.state {
            State::Present { .. } => (
                "Plugin installed successfully",
                "Failure when executing Helm command.",
            ),
            State::Latest(_) => (
                "Plugin updated successfully",
                "Failed to get Helm plugin update",
            ),
            State::Absent(_) => (
                "Plugin uninstalled successfully",
                "Failed to get Helm plugin uninstall",
            ),
        };
        let nothing = Output::default();
        let (msg, output) = match &current.due {
            Err((msg, output)) => (*msg, output),
            Ok(_) => (done, outcome.outputs.last().unwrap_or(&nothing)),
        };
        let mut report = values(programs::results(output));
        report.extend(values(json!({"command": current.line})));
        let is_there = matches!(self.state, State::Present { .. })
            && output.status == 1
            && output.stderr.contains("plugin already exists");
        if output.status != 0 && !is_there {
            return Err(ModuleError {
                values: report,
                kept: true,
                ..ModuleError::new(failure)
            });
        }
        Ok(Report {
            msg: if is_there { THERE } else { msg }.to_owned(),
            changed: is_there.then_some(false),
            ..Report::of(report)
        })
    }
}

/// Whether the plugin in a folder of the host is installed.
fn is_there(helm: &Helm, host: &dyn Host, path: &str) -> Result<bool, ModuleError> {
    let Some(text) = host.read_text(&Path::new(path).join("plugin.yaml")) else {
        return Ok(false);
    };
    let about = reading::top_level(&text);
    let name = about.get("name").and_then(|name| name.as_str());
    let (plugins, _) = helm.plugins(host)?;
    Ok(plugins
        .iter()
        .any(|(plugin, _)| Some(plugin.as_str()) == name))
}
