//! One run: planned, perhaps applied, and looked at.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{
    Config, Evaluator, EvaluatorOptions, LoadOptions, Mode, Named, Run, TestFile, VariableInput,
    load_run, module::ProviderBlock, run_path,
};
use strata_core::{
    Diagnostic, Diagnostics, Events, Value,
    addr::{self, ResourceInstance, Target},
    files::Files,
};
use strata_engine::{Environment, Plan, PlanMode, PlanOptions, Providers, SystemChance};
use strata_state::State;

use super::{
    Status,
    expected::Expected,
    held::{Held, plan_options},
    mock, overrides,
    variables::{self, Earlier, InTest},
};
use crate::{
    files::Disk,
    infrastructure::{Settings, data_folder, stored},
    process::Process,
    registry::Platforms,
    stop::Stop,
};

/// What all runs share.
pub(super) struct World<'a> {
    pub(super) settings: &'a Settings,
    pub(super) process: &'a Process,
    pub(super) platforms: &'a Platforms,
    /// Values of variables from outside of the tests.
    pub(super) inputs: &'a [VariableInput],
    /// What runs have in the place of the configuration under test.
    pub(super) modules: Modules,
    pub(super) parallelism: usize,
    pub(super) verbose: bool,
    pub(super) stop: &'a Stop,
}

/// Modules by the path that [`run_path`] gives them.
type Modules = BTreeMap<String, Arc<Config>>;

/// What came of a run.
pub(super) struct Ran {
    pub(super) status: Status,
    pub(super) diagnostics: Diagnostics,
    pub(super) outputs: Value,
    pub(super) plan: Option<Plan>,
    pub(super) state: Option<State>,
    pub(super) providers: Option<Providers>,
}

impl Ran {
    fn new() -> Self {
        Self {
            status: Status::Pass,
            diagnostics: Diagnostics::new(),
            outputs: Value::object::<&str>([]),
            plan: None,
            state: None,
            providers: None,
        }
    }

    /// Judges what was found: anything wrong that no test condition says is worse than those.
    fn judged(mut self) -> Self {
        let mut errors = self.diagnostics.iter().filter(|found| found.is_error());
        self.status = match (self.diagnostics.has_errors(), errors.all(is_of_assertion)) {
            (false, _) => Status::Pass,
            (true, true) => Status::Fail,
            (true, false) => Status::Error,
        };
        self
    }
}

fn is_of_assertion(found: &Diagnostic) -> bool {
    found.code == "assertion-failed"
}

/// Does a run.
pub(super) async fn run(
    world: &World<'_>,
    under_test: &Arc<Config>,
    file: &TestFile,
    run: &Run,
    earlier: &Earlier,
    held: &mut Held,
) -> Ran {
    let mut ran = Ran::new();
    if let Err(found) = attempt(world, under_test, file, run, earlier, held, &mut ran).await {
        ran.diagnostics.append(found);
    }
    ran.judged()
}

async fn attempt(
    world: &World<'_>,
    under_test: &Arc<Config>,
    file: &TestFile,
    run: &Run,
    earlier: &Earlier,
    held: &mut Held,
    ran: &mut Ran,
) -> Result<(), Diagnostics> {
    let config = match &run.module {
        None => under_test.clone(),
        Some(_) => checked(world, &run_path(&file.name, &run.name))?,
    };
    let runs = earlier
        .iter()
        .map(|(name, outputs)| (name.clone(), outputs.clone()));
    let runs = Value::object(runs);
    let Some(prepared) = prepare(world, &config, (file, run, earlier), &runs, ran)? else {
        return Ok(());
    };
    let Some(plan) = planned(world, run, held, &prepared, ran).await? else {
        return Ok(());
    };
    let mut found = Diagnostics::new();
    let evaluator = if run.plans_only {
        ran.diagnostics.extend(plan.warnings.iter().cloned());
        look_at_plan(&prepared, plan, ran)
    } else {
        let stop = world.stop.engine();
        let applied = held
            .apply(
                &key(run),
                &run.name,
                &plan,
                &prepared.providers,
                world,
                stop,
            )
            .await?;
        found.append(applied.diagnostics);
        look_at_state(&prepared, applied.state, ran)
    };
    found.append(std::mem::take(&mut ran.diagnostics));
    ran.diagnostics = prepared.expected.judge(found);
    if ran.diagnostics.has_errors() {
        return Ok(());
    }
    let named: Named = [("run", runs), ("output", ran.outputs.clone())].into();
    for assert in &run.asserts {
        let mut expressions = [&assert.condition, &assert.error_message].into_iter();
        let diags = &mut ran.diagnostics;
        if expressions.all(|part| variables::check_runs(part, file, earlier, diags)) {
            evaluator.assertion(assert, &named, &mut ran.diagnostics);
        }
    }
    Ok(())
}

