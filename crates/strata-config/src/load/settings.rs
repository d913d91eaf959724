//! `terraform` blocks.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Type, Value};
use strata_hcl::{Attribute, Block, Expression, Traversal};

use super::{fields, folder::duplicate, provider};
use crate::module::{Backend, ProviderReference, ProviderRequirement, Settings, SettingsBlock};
use crate::provider::full_source;
use crate::version::{self, Asked};

/// Experiments that ended, and what they tried is in the language for good.
const ENDED: [&str; 5] = [
    "config_driven_move",
    "module_variable_optional_attrs",
    "preconditions_postconditions",
    "provider_sensitive_attrs",
    "variable_validation",
];

pub(super) fn decode(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    let blocks = [
        "required_providers",
        "backend",
        "cloud",
        "provider_meta",
        "encryption",
    ];
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
        let found = Diagnostic::error("experiments", "Module uses experimental features")
            .detail("Experiments of the language are for alpha releases of Terraform only.")
            .at(attribute.span());
        let names = attribute.expression.references();
        let over = |name: &&Traversal| ENDED.contains(&&*name.root);
        diags.push(match names.iter().find(over) {
            Some(name) => found.hint(format!(
                "What `{}` tried has long been part of the language: leave this line out.",
                name.root
            )),
            None => found,
        });
    }
    for inner in &block.body.blocks {
        match &*inner.kind.text {
            "required_providers" => required_providers(inner, settings, diags),
            "backend" => backend(inner, settings, diags),
            "cloud" => cloud(inner, settings, diags),
            "provider_meta" => provider_meta(inner, settings, diags),
            "encryption" => encryption(inner, settings, diags),
            _ => {}
        }
    }
    if let (Some(backend), Some(cloud)) = (&settings.backend, &settings.cloud) {
        diags.push(
            Diagnostic::error(
                "backend-and-cloud",
                "Both a backend and cloud configuration are present",
            )
            .detail("A module may have one `cloud` block or one `backend` block.")
            .at(backend.span.clone())
            .label(cloud.span.clone(), "the cloud configuration"),
        );
    }
}

fn kept(block: &Block) -> SettingsBlock {
    SettingsBlock {
        body: Arc::new(block.body.clone()),
        span: block.header_span(),
    }
}

fn cloud(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    if let Some(first) = &settings.cloud {
        diags.push(duplicate(
            "Duplicate HCP Terraform configurations",
            "A cloud configuration",
            &first.span,
            block.header_span(),
        ));
        return;
    }
    settings.cloud = Some(kept(block));
}

fn provider_meta(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    let Some(name) = fields::only_label(block, "provider", diags) else {
        return;
    };
    if let Some(first) = settings.provider_meta.get(&name) {
        diags.push(duplicate(
            "Duplicate provider_meta block",
            format!("A provider_meta block for provider `{name}`"),
            &first.span,
            block.header_span(),
        ));
        return;
    }
    settings.provider_meta.insert(name, kept(block));
}

fn encryption(block: &Block, settings: &mut Settings, diags: &mut Diagnostics) {
    if let Some(first) = &settings.encryption {
        diags.push(duplicate(
            "Duplicate encryption configuration",
            "An encryption configuration",
            &first.span,
            block.header_span(),
        ));
        return;
    }
    settings.encryption = Some(kept(block));
}

