//! Values for the root module's variables: from where they come, and what becomes of them.

mod files;
mod json;
mod prepare;

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Source, Span, Type, Value};
use strata_hcl::{EmptyScope, Expression, evaluate, parse_expression};

pub use files::{automatic_variable_files, variable_file};
pub(crate) use prepare::{Unfit, prepare, unknown};

use crate::{
    module::{Module, Variable},
    suggest,
    tree::Config,
};

/// A value given for a variable of the root module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableInput {
    /// The variable's name.
    pub name: Arc<str>,
    /// What it is given.
    pub value: VariableText,
    /// Who gives it.
    pub origin: VariableOrigin,
}

/// What a variable is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableText {
    /// Text as typed: taken as it is for a variable of a primitive type, else an HCL expression.
    Raw(String),
    /// A value.
    Value(Value),
}

/// Who gives a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableOrigin {
    /// `-var` on the command line.
    CommandLine,
    /// An environment variable, `TF_VAR_name`.
    Environment,
    /// A file given by `-var-file`: the place of the entry.
    NamedFile(Span),
    /// A file found beside the configuration: the place of the entry.
    AutomaticFile(Span),
    /// Strata itself, such as the project file.
    Given(String),
}

/// The values of the root module's variables, converted to their types; of several inputs for one name the last counts.
///
/// Every declared variable is in the result; those without a usable value are unknown, and that has been reported.
pub fn root_variables(
    config: &Config,
    inputs: &[VariableInput],
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, Value> {
    let declared = &config.root().variables;
    let mut last: BTreeMap<&str, &VariableInput> = BTreeMap::new();
    for input in inputs {
        last.insert(&input.name, input);
    }
    for input in last
        .values()
        .filter(|input| !declared.contains_key(&input.name))
    {
        let names = declared.keys().map(|name| &**name);
        diags.extend(undeclared(input, suggest::hint(&input.name, names)));
    }
    let value = |(name, variable): (&Arc<str>, &Variable)| {
        (
            name.clone(),
            value(variable, last.get(&**name).copied(), diags),
        )
    };
    declared.iter().map(value).collect()
}

/// What the root module's variables are given, as it is before it is converted to their types; of several inputs for one
/// name the last counts. What cannot be read is left out.
pub fn given_variables(config: &Config, inputs: &[VariableInput]) -> BTreeMap<Arc<str>, Value> {
    let declared = &config.root().variables;
    let mut unheard = Diagnostics::new();
    let mut given = BTreeMap::new();
    for input in inputs {
        let variable = declared.get(&input.name);
        if let Some(value) = variable.and_then(|variable| read(input, variable, &mut unheard)) {
            given.insert(input.name.clone(), value);
        }
    }
    given
}

/// The values that the root module's variables have, as far as they are known; mistakes are found later.
pub(crate) fn early_variables(
    module: &Module,
    inputs: &[VariableInput],
) -> BTreeMap<Arc<str>, Value> {
    let mut unheard = Diagnostics::new();
    let last = |name: &str| inputs.iter().rev().find(|input| *input.name == *name);
    let given = module.variables.iter().filter_map(|(name, variable)| {
        let input = last(name)?;
        Some((name.clone(), value(variable, Some(input), &mut unheard)))
    });
    given.collect()
}

fn value(variable: &Variable, input: Option<&VariableInput>, diags: &mut Diagnostics) -> Value {
    let given = match input {
        None => None,
        Some(input) => match read(input, variable, diags) {
            Some(value) => Some(value),
            None => return unknown(variable),
        },
    };
    match prepare(variable, given.as_ref()) {
        Ok(value) => value,
        Err(unfit) => {
            diags.push(unsuitable(variable, input, &unfit));
            unknown(variable)
        }
    }
}

/// The value of an input; text is taken as it is for primitive types, else as an expression. None after a mistake.
fn read(input: &VariableInput, variable: &Variable, diags: &mut Diagnostics) -> Option<Value> {
    let text = match &input.value {
        VariableText::Value(value) => return Some(value.clone()),
        VariableText::Raw(text) => text,
    };
    let primitive = match &variable.ty {
        None => true,
        Some(ty) => ty.ty.is_primitive(),
    };
    if primitive {
        return Some(Value::from(text.as_str()));
    }
    let mut found = Diagnostics::new();
    let source = Arc::new(Source::new(
        format!("<value for var.{}>", input.name),
        text.as_str(),
    ));
    let expression = parse_expression(&source, &mut found);
    let value = literal(&expression, &mut found);
    let failed = found.has_errors();
    // The text may be secret: name the variable, and leave the places in it to the user.
    if failed && variable.sensitive {
        let hidden = "The value given for this sensitive variable is not a valid expression.";
        found = Diagnostic::error("invalid-variable", "Invalid value for input variable")
            .detail(hidden)
            .at(variable.span.clone())
            .into();
    }
    diags.append(found);
    (!failed).then_some(value)
}

/// The value of an expression that may use neither variables nor functions; unknown after a mistake.
fn literal(expression: &Expression, diags: &mut Diagnostics) -> Value {
    let wrong = match (expression.references().first(), expression.calls().first()) {
        (Some(reference), _) => Diagnostic::error("variables-not-allowed", "Variables not allowed")
            .detail("Variables may not be used here.")
            .at(reference.span()),
        (None, Some(function)) => {
            Diagnostic::error("functions-not-allowed", "Function calls not allowed")
                .detail("Functions may not be called here.")
                .at(function.range.span(expression.source()))
        }
        (None, None) => return evaluate(expression, &EmptyScope, diags),
    };
    diags.push(wrong);
    Value::unknown(Type::Dynamic)
}

fn unsuitable(variable: &Variable, input: Option<&VariableInput>, unfit: &Unfit) -> Diagnostic {
    let name = &variable.name;
    let (summary, detail) = match (unfit, input) {
        (Unfit::Missing, _) => (
            "No value for required variable",
            format!(
                "The root module input variable `{name}` is not set, and has no default value."
            ),
        ),
        (Unfit::Null, _) => (
            "Required variable not set",
            format!(
                "The given value is not suitable for var.{name}: required variable may not be set to null."
            ),
        ),
        (Unfit::Type(why), Some(input)) if variable.sensitive => (
            "Invalid value for input variable",
            format!(
                "The given value is not suitable for var.{name}, which is sensitive: {why}. Invalid value defined {}.",
                input.origin.describe(name)
            ),
        ),
        (Unfit::Type(why), Some(input)) => (
            "Invalid value for input variable",
            format!(
                "The given value is not suitable for var.{name} {}: {why}.",
                input.origin.describe(name)
            ),
        ),
        (Unfit::Type(why), None) => (
            "Invalid value for input variable",
            format!("The given value is not suitable for var.{name}: {why}."),
        ),
    };
    let code = match unfit {
        Unfit::Missing => "missing-variable",
        _ => "invalid-variable",
    };
    let found = Diagnostic::error(code, summary).detail(detail);
    // The line where a secret is given would be shown with it.
    let place = input.filter(|_| !variable.sensitive);
    let found = match (unfit, place.and_then(|input| input.origin.span())) {
        (Unfit::Missing, _) | (_, None) => found.at(variable.span.clone()),
        (_, Some(span)) => found
            .at(span.clone())
            .label(variable.span.clone(), "declared here"),
    };
    match unfit {
        Unfit::Missing => found.hint(format!(
            "Set it with `-var {name}=...`, in a `.tfvars` file, or as environment variable `TF_VAR_{name}`."
        )),
        _ => found,
    }
}

/// What is said of a value for a variable that is not there: nothing for environment variables, which others may need.
fn undeclared(input: &VariableInput, hint: Option<String>) -> Option<Diagnostic> {
    let name = &input.name;
    let declare =
        format!("To use this value, add a `variable \"{name}\" {{}}` block to the root module.");
    let found = match &input.origin {
        VariableOrigin::Environment => return None,
        VariableOrigin::CommandLine | VariableOrigin::Given(_) => {
            Diagnostic::error("undeclared-variable", "Value for undeclared variable").detail(format!(
                "A variable named `{name}` was assigned {}, but the root module does not declare a variable of that \
                 name.",
                input.origin.describe(name)
            ))
        }
        VariableOrigin::NamedFile(span) | VariableOrigin::AutomaticFile(span) => {
            Diagnostic::warning("undeclared-variable", "Value for undeclared variable")
                .detail(format!(
                    "The root module does not declare a variable named `{name}`, but `{}` gives it a value.",
                    span.file
                ))
                .at(span.clone())
        }
    };
    Some(found.hint(hint.unwrap_or(declare)))
}

impl VariableOrigin {
    /// How the value came here, after "set" or "assigned".
    fn describe(&self, name: &str) -> String {
        match self {
            VariableOrigin::CommandLine => format!("using -var=\"{name}=...\""),
            VariableOrigin::Environment => format!("using the TF_VAR_{name} environment variable"),
            VariableOrigin::NamedFile(span) | VariableOrigin::AutomaticFile(span) => {
                format!("at {}:{}", span.file, span.start.line)
            }
            VariableOrigin::Given(who) => format!("by {who}"),
        }
    }

    fn span(&self) -> Option<&Span> {
        match self {
            VariableOrigin::NamedFile(span) | VariableOrigin::AutomaticFile(span) => Some(span),
            _ => None,
        }
    }
}
