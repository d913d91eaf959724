//! The `configure` stage: a playbook on the hosts that earlier stages made.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Event, Events, StageOutcome};
use strata_hcl::Expression;
use strata_playbook::{Inventory, InventoryInput, Playbook, variables::InventoryVariables};
use strata_runner::{HostLink, Pace, Recap, Target};
use strata_state::json::plain;

use super::{
    Made, Run, StageEnd,
    inventory::{self, unmarked},
};
use crate::{
    mask,
    playbook::{self, ConnectionDefaults, Project, runner_options},
    project::{Configure, Instance, Scope, Stage},
    vault::Sources,
};

/// How long a host may take to come up and finish its cloud-init.
const READY: Duration = Duration::from_secs(20 * 60);

/// A playbook and the hosts it is for.
pub(super) struct Prepared {
    pub(super) playbook: Playbook,
    pub(super) inventory: Inventory,
    pub(super) variables: Arc<InventoryVariables>,
    pub(super) extra: Map<String, Json>,
    pub(super) project: Project,
    /// Where the playbook is, if it is a file.
    pub(super) folder: Option<PathBuf>,
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
    /// The hosts are not there yet: models stand for them.
    pub(super) on_models: bool,
}

impl Run<'_> {
    /// Runs the playbook, for each instance if there are any.
    pub(super) async fn configure(
        &self,
        stage: &Stage,
        configure: &Configure,
        made: &Made,
    ) -> Result<StageEnd, Diagnostics> {
        let mut outcome = StageOutcome::Unchanged;
        let mut diags = Diagnostics::new();
        // One after the other: they are on the same hosts, which have one package manager.
        for instance in self.instances(configure) {
            self.tell_instance(stage, instance);
            match self.configure_once(stage, configure, instance, made).await {
                Ok(StageOutcome::Unchanged) => {}
                Ok(changed) => outcome = changed,
                Err(failed) => diags.append(failed),
            }
            if self.stop.is_soft() {
                break;
            }
        }
        diags.into_result(StageEnd::of(outcome))
    }

    /// The instances that are wanted; one nameless one for a stage without.
    pub(super) fn instances<'b>(&self, configure: &'b Configure) -> Vec<Option<&'b Instance>> {
        if configure.instances.is_empty() {
            return vec![None];
        }
        let wanted = |instance: &&Instance| {
            let names = &self.options.instances;
            names.is_empty() || names.iter().any(|name| **name == *instance.name)
        };
        configure
            .instances
            .iter()
            .filter(wanted)
            .map(Some)
            .collect()
    }

    /// Says which instance of a stage what follows is about.
    pub(super) fn tell_instance(&self, stage: &Stage, instance: Option<&Instance>) {
        if let Some(instance) = instance {
            self.events.send(Event::InstanceStarted {
                stage: stage.name.clone(),
                instance: instance.name.clone(),
            });
        }
    }

    pub(super) async fn configure_once(
        &self,
        stage: &Stage,
        configure: &Configure,
        instance: Option<&Instance>,
        made: &Made,
    ) -> Result<StageOutcome, Diagnostics> {
        let prepared = self.prepare(configure, instance, made)?;
        let manner = Manner {
            diff: self.options.diff,
            ..Manner::default()
        };
        let events = mask::events(self.events, self.hidden_texts(made));
        let events = prepared.project.masked(&events);
        let recap = self.play(&prepared, &manner, &events).await?;
        if recap.exit_code() != 0 || recap.stopped {
            let of = instance.map(|instance| format!(", instance `{}`,", instance.name));
            let summary = format!(
                "The playbook of stage `{}`{} failed",
                stage.name,
                of.unwrap_or_default()
            );
            let failed = Diagnostic::error("configure-failed", summary);
            return Err(failed
                .hint("Mend the cause and run it again: what is done already is found to be done.")
                .into());
        }
        if recap.hosts.is_empty() {
            return Err(prepared.without_hosts(stage).into());
        }
        Ok(match recap.changed() {
            0 => StageOutcome::Unchanged,
            _ => StageOutcome::Changed,
        })
    }

    /// Loads the playbook and makes its inventory.
    pub(super) fn prepare(
        &self,
        configure: &Configure,
        instance: Option<&Instance>,
        made: &Made,
    ) -> Result<Prepared, Diagnostics> {
        let mut diags = Diagnostics::new();
        let scope = Scope {
            instance: instance.map(|instance| instance.name.clone()),
            ..self.scope(&made.outputs)
        };
        let mut input = match &configure.hosts {
            Some(expression) => {
                let value = scope.evaluate(expression, &mut diags);
                inventory::from_groups(&value, made, expression.span())?
            }
            None => inventory::from_outputs(made),
        };
        let mut extra = match &configure.variables {
            Some(expression) => variables(&scope, expression, &mut diags),
            None => Map::new(),
        };
        if let Some(instance) = instance {
            inventory::add_instance(&mut input, &instance.name);
            let own = instance.variables.iter();
            extra.extend(own.map(|(name, value)| (name.to_string(), plain(&unmarked(value)))));
        }
        let project = self.ansible(configure, &mut diags);
        let playbook = load(configure, &extra, &project, &mut diags);
        let playbook = diags
            .into_result(playbook)?
            .expect("without errors there is a playbook");
        prepared(playbook, input, extra, configure, project, self.process)
    }

    /// Settings and passwords of Ansible, for a playbook.
    pub(super) fn ansible(&self, configure: &Configure, diags: &mut Diagnostics) -> Project {
        let Some(path) = &configure.ansible_config else {
            return Project::open(&Sources::default(), self.process, None, diags);
        };
        if !path.is_file() {
            let summary = format!("There is no file `{}`", path.display());
            let diagnostic = Diagnostic::error("ansible-config", summary)
                .detail("The argument `ansible_config` of a stage names it.");
            diags.push(diagnostic);
        }
        // Said as Ansible is told it, so that relative paths in it are relative to its folder.
        let mut process = self.process.clone();
        let path = absolute(path).display().to_string();
        process
            .environment
            .insert("ANSIBLE_CONFIG".to_owned(), path);
        Project::open(&Sources::default(), &process, None, diags)
    }

    /// Runs a prepared playbook, by the settings of its `ansible.cfg`.
    pub(super) async fn play(
        &self,
        prepared: &Prepared,
        manner: &Manner,
        events: &Events,
    ) -> Result<Recap, Diagnostics> {
        let around = playbook::Around {
            process: self.process,
            platforms: self.platforms,
            stop: &self.stop.signal(),
            ask: None,
        };
        let project = &prepared.project;
        let asked = playbook::Options {
            forks: Some(self.options.parallelism),
            check: manner.check,
            diff: manner.diff,
            limit: manner.limit.clone(),
            ..playbook::Options::default()
        };
        let mut diags = Diagnostics::new();
        let password =
            playbook::connection_password(&asked, &project.settings, &around, &mut diags);
        let (extra, variables) = (prepared.extra.clone(), prepared.variables.clone());
        let mut options = runner_options(&around, project, extra, variables);
        playbook::apply(&asked, project, &around, &mut options, &mut diags);
        options.pace = Pace::Ready;
        options.ready_timeout = Some(READY);
        if let Some(folder) = &prepared.folder {
            playbook::plugins::add(&mut options, project, folder, &mut diags);
        }
        if diags.has_errors() {
            return Err(diags);
        }
        diags.into_iter().for_each(|one| events.diagnostic(one));
        let defaults = ConnectionDefaults::of(&asked, &project.settings, password);
        let connect = |target: &Target| match manner.on_models {
            true => imagined(target),
            false => self.platforms.connect(&defaults.applied(target)),
        };
        strata_runner::run(
            &prepared.playbook,
            &prepared.inventory,
            &connect,
            &options,
            events,
        )
        .await
    }
}

