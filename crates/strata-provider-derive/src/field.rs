//! What a field says about itself.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, GenericArgument, Ident, Lit, LitStr, Meta, Path,
    PathArguments, Result, Token, Type, meta::ParseNestedMeta, punctuated::Punctuated,
};

/// A field, read.
pub(crate) struct Field {
    /// The attribute's or block's name.
    pub(crate) name: String,
    ident: Ident,
    ty: Type,
    description: String,
    kind: Kind,
    presence: Option<&'static str>,
    default: Option<Expr>,
    /// Calls to the builder of `FieldSpec`.
    calls: Vec<TokenStream>,
}

enum Kind {
    Attribute,
    /// A struct whose fields stand beside those around it.
    Flattened,
    Nested(&'static str),
    Block {
        nesting: &'static str,
        min: TokenStream,
        max: TokenStream,
    },
}

impl Field {
    /// Reads a field; mistakes are told where they stand.
    pub(crate) fn new(field: &syn::Field) -> Result<Self> {
        let ident = field
            .ident
            .clone()
            .ok_or_else(|| Error::new_spanned(field, "a field needs a name"))?;
        let mut read = Self {
            name: ident.to_string().trim_start_matches("r#").to_owned(),
            ident,
            ty: field.ty.clone(),
            description: documentation(&field.attrs),
            kind: Kind::Attribute,
            presence: None,
            default: None,
            calls: Vec::new(),
        };
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("schema")) {
            attribute.parse_nested_meta(|meta| read.word(&meta))?;
        }
        Ok(read)
    }

