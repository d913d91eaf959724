//! `helm_info`: what there is of a release: its state, values, manifest, notes and hooks.
//!
//! As `kubernetes.core.helm_info` 6.

use serde_json::{Value, json};

use super::{CLUSTER, Cluster, EXCLUSIVE, reading};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct HelmInfo {
    cluster: Cluster,
    name: String,
    states: Vec<String>,
    all_values: bool,
}

impl Module for HelmInfo {
    const SPEC: Spec = Spec::new(
        "kubernetes.core.helm_info",
        &[
            Field::str("release_name").alias(&["name"]).required(),
            Field::str("release_namespace")
                .alias(&["namespace"])
                .required(),
            Field::list("release_state"),
            Field::bool("get_all_values", false),
        ],
    )
    .with(CLUSTER)
    .exclusive(EXCLUSIVE);
    /// The release, if it is there.
    type Current = Option<Value>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<HelmInfo, ModuleError> {
        Ok(HelmInfo {
            cluster: Cluster::read(arguments),
            name: arguments.text("release_name"),
            states: arguments.list("release_state").unwrap_or_default(),
            all_values: arguments.bool("get_all_values"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let helm = self.cluster.connect(host)?;
        let states = self
            .states
            .iter()
            .filter(|state| STATES.contains(&state.as_str()));
        let states: String = states.map(|state| format!(" --{state}")).collect();
        let Some(mut release) = helm.release(host, &self.name, &states)? else {
            return Ok(None);
        };
        let get = |what: &str| {
            let line = format!("{} get {what} {}", helm.program, self.name);
            Ok::<_, ModuleError>(helm.said(host, &line)?.stdout)
        };
        release["values"] = helm.values(host, &self.name, self.all_values)?;
        release["manifest"] = reading::documents(&helm, host, &get("manifest")?)?;
        release["notes"] = get("notes")?.into();
        release["hooks"] = reading::documents(&helm, host, &get("hooks")?)?;
        Ok(Some(release))
    }

    fn decide(&self, _: &Option<Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        release: &Option<Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        let status = release.as_ref().map(|release| json!({"status": release}));
        Ok(Report::of(values(status.unwrap_or_default())))
    }
}

/// States for which `helm list` has an option; others are passed over, as in Ansible.
const STATES: &[&str] = &[
    "all",
    "deployed",
    "failed",
    "pending",
    "superseded",
    "uninstalled",
    "uninstalling",
];
