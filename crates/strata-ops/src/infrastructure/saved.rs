//! Saved plans: a file with everything that apply needs, to be applied later as it was shown.
//!
//! It holds the configuration, the values of variables and the state as it was read, so it holds secrets: only its
//! owner may read it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strata_config::{VariableInput, VariableOrigin, VariableText};
use strata_core::{Diagnostic, Diagnostics, Events, Value, files::Files};
use strata_engine::{
    Environment, Plan,
    saved::{plan_from_text, plan_to_text, value_from_json, value_to_json},
};
use strata_state::{Store, encryption::is_encrypted};

use super::{
    Settings,
    backend::Chosen,
    edit, inputs,
    places::Places,
    recording::{Recording, Seen},
    session::{Loaded, Session, check_inputs},
    trouble::diagnostic,
    validate::validate_with,
};
use crate::{process::Process, registry::Platforms};

/// The version of the format.
const FORMAT: u32 = 2;

/// With what each saved plan begins.
const BEGINNING: &str = "{\"strata_plan\"";

/// A plan that was saved.
pub struct SavedPlan {
    file: File,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct File {
    strata_plan: u32,
    version: String,
    /// The state that it was made on, and what tells whether that is still the same.
    state: PathBuf,
    /// `-state-out`.
    #[serde(default)]
    state_out: Option<PathBuf>,
    backend: Chosen,
    fingerprint: Option<String>,
    directory: PathBuf,
    workspace: Arc<str>,
    working_directory: PathBuf,
    timestamp: Option<Arc<str>>,
    /// What was given for variables.
    variables: BTreeMap<Arc<str>, serde_json::Value>,
    /// Variables with a value that must not be stored: it must be given once more.
    #[serde(default)]
    ephemeral: Vec<Arc<str>>,
    files: Seen,
    plan: Box<RawValue>,
}

/// What is looked at first.
#[derive(Deserialize)]
struct Header {
    strata_plan: u32,
    version: String,
}

impl Session {
    /// Writes a plan that this session made.
    pub fn save(&self, plan: &Plan, settings: &Settings, path: &Path) -> Result<(), Diagnostics> {
        let text = plan_to_text(plan).and_then(|plan| {
            let environment = &self.environment;
            let file = File {
                strata_plan: FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                state: self.store.read_from().to_owned(),
                state_out: settings.state_out.clone(),
                backend: self.chosen.clone(),
                fingerprint: self.opened.base.fingerprint().map(str::to_owned),
                directory: settings.directory.clone(),
                workspace: environment.workspace.clone(),
                working_directory: environment.working_directory.clone(),
                timestamp: environment.plan_timestamp.clone(),
                variables: stored_variables(environment),
                ephemeral: ephemeral_variables(environment),
                files: self.recording.seen(),
                plan: RawValue::from_string(plan).map_err(|error| error.to_string())?,
            };
            serde_json::to_string(&file).map_err(|error| error.to_string())
        });
        let text = text.map_err(|reason| {
            Diagnostic::error("plan-file", "The plan cannot be saved").detail(reason)
        })?;
        let sealed = match &self.encrypted.plan {
            None => Ok(text.into_bytes()),
            Some(encryption) => encryption.encrypt(text.as_bytes()),
        };
        let sealed = sealed.map_err(|error| diagnostic(&error))?;
        strata_state::write_private(path, &sealed).map_err(|error| {
            Diagnostic::error("plan-file", "Failed to write plan file")
                .detail(format!("The plan file could not be written: {error}."))
                .into()
        })
    }

