//! Function calls: arguments are evaluated, brought into the parameter's type, and freed of marks.

use strata_core::{Diagnostic, Marks, Text, Type, Value, value::Unknown};

use crate::{
    functions::{self, Argument, Context, Function, FunctionError, Parameter},
    syntax::{
        ByteRange,
        node::{Call, Node},
    },
};

use super::{Evaluator, failed};

/// Arguments as the function takes them.
struct Prepared {
    values: Vec<Value>,
    marks: Marks,
    unknown: bool,
}

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, range: ByteRange) -> Value {
        let name = call
            .name
            .text
            .strip_prefix("core::")
            .unwrap_or(&call.name.text);
        match name {
            "try" => return self.try_each(call, range),
            "can" => return self.can(call, range),
            _ => {}
        }
        let Some((values, marks)) = self.arguments(call) else {
            return failed();
        };
        if let Some(function) = functions::find_built_in(name) {
            if !self.count_fits(function, values.len(), call, range) {
                return failed();
            }
            return self.run(function, values, call, range).with_marks(marks);
        }
        if name.contains("::") {
            return self.call_outside(name, call, &values).with_marks(marks);
        }
        let Some(function) = functions::find(name) else {
            return self.unknown_function(call);
        };
        if !self.count_fits(function, values.len(), call, range) {
            return failed();
        }
        self.run(function, values, call, range).with_marks(marks)
    }

    /// The arguments, those after `...` one by one; none if how many there are is unknown or mistaken.
    fn arguments(&mut self, call: &Call) -> Option<(Vec<Value>, Marks)> {
        let mut values: Vec<_> = call.arguments.iter().map(|node| self.node(node)).collect();
        if !call.expand {
            return Some((values, Marks::NONE));
        }
        let last = values.pop()?;
        if let Some(items) = last.as_sequence() {
            values.extend(items.iter().cloned());
            return Some((values, last.marks()));
        }
        if matches!(last.unmarked(), Value::Unknown(unknown) if !unknown.ty.is_primitive()) {
            return None;
        }
        let range = call
            .arguments
            .last()
            .map_or(call.name.range, |node| node.range);
        self.report(
            range,
            "invalid-expansion",
            "Invalid expanding argument value",
            if last.is_null() {
                "The expanding argument (indicated by ...) must not be null."
            } else {
                "The expanding argument (indicated by ...) must be of a tuple, list, or set type."
            },
        );
        None
    }

    fn call_outside(&mut self, name: &str, call: &Call, values: &[Value]) -> Value {
        match self.scope.call(name, values) {
            Some(Ok(value)) => value,
            Some(Err(message)) => self.report(
                call.name.range,
                "function-failed",
                "Error in function call",
                failure(name, &message),
            ),
            None => self.unknown_function(call),
        }
    }

    fn unknown_function(&mut self, call: &Call) -> Value {
        let name = &call.name.text;
        if let Some((space, function)) = name.rsplit_once("::") {
            return self.unknown_provider_function(call.name.range, space, function);
        }
        let mut diagnostic = Diagnostic::error("unknown-function", "Call to unknown function")
            .at(self.span(call.name.range));
        // Those that Terraform had once, and what is written instead.
        let instead = match &**name {
            "list" => Some(("tolist([ ... ])", "list")),
            "map" => Some(("tomap({ ... })", "map")),
            _ => None,
        };
        if let Some((instead, what)) = instead {
            let detail = format!(
                "Call to function {name:?} failed: the {name:?} function was deprecated in Terraform v0.12 and is no longer available; use {instead} syntax to write a literal {what}."
            );
            let summary = "Error in function call";
            let diagnostic = Diagnostic::error("unknown-function", summary).detail(detail);
            self.diags.push(diagnostic.at(self.span(call.name.range)));
            return failed();
        }
        diagnostic = diagnostic.detail(match functions::not_supported(name) {
            Some(reason) => format!("There is no function named {name:?} here: {reason}."),
            None => format!("There is no function named {name:?}."),
        });
        if &**name == "defaults" {
            // It was there in experiments only.
            diagnostic = diagnostic
                .hint("Defaults stand in the type: `object({ size = optional(number, 4) })`.");
        } else if let Some(similar) = functions::similar(name, functions::names()) {
            diagnostic = diagnostic.hint(format!("did you mean `{similar}`?"));
        }
        self.diags.push(diagnostic);
        failed()
    }

    fn unknown_provider_function(&mut self, range: ByteRange, space: &str, name: &str) -> Value {
        let detail = match space.strip_prefix("provider::") {
            Some("terraform") => {
                format!("The function {name:?} is not available from the provider \"terraform\".")
            }
            Some(provider) => format!(
                "There is no function named \"{space}::{name}\". Ensure that provider name {provider:?} is declared in this module's required_providers block, and that this provider offers a function named {name:?}."
            ),
            None => format!(
                "The function namespace {space:?} is not valid. Provider function calls must use the \"provider::\" namespace prefix."
            ),
        };
        let found = Diagnostic::error("unknown-function", "Unknown provider function")
            .detail(detail)
            .at(self.span(range));
        self.diags.push(match space {
            "provider::terraform" => found,
            _ => found.hint("Of providers' functions there are those of `provider::terraform`."),
        });
        failed()
    }

    fn count_fits(
        &mut self,
        function: &Function,
        count: usize,
        call: &Call,
        range: ByteRange,
    ) -> bool {
        let least = function.parameters.len();
        if count == least || count > least && function.variadic.is_some() {
            return true;
        }
        let summary = if count < least {
            "Not enough function arguments"
        } else {
            "Too many function arguments"
        };
        let name = &call.name.text;
        let bound = match (count < least, function.variadic.is_some()) {
            (true, true) => "at least ",
            (true, false) => "",
            (false, _) => "only ",
        };
        let missing = function
            .parameters
            .get(count)
            .map(|missing| format!(" Missing value for {:?}.", missing.name));
        let missing = missing.unwrap_or_default();
        let detail = format!("Function {name:?} expects {bound}{least} argument(s).{missing}");
        self.report(range, "wrong-argument-count", summary, detail);
        false
    }

    fn run(
        &mut self,
        function: &Function,
        values: Vec<Value>,
        call: &Call,
        range: ByteRange,
    ) -> Value {
        let prepared = match prepare(function, values) {
            Ok(prepared) => prepared,
            Err(error) => return self.function_error(function, error, call, range),
        };
        let result = if prepared.unknown {
            let ty = function.returns.ty(&prepared.values);
            ty.map(|ty| unknown(ty, function.may_be_null))
        } else {
            let context = Context { scope: self.scope };
            let made = (function.call)(&prepared.values, &context);
            // What functions put together or read from outside may not be in normal form.
            if function.makes_text() {
                made.map(crate::normal::value)
            } else {
                made
            }
        };
        match result {
            Ok(value) => value.with_marks(prepared.marks),
            Err(error) => self
                .function_error(function, of_call(function, error), call, range)
                .with_marks(prepared.marks),
        }
    }

    fn function_error(
        &mut self,
        function: &Function,
        error: FunctionError,
        call: &Call,
        range: ByteRange,
    ) -> Value {
        // The arguments are gone; what must not be shown of them is found by evaluating them again.
        let (arguments, _) = self.apart(|evaluator| evaluator.arguments(call));
        let error = error.masked(&secrets(&arguments.map_or_else(Vec::new, |given| given.0)));
        let Some(at) = error.argument else {
            let detail = failure(&call.name.text, &error.message);
            return self.report(range, "function-failed", "Error in function call", detail);
        };
        let last = call.arguments.len().saturating_sub(1);
        let place = call
            .arguments
            .get(at.min(last))
            .map_or(range, |node| node.range);
        let parameter = function
            .parameter(at)
            .map_or("", |parameter| parameter.name);
        let message = error.message.trim_end_matches('.');
        let detail = format!("Invalid value for {parameter:?} parameter: {message}.");
        self.report(
            place,
            "invalid-function-argument",
            "Invalid function argument",
            detail,
        )
    }

    /// `try`: the first argument that has no mistake.
    fn try_each(&mut self, call: &Call, range: ByteRange) -> Value {
        let mut causes = Vec::new();
        for argument in &call.arguments {
            let (value, diags) = self.apart(|evaluator| evaluator.node(argument));
            if !diags.has_errors() {
                return if value.is_wholly_known() {
                    value
                } else {
                    failed().with_marks(value.marks_deep())
                };
            }
            let first = diags.into_iter().find(Diagnostic::is_error);
            causes.extend(first.map(|cause| format!("{}: {}", cause.summary, cause.detail)));
        }
        if causes.is_empty() {
            let detail = failure("try", "at least one argument is required");
            return self.report(range, "function-failed", "Error in function call", detail);
        }
        let detail = format!(
            "Call to function \"try\" failed: no expression succeeded:\n- {}\n\nAt least one expression must produce a successful result.",
            causes.join("\n- ")
        );
        self.report(range, "function-failed", "Error in function call", detail)
    }

    /// `can`: whether the argument has no mistake.
    fn can(&mut self, call: &Call, range: ByteRange) -> Value {
        let [argument]: &[Node] = &call.arguments else {
            let (summary, detail) = match call.arguments.len() {
                0 => (
                    "Not enough function arguments",
                    "Function \"can\" expects 1 argument(s). Missing value for \"expression\".",
                ),
                _ => (
                    "Too many function arguments",
                    "Function \"can\" expects only 1 argument(s).",
                ),
            };
            return self.report(range, "wrong-argument-count", summary, detail);
        };
        let (value, diags) = self.apart(|evaluator| evaluator.node(argument));
        if diags.has_errors() {
            Value::Bool(false)
        } else if value.is_wholly_known() {
            Value::Bool(true)
        } else {
            unknown(Type::Bool, false)
        }
    }
}

