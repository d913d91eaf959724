//! Any text is parsed or refused, as configuration, expression, template and JSON, and every place named lies in it.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, Source};
use strata_hcl::{Shape, is_closed, parse, parse_expression, parse_json, parse_template};

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("main.tf", text));
    let mut diags = Diagnostics::new();
    let body = parse(&source, &mut diags);
    for attribute in &body.attributes {
        attribute.expression.references();
        assert!(text.contains(attribute.expression.text()));
    }
    parse_expression(&source, &mut diags).references();
    parse_template(&source, &mut diags).references();
    parse_json(&source, Shape::dynamic(), &mut diags);
    is_closed(text);
    for diagnostic in diags.iter() {
        for label in &diagnostic.labels {
            assert!(
                label.span.end.byte as usize <= text.len(),
                "a place beyond the text"
            );
        }
    }
});
