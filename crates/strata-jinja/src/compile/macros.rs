//! What minijinja's macros lack: `varargs` and `kwargs`, and that a macro gives the value that it puts out, if that is all.
//!
//! Each macro is put into a [`Catching`]. One that speaks of `varargs` or `kwargs` gets two more parameters of these names,
//! the first ones, which are filled with what a call gives beyond the macro's own parameters.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    machinery::{
        CodeGenerator, Instruction,
        ast::{self, Expr, Spanned, Stmt},
    },
    value::{Kwargs, Object, ObjectRepr, Tuple},
};

use super::{native, rewrite};
use crate::{calls, run::Run};

/// The filter that puts a macro into a [`Catching`].
pub(crate) const CATCHING: &str = "__strata_catching";

const VARARGS: &str = "varargs";
const KWARGS: &str = "kwargs";

/// A macro's statement, and another that puts it into a [`Catching`].
pub(super) fn statements<'a>(node: &Spanned<ast::Macro<'a>>) -> Vec<Stmt<'a>> {
    let (name, span) = (node.name, node.span());
    let plain = Stmt::Macro(spanned_macro(node, Vec::new()));
    let free = free_names(&plain);
    let wanted = [VARARGS, KWARGS].map(|name| free.contains(&name));
    let variable = |id| Expr::Var(Spanned::new(ast::Var { id }, span));
    let statement = match wanted {
        [false, false] => plain,
        _ => {
            let first = Vec::from([VARARGS, KWARGS].map(variable));
            Stmt::Macro(spanned_macro(node, first))
        }
    };
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

/// A macro, with further parameters before its own.
pub(super) fn spanned_macro<'a>(
    node: &Spanned<ast::Macro<'a>>,
    first: Vec<Expr<'a>>,
) -> Spanned<ast::Macro<'a>> {
    let own = node.args.iter().map(rewrite::target);
    let are_plain = node
        .defaults
        .iter()
        .all(|one| matches!(one, Expr::Const(_)));
    let (defaults, mut statements) = match are_plain {
        true => (
            node.defaults.iter().map(rewrite::expression).collect(),
            Vec::new(),
        ),
        false => (Vec::new(), defaults_in_turn(node)),
    };
    statements.extend(rewrite::body(&node.body));
    Spanned::new(
        ast::Macro {
            name: node.name,
            args: first.into_iter().chain(own).collect(),
            defaults,
            body: statements,
        },
        node.span(),
    )
}

/// Statements that give parameters their defaults, the first one first: a later one may speak of those before it.
fn defaults_in_turn<'a>(node: &Spanned<ast::Macro<'a>>) -> Vec<Stmt<'a>> {
    let without = node.args.len() - node.defaults.len();
    let pairs = node.args[without..].iter().zip(&node.defaults);
    let statements = pairs.map(|(parameter, default)| {
        let value = rewrite::expression(parameter);
        let expr = rewrite::if_defined(parameter, value, rewrite::expression(default), node.span());
        let target = rewrite::target(parameter);
        Stmt::Set(Spanned::new(ast::Set { target, expr }, node.span()))
    });
    statements.collect()
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

/// A macro that takes what it names, and all other arguments if it speaks of them.
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
    let first = if varargs || kwargs { 2 } else { 0 };
    let own = parameters.try_iter()?.skip(first);
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
            let value: Value = given.get(name)?;
            let value = match name {
                "caller" => Value::from_object(Caller(value)),
                _ => value,
            };
            both[usize::from(!own)].push((name.to_owned(), value));
        }
        Ok(both)
    }
}

/// Calls a macro and gives what it puts out; nothing that is defined where it needs something that is not.
fn called(inner: &Value, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let run = Run::of(state)?;
    let begun = run.begin_output();
    let result = inner.call(state, args);
    let emitted = run.end_output(begun);
    calls::or_undefined(result.map(|text| match text.as_str() {
        Some(text) => native(emitted, text.to_owned()),
        None => text,
    }))
}

/// What stands in a `call` block, as the macro that is called sees it.
#[derive(Debug)]
struct Caller(Value);

impl Object for Caller {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get_item(key).ok()
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        called(&self.0, state, args)
    }
}

impl Object for Catching {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

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
        let mut all = Vec::with_capacity(own.len() + 3);
        if self.varargs || self.kwargs {
            all.push(Value::from(Tuple::new(rest.to_vec())));
            all.push(Value::from_pairs(others));
        }
        all.extend(own.iter().cloned());
        all.push(Kwargs::from_iter(named).into());
        called(&self.inner, state, &all)
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
                "{% macro m(a, b=a + 1, c=b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, c=5) }} {{ m(1, 3) }}",
                "122 125 133",
            ),
            (
                "{% macro m(a, b=a) %}{{ b }}{{ varargs }}{% endmacro %}{% set a = 7 %}{{ m(1) }} {{ m(1, 2, 3) }}",
                "1[] 2[3]",
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
    fn macros_and_blocks_give_the_value_that_they_put_out() {
        let one = "{% macro m(a) %}{{ a }}{% endmacro %}";
        let cases = [
            ("{{ m(1) + 1 }}", json!(2)),
            ("{{ [m(1), m('1')] }}", json!([1, "1"])),
            ("{{ m({'k': [1]}).k | first }}", json!(1)),
            ("{{ m(nix) | default('d') }}", json!("d")),
            ("{{ m('') }}", json!("")),
            ("{{ m(none) is none }}", json!(true)),
            ("{{ m(none) ~ 'a' }}", json!("Nonea")),
            (
                "{% macro n(a) %}{{ a }} {% endmacro %}{{ n([1]) }}",
                json!("[1] "),
            ),
            (
                "{% macro n(a) %}{% if a > 0 %}{{ n(a - 1) + 1 }}{% else %}{{ 0 }}{% endif %}{% endmacro %}{{ n(3) }}",
                json!(3),
            ),
            (
                "{% macro n() %}{{ caller() | length }}{% endmacro %}{% call n() %}{{ [1] }}{% endcall %}",
                json!(1),
            ),
            (
                "{% set z %}{{ [1] }}{% endset %}{{ z + [2] }}",
                json!([1, 2]),
            ),
            ("{% set z %}{% endset %}{{ z is none }}", json!(true)),
            (
                "{% set z | first | string %}{{ [1, 2] }}{% endset %}{{ z }}",
                json!("1"),
            ),
            ("{% filter length %}{{ [1, 2] }}{% endfilter %}", json!(2)),
            (
                "{% for i in [1, 2] %}{% set z %}{{ i }}{% endset %}{{ z + 1 }}{% endfor %}",
                json!("23"),
            ),
            (
                "{% set z %}{{ m(1) }}{{ m(2) }}{% endset %}{{ z }}",
                json!("12"),
            ),
        ];
        for (template, expected) in cases {
            let template = format!("{one}{template}");
            assert_eq!(render(&template).unwrap(), expected, "{template}");
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
