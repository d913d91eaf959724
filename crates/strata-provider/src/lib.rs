//! Resource and data source types, each declared once on a Rust struct.
//!
//! ```ignore
//! /// Keeps a word.                                   <- description of the type
//! #[derive(Default, Schema)]
//! struct Word {
//!     /// The word to keep.                           <- description of the attribute
//!     #[schema(replace, length(1..=20))]
//!     text: String,                                   // required: neither an `Option` nor defaulted
//!     #[schema(default = 3, range(1..))]
//!     times: i64,
//!     #[schema(computed, sensitive)]
//!     secret: String,
//! }
//!
//! impl ResourceType for Word {
//!     const NAME: &'static str = "word";
//!     type Client = ();
//!
//!     async fn create(&mut self, _: &mut Context<'_, ()>) -> Result<(), Diagnostics> {
//!         self.secret = self.text.repeat(3);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! From the struct follow the schema ([`spec`]), the checks of a configuration ([`check`]), the
//! conversion between values and Rust ([`typed`]), the plan ([`planning`]) and the documentation.
//! [`resource`] and [`data_source`] are what a type can do, [`mod@provider`] puts types together into a
//! [`strata_core::provider::Provider`]. Planning happens on values, which may be unknown; create, read,
//! update and delete happen on structs, where what is null or unknown is [`Typed::absent`].
//!
//! This crate knows no platform, and does no I/O.

// Derived code names this crate from outside; so does ours.
extern crate self as strata_provider;

mod check;
mod context;
mod data_source;
mod merge;
mod planning;
mod provider;
mod resource;
mod spec;
mod typed;

pub use check::{Bounds, Check, Rule, bounds};
pub use context::Context;
pub use data_source::DataSourceType;
pub use planning::Plan;
pub use provider::{NoConfiguration, ProviderBuilder, provider, provider_without_configuration};
pub use resource::{Leftover, Observed, ResourceType};
pub use spec::{BlockSpec, FieldSpec, Schema};
pub use typed::{Misfit, Typed, as_set, flatten, read_field};

// What the code that `#[derive(Schema)]` writes names.
pub use strata_core::{
    Type, Value,
    schema::{Nesting, Presence},
};
pub use strata_provider_derive::Schema;
