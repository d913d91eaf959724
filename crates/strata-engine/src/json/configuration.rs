//! The configuration, as plans describe it: constants by their value, everything else by what it refers to.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use strata_config::{
    Config, ProviderAddress,
    module::{ModuleCall, Output, Provisioner, Repeat, Resource, Variable},
};
use strata_core::{
    addr::{ConfigResource, Module, ResourceMode},
    schema::{Block, Nesting},
};
use strata_state::json::{exact, plain};

use crate::providers::Providers;

/// An expression: its value if it is constant, else what it refers to. A macro, since the type of expressions
/// belongs to a crate that this one does not know by name.
macro_rules! expression_json {
    ($expression:expr) => {
        // Terraform evaluates no functions here.
        match Some(())
            .filter(|()| $expression.calls().is_empty())
            .and_then(|()| $expression.as_literal())
        {
            Some(value) => json!({ "constant_value": exact(&value) }),
            None => {
                let mut references: Vec<String> = Vec::new();
                for found in $expression.references() {
                    let mut parts = vec![found.root.to_string()];
                    for step in &found.steps {
                        match (step.attribute(), step.index()) {
                            (Some(name), _) => parts.push(format!(".{name}")),
                            (_, Some(key)) => parts.push(format!("[{}]", plain(key))),
                            (None, None) => break,
                        }
                    }
                    prefixes(&parts, &mut references);
                }
                match references.is_empty() {
                    true => json!({}),
                    false => json!({ "references": references }),
                }
            }
        }
    };
}

/// The arguments of a body that a schema knows, nested blocks included.
macro_rules! body_json {
    ($body:expr, $schema:expr) => {{
        let mut found = Map::new();
        let mut open = vec![(
            $body.clone(),
            $schema,
            Vec::<(String, Option<usize>)>::new(),
        )];
        while let Some((body, schema, path)) = open.pop() {
            let schema: &Block = schema;
            for name in schema.attributes.keys() {
                if let Some(attribute) = body.attribute(name) {
                    let json = expression_json!(attribute.expression);
                    put(&mut found, &path, name, json);
                }
            }
            for (name, nested) in &schema.blocks {
                for (at, block) in body.blocks_of(name).enumerate() {
                    let mut path = path.clone();
                    let is_one = nested.nesting == Nesting::Single;
                    path.push((name.to_string(), (!is_one).then_some(at)));
                    open.push((std::sync::Arc::new(block.body.clone()), &nested.block, path));
                }
            }
        }
        found
    }};
}

/// A reference, and all that it goes through: from the longest to the object itself.
fn prefixes(parts: &[String], references: &mut Vec<String>) {
    let has_key = |at: usize| parts.get(at).is_some_and(|part| part.starts_with('['));
    let least = match parts.first().map(String::as_str) {
        Some("data") => 3,
        Some("self") => 1,
        Some("module") if has_key(2) => 3,
        _ => 2,
    };
    for length in (least.min(parts.len())..=parts.len()).rev() {
        references.push(parts[..length].concat());
    }
}

/// Puts something into nested blocks, which are made on the way.
fn put(into: &mut Map<String, Json>, path: &[(String, Option<usize>)], name: &str, json: Json) {
    let Some(((block, at), rest)) = path.split_first() else {
        into.insert(name.to_owned(), json);
        return;
    };
    let entry = into.entry(block.clone());
    let inner = match at {
        None => entry.or_insert_with(|| json!({})),
        Some(at) => {
            let all = entry.or_insert_with(|| json!([]));
            let Some(all) = all.as_array_mut() else {
                return;
            };
            while all.len() <= *at {
                all.push(json!({}));
            }
            &mut all[*at]
        }
    };
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, name, json);
    }
}

