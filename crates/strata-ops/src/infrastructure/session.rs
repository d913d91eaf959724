//! One root module being worked on: its configuration, and its state under lock.

use std::{
    collections::BTreeMap,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_config::Config;
use strata_core::{
    ChangeCounts, Diagnostic, Diagnostics, Event, Events, OperationKind, Value, files::Files,
};
use strata_engine::{ApplyOptions, Environment, Plan, PlanMode, PlanOptions, Providers};
use strata_state::{Lock, Opened, State, StateError, Store};

use super::{
    Settings,
    backend::Chosen,
    edit,
    encryption::Encrypted,
    errored, inputs,
    lock::{self, lock},
    places::{self, Places},
    provisioners::BuiltIn,
    recording::Recording,
    trouble::{diagnostic, with_way_out},
    validate::validate_with,
};
use crate::{graph::without_emptiness, process::Process, registry::Platforms, stop::Stop};

/// How often the state is written while an apply goes on.
const FOLD_EVERY: std::time::Duration = std::time::Duration::from_secs(10);

/// An opened root module. The lock goes with it.
pub struct Session {
    pub(super) environment: Environment,
    pub(super) providers: Providers,
    pub(super) store: Store,
    pub(super) chosen: Chosen,
    /// How the state and plans are encrypted.
    pub(super) encrypted: Encrypted,
    directory: PathBuf,
    pub(super) opened: Opened,
    /// What was read of the disk for the configuration.
    pub(super) recording: Arc<Recording>,
    /// True if a plan that destroys is told of as any other, as Terraform's `apply` does it.
    ends_as_apply: bool,
    parallelism: usize,
    /// The file with configuration that was written for the plan.
    pub(super) generated_in: Option<Arc<str>>,
    provisioners: Arc<BuiltIn>,
    lock: Option<Lock>,
}

/// A configuration with its values, and where its state is.
pub(super) struct Loaded {
    pub(super) environment: Environment,
    pub(super) recording: Arc<Recording>,
    pub(super) store: Store,
    /// The backend of the state.
    pub(super) chosen: Chosen,
    pub(super) encrypted: Encrypted,
}

/// What came of an apply.
pub struct Applied {
    /// The state that is written now.
    pub state: State,
    /// How many changes were made.
    pub counts: ChangeCounts,
    /// What went wrong.
    pub diagnostics: Diagnostics,
    /// True if it was stopped before it was done.
    pub stopped: bool,
}

/// What the lock says of those who write nothing.
const ONLY_READS: &str = "OperationTypePlan";

/// Why nothing is done without the lock.
fn run_under_way() -> Diagnostic {
    Diagnostic::error("run-under-way", "Another run is at work on this state")
        .detail("What it has done so far is in its journal, which a second one would spoil, also without the lock.")
        .hint("Wait for its end, with `-lock-timeout=10m` in the place of `-lock=false`.")
}

impl Session {
    /// Loads, locks, reads, and settles what a killed run left.
    ///
    /// Warnings are sent as events. `operation` is what the lock says is done.
    pub async fn open(
        settings: &Settings,
        operation: &str,
        process: &Process,
        platforms: &Platforms,
        events: &Events,
    ) -> Result<Self, Diagnostics> {
        let recording = Arc::new(Recording::of_root_module(settings));
        let environment = environment(&recording, settings, process, platforms, events)?;
        let places = Places::of(settings, &environment.config, process)?;
        let settled = Loaded {
            store: edit::written(places.store(&environment.workspace)?, settings)?,
            chosen: places.chosen().clone(),
            encrypted: places.encrypted().clone(),
            environment,
            recording,
        };
        let mut session =
            Self::open_state(settled, settings, operation, process, platforms, events).await?;
        if !session.opened.has_journal {
            return Ok(session);
        }
        if session.lock.is_some() {
            session.settle(events).await?;
            return Ok(session);
        }
        // Nobody asked for the lock: the journal is a killed run's, or that of one under way.
        let held = lock::lock_if_free(&session.store, operation, process);
        match held.map_err(|error| diagnostic(&error))? {
            Some(held) => {
                session.settle(events).await?;
                held.release().map_err(|error| lock::not_released(&error))?;
            }
            None if operation == ONLY_READS => {}
            None => return Err(run_under_way().into()),
        }
        Ok(session)
    }

    /// Locks and reads the state of a configuration that is loaded.
    pub(super) async fn open_state(
        loaded: Loaded,
        settings: &Settings,
        operation: &str,
        process: &Process,
        platforms: &Platforms,
        events: &Events,
    ) -> Result<Self, Diagnostics> {
        let folder = loaded.store.path().parent();
        let is_named = |folder: &&Path| !folder.as_os_str().is_empty();
        if let Some(folder) = folder
            .filter(is_named)
            .filter(|_| !loaded.store.is_remote())
        {
            create_folder(folder)?;
        }
        let store = loaded.store.with_backup(edit::backup(settings));
        let lock = match settings.lock {
            true => Some(lock(&store, settings, operation, process, events).await?),
            false => None,
        };
        let opened = store.open().map_err(|error| diagnostic(&error))?;
        Ok(Self {
            environment: loaded.environment,
            providers: platforms
                .providers_of(&settings.directory, loaded.encrypted.remote_states.clone()),
            encrypted: loaded.encrypted,
            store,
            chosen: loaded.chosen,
            directory: settings.directory.clone(),
            opened,
            recording: loaded.recording,
            ends_as_apply: false,
            parallelism: settings.parallelism,
            generated_in: None,
            provisioners: BuiltIn::new(&process.environment, platforms.are_twins()),
            lock,
        })
    }

    /// Reads the configuration again, after files were added to it.
    pub(super) fn reload(
        &mut self,
        settings: &Settings,
        process: &Process,
        platforms: &Platforms,
        events: &Events,
    ) -> Result<(), Diagnostics> {
        self.recording = Arc::new(Recording::of_root_module(settings));
        self.environment = environment(&self.recording, settings, process, platforms, events)?;
        Ok(())
    }

    /// Finds out what became of the calls that a killed run had under way, and writes that down.
    async fn settle(&mut self, events: &Events) -> Result<(), Diagnostics> {
        let mut diags = Diagnostics::new();
        let in_flight = std::mem::take(&mut self.opened.in_flight);
        let settled = strata_engine::settle(
            &self.environment,
            &mut self.opened.state,
            &in_flight,
            &self.providers,
            &mut diags,
            events,
        )
        .await;
        diags
            .into_iter()
            .for_each(|diagnostic| events.diagnostic(diagnostic));
        settled?;
        self.store
            .write(&mut self.opened.state, &self.opened.base)
            .map_err(|error| diagnostic(&error))?;
        self.opened = self.store.open().map_err(|error| diagnostic(&error))?;
        Ok(())
    }

    /// The state as it is now.
    pub fn state(&self) -> &State {
        &self.opened.state
    }

    /// The names of the outputs that the root module declares.
    pub(crate) fn output_names(&self) -> Vec<Arc<str>> {
        let outputs = &self.environment.config.root().outputs;
        outputs.keys().cloned().collect()
    }

    /// Tells of a plan that destroys as of any other.
    pub fn end_as_apply(&mut self) {
        self.ends_as_apply = true;
    }

    /// What configuration, state and platform together ask for.
    pub async fn plan(&self, options: &PlanOptions, events: &Events) -> Result<Plan, Diagnostics> {
        let plan = self.plan_part(options, events).await?;
        plan.warnings
            .iter()
            .for_each(|warning| events.diagnostic(warning.clone()));
        Ok(plan)
    }

    /// The same for a plan that is saved to a file. One with mistakes is saved, too, to be looked at.
    pub async fn plan_and_save(
        &self,
        options: &PlanOptions,
        settings: &Settings,
        path: &Path,
        events: &Events,
    ) -> Result<Plan, Diagnostics> {
        let mut plan = strata_engine::plan_with_errors(
            &self.environment,
            &self.opened.state,
            &self.providers,
            options,
            events,
        )
        .await?;
        plan.generated_in = self.generated_in.clone();
        let warnings = plan.warnings.iter();
        warnings.for_each(|warning| events.diagnostic(warning.clone()));
        self.save(&plan, settings, path)?;
        match plan.is_errored() {
            true => Err(plan.into_errors()),
            false => Ok(plan),
        }
    }

    /// As [`Self::plan`] without telling its warnings, among which is that only a part is planned.
    pub(crate) async fn plan_part(
        &self,
        options: &PlanOptions,
        events: &Events,
    ) -> Result<Plan, Diagnostics> {
        strata_engine::plan(
            &self.environment,
            &self.opened.state,
            &self.providers,
            options,
            events,
        )
        .await
    }

    /// Does what a plan says, and writes the state.
    pub async fn apply(
        self,
        plan: &Plan,
        stop: &Stop,
        events: &Events,
    ) -> Result<Applied, Diagnostics> {
        let mut journal = self
            .store
            .journal(&self.opened.base)
            .map_err(|error| diagnostic(&error))?;
        let options = ApplyOptions {
            parallelism: self.parallelism,
            fold_every: FOLD_EVERY,
            provisioners: self.provisioners.clone(),
        };
        let applied = strata_engine::apply(
            plan,
            &self.providers,
            &mut journal,
            &options,
            stop.engine(),
            events,
        )
        .await;
        if stop.is_hard() {
            // Calls may still be under way: the journal stays, and the next run finds out about them.
            return Err(interrupted().into());
        }
        let mut state = applied.state;
        let next = state.serial + 1;
        if let Err(error) = journal.finish(&mut state) {
            let mut diags = applied.diagnostics;
            state.serial = state.serial.max(next);
            diags.append(self.not_written(state, &error));
            return Err(diags);
        }
        let (counts, mut diagnostics, stopped) =
            (applied.counts, applied.diagnostics, applied.stopped);
        if let Some(Err(error)) = self.lock.map(Lock::release) {
            diagnostics.push(lock::not_released(&error));
        }
        if !diagnostics.has_errors() && !stopped {
            let operation = match plan.mode == PlanMode::Destroy && !self.ends_as_apply {
                true => OperationKind::Destroy,
                false => OperationKind::Apply,
            };
            events.send(Event::ChangeSummary { operation, counts });
        }
        Ok(Applied {
            state,
            counts,
            diagnostics,
            stopped,
        })
    }

    /// Keeps the state after an apply where it could not be written where it belongs, and says what to do.
    fn not_written(&self, mut state: State, error: &StateError) -> Diagnostics {
        let is_changed = matches!(error, StateError::Changed(_));
        if !self.store.is_remote() && !is_changed {
            return diagnostic(error).into();
        }
        // `state push` takes only what is later than what is there.
        let there = self.store.peek().ok().flatten();
        let there = there.map_or(0, |there| there.serial);
        state.serial = state.serial.max(there + 1);
        errored::keep(&state, &self.store, &self.directory, error)
    }

    /// Gives the lock back. The program ends with it: giving back each part of a large state first would take a while.
    pub fn leave(self) {
        drop(ManuallyDrop::new(self).lock.take());
    }

    /// The providers in use, for what is made of plan and state.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }
}

fn interrupted() -> Diagnostic {
    Diagnostic::error(
        "interrupted",
        "Stopped at once; calls to the platform were under way",
    )
    .detail("The journal beside the state says which.")
    .hint("The next run looks what became of them.")
}

pub(super) fn create_folder(folder: &Path) -> Result<(), Diagnostic> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let summary = format!("The folder `{}` cannot be made", folder.display());
        let diagnostic = Diagnostic::error("state-file", summary).detail(error.to_string());
        with_way_out(diagnostic, folder, &error)
    })
}

