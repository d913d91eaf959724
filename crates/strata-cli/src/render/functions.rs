//! Signatures of functions, in Terraform's format 1.0.

use serde_json::{Map, Value as Json};
use strata_ops::functions::{Signature, TypedParameter, type_json};

/// What a function takes and gives.
pub(crate) fn described(signature: &Signature) -> Json {
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

fn parameter(parameter: &TypedParameter) -> Json {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), parameter.name.into());
    if parameter.nullable {
        fields.insert("is_nullable".to_owned(), true.into());
    }
    fields.insert("type".to_owned(), type_json(&parameter.ty));
    fields.into()
}
