//! The expressions of `strata-hcl`'s comparison with `terraform console` that name what nothing declares: there
//! expressions have no configuration around them, here they have the one that Terraform was asked with.

#![expect(
    clippy::disallowed_methods,
    reason = "the cases and the records are files"
)]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use strata_core::{Diagnostics, Source, addr::ModuleInstance};
use strata_hcl::parse_expression;

use crate::support::Given;

/// Why such a case is listed as different there.
const REASON: &str = "only a configuration knows what is declared";

const CONFIGURATION: &str = r#"
variable "unset" {}
locals {
  list = ["a", "b"]
}
"#;

fn read(name: &str) -> String {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../strata-hcl/tests/cases");
    fs::read_to_string(cases.join(name)).expect("the cases are there")
}

/// The summary of the first mistake.
fn summary(expression: &str) -> String {
    let mut diags = Diagnostics::new();
    let evaluator = Given::new(CONFIGURATION)
        .variable("unset", "x")
        .evaluator(&mut diags);
    let source = Arc::new(Source::new("<console-input>", expression));
    let expression = parse_expression(&source, &mut diags);
    evaluator.expression(&expression, &ModuleInstance::root(), &mut diags);
    let first = diags.iter().find(|found| found.is_error());
    first.map_or_else(String::new, |first| first.summary.clone())
}

#[test]
fn names_that_nothing_declares_are_refused_as_in_terraform_s_console() {
    let recorded: BTreeMap<String, (String, String)> =
        serde_json::from_str(&read("messages.json")).expect("the record is JSON");
    let listed = read("summaries_differences.txt");
    let cases: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(REASON)?.strip_suffix("  ## "))
        .collect();
    assert!(cases.len() >= 7, "{cases:?}");
    for case in cases {
        assert_eq!(summary(case), recorded[case].0, "{case}");
    }
}