/// The extra variables that an expression gives.
fn variables(
    scope: &Scope<'_>,
    expression: &Expression,
    diags: &mut Diagnostics,
) -> Map<String, Json> {
    let value = scope.evaluate(expression, diags);
    match plain(&unmarked(&value)) {
        Json::Object(variables) => variables,
        _ => {
            if value.is_known() {
                let summary = "`variables` must be an object";
                diags.push(Diagnostic::error("invalid-variables", summary).at(expression.span()));
            }
            Map::new()
        }
    }
}

/// Loads the playbook; mistakes are reported.
pub(super) fn load(
    configure: &Configure,
    extra: &Map<String, Json>,
    project: &Project,
    diags: &mut Diagnostics,
) -> Option<Playbook> {
    let options = project.load_options(extra.clone());
    let path = absolute(&configure.playbook);
    strata_playbook::load(project.files.as_ref(), &path, &options, diags)
}

/// Tasks see the playbook's folder: `playbook_dir` and `role_path` are absolute, as in Ansible.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn prepared(
    playbook: Playbook,
    input: InventoryInput,
    extra: Map<String, Json>,
    configure: &Configure,
    project: Project,
    process: &crate::process::Process,
) -> Result<Prepared, Diagnostics> {
    let mut diags = Diagnostics::new();
    let sources: Vec<String> = configure
        .inventory
        .iter()
        .map(|path| absolute(path).display().to_string())
        .collect();
    let (mut inventory, folders) =
        crate::playbook::inventory::given(&sources, &project, process, &mut diags);
    inventory.merge(Inventory::from_input(input));
    let playbook_file = absolute(&configure.playbook);
    let folder = playbook_file.parent();
    let variables = InventoryVariables::load(
        project.files.as_ref(),
        &inventory,
        &folders,
        folder,
        project.reading(),
        &mut diags,
    );
    diags.into_result(Prepared {
        playbook,
        inventory,
        variables: Arc::new(variables),
        extra,
        folder: folder.map(Path::to_owned),
        project,
        from_outputs: configure.hosts.is_none() && configure.inventory.is_empty(),
    })
}

