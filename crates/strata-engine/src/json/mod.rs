//! Plans and states as JSON for other programs, in the format that Terraform publishes.
//!
//! The description of the configuration (`configuration`), what is relevant to drift (`relevant_attributes`) and
//! the results of checks (`checks`) are left out.

mod changes;
mod plan;
mod resources;

pub(crate) use changes::reason_in_stream;
pub use plan::plan_json;
pub use resources::{instance_json, state_json};
