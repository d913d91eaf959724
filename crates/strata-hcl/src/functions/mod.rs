//! The functions that expressions can call.
//!
//! Each family has a file with a flat table of [`Function`]s; [`find`] looks a name up over all of them. A
//! function gets its arguments converted to its parameters' types; what it says about marks and unknown
//! values is in each parameter's [`Argument`]. `try` and `can` are not here: they do not evaluate all arguments.

mod bcrypt;
mod collection;
mod conversion;
mod decimal;
mod encoding;
mod files;
mod format;
mod hash;
mod json;
mod keyed;
mod md5;
mod network;
mod numeric;
mod paths;
mod pattern;
mod re2;
mod re2_syntax;
mod rsa;
mod sets;
mod signature;
mod terraform;
mod text;
mod text_encoding;
mod time;
mod yaml;

use std::{collections::HashMap, sync::LazyLock};

use strata_core::{Text, Type, Value, value::Unknown};

use crate::scope::Scope;
pub use signature::{Signature, TypedParameter, built_in_signatures, signatures};

/// A function, as reference documentation shows it.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it takes any number of, after the rest.
    pub variadic: Option<Parameter>,
    /// The type of what it gives.
    pub(crate) returns: Returns,
    /// True if it may give null.
    pub(crate) may_be_null: bool,
    /// What it is for, in a sentence.
    pub doc: &'static str,
    pub(crate) call: fn(&[Value], &Context<'_>) -> Result<Value, FunctionError>,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) argument: Argument,
}

/// What the caller does with marks and unknown values of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// All marks come off and go to the result; anything unknown inside makes the result unknown.
    Deep,
    /// Only the value's own marks come off, only itself unknown makes the result unknown.
    Shallow,
    /// All marks come off and go to the result; the function sees what is unknown.
    Open,
    /// The function sees everything.
    Raw,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Any,
    String,
    Number,
    ListOfString,
    Bool,
    ListOfBool,
    List,
    Set,
    MapOfListOfString,
}

impl Kind {
    pub(crate) fn ty(self) -> Type {
        match self {
            Kind::Any => Type::Dynamic,
            Kind::String => Type::String,
            Kind::Number => Type::Number,
            Kind::ListOfString => Type::list(Type::String),
            Kind::Bool => Type::Bool,
            Kind::ListOfBool => Type::list(Type::Bool),
            Kind::List => Type::list(Type::Dynamic),
            Kind::Set => Type::set(Type::Dynamic),
            Kind::MapOfListOfString => Type::map(Type::list(Type::String)),
        }
    }
}

/// The type of a result.
pub(crate) enum Returns {
    String,
    Number,
    Bool,
    Dynamic,
    ListOfString,
    /// The type of this kind; dynamic while an argument's own type is not known.
    Typed(Kind),
    /// The type of an argument.
    Same(usize),
    /// Worked out from the arguments, which may be unknown.
    By(fn(&[Value]) -> Result<Type, FunctionError>),
}

impl Returns {
    pub(crate) fn ty(&self, arguments: &[Value]) -> Result<Type, FunctionError> {
        Ok(match self {
            Returns::String => Type::String,
            Returns::Number => Type::Number,
            Returns::Bool => Type::Bool,
            Returns::Dynamic => Type::Dynamic,
            Returns::ListOfString => Type::list(Type::String),
            Returns::Typed(_) if arguments.iter().any(|given| given.ty() == Type::Dynamic) => {
                Type::Dynamic
            }
            Returns::Typed(kind) => kind.ty(),
            Returns::Same(at) => arguments.get(*at).map_or(Type::Dynamic, Value::ty),
            Returns::By(ty) => ty(arguments)?,
        })
    }
}

/// What a function may ask for besides its arguments.
pub(crate) struct Context<'a> {
    pub(crate) scope: &'a dyn Scope,
}

/// Why a function gives no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionError {
    /// Which argument is at fault, if one is.
    pub(crate) argument: Option<usize>,
    /// What is wrong, without a full stop.
    pub(crate) message: String,
}

impl FunctionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            argument: None,
            message: message.into(),
        }
    }

    /// The same without texts that must not be shown, as they are or in quotes.
    pub(crate) fn masked(mut self, secrets: &[Text]) -> Self {
        for secret in secrets {
            let quoted = format!("{secret:?}");
            self.message = self.message.replace(&quoted, "(sensitive value)");
            // Short texts are part of any sentence; those functions put quotes around what they show.
            if secret.len() > 3 {
                self.message = self.message.replace(&**secret, "(sensitive value)");
            }
        }
        self
    }

    pub(crate) fn argument(at: usize, message: impl Into<String>) -> Self {
        Self {
            argument: Some(at),
            message: message.into(),
        }
    }
}

