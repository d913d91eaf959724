//! What an expression may refer to, and what functions may ask of the outside.

use std::path::Path;

use strata_core::{Diagnostics, Span, Value, files::Files};

use crate::{syntax::Expression, traversal::Step};

/// A reference while it is evaluated: its keys are values already.
#[derive(Clone, Copy)]
pub struct Reference<'a> {
    /// The name it begins with.
    pub root: &'a str,
    /// The steps after the root, up to the first splat.
    pub steps: &'a [Step],
    /// The expression that holds it, for places.
    pub(crate) within: &'a dyn Fn() -> Span,
}

impl Reference<'_> {
    /// The place of the whole reference; computed when asked for.
    pub fn span(&self) -> Span {
        (self.within)()
    }

    /// The name of the step at a position, if it is an attribute.
    pub fn attribute(&self, at: usize) -> Option<&str> {
        self.steps.get(at)?.attribute()
    }

    /// The key of the step at a position, if it is an index.
    pub fn index(&self, at: usize) -> Option<&Value> {
        self.steps.get(at)?.index()
    }
}

/// What a scope found for a reference.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The value the first steps lead to.
    pub value: Value,
    /// How many steps that took; the evaluator applies the rest to the value.
    pub steps: usize,
}

impl Resolved {
    /// A value that the first `steps` steps lead to.
    pub fn new(value: Value, steps: usize) -> Self {
        Self { value, steps }
    }

    /// For a reference whose mistake has been reported: unknown, whatever steps follow.
    pub fn failed() -> Self {
        Self {
            value: Value::unknown(strata_core::Type::Dynamic),
            steps: usize::MAX,
        }
    }
}

/// What an expression may refer to.
///
/// Variables of `for` expressions and templates are not asked for here; the evaluator knows them.
pub trait Scope {
    /// Finds what a reference leads to, using as many steps as it wants.
    ///
    /// None means that there is no such root, which the evaluator reports. For any other mistake push a
    /// diagnostic and return [`Resolved::failed`]. `diags` may be thrown away by `try` and `can`: mistakes inside
    /// another cell belong to that cell's own diagnostics.
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved>;

    /// What functions may ask of the outside.
    fn environment(&self) -> Environment<'_>;

    /// The names a reference may begin with, for hints.
    fn roots(&self) -> Vec<String> {
        Vec::new()
    }

    /// Calls a function with `::` in its name, such as `provider::incus::parse`; none if there is no such function.
    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        None
    }
}

/// What functions may ask of the outside.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The files that `file` and its kin read; without them these functions report that they are not available.
    pub files: Option<&'a dyn Files>,
    /// The folder that relative paths start from.
    pub directory: &'a Path,
    /// The folder that the program runs in, for `abspath`.
    pub working_directory: Option<&'a Path>,
    /// The home folder, for `pathexpand`; none for the one that the files know.
    pub home: Option<&'a Path>,
    /// Clock and chance; without them `timestamp`, `uuid` and `bcrypt` give unknown values, as in a plan.
    pub chance: Option<&'a dyn Chance>,
    /// What `plantimestamp` gives, in RFC 3339; unknown without it.
    pub plan_timestamp: Option<&'a str>,
}

impl Environment<'_> {
    /// Nothing outside at all.
    pub fn none() -> Self {
        Self {
            files: None,
            directory: Path::new("."),
            working_directory: None,
            home: None,
            chance: None,
            plan_timestamp: None,
        }
    }
}

/// Clock and chance, for functions whose results differ at each call.
pub trait Chance {
    /// Now, in RFC 3339 and UTC.
    fn now(&self) -> String;

    /// Fills a buffer with random bytes.
    fn random(&self, buffer: &mut [u8]);
}

/// A scope without variables, files or clock, for expressions that must be constant.
#[derive(Clone, Copy, Debug)]
pub struct EmptyScope;

impl Scope for EmptyScope {
    fn resolve(&self, _: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        None
    }

    fn environment(&self) -> Environment<'_> {
        Environment::none()
    }
}

/// Evaluates an expression.
///
/// Where a mistake is, it is reported and the value is unknown, so that one mistake gives one message.
pub fn evaluate(expression: &Expression, scope: &dyn Scope, diags: &mut Diagnostics) -> Value {
    crate::evaluate::expression(expression, scope, diags)
}