/// Describes a configuration, without what stands in the file that was written for the plan.
pub(crate) fn configuration_json(
    config: &Config,
    providers: &Providers,
    generated_in: Option<&str>,
) -> Json {
    let users = users(config);
    let used: BTreeSet<ProviderAddress> = users
        .iter()
        .map(|(address, path)| owner(config, &users, address, path))
        .collect();
    let unused = config.providers().into_iter().filter(|address| {
        let mut users = users.iter();
        !users.any(|(user, _)| user == address)
    });
    let provider_config: Map<_, _> = unused
        .chain(used.iter().cloned())
        .map(|address| (key(&address), provider_json(config, &address, providers)))
        .collect();
    let mut json = json!({});
    if !provider_config.is_empty() {
        json["provider_config"] = Json::Object(provider_config);
    }
    json["root_module"] = module_json(config, &users, &Module::root(), providers, generated_in);
    json
}

/// In which modules each provider configuration is used.
type Users = BTreeSet<(ProviderAddress, Module)>;

fn users(config: &Config) -> Users {
    let user = |address: ConfigResource| {
        let provider = config.provider_of(&address)?;
        Some((provider, address.module))
    };
    config
        .resources()
        .filter_map(|(address, _)| user(address))
        .collect()
}

/// The provider configuration that a module uses: one without a block is that of the outermost module that uses it,
/// on an unbroken way from there.
fn owner(
    config: &Config,
    users: &Users,
    address: &ProviderAddress,
    path: &Module,
) -> ProviderAddress {
    let mut owner = address.clone();
    let required = &config.root().settings.required_providers;
    if !address.module.0.is_empty()
        || config.provider_block(address).is_some()
        || required.contains_key(&address.local_name)
    {
        return owner;
    }
    let mut module = path.clone();
    while let Some((_, before)) = module.0.split_last() {
        let parent = Module(before.to_vec());
        if !users.contains(&(address.clone(), parent.clone())) {
            break;
        }
        module = parent;
    }
    owner.module = module;
    owner
}

/// How resources name a provider configuration.
fn key(address: &ProviderAddress) -> String {
    let alias = address.alias.as_ref().map(|alias| format!(".{alias}"));
    let name = format!("{}{}", address.local_name, alias.unwrap_or_default());
    match address.module.0.is_empty() {
        true => name,
        false => format!("{}:{name}", address.module),
    }
}

fn provider_json(config: &Config, address: &ProviderAddress, providers: &Providers) -> Json {
    let mut json = json!({ "name": &*address.local_name, "full_name": &*address.source });
    if let Some(alias) = &address.alias {
        json["alias"] = json!(&**alias);
    }
    if !address.module.0.is_empty() {
        json["module_address"] = json!(address.module.to_string());
    }
    let module = config.module(&address.module);
    let required = module.and_then(|module| {
        let required = &module.settings.required_providers;
        required.get(&address.local_name)?.version.clone()
    });
    if let Some(version) = required {
        json["version_constraint"] = json!(&*version);
    }
    let block = config.provider_block(address);
    if let (Some(block), Some(provider)) = (block, providers.get(&address.source)) {
        let expressions = body_json!(&block.body, &provider.schema().provider);
        if !expressions.is_empty() {
            json["expressions"] = Json::Object(expressions);
        }
    }
    json
}

fn module_json(
    config: &Config,
    users: &Users,
    path: &Module,
    providers: &Providers,
    generated_in: Option<&str>,
) -> Json {
    let mut json = json!({});
    let Some(module) = config.module(path) else {
        return json;
    };
    let mut put = |name: &str, entries: Map<String, Json>| {
        if !entries.is_empty() {
            json[name] = Json::Object(entries);
        }
    };
    let outputs = module.outputs.iter();
    put(
        "outputs",
        outputs
            .map(|(name, output)| (name.to_string(), output_json(output)))
            .collect(),
    );
    let calls = module.calls.iter();
    put(
        "module_calls",
        calls
            .map(|(name, call)| {
                let inner = module_json(config, users, &path.child(name.clone()), providers, None);
                (name.to_string(), call_json(call, inner))
            })
            .collect(),
    );
    let variables = module.variables.iter();
    put(
        "variables",
        variables
            .map(|(name, variable)| (name.to_string(), variable_json(variable)))
            .collect(),
    );
    // Data sources come last here, and first everywhere else.
    let (data, others): (Vec<_>, Vec<_>) = module
        .resources
        .values()
        .filter(|resource| generated_in != Some(&*resource.span.file))
        .partition(|resource| resource.key.mode == ResourceMode::Data);
    let resources: Vec<Json> = others
        .into_iter()
        .chain(data)
        .map(|resource| resource_json(config, users, path, resource, providers))
        .collect();
    if !resources.is_empty() {
        json["resources"] = Json::Array(resources);
    }
    json
}

