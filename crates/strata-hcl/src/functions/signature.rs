//! What each function takes and gives, as data, for `metadata functions` and documentation.

use std::collections::BTreeMap;

use strata_core::{Type, Value};

use super::{Function, Parameter, all, terraform};

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What it is for, in a sentence.
    pub doc: &'static str,
    /// The type of what it gives, where that does not depend on the arguments.
    pub returns: Type,
    /// What it takes.
    pub parameters: Vec<TypedParameter>,
    /// What it takes any number of, after the rest.
    pub variadic: Option<TypedParameter>,
}

/// A parameter with its type.
#[derive(Clone, Debug)]
pub struct TypedParameter {
    /// Its name.
    pub name: &'static str,
    /// True if it may be null.
    pub nullable: bool,
    /// What it is converted to.
    pub ty: Type,
}

/// The signatures of all functions by name, `try` and `can` among them.
pub fn signatures() -> BTreeMap<&'static str, Signature> {
    let tabled = all().map(|function| (function.name, signature(function)));
    let lazy = [("can", can()), ("try", attempt())];
    tabled.chain(lazy).collect()
}

/// The signatures of the functions of the built-in provider `terraform`, by name.
pub fn built_in_signatures() -> BTreeMap<&'static str, Signature> {
    let functions = terraform::FUNCTIONS.iter();
    functions
        .map(|function| (function.name, signature(function)))
        .collect()
}

fn signature(function: &Function) -> Signature {
    let unknown: Vec<Value> = function
        .parameters
        .iter()
        .map(|parameter| Value::unknown(parameter.kind.ty()))
        .collect();
    Signature {
        doc: function.doc,
        returns: told(function.name)
            .unwrap_or_else(|| function.returns.ty(&unknown).unwrap_or(Type::Dynamic)),
        parameters: function.parameters.iter().map(typed).collect(),
        variadic: function.variadic.as_ref().map(typed),
    }
}

/// What Terraform tells of a function whose result's type we know better, or less, before there are arguments.
fn told(name: &str) -> Option<Type> {
    Some(match name {
        "format" | "formatlist" => Type::Dynamic,
        "templatestring" => Type::String,
        "tolist" => Type::list(Type::Dynamic),
        "tomap" => Type::map(Type::Dynamic),
        "toset" => Type::set(Type::Dynamic),
        _ => return None,
    })
}

fn typed(parameter: &Parameter) -> TypedParameter {
    TypedParameter {
        name: parameter.name,
        nullable: parameter.nullable,
        ty: parameter.kind.ty(),
    }
}

fn any(name: &'static str) -> TypedParameter {
    TypedParameter {
        name,
        nullable: false,
        ty: Type::Dynamic,
    }
}

fn can() -> Signature {
    Signature {
        doc: "Tells whether an expression has no mistake.",
        returns: Type::Bool,
        parameters: vec![any("expression")],
        variadic: None,
    }
}

fn attempt() -> Signature {
    Signature {
        doc: "Gives the first of several expressions that has no mistake.",
        returns: Type::Dynamic,
        parameters: Vec::new(),
        variadic: Some(any("expressions")),
    }
}
