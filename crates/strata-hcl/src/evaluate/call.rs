//! Function calls: arguments are evaluated, brought into the parameter's type, and freed of marks.

use strata_core::{Diagnostic, Marks, Type, Value, value::Unknown};

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
            "What `...` follows is no list",
            "Only a list, set or tuple can be expanded into arguments, and it must not be null.",
        );
        None
    }

    fn call_outside(&mut self, name: &str, call: &Call, values: &[Value]) -> Value {
        match self.scope.call(name, values) {
            Some(Ok(value)) => value,
            Some(Err(message)) => self.report(
                call.name.range,
                "function-failed",
                &format!("`{name}` failed"),
                message,
            ),
            None => self.unknown_function(call),
        }
    }

    fn unknown_function(&mut self, call: &Call) -> Value {
        let name = &call.name.text;
        let mut diagnostic =
            Diagnostic::error("unknown-function", format!("There is no function `{name}`"))
                .at(self.span(call.name.range));
        diagnostic = match functions::not_supported(name) {
            Some(reason) => diagnostic.detail(format!(
                "Terraform has it, but it is not supported here: {reason}."
            )),
            None => diagnostic.detail("No function has this name."),
        };
        if let Some(similar) = functions::similar(name, functions::names()) {
            diagnostic = diagnostic.hint(format!("did you mean `{similar}`?"));
        }
        self.diags.push(diagnostic);
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
        let takes = match (function.variadic.is_some(), least) {
            (false, 1) => "takes 1 argument".to_owned(),
            (false, least) => format!("takes {least} arguments"),
            (true, 1) => "takes at least 1 argument".to_owned(),
            (true, least) => format!("takes at least {least} arguments"),
        };
        let detail = match function.parameters.get(count) {
            Some(missing) => format!("`{name}` {takes}; `{}` is missing.", missing.name),
            None => format!("`{name}` {takes}, not {count}."),
        };
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
            (function.call)(&prepared.values, &context)
        };
        match result {
            Ok(value) => value.with_marks(prepared.marks),
            Err(error) => self
                .function_error(function, error, call, range)
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
        let name = function.name;
        let Some(at) = error.argument else {
            let detail = format!("{}.", capital(error.message.trim_end_matches('.')));
            return self.report(
                range,
                "function-failed",
                &format!("`{name}` failed"),
                detail,
            );
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
        let detail = format!("The argument `{parameter}` of `{name}` does not fit: {message}.");
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
            return self.report(
                range,
                "wrong-argument-count",
                "Not enough function arguments",
                "`try` takes at least 1 argument.",
            );
        }
        let detail = format!(
            "None of the expressions could be evaluated. {}",
            causes.join(" ")
        );
        self.report(range, "function-failed", "`try` failed", detail)
    }

    /// `can`: whether the argument has no mistake.
    fn can(&mut self, call: &Call, range: ByteRange) -> Value {
        let [argument]: &[Node] = &call.arguments else {
            let detail = format!("`can` takes 1 argument, not {}.", call.arguments.len());
            return self.report(
                range,
                "wrong-argument-count",
                "Wrong number of arguments",
                detail,
            );
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
        return Err("it must not be null".to_owned());
    }
    let ty = parameter.kind.ty();
    let value = match ty {
        Type::Dynamic => value,
        ty => value.convert(&ty).map_err(|error| located(&error))?,
    };
    Ok(match parameter.argument {
        Argument::Raw => value,
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

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
