//! What is wrong with a configuration before anything is known.

use std::sync::Arc;

use strata_core::Diagnostics;

use crate::{schemas::Schemas, tree::Config};

/// Checks references, arguments and types, with unknown values for everything from outside.
pub fn validate(_config: &Arc<Config>, _schemas: &Schemas, _diags: &mut Diagnostics) {
    unimplemented!()
}
