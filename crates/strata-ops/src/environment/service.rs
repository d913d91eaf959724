//! A check by `service`: whether it runs on its hosts, asked by what it would take to start it.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Events, files::MemoryFiles};
use strata_playbook::{Inventory, variables::InventoryVariables};
use strata_runner::{Recap, Target};

use super::{
    Made, Run,
    configure::{Manner, Prepared},
    inventory,
};
use crate::{
    project::{Stage, Verify, VerifyCheck},
    verify::again,
};

impl Run<'_> {
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
        let files = MemoryFiles::new([("verify.yml", playbook.as_str())]);
        let options = crate::playbook::load_options(Map::new(), &[]);
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
