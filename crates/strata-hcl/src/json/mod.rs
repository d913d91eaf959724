//! JSON syntax: the same tree from `.tf.json` files.
//!
//! [`reader`] reads the text into values with their places and a second text, the shadow, in which every escaped
//! string stands decoded where it was, so that templates inside strings have places of their own. [`nodes`] makes
//! expressions of values, [`bodies`] makes bodies of expressions: JSON does not tell blocks from arguments, so a
//! [`Shape`] says which properties are blocks, and for the blocks of providers [`Body::shaped`] does, once their
//! schema is known. Source of behaviour: the JSON syntax specification of HCL 2.

mod bodies;
mod nodes;
mod plain;
mod reader;

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Source};

use crate::syntax::{ByteRange, Expression, body::Body};
pub use bodies::Shape;

/// Reads a file in JSON syntax. Always gives a body; what is mistaken is reported and left out.
pub fn parse_json(source: &Arc<Source>, shape: &Shape, diags: &mut Diagnostics) -> Body {
    let whole = ByteRange::new(0, source.text.len());
    let empty = Body {
        source: source.clone(),
        attributes: Vec::new(),
        blocks: Vec::new(),
        range: whole,
    };
    let Some(read) = reader::read(source, diags) else {
        return empty;
    };
    let shadow = match read.shadow {
        Some(text) => Arc::new(Source::with_lines_of(source, text)),
        None => source.clone(),
    };
    let mut found = Diagnostics::new();
    let node = nodes::node(&shadow, &read.value, &mut found);
    let expression = Expression::new(shadow, node);
    let Some((body, literal)) = bodies::file(&expression, shape, diags) else {
        return empty;
    };
    let in_literal = |found: &Diagnostic| {
        let start = found.labels.first().map(|label| label.span.start.byte);
        let within =
            |range: &ByteRange| start.is_some_and(|at| range.start <= at && at < range.end);
        literal.iter().any(within)
    };
    diags.extend(found.into_iter().filter(|found| !in_literal(found)));
    body
}