/// All that a run needs before it plans.
struct Prepared {
    environment: Environment,
    providers: Providers,
    expected: Expected,
}

/// Works out variables, providers and what stands in for objects; none where there are mistakes, which `ran` then has.
fn prepare(
    world: &World<'_>,
    config: &Arc<Config>,
    (file, run, earlier): (&TestFile, &Run, &Earlier),
    runs: &Value,
    ran: &mut Ran,
) -> Result<Option<Prepared>, Diagnostics> {
    let diags = &mut ran.diagnostics;
    for argument in file.variables.values().chain(run.variables.values()) {
        variables::check_runs(&argument.value, file, earlier, diags);
    }
    if diags.has_errors() {
        return Ok(None);
    }
    let mut scope = InTest {
        named: [("run", runs.clone())].into(),
        working_directory: &world.process.working_directory,
    };
    let values = variables::values(config, file, run, world.inputs, &mut scope, diags);
    let expected = Expected::new(run, config, diags);
    if diags.has_errors() {
        return Ok(None);
    }
    let config = (**config)
        .clone()
        .with_providers(provider_blocks(file, run)?);
    let real = world.platforms.providers_in(&world.settings.directory);
    let real = mock::providers(&config, file, run, &real, &scope)?;
    overrides::check(&run.overrides, std::iter::once(&config), diags);
    let (config, providers) = overrides::apply(config, file, run, &real, &scope)?;
    ran.providers = Some(providers.clone());
    let environment = Environment {
        config: Arc::new(config),
        variables: values,
        given: BTreeMap::new(),
        workspace: "default".into(),
        files: Some(Arc::new(Disk) as Arc<dyn Files>),
        working_directory: world.process.working_directory.clone(),
        plan_timestamp: Some(world.process.now().into()),
    };
    Ok(Some(Prepared {
        environment,
        providers,
        expected,
    }))
}

/// Plans; none where that fails, of which `ran` then has what the run did not expect.
async fn planned(
    world: &World<'_>,
    run: &Run,
    held: &mut Held,
    prepared: &Prepared,
    ran: &mut Ran,
) -> Result<Option<Plan>, Diagnostics> {
    let state = held.state(&key(run))?;
    let options = options(world, run)?;
    let planned = strata_engine::plan(
        &prepared.environment,
        &state,
        &prepared.providers,
        &options,
        &Events::ignored(),
    )
    .await;
    match planned {
        Ok(plan) => Ok(Some(plan)),
        Err(found) => {
            let found = prepared.expected.judge_plan(found, !run.plans_only);
            ran.diagnostics.append(found);
            Ok(None)
        }
    }
}

/// Keeps a plan as what came of the run, and evaluates what assertions say on what it would make.
fn look_at_plan(prepared: &Prepared, plan: Plan, ran: &mut Ran) -> Evaluator {
    ran.outputs = planned_outputs(&prepared.environment, &plan);
    let evaluator = evaluator(&prepared.environment, &prepared.providers, false);
    set_state(&evaluator, &plan.prior, &prepared.providers);
    let current = plan
        .changes
        .iter()
        .filter(|change| change.deposed.is_none());
    for change in current {
        if let Some(after) = &change.after {
            evaluator.set_instance(&change.address, after.clone());
        }
    }
    ran.plan = Some(plan);
    evaluator
}

/// Keeps a state as what came of the run, and evaluates what assertions say on it.
fn look_at_state(prepared: &Prepared, state: State, ran: &mut Ran) -> Evaluator {
    ran.outputs = outputs(&prepared.environment, &state);
    let evaluator = evaluator(&prepared.environment, &prepared.providers, true);
    set_state(&evaluator, &state, &prepared.providers);
    ran.state = Some(state);
    evaluator
}

/// Which state a run works on.
fn key(run: &Run) -> String {
    match (&run.state_key, &run.module) {
        (Some(key), _) => format!("key {key}"),
        (None, Some(module)) => format!("module {}", module.source),
        (None, None) => String::new(),
    }
}

