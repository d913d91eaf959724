//! What is formatted can be read again, and says the same when it is formatted once more.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use strata_core::{Diagnostics, Source};
use strata_hcl::{Body, format, parse};

fuzz_target!(|text: &str| {
    let Ok(once) = format(&source(text)) else {
        return;
    };
    let twice = format(&source(&once)).expect("what was formatted is without mistakes");
    assert_eq!(said(&once), said(&twice));
    // Text that is one interpolation loses its quotes, where it is a label or a key too.
    if !text.contains("\"${") {
        assert_eq!(said(text), said(&once));
    }
});

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("main.tf", text))
}

/// The names and blocks of a text, without what formatting may change.
fn said(text: &str) -> String {
    let mut diags = Diagnostics::new();
    body(&parse(&source(text), &mut diags))
}

fn body(found: &Body) -> String {
    let names = found
        .attributes
        .iter()
        .map(|attribute| attribute.name.text.to_string());
    let blocks = found.blocks.iter().map(|block| {
        let labels: Vec<_> = block.labels.iter().map(|label| &*label.text).collect();
        format!("{} {labels:?} {{{}}}", block.kind.text, body(&block.body))
    });
    names.chain(blocks).collect::<Vec<_>>().join(", ")
}
