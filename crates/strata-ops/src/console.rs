//! `console`: expressions in the scope of a root module, with the values in its state.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{Config, Evaluator, EvaluatorOptions, Mode};
use strata_core::{Diagnostic, Diagnostics, Source, Type, Value, addr, files::Files};
use strata_engine::SystemChance;
use strata_hcl::{Expression, parse_expression};

use crate::{
    files::Disk,
    graph::without_emptiness,
    infrastructure::{Settings, stored, unset_inputs, variable_inputs, workspaces},
    process::Process,
    registry::Platforms,
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
        let files: Arc<dyn Files> = Arc::new(Disk);
        let evaluator = Evaluator::new(
            config,
            EvaluatorOptions {
                mode: Mode::Run,
                variables,
                workspace: workspaces::current(settings, process),
                files: Some(files),
                working_directory: process.working_directory.clone(),
                plan_timestamp: Some(process.now().into()),
                chance: Some(Arc::new(SystemChance)),
                schemas: providers.schemas().clone(),
            },
        );
        for (address, _, instance) in state.instances() {
            if let Some(value) = stored::value(&address, instance, &providers) {
                evaluator.set_instance(&address, value);
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