/// Terraform does not say which argument of these functions is at fault.
fn of_call(function: &Function, error: FunctionError) -> FunctionError {
    let whole = [
        "base64decode",
        "chunklist",
        "cidrhost",
        "cidrnetmask",
        "cidrsubnet",
        "contains",
        "csvdecode",
        "element",
        "fileexists",
        "flatten",
        "jsondecode",
        "length",
        "merge",
        "pathexpand",
        "sort",
        "substr",
        "timeadd",
        "uuidv5",
        "yamldecode",
    ];
    match whole.contains(&function.name) {
        true => FunctionError::new(error.message),
        false => error,
    }
}

/// The texts of sensitive arguments, which no message may show.
fn secrets(values: &[Value]) -> Vec<Text> {
    let mut found = Vec::new();
    for value in values.iter().filter(|value| value.is_marked_deep()) {
        collect_texts(value, &mut found);
    }
    found
}

fn collect_texts(value: &Value, found: &mut Vec<Text>) {
    match value.unmarked() {
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string().into()),
        value => {
            let items = value.as_sequence().unwrap_or_default();
            items.iter().for_each(|item| collect_texts(item, found));
            for (key, item) in value.as_entries().into_iter().flatten() {
                found.push(key.clone());
                collect_texts(item, found);
            }
        }
    }
}