fn output_json(output: &Output) -> Json {
    let mut json = json!({ "expression": expression_json!(output.value) });
    if let Some(description) = &output.description {
        json["description"] = json!(&**description);
    }
    if output.sensitive {
        json["sensitive"] = json!(true);
    }
    json
}

fn variable_json(variable: &Variable) -> Json {
    let mut json = json!({});
    if let Some(default) = &variable.default {
        json["default"] = exact(default);
    }
    if let Some(description) = &variable.description {
        json["description"] = json!(&**description);
    }
    if variable.sensitive {
        json["sensitive"] = json!(true);
    }
    json
}

fn call_json(call: &ModuleCall, module: Json) -> Json {
    let source = call.source.as_literal();
    let source = source.as_ref().and_then(|source| source.as_str());
    let mut json = json!({ "source": source.unwrap_or(call.source.text()) });
    let arguments = call.arguments.iter();
    let expressions: Map<_, _> = arguments
        .map(|(name, argument)| (name.to_string(), expression_json!(argument.value)))
        .collect();
    if !expressions.is_empty() {
        json["expressions"] = Json::Object(expressions);
    }
    repeat(&mut json, &call.repeat);
    if !call.depends_on.is_empty() {
        json["depends_on"] = call.depends_on.iter().map(ToString::to_string).collect();
    }
    json["module"] = module;
    json
}

fn repeat(json: &mut Json, repeat: &Repeat) {
    let (name, expression) = match repeat {
        Repeat::Count(expression) => ("count_expression", expression_json!(expression)),
        Repeat::ForEach(expression) => ("for_each_expression", expression_json!(expression)),
        _ => return,
    };
    if expression
        .as_object()
        .is_some_and(|found| !found.is_empty())
    {
        json[name] = expression;
    }
}

fn provisioner_json(provisioner: &Provisioner) -> Json {
    let mut json = json!({ "type": &*provisioner.kind });
    let arguments = provisioner.body.attributes.iter();
    let expressions: Map<_, _> = arguments
        .map(|found| {
            (
                found.name.text.to_string(),
                expression_json!(found.expression),
            )
        })
        .collect();
    if !expressions.is_empty() {
        json["expressions"] = Json::Object(expressions);
    }
    json
}

fn resource_json(
    config: &Config,
    users: &Users,
    path: &Module,
    resource: &Resource,
    providers: &Providers,
) -> Json {
    let found = &resource.key;
    let address = ConfigResource {
        module: path.clone(),
        mode: found.mode,
        type_name: found.type_name.clone(),
        name: found.name.clone(),
    };
    let mut json = json!({
        "address": found.to_string(),
        "mode": found.mode.name(),
        "type": &*found.type_name,
        "name": &*found.name,
    });
    let Some(provider) = config.provider_of(&address) else {
        return json;
    };
    json["provider_config_key"] = json!(key(&owner(config, users, &provider, path)));
    let schemas = providers.schemas();
    if let Some(schema) = schemas.resource(&provider.source, found.mode, &found.type_name) {
        let expressions = body_json!(&resource.body, &schema.block);
        if !expressions.is_empty() {
            json["expressions"] = Json::Object(expressions);
        }
        json["schema_version"] = json!(schema.version);
    }
    let provisioners: Vec<Json> = resource.provisioners.iter().map(provisioner_json).collect();
    if !provisioners.is_empty() {
        json["provisioners"] = Json::Array(provisioners);
    }
    repeat(&mut json, &resource.repeat);
    if !resource.depends_on.is_empty() {
        json["depends_on"] = resource
            .depends_on
            .iter()
            .map(ToString::to_string)
            .collect();
    }
    json
}
