//! From text to tree, going on after mistakes.

use std::sync::Arc;

use strata_core::{Diagnostics, Source};

use crate::syntax::{Expression, body::Body};

/// Parses a file in native syntax. Always gives a body; what is mistaken is reported and left out.
pub fn parse(source: &Arc<Source>, diags: &mut Diagnostics) -> Body {
    unimplemented!("{source:?} {diags:?}")
}

/// Parses one expression, as the console and `-var` have it.
pub fn parse_expression(source: &Arc<Source>, diags: &mut Diagnostics) -> Expression {
    unimplemented!("{source:?} {diags:?}")
}

/// Parses a whole text as a template, as `templatefile` does.
pub fn parse_template(source: &Arc<Source>, diags: &mut Diagnostics) -> Expression {
    unimplemented!("{source:?} {diags:?}")
}
