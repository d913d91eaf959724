//! What `#[derive(Schema)]` writes for a struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Token, punctuated::Punctuated};

use crate::field::{Field, documentation};

/// Writes the implementations.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = fields(input)?;
    let description = documentation(&input.attrs);
    let rules = rules(input, &fields)?;
    let absent = fields.iter().map(Field::absent);
    let reads = fields.iter().map(Field::read);
    let (flattened, own): (Vec<&Field>, Vec<&Field>) =
        fields.iter().partition(|field| field.is_flattened());
    let specs = own.iter().map(|field| field.spec());
    let blocks = flattened.iter().map(|field| field.spec());
    let writes = own.iter().map(|field| field.write());
    let objects = flattened.iter().map(|field| field.write());
    let count = own.len();
    Ok(quote! {
        impl ::strata_provider::Schema for #name {
            fn block() -> ::strata_provider::BlockSpec {
                ::strata_provider::BlockSpec {
                    description: #description,
                    fields: ::std::vec![#(#specs),*],
                    rules: ::std::vec![#(#rules),*],
                }
                #(.flatten(#blocks))*
            }
        }

        impl ::strata_provider::Typed for #name {
            fn ty() -> ::strata_provider::Type {
                <Self as ::strata_provider::Schema>::block().implied_type()
            }

            fn absent() -> Self {
                Self { #(#absent),* }
            }

            fn read(value: &::strata_provider::Value) -> ::core::result::Result<Self, ::strata_provider::Misfit> {
                ::core::result::Result::Ok(Self { #(#reads),* })
            }

            fn write(&self) -> ::strata_provider::Value {
                let entries: [(&'static str, ::strata_provider::Value); #count] = [#(#writes),*];
                let object = ::strata_provider::Value::object(entries);
                #(let object = ::strata_provider::flatten(object, #objects);)*
                object
            }
        }
    })
}

fn fields(input: &DeriveInput) -> Result<Vec<Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().map(Field::new).collect(),
            Fields::Unit => Ok(Vec::new()),
            Fields::Unnamed(_) => Err(Error::new_spanned(
                input,
                "a schema needs fields with names",
            )),
        },
        _ => Err(Error::new_spanned(input, "a schema is a struct")),
    }
}

/// Rules between fields: `#[schema(exactly_one_of("a", "b"))]`.
fn rules(input: &DeriveInput, fields: &[Field]) -> Result<Vec<TokenStream>> {
    let mut rules = Vec::new();
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("schema")) {
        attribute.parse_nested_meta(|meta| {
            let rule = match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("exactly_one_of") => quote!(ExactlyOneOf),
                Some("at_least_one_of") => quote!(AtLeastOneOf),
                Some("conflicts") => quote!(Conflicts),
                Some("together") => quote!(Together),
                _ => return Err(meta.error(
                    "expected `exactly_one_of(…)`, `at_least_one_of(…)`, `conflicts(…)` or `together(…)`",
                )),
            };
            let content;
            syn::parenthesized!(content in meta.input);
            let names = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
            if let Some(unknown) = names.iter().find(|name| !fields.iter().any(|f| f.name == name.value())) {
                return Err(Error::new_spanned(unknown, "there is no field of this name"));
            }
            let names = names.iter();
            rules.push(quote!(::strata_provider::Rule::#rule(&[#(#names),*])));
            Ok(())
        })?;
    }
    Ok(rules)
}
