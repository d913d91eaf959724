//! Plans and states as JSON for other programs, in the format that Terraform publishes.
//!
//! What is relevant to drift (`relevant_attributes`) is left out.

mod changes;
mod configuration;
mod plan;
mod resources;

pub(crate) use changes::reason_in_stream;
pub use plan::plan_json;
pub use resources::{instance_json, state_json};
