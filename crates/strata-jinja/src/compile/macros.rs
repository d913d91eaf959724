//! Macros that take more than they name: `varargs` and `kwargs`, which minijinja's do not have.
//!
//! A macro that speaks of them gets two more parameters of these names, the first ones, and is put into a
//! [`Catching`], which fills them with what a call gives beyond the macro's own parameters.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    machinery::{
        CodeGenerator, Instruction,
        ast::{self, Expr, Spanned, Stmt},
    },
    value::{Kwargs, Object, Tuple},
};

use super::rewrite;

/// The filter that puts a macro into a [`Catching`].
pub(crate) const CATCHING: &str = "__strata_catching";

const VARARGS: &str = "varargs";
const KWARGS: &str = "kwargs";

/// A macro's statement, and behind that of one which speaks of `varargs` or `kwargs` another.
pub(super) fn statements<'a>(node: &Spanned<ast::Macro<'a>>) -> Vec<Stmt<'a>> {
    let (name, span) = (node.name, node.span());
    let plain = Stmt::Macro(rewrite::spanned_macro(node, Vec::new()));
    let free = free_names(&plain);
    let wanted = [VARARGS, KWARGS].map(|name| free.contains(&name));
    if wanted == [false, false] {
        return vec![plain];
    }
    let variable = |id| Expr::Var(Spanned::new(ast::Var { id }, span));
    let first = Vec::from([VARARGS, KWARGS].map(variable));
    let statement = Stmt::Macro(rewrite::spanned_macro(node, first));
    let flags = wanted.map(|flag| {
        let value = Value::from(flag);
        ast::CallArg::Pos(Expr::Const(Spanned::new(ast::Const { value }, span)))
    });
    let catching = ast::Filter {
        name: CATCHING,
        expr: Some(variable(name)),
        args: Vec::from(flags),
    };
    let set = ast::Set {
        target: variable(name),
        expr: Expr::Filter(Spanned::new(catching, span)),
    };
    vec![statement, Stmt::Set(Spanned::new(set, span))]
}

/// The names that a macro takes from around it.
fn free_names<'a>(statement: &Stmt<'a>) -> Vec<&'a str> {
    let mut generator = CodeGenerator::new("<macro>", "");
    generator.compile_stmt(statement);
    let (instructions, _) = generator.finish();
    let all = (0..).map_while(|at| instructions.get(at));
    all.filter_map(|one| match one {
        Instruction::Enclose(name) => Some(*name),
        _ => None,
    })
    .collect()
}

/// A macro that takes all arguments.
#[derive(Debug)]
struct Catching {
    inner: Value,
    /// Its own parameters.
    named: Vec<String>,
    varargs: bool,
    kwargs: bool,
}

/// Behind [`CATCHING`].
pub(crate) fn catching(inner: &Value, varargs: bool, kwargs: bool) -> Result<Value, Error> {
    let parameters = inner.get_attr("arguments")?;
    let own = parameters.try_iter()?.skip(2);
    Ok(Value::from_object(Catching {
        inner: inner.clone(),
        named: own.map(|name| name.to_string()).collect(),
        varargs,
        kwargs,
    }))
}

impl Catching {
    fn refuse(&self, what: &str) -> Error {
        let name = self.inner.get_attr("name").unwrap_or_default();
        let message = format!("macro '{name}' takes {what}");
        Error::new(ErrorKind::TooManyArguments, message)
    }

    /// Divides named arguments into those of the macro, and all others.
    fn divided(&self, given: &Kwargs) -> Result<[Vec<(String, Value)>; 2], Error> {
        let mut both = [Vec::new(), Vec::new()];
        for name in given.args() {
            let own = name == "caller" || self.named.iter().any(|known| known == name);
            if !own && !self.kwargs {
                return Err(self.refuse(&format!("no keyword argument '{name}'")));
            }
            both[usize::from(!own)].push((name.to_owned(), given.get(name)?));
        }
        Ok(both)
    }
}

impl Object for Catching {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "arguments" => Some(Value::from(Tuple::new(
                self.named.iter().map(Value::from).collect(),
            ))),
            "catch_varargs" => Some(self.varargs.into()),
            "catch_kwargs" => Some(self.kwargs.into()),
            _ => self.inner.get_item(key).ok(),
        }
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (plain, given) = match args.split_last() {
            Some((last, plain)) if last.is_kwargs() => (plain, Kwargs::try_from(last.clone())?),
            _ => (args, Kwargs::from_iter(Vec::<(String, Value)>::new())),
        };
        let (own, rest) = plain.split_at(plain.len().min(self.named.len()));
        if !rest.is_empty() && !self.varargs {
            let most = self.named.len();
            return Err(self.refuse(&format!("not more than {most} argument(s)")));
        }
        let [named, others] = self.divided(&given)?;
        let mut all = vec![
            Value::from(Tuple::new(rest.to_vec())),
            Value::from_pairs(others),
        ];
        all.extend(own.iter().cloned());
        all.push(Kwargs::from_iter(named).into());
        self.inner.call(state, &all)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::{Value as Json, json};

    use crate::{Engine, NoSurroundings, Templar, TemplateError, Variable};

    fn render(template: &str) -> Result<Json, TemplateError> {
        let none = Arc::new(BTreeMap::<String, Variable>::new());
        let surroundings = Arc::new(NoSurroundings::default());
        Templar::new(&Engine::new(), none, surroundings).render_text(template)
    }

    #[test]
    fn macros_take_what_they_do_not_name() {
        let cases = [
            (
                "{% macro m(a, b=2) %}{{ a }} {{ b }} {{ varargs }} {{ kwargs }}{% endmacro %}\
                 {{ m(1) }}; {{ m(1, 3, 4, 5) }}; {{ m(1, x=1, b='z') }}",
                "1 2 [] {}; 1 3 [4, 5] {}; 1 z [] {'x': 1}",
            ),
            (
                "{% macro m() %}{% for k, v in kwargs.items() %}{{ k }}={{ v }};{% endfor %}{% endmacro %}{{ m(b=1, a=2) }}",
                "b=1;a=2;",
            ),
            (
                "{% macro m() %}{{ caller() }}{{ varargs | join }}{% endmacro %}{% call m(1, 2) %}in{% endcall %}",
                "in12",
            ),
            (
                "{% macro m(n) %}{{ n }}{{ varargs | length }}{% if n %}{{ m(n - 1, 7) }}{% endif %}{% endmacro %}{{ m(2) }}",
                "201101",
            ),
            (
                "{% macro m(a) %}{{ varargs }}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.catch_varargs }} {{ m.catch_kwargs }}",
                "m ['a'] True False",
            ),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template).unwrap(), json!(expected), "{template}");
        }
    }

    #[test]
    fn what_a_macro_does_not_speak_of_is_refused() {
        for template in [
            "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
            "{% macro m(a) %}{{ kwargs }}{% endmacro %}{{ m(1, 2) }}",
            "{% macro m(a) %}{{ varargs }}{% endmacro %}{{ m(1, x=2) }}",
        ] {
            assert!(render(template).is_err(), "{template}");
        }
    }
}