    fn word(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let word = meta
            .path
            .get_ident()
            .map(Ident::to_string)
            .unwrap_or_default();
        match word.as_str() {
            "computed" => self.presence = Some("Computed"),
            "optional_computed" => self.presence = Some("OptionalComputed"),
            "optional" => self.presence = Some("Optional"),
            "required" => self.presence = Some("Required"),
            "sensitive" | "replace" | "stable" | "live" | "restart" | "rebuild" => {
                let call = Ident::new(
                    &word,
                    meta.path
                        .get_ident()
                        .map_or_else(proc_macro2::Span::call_site, Ident::span),
                );
                self.calls.push(quote!(.#call()));
            }
            "default" => self.set_default(meta.value()?.parse()?),
            "name" => self.name = meta.value()?.parse::<LitStr>()?.value(),
            "deprecated" => {
                let text: LitStr = meta.value()?.parse()?;
                self.calls.push(quote!(.deprecated(#text)));
            }
            "check" => {
                let function: Path = meta.value()?.parse()?;
                self.calls
                    .push(quote!(.check(::strata_provider::Check::Function(#function))));
            }
            "one_of" => self.one_of(meta)?,
            "range" => self.bounds(meta, quote!(Range))?,
            "length" => self.bounds(meta, quote!(Length))?,
            "flatten" => self.kind = Kind::Flattened,
            "nested" => self.kind = Kind::Nested(self.nesting(meta)?),
            "block" => self.block(meta)?,
            _ => return Err(meta.error("a field cannot say this")),
        }
        Ok(())
    }

    fn set_default(&mut self, default: Expr) {
        self.presence = Some("OptionalComputed");
        let text = match &default {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => format!("\"{}\"", text.value()),
            other => other.to_token_stream().to_string().replace(' ', ""),
        };
        let plain = matches!(default, Expr::Lit(_) | Expr::Unary(_));
        if plain {
            self.description.push_str(&format!(" Default: `{text}`."));
        }
        self.default = Some(default);
    }

    fn one_of(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let content;
        syn::parenthesized!(content in meta.input);
        let words = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
        let told: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", word.value()))
            .collect();
        self.description
            .push_str(&format!(" One of {}.", told.join(", ")));
        let words = words.iter();
        self.calls
            .push(quote!(.check(::strata_provider::Check::OneOf(&[#(#words),*]))));
        Ok(())
    }

    fn bounds(&mut self, meta: &ParseNestedMeta<'_>, kind: TokenStream) -> Result<()> {
        let content;
        syn::parenthesized!(content in meta.input);
        let range: TokenStream = content.parse()?;
        self.calls.push(
            quote!(.check(::strata_provider::Check::#kind(::strata_provider::bounds(#range)))),
        );
        Ok(())
    }

    /// The nesting that `(list)` and the like names, or that the field's type has.
    fn nesting(&self, meta: &ParseNestedMeta<'_>) -> Result<&'static str> {
        if !meta.input.peek(syn::token::Paren) {
            return Ok(self.nesting_of_type());
        }
        let content;
        syn::parenthesized!(content in meta.input);
        nesting(&content.parse::<Ident>()?)
    }

    fn nesting_of_type(&self) -> &'static str {
        match outer(&without_option(&self.ty)).as_deref() {
            Some("Vec") => "List",
            Some("BTreeSet") => "Set",
            Some("BTreeMap") => "Map",
            _ => "Single",
        }
    }

    fn block(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let (mut kind, mut min, mut max) = (self.nesting_of_type(), quote!(0), quote!(0));
        if meta.input.peek(syn::token::Paren) {
            meta.parse_nested_meta(|meta| {
                match meta.path.get_ident().map(Ident::to_string).as_deref() {
                    Some("min") => min = meta.value()?.parse::<Expr>()?.to_token_stream(),
                    Some("max") => max = meta.value()?.parse::<Expr>()?.to_token_stream(),
                    _ => kind = nesting(meta.path.require_ident()?)?,
                }
                Ok(())
            })?;
        }
        self.kind = Kind::Block {
            nesting: kind,
            min,
            max,
        };
        Ok(())
    }

    /// True if its own fields stand for it.
    pub(crate) fn is_flattened(&self) -> bool {
        matches!(self.kind, Kind::Flattened)
    }

    /// The `FieldSpec` of the field, or the `BlockSpec` of one that is flattened.
    pub(crate) fn spec(&self) -> TokenStream {
        let (name, description, calls) = (&self.name, &self.description, &self.calls);
        let inner = innermost(&self.ty);
        let made = match &self.kind {
            Kind::Flattened => return quote!(<#inner as ::strata_provider::Schema>::block()),
            Kind::Attribute => {
                let (ty, presence) = (&self.ty, self.presence());
                quote!(::strata_provider::FieldSpec::attribute::<#ty>(#name, ::strata_provider::Presence::#presence, #description))
            }
            Kind::Nested(nesting) => {
                let (nesting, presence) = (word(nesting), self.presence());
                quote!(::strata_provider::FieldSpec::nested::<#inner>(#name, ::strata_provider::Nesting::#nesting, ::strata_provider::Presence::#presence, #description))
            }
            Kind::Block { nesting, min, max } => {
                let nesting = word(nesting);
                quote!(::strata_provider::FieldSpec::block::<#inner>(#name, ::strata_provider::Nesting::#nesting, #min, #max, #description))
            }
        };
        let default = self
            .default
            .as_ref()
            .map(|default| self.default_call(default));
        quote!(#made #default #(#calls)*)
    }

    fn default_call(&self, default: &Expr) -> TokenStream {
        let ty = without_option(&self.ty);
        let value = match default {
            Expr::Lit(ExprLit {
                lit: Lit::Str(_), ..
            }) => quote!(::std::borrow::ToOwned::to_owned(#default)),
            other => other.to_token_stream(),
        };
        quote!(.default_value({ let value: #ty = #value; ::strata_provider::Typed::write(&value) }))
    }

    fn presence(&self) -> Ident {
        let optional = outer(&self.ty).as_deref() == Some("Option");
        word(
            self.presence
                .unwrap_or(if optional { "Optional" } else { "Required" }),
        )
    }

    /// The field of an object that is not there.
    pub(crate) fn absent(&self) -> TokenStream {
        let (ident, ty) = (&self.ident, &self.ty);
        quote!(#ident: <#ty as ::strata_provider::Typed>::absent())
    }

    /// The field out of an object.
    pub(crate) fn read(&self) -> TokenStream {
        let (ident, name) = (&self.ident, &self.name);
        match self.is_flattened() {
            true => quote!(#ident: ::strata_provider::Typed::read(value)?),
            false => quote!(#ident: ::strata_provider::read_field(value, #name)?),
        }
    }

    /// The field as an entry of an object, or the object of one that is flattened.
    pub(crate) fn write(&self) -> TokenStream {
        let (ident, name) = (&self.ident, &self.name);
        let written = quote!(::strata_provider::Typed::write(&self.#ident));
        match &self.kind {
            Kind::Flattened => written,
            Kind::Nested("Set") | Kind::Block { nesting: "Set", .. } => {
                quote!((#name, ::strata_provider::as_set(#written)))
            }
            _ => quote!((#name, #written)),
        }
    }
}

fn word(text: &str) -> Ident {
    Ident::new(text, proc_macro2::Span::call_site())
}

fn nesting(word: &Ident) -> Result<&'static str> {
    match word.to_string().as_str() {
        "single" => Ok("Single"),
        "list" => Ok("List"),
        "set" => Ok("Set"),
        "map" => Ok("Map"),
        _ => Err(Error::new_spanned(
            word,
            "expected `single`, `list`, `set` or `map`",
        )),
    }
}

/// The name of the outermost type.
fn outer(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

/// The last type in the outermost angle brackets.
fn argument(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    arguments
        .args
        .iter()
        .rev()
        .find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty.clone()),
            _ => None,
        })
}

fn without_option(ty: &Type) -> Type {
    let inner = argument(ty).filter(|_| outer(ty).as_deref() == Some("Option"));
    inner.unwrap_or_else(|| ty.clone())
}

/// What is inside `Option`, `Vec` and maps.
fn innermost(ty: &Type) -> Type {
    let is_container = matches!(
        outer(ty).as_deref(),
        Some("Option" | "Vec" | "BTreeMap" | "BTreeSet")
    );
    match argument(ty).filter(|_| is_container) {
        Some(inner) => innermost(&inner),
        None => ty.clone(),
    }
}

/// The text of `///` comments, in one line a paragraph.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
    let lines: Vec<String> = lines.collect();
    let paragraphs = lines
        .split(String::is_empty)
        .filter(|lines| !lines.is_empty());
    paragraphs
        .map(|lines| lines.join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}
