//! `terraform` blocks.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Type};
use strata_hcl::{Attribute, Block, Expression};

use super::{fields, folder::duplicate, version};
use crate::module::{Backend, ProviderRequirement, Settings};
use crate::provider::full_source;

pub(super) fn decode(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    let blocks = ["required_providers", "backend", "cloud", "provider_meta"];
    fields::only(
        &block.body,
        &["required_version", "experiments"],
        &blocks,
        diags,
    );
    if let Some(attribute) = block.body.attribute("required_version") {
        required_version(attribute, diags);
    }
    if let Some(attribute) = block.body.attribute("experiments") {
        diags.push(unsupported("Language experiments").at(attribute.span()));
    }
    for inner in &block.body.blocks {
        match &*inner.kind.text {
            "required_providers" => required_providers(inner, settings, diags),
            "backend" => backend(inner, settings, diags),
            "cloud" | "provider_meta" => {
                let what = format!("The `{}` block", inner.kind.text);
                diags.push(unsupported(&what).at(inner.header_span()));
            }
            _ => {}
        }
    }
}

fn unsupported(what: &str) -> Diagnostic {
    Diagnostic::error("unsupported", format!("{what} is not supported"))
}

fn required_version(attribute: &Attribute, diags: &mut Diagnostics) {
    let Some(text) = constant_text(&attribute.expression, diags) else {
        return;
    };
    match version::allows(&text, version::LANGUAGE) {
        Some(true) => {}
        Some(false) => diags.push(
            Diagnostic::error("unsupported-version", "Unsupported Terraform Core version")
                .detail(format!(
                    "The configuration asks for `{text}`. Strata speaks the language of Terraform {}.",
                    version::LANGUAGE
                ))
                .at(attribute.span()),
        ),
        None => diags.push(invalid_constraint(&text, &attribute.expression)),
    }
}

fn invalid_constraint(text: &str, expression: &Expression) -> Diagnostic {
    Diagnostic::error("invalid-version-constraint", "Invalid version constraint")
        .detail(format!(
            "`{text}` is not a version constraint, such as `>= 1.2, < 2.0` or `~> 1.4`."
        ))
        .at(expression.span())
}

fn constant_text(expression: &Expression, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let value = fields::constant(expression, diags);
    match value.convert(&Type::String) {
        Ok(value) => value.as_str().map(Arc::from),
        Err(error) => {
            diags.push(
                Diagnostic::error("unsuitable-value", "Unsuitable value type")
                    .detail(format!("Unsuitable value: {error}."))
                    .at(expression.span()),
            );
            None
        }
    }
}

fn required_providers(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    fields::only_attributes(&block.body, diags);
    for attribute in &block.body.attributes {
        let name = &attribute.name.text;
        if let Some(first) = settings.required_providers.get(name) {
            let what = format!("A provider named `{name}`");
            diags.push(duplicate(
                "Duplicate required provider",
                what,
                &first.span,
                attribute.span(),
            ));
            continue;
        }
        if let Some(found) = requirement(attribute, diags) {
            settings.required_providers.insert(name.clone(), found);
        }
    }
}

fn requirement(attribute: &Attribute, diags: &mut Diagnostics) -> Option<ProviderRequirement> {
    let mut found = ProviderRequirement {
        source: full_source(&attribute.name.text),
        version: None,
        span: attribute.span(),
    };
    let Some(entries) = attribute.expression.as_map() else {
        // Before 0.13 the version alone stood here, as text.
        found.version = constant_text(&attribute.expression, diags);
        return Some(found);
    };
    for (key, value) in entries {
        match key.text().trim_matches('"') {
            "source" => found.source = source(&value, diags)?,
            "version" => found.version = version_constraint(&value, diags),
            "configuration_aliases" => {}
            other => diags.push(
                Diagnostic::error(
                    "invalid-required-provider",
                    "Invalid required_providers object",
                )
                .detail(format!(
                    "`{other}` is not `source`, `version` or `configuration_aliases`."
                ))
                .at(key.span()),
            ),
        }
    }
    Some(found)
}

fn version_constraint(expression: &Expression, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let text = constant_text(expression, diags)?;
    if version::allows(&text, version::LANGUAGE).is_none() {
        diags.push(invalid_constraint(&text, expression));
    }
    Some(text)
}

fn source(expression: &Expression, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let text = constant_text(expression, diags)?;
    let parts: Vec<_> = text.split('/').collect();
    let is_part = |part: &&str| {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        !part.is_empty() && part.chars().all(allowed)
    };
    if parts.len() <= 3 && parts.iter().all(is_part) {
        return Some(full_source(&text));
    }
    diags.push(
        Diagnostic::error("invalid-provider-source", "Invalid provider source string")
            .detail("The source must be `name`, `namespace/name` or `host/namespace/name`.")
            .at(expression.span()),
    );
    None
}

fn backend(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    let Some(kind) = block.label(0) else {
        diags.push(
            Diagnostic::error("missing-label", "Missing type for backend")
                .detail("All backend blocks must have 1 labels (type).")
                .at(block.header_span()),
        );
        return;
    };
    if kind != "local" {
        let what = format!("The backend `{kind}`");
        diags.push(
            unsupported(&what)
                .detail("State is kept in a local file only.")
                .at(block.header_span()),
        );
        return;
    }
    if let Some(first) = &settings.backend {
        let what = "A backend";
        diags.push(duplicate(
            "Duplicate backend configuration",
            what,
            &first.span,
            block.header_span(),
        ));
        return;
    }
    fields::only(&block.body, &["path", "workspace_dir"], &[], diags);
    settings.backend = Some(Backend {
        kind: kind.into(),
        path: fields::text(&block.body, "path", diags),
        workspace_directory: fields::text(&block.body, "workspace_dir", diags),
        body: Arc::new(block.body.clone()),
        span: block.header_span(),
    });
}
