//! What an expression says without being evaluated: keywords, lists, references, types.

use strata_core::{Diagnostics, Type, Value};

use crate::{syntax::Expression, traversal::Traversal};

/// A type as a `variable` block gives it, and the defaults of its `optional(…, default)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeWithDefaults {
    /// The type.
    pub ty: Type,
    /// Defaults inside, if there are any.
    defaults: Option<Defaults>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Defaults;

impl TypeWithDefaults {
    /// Fills attributes that are missing or null with their defaults, before conversion to the type.
    #[must_use]
    pub fn apply_defaults(&self, value: &Value) -> Value {
        unimplemented!("{value:?} {:?}", self.defaults)
    }
}

/// Reads a type expression: `list(string)`, `object({ a = optional(number, 1) })`, `any`.
pub fn type_expression(expression: &Expression, diags: &mut Diagnostics) -> TypeWithDefaults {
    unimplemented!("{expression:?} {diags:?}")
}

impl Expression {
    /// What it refers to: free variables only, not those of a `for` or a template; in source order, with repetition.
    pub fn references(&self) -> Vec<Traversal> {
        unimplemented!()
    }

    /// The expression as a reference with constant keys, as for `provider = incus.east`; none if it is anything else.
    pub fn as_traversal(&self) -> Option<Traversal> {
        unimplemented!()
    }

    /// The expression as a bare word: `all`, `string`.
    pub fn as_keyword(&self) -> Option<&str> {
        unimplemented!()
    }

    /// The items of a tuple written out, as for `depends_on`.
    pub fn as_list(&self) -> Option<Vec<Expression>> {
        unimplemented!()
    }

    /// The keys and values of an object written out, as for `providers = { a = b.c }`.
    pub fn as_map(&self) -> Option<Vec<(Expression, Expression)>> {
        unimplemented!()
    }

    /// The name and arguments of a call, as in type expressions.
    pub fn as_call(&self) -> Option<(&str, Vec<Expression>)> {
        unimplemented!()
    }

    /// A constant: evaluates without a scope, none if it refers to anything or is mistaken.
    pub fn as_literal(&self) -> Option<Value> {
        unimplemented!()
    }
}
