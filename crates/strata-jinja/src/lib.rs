//! Jinja as Ansible has it: templates, expressions and conditions over JSON values.
//!
//! Data takes this path: a [`Templar`] gets a JSON value out of a play; each text in it that holds a
//! template is compiled ([`compile`]), evaluated against a [`Scope`](scope) that asks [`Variables`] for a name
//! only when the template uses it, and turned back into JSON ([`convert`]). A variable may hold templates
//! itself: [`lazy`] renders them where they are touched, with a bound on depth and a check for cycles.
//! Filters, tests and lookups are one file a family, below [`filters`], [`tests`] and [`lookups`].
//!
//! The language is minijinja's; what differs from it in Ansible (undefined names that chain, native values,
//! Python's texts, conditions that must be boolean) is ours. Rules follow ansible-core 2.19.
//!
//! This crate must never know hosts and tasks, nor read files, clocks or the environment by itself: they come
//! through [`Surroundings`]. Start reading at [`templar`].

pub mod about;
mod bound;
mod calendar;
mod calls;
mod changing;
mod compile;
mod convert;
mod digest;
mod engine;
mod error;
mod escape;
mod filters;
mod functions;
mod header;
mod include;
mod lazy;
mod lipsum;
mod lookups;
mod md5_crypt;
mod methods;
mod operators;
mod password;
mod plugins;
mod python;
mod python_format;
mod python_json;
mod python_random;
mod python_regex;
mod run;
mod scope;
mod sha_crypt;
mod surroundings;
mod templar;
mod tests;
mod turns;
mod variables;
mod versions;
pub mod wildcard;
pub mod yaml;

/// The lookup behind `with_first_found`: `first_found`, whose first term is the folder in which the others are looked for
/// first, as `vars`; a call of `first_found` has none.
pub const WITH_FIRST_FOUND: &str = "with_first_found";

pub use engine::Engine;
pub use error::{TemplateError, TemplateErrorKind};
pub use password::PasswordHash;
pub use plugins::Plugin;
pub use python::as_python;
pub use python_random::seeded_text;
pub use surroundings::{NoSurroundings, Now, Surroundings, TemplateFile};
pub use templar::{FileOptions, Templar};
pub use variables::{
    OMIT, Scopes, UNSAFE_KEY, VAULT_KEY, Variable, Variables, is_omit, unsafe_text,
};