    /// Opens the root module of a saved plan, to apply it; refused if the state is not the one it was made on.
    pub async fn open_saved(
        saved: &SavedPlan,
        settings: &Settings,
        process: &Process,
        platforms: &Platforms,
        events: &Events,
    ) -> Result<(Self, Plan), Diagnostics> {
        let file = &saved.file;
        let (environment, recording) = saved.environment(Some(settings), process, platforms)?;
        let of = Settings {
            directory: file.directory.clone(),
            state: None,
            ..settings.clone()
        };
        let places = Places::with(&of, &file.backend, process)?.encrypted_by(
            &environment.config,
            &of,
            process,
        )?;
        let store = match file.backend.kind == "local" {
            true => places.sealed(Store::new(file.state.clone())),
            false => places.store(&file.workspace)?,
        };
        let written = settings.state_out.clone().or(file.state_out.clone());
        let written = Settings {
            state_out: written,
            ..of
        };
        let store = edit::written(store, &written)?;
        let loaded = Loaded {
            environment: environment.clone(),
            recording,
            store,
            chosen: file.backend.clone(),
            encrypted: places.encrypted().clone(),
        };
        let operation = "OperationTypeApply";
        let mut session =
            Self::open_state(loaded, settings, operation, process, platforms, events).await?;
        let is_same = session.opened.base.fingerprint() == file.fingerprint.as_deref();
        if !is_same || session.opened.has_journal {
            return Err(stale().into());
        }
        session.end_as_apply();
        let mut plan = saved.read_plan(environment)?;
        if plan.is_errored() {
            return Err(incomplete().into());
        }
        if file.fingerprint.is_none() {
            // Each state begins with a lineage of its own.
            plan.prior.lineage = session.opened.base.lineage().clone();
        }
        Ok((session, plan))
    }
}

fn incomplete() -> Diagnostic {
    Diagnostic::error("plan-file", "Cannot apply incomplete plan")
        .detail("Something was wrong when this plan was made, so it does not say all that is to be done.")
        .hint("Put right what the plan found, and plan again.")
}

/// What was given for variables, without those that must not be stored.
fn stored_variables(environment: &Environment) -> BTreeMap<Arc<str>, serde_json::Value> {
    let declared = &environment.config.root().variables;
    let is_stored = |name: &Arc<str>| !declared.get(name).is_some_and(|found| found.ephemeral);
    let stored = environment.given.iter().filter(|(name, _)| is_stored(name));
    stored
        .map(|(name, value)| (name.clone(), value_to_json(value)))
        .collect()
}

/// Names of the variables that are not stored and have another value than their default. (Those without default are
/// missed anyway.)
fn ephemeral_variables(environment: &Environment) -> Vec<Arc<str>> {
    let variables = environment.config.root().variables.iter();
    let is_given = |name: &Arc<str>, default: &Value| {
        let value = environment.variables.get(name);
        value.is_some_and(|value| value.unmark_paths().0 != *default)
    };
    let given = variables.filter(|(name, found)| {
        let default = found.default.as_ref();
        found.ephemeral && default.is_some_and(|default| is_given(name, default))
    });
    given.map(|(name, _)| name.clone()).collect()
}

/// Reports those of them that have no value now, as Terraform does.
fn check_ephemeral(file: &File, given: &[VariableInput], diags: &mut Diagnostics) {
    let is_given = |name: &Arc<str>| given.iter().any(|input| input.name == *name);
    for name in file.ephemeral.iter().filter(|name| !is_given(name)) {
        diags.push(
            Diagnostic::error("variable-required", "No value for required variable")
                .detail(format!(
                    "`var.{name}` is ephemeral, so its value is not in the plan."
                ))
                .hint("Give it the value that the plan was made with."),
        );
    }
}

impl SavedPlan {
    /// Reads a file; none if it is something else than a saved plan.
    ///
    /// Where it is encrypted, the configuration that `settings` name says how.
    pub fn read(
        path: &Path,
        settings: &Settings,
        process: &Process,
    ) -> Result<Option<Self>, Diagnostics> {
        let bytes = fs::read(path).map_err(|error| {
            let summary = format!("Failed to load \"{}\" as a plan file", path.display());
            Diagnostic::error("plan-file", summary).detail(error.to_string())
        })?;
        let bytes = match is_encrypted(&bytes) {
            true => decrypted(&bytes, settings, process)?,
            false => bytes,
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(None);
        };
        let header = match serde_json::from_str::<Header>(&text) {
            Ok(header) => header,
            // One of ours that was cut off.
            Err(error) if text.starts_with(BEGINNING) => {
                return Err(damaged(path, &error.to_string()).into());
            }
            Err(_) => return Ok(None),
        };
        let ours = env!("CARGO_PKG_VERSION");
        if header.strata_plan != FORMAT || header.version != ours {
            let summary = "The saved plan was made by another version of Strata";
            let detail = match header.version == ours {
                true => format!(
                    "Its format is {}, this one writes and reads {FORMAT}.",
                    header.strata_plan
                ),
                false => format!("It is of {}, this is {ours}.", header.version),
            };
            return Err(Diagnostic::error("plan-version", summary)
                .detail(detail)
                .hint("Plan again with this version.")
                .into());
        }
        let file =
            serde_json::from_str(&text).map_err(|error| damaged(path, &error.to_string()))?;
        Ok(Some(Self {
            file,
            path: path.to_owned(),
        }))
    }

    /// The plan, to look at.
    pub fn plan(&self, process: &Process, platforms: &Platforms) -> Result<Plan, Diagnostics> {
        let (environment, _) = self.environment(None, process, platforms)?;
        self.read_plan(environment)
    }

    fn read_plan(&self, environment: Environment) -> Result<Plan, Diagnostics> {
        plan_from_text(self.file.plan.get(), environment)
            .map_err(|reason| damaged(&self.path, &reason).into())
    }