impl Function {
    /// True if what it gives may hold text that none of its arguments holds.
    pub(crate) fn makes_text(&self) -> bool {
        let gives_text = matches!(self.returns, Returns::String | Returns::Typed(Kind::String));
        let reads = [
            "csvdecode",
            "decode_tfvars",
            "formatlist",
            "jsondecode",
            "regex",
            "regexall",
            "split",
            "templatefile",
            "templatestring",
            "yamldecode",
        ];
        gives_text || reads.contains(&self.name)
    }

    /// The parameter that an argument belongs to.
    pub(crate) fn parameter(&self, at: usize) -> Option<&Parameter> {
        self.parameters.get(at).or(self.variadic.as_ref())
    }

    const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Returns,
        doc: &'static str,
        call: fn(&[Value], &Context<'_>) -> Result<Value, FunctionError>,
    ) -> Self {
        Self {
            name,
            parameters,
            variadic: None,
            returns,
            may_be_null: false,
            doc,
            call,
        }
    }

    const fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    const fn or_null(mut self) -> Self {
        self.may_be_null = true;
        self
    }
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            argument: Argument::Deep,
        }
    }

    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    const fn shallow(mut self) -> Self {
        self.argument = Argument::Shallow;
        self
    }

    const fn open(mut self) -> Self {
        self.argument = Argument::Open;
        self
    }

    const fn raw(mut self) -> Self {
        self.argument = Argument::Raw;
        self
    }
}

type Given<'a> = &'a [Value];
type Result_ = Result<Value, FunctionError>;

const FAMILIES: [&[Function]; 19] = [
    bcrypt::FUNCTIONS,
    collection::FUNCTIONS,
    conversion::FUNCTIONS,
    encoding::FUNCTIONS,
    files::FUNCTIONS,
    format::FUNCTIONS,
    hash::FUNCTIONS,
    json::FUNCTIONS,
    keyed::FUNCTIONS,
    network::FUNCTIONS,
    numeric::FUNCTIONS,
    rsa::FUNCTIONS,
    sets::FUNCTIONS,
    text::FUNCTIONS,
    paths::FUNCTIONS,
    pattern::FUNCTIONS,
    text_encoding::FUNCTIONS,
    time::FUNCTIONS,
    yaml::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().map(|function| (function.name, function)).collect());

/// All functions, family by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    static TABLE: [&[Function]; 19] = FAMILIES;
    TABLE.iter().flat_map(|family| family.iter())
}

/// A function by name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// A function of the built-in provider `terraform`, by its whole name.
pub(crate) fn find_built_in(name: &str) -> Option<&'static Function> {
    static TABLE: &[Function] = terraform::FUNCTIONS;
    let name = name.strip_prefix("provider::terraform::")?;
    TABLE.iter().find(|function| function.name == name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name).chain(["try", "can"])
}

/// Why a function of Terraform's is not here; none if Terraform has none of that name.
pub(crate) fn not_supported(name: &str) -> Option<&'static str> {
    match name {
        "type" => Some("it exists only in the console"),
        _ => None,
    }
}

/// The name most like one that was not found, if any is near.
pub(crate) fn similar<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = among
        .map(|candidate| (distance(name, candidate), candidate))
        .min()?;
    (near.0 <= name.len() / 3).then_some(near.1)
}

/// How many letters must change, come or go.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The text of an argument that is a string.
fn text(arguments: Given<'_>, at: usize) -> &str {
    arguments.get(at).and_then(Value::as_str).unwrap_or("")
}

/// A value of a type that only an apply can tell.
fn later(ty: Type) -> Value {
    let not_null = ty != Type::Dynamic;
    Value::from(Unknown {
        ty,
        not_null,
        prefix: None,
        length: None,
    })
}

/// The elements of an argument that is a list, set or tuple.
fn items(arguments: Given<'_>, at: usize) -> &[Value] {
    arguments
        .get(at)
        .and_then(Value::as_sequence)
        .unwrap_or(&[])
}

/// Which whole numbers an argument may be.
const WHOLE: &str = "between -9223372036854775808 and 9223372036854775807";

/// A whole number that an argument must be.
fn whole(arguments: Given<'_>, at: usize) -> Result<i64, FunctionError> {
    arguments
        .get(at)
        .and_then(Value::as_number)
        .and_then(strata_core::Number::as_i64)
        .ok_or_else(|| {
            FunctionError::argument(at, format!("value must be a whole number, {WHOLE}"))
        })
}

/// A list of strings as a value.
fn strings<S: Into<Value>>(items: impl IntoIterator<Item = S>) -> Value {
    Value::list(Type::String, items.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_one_name_and_a_sentence() {
        let mut seen = std::collections::BTreeSet::new();
        for function in all() {
            assert!(seen.insert(function.name), "{} stands twice", function.name);
            assert!(function.doc.ends_with('.'), "{}", function.name);
        }
    }

    #[test]
    fn similar_names_are_near_names() {
        assert_eq!(similar("jsonencod", names()), Some("jsonencode"));
        assert_eq!(similar("nothinglikeit", names()), None);
    }
}
