//! The `configure` stage: a playbook on the hosts that earlier stages made.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Events, StageOutcome};
use strata_playbook::{Inventory, InventoryInput, Playbook, variables::InventoryVariables};
use strata_runner::{HostLink, Pace, Recap, Target};
use strata_state::json::plain;

use super::{Made, Run, StageEnd, inventory};
use crate::{
    files::Disk,
    mask,
    playbook::runner_options,
    project::{Configure, Stage},
};

/// How long a host may take to come up and finish its cloud-init.
const READY: Duration = Duration::from_secs(20 * 60);

/// A playbook and the hosts it is for.
pub(super) struct Prepared {
    pub(super) playbook: Playbook,
    pub(super) inventory: Inventory,
    pub(super) variables: Arc<InventoryVariables>,
    pub(super) extra: Map<String, Json>,
    /// True if the inventory was made by convention, so that every host is a provider's.
    pub(super) from_outputs: bool,
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
        let playbook = load(configure, &extra, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        prepared(playbook, input, extra, configure)
    }

    /// Runs a prepared playbook.
    pub(super) async fn play(
        &self,
        prepared: &Prepared,
        manner: &Manner,
        connect: &strata_runner::Connect<'_>,
        events: &Events,
    ) -> Result<Recap, Diagnostics> {
        let mut options = runner_options(
            self.process,
            prepared.extra.clone(),
            prepared.variables.clone(),
            self.stop.signal(),
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
}

/// Loads the playbook; mistakes are reported.
pub(super) fn load(
    configure: &Configure,
    extra: &Map<String, Json>,
    diags: &mut Diagnostics,
) -> Option<Playbook> {
    let options = crate::playbook::load_options(extra.clone(), &[]);
    strata_playbook::load(&Disk, &configure.playbook, &options, diags)
}

fn prepared(
    playbook: Playbook,
    input: InventoryInput,
    extra: Map<String, Json>,
    configure: &Configure,
) -> Result<Prepared, Diagnostics> {
    let mut diags = Diagnostics::new();
    let inventory = Inventory::from_input(input);
    let folder = configure.playbook.parent();
    let variables = InventoryVariables::load(&Disk, &inventory, &[], folder, &mut diags);
    diags.into_result(Prepared {
        playbook,
        inventory,
        variables: Arc::new(variables),
        extra,
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
