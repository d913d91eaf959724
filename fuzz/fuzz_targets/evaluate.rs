//! Any expression has a value or a mistake.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, Source};
use strata_hcl::{EmptyScope, evaluate, parse_expression};

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz", text));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    evaluate(&expression, &EmptyScope, &mut diags);
});
