//! HCL: parse, evaluate an expression in a scope, call functions.
//!
//! Text goes through [`parse`] (a lexer and a recursive descent that goes on after mistakes), or through
//! [`parse_json`], and becomes a
//! [`Body`] of [`Expression`]s; [`evaluate()`] computes one of those in a [`Scope`], which answers for variables
//! lazily; [`functions`] is the table of what can be called. What an expression refers to, without
//! evaluating it, is told by [`Expression::references`].
//!
//! This crate must never know what a resource is, nor read a file, a clock or the environment but through
//! [`Environment`]. Start reading at [`syntax::node`], then [`evaluate`](mod@evaluate).

mod bytes;
mod evaluate;
mod format;
pub mod functions;
mod json;
mod normal;
mod parser;
mod scope;
mod statics;
pub mod syntax;
mod traversal;
mod type_expression;

pub use bytes::{decode, encode};
pub use evaluate::explain;
pub use format::{format, is_closed};
pub use json::{Shape, parse_json};
pub use parser::{parse, parse_expression, parse_template};
pub use scope::{Chance, EmptyScope, Environment, Reference, Resolved, Scope, evaluate};
pub use syntax::{
    ByteRange, Expression, Name,
    body::{Attribute, Block, Body},
};
pub use traversal::{Step, Traversal, TraversalStep};
pub use type_expression::{TypeWithDefaults, type_expression};
