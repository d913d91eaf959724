//! `metadata functions`: what the language's functions take and give.

pub use strata_hcl::functions::{Signature, TypedParameter, built_in_signatures, signatures};
pub use strata_state::json::type_to_json as type_json;
