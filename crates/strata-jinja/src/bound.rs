//! Methods that are not called: `x.keys` is a value of its own, whatever keys `x` has, as in Python.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, ValueKind},
};

use crate::operators::type_name;

const OF_MAPPINGS: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

const OF_LISTS: &[&str] = &[
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];

const OF_TEXTS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

/// A method of a value.
pub(crate) struct Bound {
    value: Value,
    name: String,
}

/// The method of this name that a text, a list or a mapping has in Python.
pub(crate) fn method(value: &Value, name: &str) -> Option<Value> {
    let names = match value.kind() {
        ValueKind::String => OF_TEXTS,
        ValueKind::Seq => OF_LISTS,
        ValueKind::Map if OF_MAPPINGS.contains(&name) && is_mapping(value) => OF_MAPPINGS,
        _ => return None,
    };
    names.contains(&name).then(|| {
        Value::from_object(Bound {
            value: value.clone(),
            name: name.to_owned(),
        })
    })
}

/// False for what only looks like one: a `namespace` and a `loop` have nothing but the names that they were given.
pub(crate) fn is_mapping(value: &Value) -> bool {
    let object = value.as_object();
    let own = |name: &str| {
        ["Namespace", "Loop", "Macro", "Module"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    object.is_some_and(|object| !own(object.type_name()))
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = type_name(&self.value);
        write!(f, "<built-in method {} of {kind} object>", self.name)
    }
}

impl Object for Bound {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.value.call_method(state, &self.name, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// True for methods, macros and functions.
pub(crate) fn is_callable(value: &Value) -> bool {
    let kinds = ["Bound", "Macro", "Catching", "BoxedFunction"];
    let object = value.as_object();
    object.is_some_and(|object| kinds.iter().any(|kind| object.type_name().ends_with(kind)))
}

/// A method cannot be kept: there is no such value outside of templates.
pub(crate) fn refuse(value: &Value) -> Result<(), Error> {
    if value.downcast_object_ref::<Bound>().is_none() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidOperation,
        "Type 'builtin_function_or_method' is unsupported for variable storage.",
    ))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::{Value as Json, json};

    use crate::{Engine, NoSurroundings, Templar, TemplateError, Variable};

    fn render(template: &str) -> Result<Json, TemplateError> {
        let d = json!({"a": 1, "items": 2, "nested": {"values": 3}});
        let d = Variable::Template(Arc::new(d));
        let variables = Arc::new(BTreeMap::from([("d".to_owned(), d)]));
        let surroundings = Arc::new(NoSurroundings::default());
        Templar::new(&Engine::new(), variables, surroundings).render_text(template)
    }

    #[test]
    fn methods_go_before_keys_and_can_be_called_later() {
        let cases = [
            (
                "{{ d.keys is defined }} {{ 'x'.upper is defined }} {{ [].sort is defined }} {{ 'x'.nothing is defined }}",
                json!("True True True False"),
            ),
            (
                "{{ d['items'] }} {{ d.nested['values'] }} {{ d.a }}",
                json!("2 3 1"),
            ),
            ("{{ d.items() | list | length }}", json!(3)),
            (
                "{{ d.keys is mapping }} {{ d.keys is string }} {{ d.items == 2 }}",
                json!("False False False"),
            ),
            ("{% set u = 'x'.upper %}{{ u() }}", json!("X")),
            ("{{ (d.get)('a') }}", json!(1)),
            (
                "{% set n = namespace(items=[1]) %}{% set n.items = n.items + [2] %}{{ n.items }}",
                json!([1, 2]),
            ),
            ("{% for i in [7] %}{{ loop.index }}{% endfor %}", json!(1)),
            (
                "{% macro m() %}{% endmacro %}{{ m is callable }} {{ d.get is callable }} {{ d is callable }}",
                json!("True True False"),
            ),
            (
                "x {{ 'x'.upper }}",
                json!("x <built-in method upper of str object>"),
            ),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn methods_are_no_values_to_keep() {
        for template in [
            "{{ d.keys }}",
            "{{ d.items | default(1) }}",
            "{{ [d.nested.values] }}",
        ] {
            let error = render(template).unwrap_err();
            assert!(
                error.message.contains("unsupported for variable storage"),
                "{error}"
            );
        }
    }
}
