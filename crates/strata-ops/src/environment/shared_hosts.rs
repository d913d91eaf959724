//! Hosts that two environments have: what the one configures, the other changes again.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Span, Value};
use strata_playbook::{Inventory, inventory::Host};

use super::{Made, Run, inventory};
use crate::{
    files::Disk,
    project::{Configure, Environment, Outputs, Scope, Stage, StageBody},
};

impl Run<'_> {
    /// Warns of hosts which another environment names, too.
    ///
    /// Looked at are the hosts that the project file names itself; those of outputs are the environment's own.
    pub(super) fn shared_hosts(&self, diags: &mut Diagnostics) {
        let others = self.project.environments.iter();
        let others: Vec<_> = others
            .filter(|other| other.name != self.environment.name)
            .map(|other| (&other.name, self.named_hosts(other)))
            .collect();
        let stages = self.environment.stages.iter();
        for stage in stages.filter(|stage| self.wants(stage)) {
            let Some(configure) = configure_of(stage) else {
                continue;
            };
            let own = self.hosts_of(self.environment, configure);
            for (other, hosts) in &others {
                let both: Vec<String> = own
                    .intersection(hosts)
                    .map(|host| format!("`{host}`"))
                    .collect();
                if both.is_empty() {
                    continue;
                }
                let summary = format!(
                    "The environments `{}` and `{other}` have the same host: {}",
                    self.environment.name,
                    both.join(", ")
                );
                let span = configure
                    .hosts
                    .as_ref()
                    .map_or(stage.span.clone(), |hosts| hosts.span());
                let warning = Diagnostic::warning("shared-host", summary)
                    .at(span)
                    .detail("What one of them configures, the other may change again.")
                    .hint("Give each its own host. Copies of an application on one host are `instances` of one environment.");
                diags.push(warning);
            }
        }
    }

    fn named_hosts(&self, environment: &Environment) -> BTreeSet<String> {
        let stages = environment.stages.iter();
        stages
            .filter_map(configure_of)
            .flat_map(|configure| self.hosts_of(environment, configure))
            .collect()
    }

    /// The addresses of the hosts that a stage names, itself or in inventories that are files.
    fn hosts_of(&self, environment: &Environment, configure: &Configure) -> BTreeSet<String> {
        let own = |path: &&PathBuf| !self.is_common(path);
        let files: Vec<PathBuf> = configure.inventory.iter().filter(own).cloned().collect();
        // Mistakes are told where the stage itself is checked, and no program is run for this.
        let mut unheard = Diagnostics::new();
        let mut inventory = Inventory::load(&Disk, &files, &mut unheard);
        if let Some(expression) = &configure.hosts {
            let outputs = Outputs::new();
            let first = configure.instances.first();
            let scope = Scope {
                environment: environment.name.clone(),
                instance: first.map(|instance| instance.name.clone()),
                ..self.scope(&outputs)
            };
            let value = scope.evaluate(expression, &mut unheard);
            inventory.merge(written(&value, expression.span()));
        }
        addresses(&inventory)
    }

    /// True for an inventory that several environments use: who has one for all means it so.
    fn is_common(&self, path: &Path) -> bool {
        let uses = |environment: &&Environment| {
            let stages = environment.stages.iter();
            let mut configures = stages.filter_map(configure_of);
            configures.any(|configure| configure.inventory.iter().any(|other| other == path))
        };
        self.project.environments.iter().filter(uses).count() > 1
    }
}

fn configure_of(stage: &Stage) -> Option<&Configure> {
    match &stage.body {
        StageBody::Configure(configure) => Some(configure),
        StageBody::Provision(_) | StageBody::Image(_) | StageBody::Verify(_) => None,
    }
}

/// The hosts that an argument `hosts` names, as far as it is known; none if it is wrong.
pub(crate) fn written(groups: &Value, span: Span) -> Inventory {
    let input = inventory::from_groups(groups, &Made::default(), span);
    Inventory::from_input(input.unwrap_or_default())
}

/// Where the hosts of an inventory are reached, without this machine.
pub(crate) fn addresses(inventory: &Inventory) -> BTreeSet<String> {
    let text = |host: &Host, name: &str| {
        let value = host.vars.get(name).and_then(Json::as_str);
        value.map(str::to_owned)
    };
    let hosts = inventory.hosts().iter();
    hosts
        .filter(|host| text(host, "ansible_connection").as_deref() != Some("local"))
        .map(|host| text(host, "ansible_host").unwrap_or_else(|| host.name.clone()))
        .filter(|address| !["localhost", "127.0.0.1"].contains(&address.as_str()))
        .collect()
}
