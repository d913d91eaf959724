//! YAML as a tree in which every node knows its place, and its way back to text.
//!
//! Reading follows YAML 1.1 as PyYAML does, since that is what playbooks are written for: `yes` is true, `010`
//! is eight. [`parse_all`] turns a file into [`Node`]s, [`Node::to_json`] into values; [`dump()`] writes values.

mod dump;
mod node;
mod parse;
mod relaxed;
mod scalar;
mod text;

pub use dump::{DumpStyle, Flow, dump};
pub use node::{Entry, Node, NodeKind, ScalarStyle};
pub use parse::{parse, parse_all};
