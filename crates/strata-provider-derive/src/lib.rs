//! `#[derive(Schema)]` of `strata-provider`: reads one struct, writes its schema and its conversions.
//!
//! [`field`] reads what a field says, [`structure`] writes the whole. The words a field may say stand
//! with `strata_provider::Schema`, where users look.

mod field;
mod structure;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Schema` and `Typed` for a struct with named fields.
#[proc_macro_derive(Schema, attributes(schema))]
pub fn derive_schema(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    structure::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