    /// The configuration with its values, as it was; values that were not to be stored come from the settings.
    fn environment(
        &self,
        settings: Option<&Settings>,
        process: &Process,
        platforms: &Platforms,
    ) -> Result<(Environment, Arc<Recording>), Diagnostics> {
        let file = &self.file;
        let recording = Arc::new(Recording::of(file.files.clone()));
        let files: Arc<dyn Files> = recording.clone();
        let mut diags = Diagnostics::new();
        let read = |(name, value): (&Arc<str>, &serde_json::Value)| {
            Some((name.clone(), value_from_json(value)?))
        };
        let given: Option<BTreeMap<Arc<str>, Value>> = file.variables.iter().map(read).collect();
        let given = given.ok_or_else(|| damaged(&self.path, "a variable cannot be read"))?;
        let stored = given.iter().map(|(name, value)| VariableInput {
            name: name.clone(),
            value: VariableText::Value(value.clone()),
            origin: VariableOrigin::Given("the saved plan".to_owned()),
        });
        let inputs: Vec<_> = stored.collect();
        let of = Settings::of(file.directory.clone());
        let config = validate_with(&*files, &of, &inputs, process, platforms, &mut diags);
        let declared = &config.root().variables;
        let is_stored = |name: &Arc<str>| !declared.get(name).is_some_and(|found| found.ephemeral);
        // What was stored had no mistakes, and what was not has no value here.
        let mut variables =
            strata_config::root_variables(&config, &inputs, &mut Diagnostics::new());
        variables.retain(|name, _| is_stored(name));
        let lacks_some = declared.keys().any(|name| !is_stored(name));
        if let Some(settings) = settings.filter(|_| lacks_some) {
            let given = check_inputs(&*files, settings, process, platforms, &mut diags).variables;
            let wanted = given.into_iter().filter(|(name, _)| !is_stored(name));
            variables.extend(wanted);
        }
        if let Some(settings) = settings {
            let mut unread = Diagnostics::new();
            let given = inputs::collect(settings, &process.environment, &*files, &mut unread);
            check_ephemeral(file, &given, &mut diags);
            check_given(
                settings, &*files, &variables, process, platforms, &mut diags,
            );
        }
        let environment = Environment {
            config,
            variables,
            given,
            workspace: file.workspace.clone(),
            files: Some(files),
            working_directory: file.working_directory.clone(),
            plan_timestamp: file.timestamp.clone(),
        };
        diags.into_result((environment, recording))
    }
}

/// Reports variables that are given another value than the plan was made with, which may be said once more, and what
/// cannot be read or is not declared.
fn check_given(
    settings: &Settings,
    files: &dyn Files,
    variables: &BTreeMap<Arc<str>, Value>,
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) {
    // What is wrong with the given values themselves may have been reported.
    if settings.variables.is_empty() || diags.has_errors() {
        return;
    }
    let mut unread = Diagnostics::new();
    let named = inputs::collect(settings, &BTreeMap::new(), files, &mut unread);
    if unread.has_errors() {
        diags.append(unread);
        return;
    }
    let is_named = |input: &&VariableInput| {
        matches!(
            input.origin,
            VariableOrigin::CommandLine | VariableOrigin::NamedFile(_)
        )
    };
    let mut found = Diagnostics::new();
    let given = check_inputs(files, settings, process, platforms, &mut found).variables;
    // Values that are not given once more are no mistakes.
    let undeclared = |found: &Diagnostic| found.is_error() && found.code == "undeclared-variable";
    diags.extend(found.into_iter().filter(undeclared));
    for input in named.iter().filter(is_named) {
        let (planned, given) = (variables.get(&input.name), given.get(&input.name));
        if planned.is_none() || planned == given {
            continue;
        }
        let summary = "Can't change variable when applying a saved plan";
        diags.push(
            Diagnostic::error("saved-variable", summary)
                .detail(format!(
                    "The variable `{}` is given another value than it had when the plan was made.",
                    input.name
                ))
                .hint("Plan again with the new value."),
        );
    }
}

/// A plan's text; a state that is encrypted stays as it is.
fn decrypted(bytes: &[u8], settings: &Settings, process: &Process) -> Result<Vec<u8>, Diagnostics> {
    let places = Places::find(settings, process)?;
    match &places.encrypted().plan {
        None => Ok(bytes.to_vec()),
        Some(encryption) => encryption
            .decrypt(bytes)
            .map_err(|error| diagnostic(&error).into()),
    }
}

fn damaged(path: &Path, reason: &str) -> Diagnostic {
    let summary = format!("Failed to load \"{}\" as a plan file", path.display());
    Diagnostic::error("plan-file", summary).detail(format!("It is damaged: {reason}."))
}

fn stale() -> Diagnostic {
    Diagnostic::error("plan-stale", "Saved plan is stale")
        .detail("The state was changed by another operation after the plan was made, so that it says no more what would happen.")
        .hint("Plan again.")
}
