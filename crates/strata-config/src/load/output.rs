//! `output` blocks.

use strata_core::{Diagnostic, Diagnostics};
use strata_hcl::Block;

use super::{fields, folder::duplicate};
use crate::module::{Module, Output};

const ATTRIBUTES: [&str; 6] = [
    "value",
    "description",
    "sensitive",
    "ephemeral",
    "deprecated",
    "depends_on",
];

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    fields::only(body, &ATTRIBUTES, &["precondition", "postcondition"], diags);
    for block in body.blocks_of("postcondition") {
        diags.push(
            Diagnostic::error("unsupported-block", "Postconditions are not allowed")
                .detail("Outputs can only have preconditions.")
                .at(block.header_span()),
        );
    }
    let name = block.labels[0].text.clone();
    let valid = fields::valid_name(&name, block.label_span(0), "Invalid output name", diags);
    let value = fields::required(block, "value", diags);
    let description = fields::text(body, "description", diags);
    let sensitive = fields::flag(body, "sensitive", diags).unwrap_or(false);
    let ephemeral = fields::flag(body, "ephemeral", diags).unwrap_or(false);
    let deprecated = fields::text(body, "deprecated", diags);
    let depends_on = fields::depends_on(body, diags);
    let preconditions = fields::checks(body, "precondition", diags);
    let span = block.header_span();
    if let Some(first) = module.outputs.get(&name) {
        let what = format!("An output named `{name}`");
        diags.push(duplicate(
            "Duplicate output definition",
            what,
            &first.span,
            span,
        ));
        return;
    }
    if !valid {
        return;
    }
    let output = Output {
        value: value.map_or_else(fields::nothing, |found| found.expression.clone()),
        description,
        sensitive,
        ephemeral,
        deprecated,
        depends_on,
        preconditions,
        span,
    };
    module.outputs.insert(name, output);
}