/// Brings arguments into the types of their parameters.
fn prepare(function: &Function, values: Vec<Value>) -> Result<Prepared, FunctionError> {
    let mut prepared = Prepared {
        values: Vec::with_capacity(values.len()),
        marks: Marks::NONE,
        unknown: false,
    };
    for (at, value) in values.into_iter().enumerate() {
        let Some(parameter) = function.parameter(at) else {
            break;
        };
        let value = prepare_one(parameter, value, &mut prepared)
            .map_err(|message| FunctionError::argument(at, message))?;
        prepared.values.push(value);
    }
    Ok(prepared)
}

fn prepare_one(
    parameter: &Parameter,
    value: Value,
    prepared: &mut Prepared,
) -> Result<Value, String> {
    if value.is_null() && !parameter.nullable {
        return Err("argument must not be null".to_owned());
    }
    let ty = parameter.kind.ty();
    let value = match ty {
        Type::Dynamic => value,
        ty => value.convert(&ty).map_err(|error| located(&error))?,
    };
    Ok(match parameter.argument {
        Argument::Raw => value,
        Argument::Deep | Argument::Open if value.is_plain() => value,
        Argument::Open => value.unmark_deep(&mut prepared.marks),
        Argument::Shallow => {
            prepared.marks |= value.marks();
            prepared.unknown |= !value.is_known();
            value.unmarked().clone()
        }
        Argument::Deep => {
            let value = value.unmark_deep(&mut prepared.marks);
            prepared.unknown |= !value.is_wholly_known();
            value
        }
    })
}

fn located(error: &strata_core::value::ConvertError) -> String {
    if error.path.0.is_empty() {
        error.message.clone()
    } else {
        format!("element {}: {}", error.path, error.message)
    }
}

fn unknown(ty: Type, may_be_null: bool) -> Value {
    let not_null = !may_be_null && ty != Type::Dynamic;
    Value::from(Unknown {
        ty,
        not_null,
        prefix: None,
        length: None,
    })
}

fn failure(name: &str, message: &str) -> String {
    format!(
        "Call to function {name:?} failed: {}.",
        message.trim_end_matches('.')
    )
}
