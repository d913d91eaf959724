//! From files to a [`Config`].

use std::path::Path;

use strata_core::{Diagnostics, files::Files};

use crate::tree::Config;

/// Reads the root module in a folder and all modules it calls.
pub fn load(_files: &dyn Files, _root: &Path, _diags: &mut Diagnostics) -> Config {
    unimplemented!()
}
