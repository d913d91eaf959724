//! Any text is parsed or refused.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, Source};

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz.tf", text));
    let mut diags = Diagnostics::new();
    strata_hcl::parse(&source, &mut diags);
    strata_hcl::parse_template(&source, &mut diags);
});
