//! `metadata functions`: the signatures of all functions, in Terraform's format 1.0.

use anstream::println;
use serde_json::{Map, json};
use strata_ops::functions::signatures;

use super::Exit;
use crate::render::functions::described;

pub(super) fn functions() -> Exit {
    let mut all = Map::new();
    for (name, signature) in signatures() {
        let signature = described(&signature);
        all.insert(format!("core::{name}"), signature.clone());
        all.insert(name.to_owned(), signature);
    }
    all.sort_keys();
    println!(
        "{}",
        json!({ "format_version": "1.0", "function_signatures": all })
    );
    0
}