/// Reads the modules of all runs that have one of their own.
pub(super) fn modules(
    settings: &Settings,
    process: &Process,
    files: &[TestFile],
    diags: &mut Diagnostics,
) -> Modules {
    let data_directory = data_folder(settings, process);
    let options = LoadOptions {
        inputs: &[],
        workspace: "default",
        data_directory: Some(&data_directory),
        working_directory: Some(&process.working_directory),
    };
    let mut modules = Modules::new();
    for file in files {
        for run in &file.runs {
            let Some(module) = &run.module else { continue };
            let path = run_path(&file.name, &run.name);
            let root = &settings.directory;
            let config = load_run(&Disk, root, &options, (path.clone(), module), diags);
            modules.insert(path.to_string(), Arc::new(config));
        }
    }
    modules
}

/// The module of a run, if nothing is wrong with it.
fn checked(world: &World<'_>, path: &addr::Module) -> Result<Arc<Config>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = world.modules.get(&path.to_string());
    let config = config.cloned().unwrap_or_default();
    let providers = world.platforms.providers();
    let here = &world.process.working_directory;
    let files: Arc<dyn Files> = Arc::new(Disk);
    strata_config::validate_with_files(&config, providers.schemas(), files, here, &mut diags);
    diags.into_result(config)
}

/// The provider configurations of a run: those of the file, under the names that the run gives them.
fn provider_blocks(file: &TestFile, run: &Run) -> Result<Vec<ProviderBlock>, Diagnostics> {
    if run.providers.is_empty() {
        return Ok(file.providers.values().cloned().collect());
    }
    let mut diags = Diagnostics::new();
    let mut blocks = Vec::new();
    for (key, reference) in &run.providers {
        match file.providers.get(&reference.key) {
            Some(block) => blocks.push(ProviderBlock {
                key: key.clone(),
                ..block.clone()
            }),
            None if file.mocks.contains_key(&reference.key) => {}
            None => diags.push(
                Diagnostic::error("unknown-provider", "Missing provider definition")
                    .detail(format!(
                        "This test file has no provider `{}`.",
                        reference.key
                    ))
                    .at(reference.span.clone()),
            ),
        }
    }
    diags.into_result(blocks)
}

fn options(world: &World<'_>, run: &Run) -> Result<PlanOptions, Diagnostics> {
    let replace: Option<Vec<ResourceInstance>> = run.options.replace.iter().map(instance).collect();
    let Some(replace) = replace else {
        let summary = "Invalid force-replace address";
        let found = Diagnostic::error("invalid-address", summary).at(run.span.clone());
        return Err(found
            .detail("Only resource instances can be replaced.")
            .into());
    };
    let mode = match run.options.refresh_only {
        true => PlanMode::RefreshOnly,
        false => PlanMode::Normal,
    };
    Ok(PlanOptions {
        mode,
        refresh: run.options.refresh,
        targets: run.options.targets.clone(),
        replace,
        ..plan_options(world, world.stop.engine())
    })
}

fn instance(target: &Target) -> Option<ResourceInstance> {
    match target {
        Target::Instance(instance) => Some(instance.clone()),
        Target::Resource(resource) => Some(resource.instance(None)),
        Target::Module(_) => None,
    }
}

fn evaluator(environment: &Environment, providers: &Providers, applied: bool) -> Evaluator {
    Evaluator::new(
        environment.config.clone(),
        EvaluatorOptions {
            mode: Mode::Run,
            variables: environment.variables.clone(),
            workspace: environment.workspace.clone(),
            files: environment.files.clone(),
            working_directory: environment.working_directory.clone(),
            plan_timestamp: environment.plan_timestamp.clone(),
            chance: applied.then(|| Arc::new(SystemChance) as Arc<_>),
            schemas: providers.schemas().clone(),
        },
    )
}

fn set_state(evaluator: &Evaluator, state: &State, providers: &Providers) {
    for (address, _, instance) in state.instances() {
        if let Some(value) = stored::value(&address, instance, providers) {
            evaluator.set_instance(&address, value);
        }
    }
}

/// All declared outputs as a state has them; those without a value are null.
fn outputs(environment: &Environment, state: &State) -> Value {
    let declared = &environment.config.root().outputs;
    let value = |name: &Arc<str>| {
        let Some(output) = state.outputs.get(name) else {
            return Value::Null(strata_core::Type::Dynamic);
        };
        match output.sensitive {
            true => output.value.clone().sensitive(),
            false => output.value.clone(),
        }
    };
    Value::object(declared.keys().map(|name| (name.clone(), value(name))))
}

fn planned_outputs(environment: &Environment, plan: &Plan) -> Value {
    let declared = &environment.config.root().outputs;
    let value = |name: &Arc<str>| {
        let after = plan
            .outputs
            .get(name)
            .and_then(|change| change.after.clone());
        after.unwrap_or(Value::Null(strata_core::Type::Dynamic))
    };
    Value::object(declared.keys().map(|name| (name.clone(), value(name))))
}
