//! From an expression and a scope to a value.

use strata_core::{Diagnostics, Value};

use crate::{scope::Scope, syntax::Expression};

pub(crate) fn expression(
    expression: &Expression,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Value {
    unimplemented!("{expression:?} {diags:?} {:?}", scope.roots())
}
