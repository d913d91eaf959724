//! Any expression, and any template, has a value or a mistake.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, Source};
use strata_hcl::{EmptyScope, evaluate, parse_expression, parse_template};

fuzz_target!(|text: &str| {
    // Hashing a password is slow by design.
    if text.contains("bcrypt") {
        return;
    }
    let source = Arc::new(Source::new("console", text));
    for parse in [parse_expression, parse_template] {
        let mut diags = Diagnostics::new();
        let expression = parse(&source, &mut diags);
        let value = evaluate(&expression, &EmptyScope, &mut diags);
        assert!(!expression.is_error() || diags.has_errors());
        value.ty().friendly_name();
    }
});