impl Prepared {
    /// True if the host comes from an output, or its variables say that a platform has it.
    pub(super) fn is_made_by_provider(&self, host: &str) -> bool {
        let here = [Some("local"), Some("ansible.builtin.local")];
        let host = self.inventory.host(host);
        let connection = host.and_then(|host| host.vars.get("ansible_connection"));
        self.from_outputs || connection.is_some_and(|name| !here.contains(&name.as_str()))
    }

    /// No play of the playbook is for a host of the inventory.
    pub(super) fn without_hosts(&self, stage: &Stage) -> Diagnostic {
        let groups = self.inventory.groups().iter();
        let groups: Vec<String> = groups
            .filter(|group| !["all", "ungrouped"].contains(&group.name.as_str()))
            .map(|group| format!("`{}`", group.name))
            .collect();
        let has = match groups.len() {
            0 => "The inventory has no groups.".to_owned(),
            _ => format!("The inventory has the groups {}.", groups.join(", ")),
        };
        let summary = format!(
            "The playbook of stage `{}` has no host to run on",
            stage.name
        );
        let told = Diagnostic::error("no-hosts", summary)
            .at(stage.span.clone())
            .detail(has)
            .hint(
                "Name the groups that its plays want in `hosts`, or in outputs `GROUP_instances`.",
            );
        match self.project.settings.text("inventory") {
            Some(named) => told.hint(format!(
                "`ansible.cfg` names the inventory `{named}`, which counts only where the stage names it in `inventory`."
            )),
            None => told,
        }
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
fn imagined(target: &Target) -> Result<HostLink, Box<Diagnostic>> {
    let model = strata_agent::host::Model::debian(&target.host);
    Ok(HostLink::session(
        strata_transport::AgentSession::for_model(model),
    ))
}