fn required_version(attribute: &Attribute, diags: &mut Diagnostics) {
    let value = fields::constant(&attribute.expression, diags);
    let text = value.convert(&Type::String).map_err(|_| {
        diags.push(
            Diagnostic::error("invalid-version", "Invalid version constraint")
                .detail("A string value is required for `required_version`.")
                .at(attribute.expression.span()),
        );
    });
    let Some(text) = text.as_ref().ok().and_then(Value::as_str) else {
        return;
    };
    match version::asked(text) {
        Some(Asked::Ours) => {}
        Some(Asked::Newer) => diags.push(
            Diagnostic::warning("newer-version", "Newer version of the language required")
                .detail(format!(
                    "The configuration asks for `{text}`. Strata speaks the language of Terraform {} and OpenTofu {}; \
                     what it does not know is refused where it stands.",
                    version::LANGUAGE,
                    version::OPENTOFU
                ))
                .at(attribute.span()),
        ),
        Some(Asked::Older) => diags.push(
            Diagnostic::warning("older-version", "Older version of the language required")
                .detail(format!(
                    "The configuration asks for `{text}`. Strata speaks the language of Terraform {} and OpenTofu {}, \
                     which run what earlier versions of 1 ran.",
                    version::LANGUAGE,
                    version::OPENTOFU
                ))
                .at(attribute.span()),
        ),
        Some(Asked::Other) => diags.push(
            Diagnostic::error("unsupported-version", "Unsupported Terraform Core version")
                .detail(format!(
                    "The configuration asks for `{text}`. Strata speaks the language of Terraform {} and OpenTofu {}.",
                    version::LANGUAGE,
                    version::OPENTOFU
                ))
                .at(attribute.span()),
        ),
        None => diags.push(invalid_constraint(text, &attribute.expression)),
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
    if let Some(first) = &settings.required_providers_span {
        let summary = "Duplicate required providers configuration";
        diags.push(duplicate(
            summary,
            "Required providers",
            first,
            block.header_span(),
        ));
        return;
    }
    settings.required_providers_span = Some(block.header_span());
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
        if let Some(valid) = valid_name(name) {
            diags.push(
                Diagnostic::error("invalid-provider-name", "Invalid provider local name")
                    .detail(format!(
                        "The provider's name in this module is written in small letters: `{valid}`, not `{name}`."
                    ))
                    .at(attribute.span()),
            );
            continue;
        }
        if let Some(found) = requirement(attribute, diags) {
            let mut others = settings.required_providers.iter();
            if let Some((other, first)) = others.find(|(_, other)| other.source == found.source) {
                diags.push(
                    Diagnostic::warning("duplicate", "Duplicate required provider")
                        .detail(format!(
                            "The provider `{}` is required as `{name}`, and as `{other}` before.",
                            found.source
                        ))
                        .at(found.span.clone())
                        .label(first.span.clone(), "the first one"),
                );
            }
            settings.required_providers.insert(name.clone(), found);
        }
    }
}

/// How the name of a provider in a module should be written; none if it is right.
fn valid_name(name: &str) -> Option<String> {
    let valid = name.to_lowercase();
    (valid != name).then_some(valid)
}

fn requirement(attribute: &Attribute, diags: &mut Diagnostics) -> Option<ProviderRequirement> {
    let mut found = ProviderRequirement {
        source: full_source(&attribute.name.text),
        version: None,
        aliases: Vec::new(),
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
            "configuration_aliases" => found.aliases = aliases(&value, diags),
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

/// The configurations that callers must pass: `[incus.east, incus.west]`.
fn aliases(expression: &Expression, diags: &mut Diagnostics) -> Vec<ProviderReference> {
    let items = fields::list(expression, diags);
    let read = |item: &Expression| provider::reference(item, diags);
    items.iter().filter_map(read).collect()
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
    let Some(kind) = fields::only_label(block, "type", diags) else {
        return;
    };
    if let Some(first) = &settings.backend {
        diags.push(duplicate(
            "Duplicate backend configuration",
            "A backend",
            &first.span,
            block.header_span(),
        ));
        return;
    }
    if crate::unsupported::BACKENDS.contains(&&*kind) {
        fields::only_attributes(&block.body, diags);
    }
    settings.backend = Some(Backend {
        // They are evaluated when the values of variables are known.
        arguments: Default::default(),
        body: Arc::new(block.body.clone()),
        span: block.header_span(),
        kind,
    });
}
