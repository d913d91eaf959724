//! How long it takes to check a configuration of a thousand files, pairwise with Terraform.

use std::fmt::Write;

use super::meter::{self, Reading};
use super::{Goal, options::Options, scratch::Scratch, strata};
use crate::failure::Failure;

const PAIRS: usize = 5;
const FILES: usize = 1000;

/// Measures both and compares their medians.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    meter::require()?;
    let strata = strata(options)?.display().to_string();
    let files: Vec<(String, String)> = (0..FILES).map(file).collect();
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.clone()))
        .collect();
    let scratch = Scratch::with(&files)?;
    meter::measure(scratch.path(), &["terraform", "init", "-backend=false"], 0)?;
    let pairs = options.pairs.unwrap_or(PAIRS);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        ours.push(meter::measure(scratch.path(), &[&strata, "validate"], 0)?);
        theirs.push(meter::measure(
            scratch.path(),
            &["terraform", "validate"],
            0,
        )?);
    }
    let (ours, theirs) = (Reading::middle(&ours), Reading::middle(&theirs));
    println!(
        "validate of {FILES} files: strata {}, terraform {} (medians of {pairs} pairs)",
        ours.shown(),
        theirs.shown()
    );
    Ok(vec![Goal {
        name: format!("validate of {FILES} files, strata / terraform"),
        unit: "",
        measured: ours.seconds / theirs.seconds,
        wanted: None,
        at_most: 0.1,
    }])
}

/// One file of many: variables, locals, resources and outputs that refer to each other and to the file before.
fn file(at: usize) -> (String, String) {
    let mut text = format!(
        "variable \"v{at}\" {{\n  type    = object({{ name = string, size = optional(number, {at}) }})\n  \
         default = {{ name = \"n{at}\" }}\n}}\n\nlocals {{\n  l{at} = {{ for i in range(3) : \"k${{i}}\" => \
         \"${{var.v{at}.name}}-${{i}}\" if i > 0 }}\n}}\n\n"
    );
    let before = match at {
        0 => "null".to_owned(),
        _ => format!("terraform_data.r{}.id", at - 1),
    };
    let resource = write!(
        text,
        "resource \"terraform_data\" \"r{at}\" {{\n  input            = merge(local.l{at}, {{ size = \
         var.v{at}.size }})\n  triggers_replace = {before}\n\n  lifecycle {{\n    ignore_changes = [input]\n  }}\n}}\n\n\
         output \"o{at}\" {{\n  value = terraform_data.r{at}.output\n}}\n"
    );
    resource.expect("writing to text cannot fail");
    (format!("file{at}.tf"), text)
}
