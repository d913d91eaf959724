//! `console`: expressions in the scope of a root module, with the values in its state.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{Chance, Config, Evaluator, EvaluatorOptions, Mode};
use strata_core::{Diagnostic, Diagnostics, Events, Source, Type, Value, addr};
use strata_engine::{Environment, SystemChance};
use strata_hcl::{Expression, parse_expression};

use crate::{
    files::Disk,
    graph::without_emptiness,
    infrastructure::{
        PlanMode, PlanOptions, Providers, Session, Settings, stored, unset_inputs, variable_inputs,
        workspaces,
    },
    process::Process,
    registry::Platforms,
    stop::Stop,
};

/// A root module in which expressions can be evaluated.
pub struct Console {
    evaluator: Evaluator,
}

/// What an expression gives.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A value; sensitive parts carry their mark.
    Value(Value),
    /// The type that `type(…)` was asked for.
    Type(Type),
}

impl Console {
    /// Loads configuration, variables and state of a folder. Nothing is locked and no platform is asked.
    ///
    /// A variable that nobody sets is unknown, as in Terraform. Warnings are put into `diags`.
    pub fn open(
        settings: &Settings,
        process: &Process,
        platforms: &Platforms,
        diags: &mut Diagnostics,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new();
        let config = Arc::new(strata_config::load(&Disk, &settings.directory, &mut found));
        found = without_emptiness(found);
        let variables = variables(&config, settings, process, &mut found);
        if found.has_errors() {
            return Err(found);
        }
        diags.append(found);
        let providers = platforms.providers();
        let state = stored::read(settings, process)?;
        let environment = Environment {
            config,
            variables,
            given: BTreeMap::new(),
            workspace: workspaces::current(settings, process)?,
            files: Some(Arc::new(Disk)),
            working_directory: process.started_in.clone(),
            plan_timestamp: Some(process.now().into()),
        };
        let chance: Arc<dyn Chance + Send + Sync> = Arc::new(SystemChance);
        let evaluator = evaluator(environment, Some(chance), &providers);
        set_values(&evaluator, &state, &providers);
        Ok(Self { evaluator })
    }

    /// The same with the values that a plan comes to, which is made for it and not shown; what nobody knows before an
    /// apply is unknown. The state is locked while it is planned.
    pub async fn open_planned(
        settings: &Settings,
        process: &Process,
        platforms: &Platforms,
        stop: &Stop,
        events: &Events,
    ) -> Result<Self, Diagnostics> {
        let operation = "OperationTypePlan";
        let session = Session::open(settings, operation, process, platforms, events).await?;
        let options = PlanOptions {
            mode: PlanMode::Normal,
            refresh: true,
            targets: Vec::new(),
            exclude: Vec::new(),
            replace: Vec::new(),
            parallelism: settings.parallelism,
            stop: stop.engine().clone(),
        };
        let plan = session.plan(&options, events).await?;
        let evaluator = evaluator(plan.environment.clone(), None, session.providers());
        set_values(&evaluator, &plan.prior, session.providers());
        for change in &plan.changes {
            if let Some(after) = &change.after {
                evaluator.set_instance(&change.address, after.clone());
            }
        }
        Ok(Self { evaluator })
    }

    /// Evaluates one expression.
    pub fn answer(&self, text: &str) -> Result<Answer, Diagnostics> {
        let mut diags = Diagnostics::new();
        let source = Arc::new(Source::new("<console-input>", text));
        let expression = parse_expression(&source, &mut diags);
        if diags.has_errors() {
            return Err(diags);
        }
        let inside = match expression.as_call() {
            Some(("type", arguments)) => {
                Some(only(arguments).map_err(|found| found.at(expression.span()))?)
            }
            _ => None,
        };
        let asked = inside.as_ref().unwrap_or(&expression);
        let root = addr::ModuleInstance::root();
        let value = self.evaluator.expression(asked, &root, &mut diags);
        diags.into_result(match inside {
            Some(_) => Answer::Type(value.ty()),
            None => Answer::Value(value),
        })
    }
}

fn evaluator(
    environment: Environment,
    chance: Option<Arc<dyn Chance + Send + Sync>>,
    providers: &Providers,
) -> Evaluator {
    let options = EvaluatorOptions {
        mode: Mode::Run,
        variables: environment.variables,
        workspace: environment.workspace,
        files: environment.files,
        working_directory: environment.working_directory,
        plan_timestamp: environment.plan_timestamp,
        chance,
        schemas: providers.schemas().clone(),
    };
    Evaluator::new(environment.config, options)
}

/// Hands in what a state holds.
fn set_values(evaluator: &Evaluator, state: &stored::State, providers: &Providers) {
    for (address, _, instance) in state.instances() {
        if let Some(value) = stored::value(&address, instance, providers) {
            evaluator.set_instance(&address, value);
        }
    }
}

/// What `type` is asked about.
fn only(arguments: Vec<Expression>) -> Result<Expression, Diagnostic> {
    let few = arguments.is_empty();
    let mut arguments = arguments.into_iter();
    let (summary, detail) = match (arguments.next(), arguments.next()) {
        (Some(one), None) => return Ok(one),
        _ if few => (
            "Not enough function arguments",
            "`type` takes one value, whose type it shows.",
        ),
        _ => (
            "Too many function arguments",
            "`type` takes one value only, whose type it shows.",
        ),
    };
    Err(Diagnostic::error("invalid-call", summary).detail(detail))
}

/// True if an input is a whole expression, as far as its brackets and heredocs tell.
pub fn is_whole(text: &str) -> bool {
    strata_hcl::is_closed(text)
}

fn variables(
    config: &Config,
    settings: &Settings,
    process: &Process,
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, Value> {
    let mut inputs = unset_inputs(config);
    inputs.extend(variable_inputs(
        settings,
        &process.environment,
        &Disk,
        diags,
    ));
    strata_config::root_variables(config, &inputs, diags)
}