/// Loads the configuration and the values of its variables; nothing runs if either has a mistake.
fn environment(
    recording: &Arc<Recording>,
    settings: &Settings,
    process: &Process,
    platforms: &Platforms,
    events: &Events,
) -> Result<Environment, Diagnostics> {
    let mut diags = Diagnostics::new();
    let files: Arc<dyn Files> = recording.clone();
    let inputs = check_inputs(&*files, settings, process, platforms, &mut diags);
    if settings.may_be_empty {
        diags = without_emptiness(diags);
    }
    if diags.has_errors() {
        return Err(diags);
    }
    diags
        .into_iter()
        .for_each(|warning| events.diagnostic(warning));
    Ok(Environment {
        config: inputs.config,
        variables: inputs.variables,
        given: inputs.given,
        workspace: places::workspace(settings, process),
        files: Some(files),
        working_directory: process.started_in.clone(),
        plan_timestamp: Some(process.now().into()),
    })
}

/// A configuration with the values of its variables.
pub(crate) struct Inputs {
    pub(crate) config: Arc<Config>,
    /// Of every variable that is declared.
    pub(crate) variables: BTreeMap<Arc<str>, Value>,
    /// What was given, before it was converted.
    pub(crate) given: BTreeMap<Arc<str>, Value>,
}

/// Loads a configuration and reads the values of its variables; reports every mistake in both.
pub(crate) fn check_inputs(
    files: &dyn Files,
    settings: &Settings,
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Inputs {
    let mut unread = Diagnostics::new();
    let mut inputs = inputs::collect(settings, &process.environment, files, &mut unread);
    let config = validate_with(files, settings, &inputs, process, platforms, diags);
    if unread.has_errors() {
        // What could not be read may hold the values that are missing.
        let mut all = inputs::unset(&config);
        all.append(&mut inputs);
        inputs = all;
    }
    diags.append(unread);
    let variables = strata_config::root_variables(&config, &inputs, diags);
    let given = strata_config::given_variables(&config, &inputs);
    Inputs {
        config,
        variables,
        given,
    }
}

/// All outputs of a state as one object; sensitive ones carry their mark.
pub(crate) fn outputs(state: &State) -> Value {
    Value::object(state.outputs.iter().map(|(name, output)| {
        let value = output.value.clone();
        (
            name.clone(),
            if output.sensitive {
                value.sensitive()
            } else {
                value
            },
        )
    }))
}
