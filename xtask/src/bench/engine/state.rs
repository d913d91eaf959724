//! How long it takes to list what a state of 100 MB holds.

use std::fmt::Write;

use super::super::Goal;
use super::super::meter::{self, Reading};
use super::super::scratch::Scratch;
use crate::failure::Failure;

const TIMES: usize = 5;
const BYTES: usize = 100_000_000;

/// Measures `state list`.
pub(super) fn measure(strata: &str) -> Result<Vec<Goal>, Failure> {
    let text = text();
    let folder = Scratch::with(&[("terraform.tfstate", text)])?;
    let mut readings = Vec::new();
    for _ in 0..TIMES {
        readings.push(meter::measure(
            folder.path(),
            &[strata, "state", "list"],
            0,
        )?);
    }
    let middle = Reading::middle(&readings);
    println!(
        "state of {} MB, list: strata {}",
        BYTES / 1_000_000,
        middle.shown()
    );
    Ok(vec![Goal {
        name: format!("state of {} MB, list", BYTES / 1_000_000),
        unit: " s",
        measured: middle.seconds,
        wanted: None,
        at_most: 1.0,
    }])
}

/// One resource with instances of about 700 bytes each.
fn text() -> String {
    let mut text = String::from(
        "{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": 1,\n  \
         \"lineage\": \"0c2d2c3f-8f3c-4c55-9d1e-2f3b6b1f0a11\",\n  \"outputs\": {},\n  \"resources\": [\n    {\n      \
         \"mode\": \"managed\",\n      \"type\": \"terraform_data\",\n      \"name\": \"item\",\n      \
         \"provider\": \"provider[\\\"terraform.io/builtin/terraform\\\"]\",\n      \"instances\": [\n",
    );
    let filler = "configuration ".repeat(30);
    let mut at = 0;
    while text.len() < BYTES {
        let comma = if at == 0 { "" } else { ",\n" };
        let instance = write!(
            text,
            "{comma}        {{\n          \"index_key\": {at},\n          \"schema_version\": 0,\n          \
             \"attributes\": {{\n            \"id\": \"{at:08x}-3c55-9d1e-2f3b-6b1f0a110c2d\",\n            \
             \"input\": {{ \"value\": \"{filler}{at}\", \"type\": \"string\" }},\n            \
             \"output\": null,\n            \"triggers_replace\": null\n          }},\n          \
             \"sensitive_attributes\": []\n        }}"
        );
        instance.expect("a text takes everything");
        at += 1;
    }
    text + "\n      ]\n    }\n  ],\n  \"check_results\": null\n}\n"
}
