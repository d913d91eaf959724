//! The values of variables in a run: those of the run count before those of its file, and these before all others.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_config::{
    Config, Run, TestFile, VariableInput, VariableOrigin, VariableText, module::Argument,
};
use strata_core::{Diagnostic, Diagnostics, Value, files::Files};
use strata_hcl::{Environment, Expression, Reference, Resolved, Scope, evaluate};

use super::TestOptions;
use crate::{
    files::Disk,
    infrastructure::{Settings, variable_inputs},
    process::Process,
};

/// What runs gave: outputs by the names of the runs.
pub(super) type Earlier = [(Arc<str>, Value)];

/// Values from outside: the environment, variable files, also those beside the tests, and the command line.
pub(super) fn inputs(
    settings: &Settings,
    options: &TestOptions,
    process: &Process,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let mut inputs = variable_inputs(settings, &process.environment, &Disk, diags);
    // What the command line says counts more than the files beside the tests, and these more than others.
    let beside = Settings {
        variables: options.variables.clone(),
        ..Settings::of(settings.directory.join(&options.folder))
    };
    inputs.extend(variable_inputs(&beside, &BTreeMap::new(), &Disk, diags));
    inputs
}

/// What may be referred to in values of variables.
pub(super) struct InTest<'a> {
    pub(super) named: BTreeMap<&'static str, Value>,
    pub(super) working_directory: &'a Path,
}

impl Scope for InTest<'_> {
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
        let found = self.named.get(reference.root)?;
        let name = reference.attribute(0);
        // Runs are looked for before anything is evaluated.
        if reference.root != "run" && name.is_some_and(|name| found.get(name).is_none()) {
            diags.push(not_there(reference));
            return Some(Resolved::failed());
        }
        Some(Resolved::new(found.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            files: Some(&Disk as &dyn Files),
            working_directory: Some(self.working_directory),
            ..Environment::none()
        }
    }

    fn roots(&self) -> Vec<String> {
        self.named.keys().map(ToString::to_string).collect()
    }
}

fn not_there(reference: &Reference<'_>) -> Diagnostic {
    let name = reference.attribute(0).unwrap_or_default();
    Diagnostic::error("undeclared-reference", "Reference to unavailable variable")
        .detail(format!("The variable `{name}` has no value here."))
        .at(reference.span())
}

/// Reports references to runs that have not been done. True if there are none.
pub(super) fn check_runs(
    expression: &Expression,
    file: &TestFile,
    earlier: &Earlier,
    diags: &mut Diagnostics,
) -> bool {
    let before = diags.len();
    for reference in expression.references() {
        let Some(name) = reference.attribute(0).filter(|_| &*reference.root == "run") else {
            continue;
        };
        if earlier.iter().any(|(done, _)| **done == *name) {
            continue;
        }
        let (summary, detail) = match file.runs.iter().any(|run| *run.name == *name) {
            true => (
                "Reference to unevaluated run block",
                format!("The run block `{name}` comes later: what it gives is not known yet."),
            ),
            false => (
                "Reference to unknown run block",
                format!("There is no run block `{name}` in this test file."),
            ),
        };
        let found = Diagnostic::error("undeclared-reference", summary).detail(detail);
        diags.push(found.at(reference.span()));
    }
    diags.len() == before
}

/// The values of the variables of the module that a run is about.
pub(super) fn values(
    config: &Config,
    file: &TestFile,
    run: &Run,
    outside: &[VariableInput],
    scope: &mut InTest<'_>,
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, Value> {
    let declared = &config.root().variables;
    let is_declared = |name: &Arc<str>| declared.contains_key(name);
    let mut inputs: Vec<VariableInput> = outside
        .iter()
        .filter(|input| is_declared(&input.name))
        .cloned()
        .collect();
    // What the file's own values may refer to; what has no value yet is no mistake here.
    let known = strata_config::root_variables(config, &inputs, &mut Diagnostics::new());
    let known = known
        .into_iter()
        .filter(|(_, value)| value.is_wholly_known());
    let mut known: BTreeMap<Arc<str>, Value> = known.collect();
    scope.named.insert("var", Value::object(known.clone()));
    let of_file = read(&file.variables, scope, diags);
    known.extend(
        of_file
            .iter()
            .map(|input| (input.name.clone(), value_of(input))),
    );
    scope.named.insert("var", Value::object(known));
    inputs.extend(of_file.into_iter().filter(|input| is_declared(&input.name)));
    for input in read(&run.variables, scope, diags) {
        match is_declared(&input.name) {
            true => inputs.push(input),
            false => diags.extend(
                run.variables
                    .get(&input.name)
                    .map(|at| undeclared(run, &input, at)),
            ),
        }
    }
    strata_config::root_variables(config, &inputs, diags)
}

fn value_of(input: &VariableInput) -> Value {
    match &input.value {
        VariableText::Value(value) => value.clone(),
        VariableText::Raw(text) => Value::from(text.as_str()),
    }
}

fn read(
    arguments: &BTreeMap<Arc<str>, Argument>,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let input = |(name, argument): (&Arc<str>, &Argument)| VariableInput {
        name: name.clone(),
        value: VariableText::Value(evaluate(&argument.value, scope, diags)),
        origin: VariableOrigin::NamedFile(argument.value.span()),
    };
    arguments.iter().map(input).collect()
}

fn undeclared(run: &Run, input: &VariableInput, at: &Argument) -> Diagnostic {
    Diagnostic::warning("undeclared-variable", "Value for undeclared variable")
        .detail(format!(
            "The module under test does not declare a variable named `{}`, but the run block `{}` gives it a value.",
            input.name, run.name
        ))
        .at(at.span.clone())
}
