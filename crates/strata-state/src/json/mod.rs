//! Values as JSON and back, as state, plans and outputs have them.
//!
//! Reading needs the type, since JSON says less than a value. Where the type is dynamic, state keeps
//! `{"value": …, "type": …}`. Numbers stay exact: they are read from and written to their own text.

mod decode;
mod encode;
mod text;
mod ty;

pub use decode::{JsonError, decode};
pub use encode::{encode, exact, exact_text, plain, unknown_paths, with_unknown};
pub use ty::{type_from_json, type_to_json};

pub(crate) use text::{compact, indent};
