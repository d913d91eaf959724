//! The `configure` stage: a playbook on the hosts that earlier stages made.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Events, StageOutcome};
use strata_playbook::{Inventory, InventoryInput, Playbook, variables::InventoryVariables};
use strata_runner::{HostLink, Pace, Recap, Target};
use strata_state::json::plain;

use super::{Made, Run, StageEnd, inventory};
use crate::{
    mask,
    playbook::{Project, runner_options},
    project::{Configure, Stage, Verify, VerifyCheck},
    vault::Sources,
    verify::again,
};

/// How long a host may take to come up and finish its cloud-init.
const READY: Duration = Duration::from_secs(20 * 60);

/// A playbook and the hosts it is for.
pub(super) struct Prepared {
    playbook: Playbook,
    inventory: Inventory,
    variables: Arc<InventoryVariables>,
    extra: Map<String, Json>,
    project: Project,
    /// True if the inventory was made by convention, so that every host is a provider's.
    from_outputs: bool,
}

/// How to run it.
#[derive(Clone, Debug, Default)]
pub(super) struct Manner {
    /// Change nothing.
    pub(super) check: bool,
    /// Show how files change.
    pub(super) diff: bool,
    /// Only these hosts.
    pub(super) limit: Option<String>,
}

impl Run<'_> {
    /// Runs the playbook.
    pub(super) async fn configure(
        &self,
        stage: &Stage,
        configure: &Configure,
        made: &Made,
    ) -> Result<StageEnd, Diagnostics> {
        let prepared = self.prepare(configure, made)?;
        let manner = Manner {
            diff: self.options.diff,
            ..Manner::default()
        };
        let connect = |target: &Target| self.platforms.connect(target);
        let events = mask::events(self.events, inventory::secrets(made));
        let events = prepared.project.masked(&events);
        let recap = self.play(&prepared, &manner, &connect, &events).await?;
        if recap.exit_code() != 0 || recap.stopped {
            let failed = Diagnostic::error(
                "configure-failed",
                format!("The playbook of stage `{}` failed", stage.name),
            );
            return Err(failed
                .hint("Mend the cause and run it again: what is done already is found to be done.")
                .into());
        }
        Ok(StageEnd::of(if recap.changed() > 0 {
            StageOutcome::Changed
        } else {
            StageOutcome::Unchanged
        }))
    }

    /// Loads the playbook and makes its inventory.
    pub(super) fn prepare(
        &self,
        configure: &Configure,
        made: &Made,
    ) -> Result<Prepared, Diagnostics> {
        let mut diags = Diagnostics::new();
        let input = match &configure.hosts {
            Some(expression) => {
                let value = self.scope(&made.outputs).evaluate(expression, &mut diags);
                inventory::from_groups(&value, made, expression.span())?
            }
            None => inventory::from_outputs(made),
        };
        let extra = match &configure.variables {
            Some(expression) => plain(&self.scope(&made.outputs).evaluate(expression, &mut diags)),
            None => Json::Null,
        };
        let extra = if let Json::Object(extra) = extra {
            extra
        } else {
            Map::new()
        };
        let project = Project::open(&Sources::default(), self.process, None, &mut diags);
        let playbook = load(configure, &extra, &project, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        prepared(playbook, input, extra, configure, project)
    }

    /// Runs a prepared playbook.
    pub(super) async fn play(
        &self,
        prepared: &Prepared,
        manner: &Manner,
        connect: &strata_runner::Connect<'_>,
        events: &Events,
    ) -> Result<Recap, Diagnostics> {
        let around = crate::playbook::Around {
            process: self.process,
            platforms: self.platforms,
            stop: &self.stop.signal(),
            ask: None,
        };
        let mut options = runner_options(
            &around,
            &prepared.project,
            prepared.extra.clone(),
            prepared.variables.clone(),
        );
        options.forks = self.options.parallelism;
        options.check = manner.check;
        options.diff = manner.diff;
        options.limit = manner.limit.clone();
        options.pace = Pace::Ready;
        options.ready_timeout = READY;
        strata_runner::run(
            &prepared.playbook,
            &prepared.inventory,
            connect,
            &options,
            events,
        )
        .await
    }

    /// Asks on each host whether a service runs, by what it would take to start it.
    pub(super) async fn verify_service(
        &self,
        stage: &Stage,
        settings: &Verify,
        made: &Made,
    ) -> Result<bool, Diagnostics> {
        let VerifyCheck::Service { service, hosts } = &settings.check else {
            return Ok(false);
        };
        let mut diags = Diagnostics::new();
        let scope = self.scope(&made.outputs);
        let service = scope.evaluate(service, &mut diags);
        let hosts = hosts
            .as_ref()
            .map(|hosts| scope.evaluate(hosts, &mut diags));
        diags.into_result(())?;
        let service = service.as_str().unwrap_or_default().to_owned();
        let names = hosts.as_ref().and_then(|hosts| hosts.as_sequence());
        let pattern = names.map_or("all".to_owned(), |names| {
            names
                .iter()
                .filter_map(|name| name.as_str())
                .collect::<Vec<_>>()
                .join(":")
        });
        let playbook = format!(
            "- hosts: {}\n  gather_facts: false\n  tasks:\n    - name: {}\n      service:\n        name: {}\n        state: started\n",
            Json::from(pattern),
            Json::from(format!("service {service} runs")),
            Json::from(service.clone()),
        );
        let mut diags = Diagnostics::new();
        let files = strata_core::files::MemoryFiles::new([("verify.yml", playbook.as_str())]);
        let project = Project::open(&Sources::default(), self.process, None, &mut diags);
        let options = project.load_options(Map::new());
        let playbook = strata_playbook::load(&files, "verify.yml".as_ref(), &options, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        let inventory = Inventory::from_input(inventory::from_outputs(made));
        let variables =
            InventoryVariables::load(&files, &inventory, &[], None, &mut Diagnostics::new());
        let prepared = Prepared {
            playbook,
            inventory,
            variables: Arc::new(variables),
            extra: Map::new(),
            project,
            from_outputs: true,
        };
        let manner = Manner {
            check: true,
            ..Manner::default()
        };
        let connect = |target: &Target| self.platforms.connect(target);
        let ignored = Events::ignored();
        let ask = || self.play(&prepared, &manner, &connect, &ignored);
        let is_good = |recap: &Result<Recap, Diagnostics>| recap.as_ref().is_ok_and(all_as_desired);
        let recap = again(settings.retry, ask, is_good).await?;
        for (host, counts) in &recap.hosts {
            let passed = counts.ok > 0 && counts.changed + counts.failed + counts.unreachable == 0;
            let detail = if passed { "runs" } else { "does not run" };
            let what = format!("service {service} on {host}");
            self.events.send(strata_core::Event::Verified {
                what,
                passed,
                detail: detail.to_owned(),
            });
        }
        if recap.hosts.is_empty() {
            return Err(
                Diagnostic::error("no-hosts", "There is no host to verify the service on")
                    .at(stage.span.clone())
                    .into(),
            );
        }
        Ok(all_as_desired(&recap))
    }
}

/// True if no host failed and nothing is left to do on any.
fn all_as_desired(recap: &Recap) -> bool {
    recap.exit_code() == 0 && recap.changed() == 0
}

/// Loads the playbook; mistakes are reported.
pub(super) fn load(
    configure: &Configure,
    extra: &Map<String, Json>,
    project: &Project,
    diags: &mut Diagnostics,
) -> Option<Playbook> {
    let options = project.load_options(extra.clone());
    strata_playbook::load(project.files.as_ref(), &configure.playbook, &options, diags)
}

fn prepared(
    playbook: Playbook,
    input: InventoryInput,
    extra: Map<String, Json>,
    configure: &Configure,
    project: Project,
) -> Result<Prepared, Diagnostics> {
    let mut diags = Diagnostics::new();
    let inventory = Inventory::from_input(input);
    let folder = configure.playbook.parent();
    let variables = InventoryVariables::load(project.files.as_ref(), &inventory, &[], folder, &mut diags);
    diags.into_result(Prepared {
        playbook,
        inventory,
        variables: Arc::new(variables),
        extra,
        project,
        from_outputs: configure.hosts.is_none(),
    })
}

impl Prepared {
    /// True if the host comes from an output, or its variables say that a platform has it.
    pub(super) fn is_made_by_provider(&self, host: &str) -> bool {
        self.from_outputs
            || self
                .inventory
                .host(host)
                .is_some_and(|host| host.vars.contains_key("ansible_connection"))
    }

    /// Names of the hosts in the inventory.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        self.inventory
            .hosts()
            .iter()
            .map(|host| host.name.clone())
            .collect()
    }
}

/// A model of a host that is not there yet.
pub(super) fn imagined(target: &Target) -> Result<HostLink, Box<Diagnostic>> {
    let model = strata_agent::host::Model::debian(&target.host);
    Ok(HostLink::session(
        strata_transport::AgentSession::for_model(model),
    ))
}
