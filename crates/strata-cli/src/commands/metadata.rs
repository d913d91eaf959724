//! `metadata functions`: the signatures of all functions, in Terraform's format 1.0.

use anstream::println;
use serde_json::{Map, Value, json};
use strata_ops::functions::{Signature, TypedParameter, signatures, type_json};

use super::Exit;

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

fn described(signature: &Signature) -> Value {
    let mut fields = Map::new();
    fields.insert("description".to_owned(), signature.doc.into());
    fields.insert("return_type".to_owned(), type_json(&signature.returns));
    if !signature.parameters.is_empty() {
        let parameters: Vec<_> = signature.parameters.iter().map(parameter).collect();
        fields.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(variadic) = &signature.variadic {
        fields.insert("variadic_parameter".to_owned(), parameter(variadic));
    }
    fields.into()
}

fn parameter(parameter: &TypedParameter) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), parameter.name.into());
    if parameter.nullable {
        fields.insert("is_nullable".to_owned(), true.into());
    }
    fields.insert("type".to_owned(), type_json(&parameter.ty));
    fields.into()
}
