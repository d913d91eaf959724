//! Objects that are not made: `override_resource`, `override_data` and `override_module`.
//!
//! A resource that is overridden gets a provider of its own, which plays it; a module becomes what it gives out.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{Config, Override, Run, TestFile, module::PlayedInstances};
use strata_core::{
    Diagnostic, Diagnostics, Source, Value,
    addr::{ConfigResource, InstanceKey, Resource, ResourceMode, Target},
    provider::Provider,
    schema::{Block, ProviderSchema},
};
use strata_engine::Providers;
use strata_hcl::{Expression, Scope, evaluate, parse_expression};

use super::mock::{Made, Played, object};

/// Puts what a run overrides in its place. What the run says counts more than what its file says, and that more than
/// what a played provider says.
pub(super) fn apply(
    mut config: Config,
    file: &TestFile,
    run: &Run,
    real: &Providers,
    scope: &dyn Scope,
) -> Result<(Config, Providers), Diagnostics> {
    let mut diags = Diagnostics::new();
    let under_test = config.clone();
    let mut played: Vec<Arc<dyn Provider>> = Vec::new();
    let of_mocks = file.mocks.values().flat_map(|mock| &mock.overrides);
    let all: BTreeMap<String, &Override> = of_mocks
        .chain(&file.overrides)
        .chain(&run.overrides)
        .map(|one| (one.target.to_string(), one))
        .collect();
    for (at, one) in all.into_values().enumerate() {
        let values = one.values.as_ref();
        let values =
            values.map(|values| object(evaluate(values, scope, &mut diags), values, &mut diags));
        config = match resource(one) {
            None => module(config, one, values.as_ref()),
            Some((resource, key)) => {
                let address = resource.config();
                let during_plan = one.during_plan.unwrap_or(false);
                let made = Made {
                    values,
                    during_plan,
                };
                let Some(player) = player(&under_test, &address, made, at, real) else {
                    continue;
                };
                let source = player.source.into();
                played.push(Arc::new(player));
                match key.is_none() && !under_test.is_repeated(&address.module) {
                    true => config.with_provider_of(&address, source),
                    false => {
                        let (module, instance) = (resource.module.clone(), key.map(Some));
                        let some = PlayedInstances { module, instance };
                        config.with_provider_of_some(&address, some, source)
                    }
                }
            }
        };
    }
    let providers = match played.is_empty() {
        true => real.clone(),
        false => Providers::new(real.all().cloned().chain(played)),
    };
    diags.into_result((config, providers))
}

/// The resource that an override is about, and the key if it is about one instance; none for a module.
///
/// As in Terraform the one instance counts more, whether the run or the file says so, and an address without keys means
/// nothing in a module that has `count` or `for_each`.
fn resource(one: &Override) -> Option<(&Resource, Option<InstanceKey>)> {
    match &one.target {
        Target::Module(_) => None,
        Target::Resource(resource) => Some((resource, None)),
        Target::Instance(instance) => Some((&instance.resource, instance.key.clone())),
    }
}

/// Warns of overrides of what none of these configurations has.
pub(super) fn check<'a>(
    overrides: &[Override],
    configs: impl Iterator<Item = &'a Config> + Clone,
    diags: &mut Diagnostics,
) {
    for one in overrides {
        let is_there = |config: &Config| match &one.target {
            Target::Module(module) => config.module(&module.module()).is_some(),
            Target::Resource(resource) => config.resource(&resource.config()).is_some(),
            Target::Instance(one) => config.resource(&one.resource.config()).is_some(),
        };
        if !configs.clone().any(is_there) {
            let found = Diagnostic::warning("invalid-override", "Invalid override target");
            diags.push(
                found
                    .detail(format!(
                        "There is no `{}` in the configuration under test.",
                        one.target
                    ))
                    .at(one.target_span.clone()),
            );
        }
    }
}

/// A provider for one resource; none if the configuration of this run does not have it.
fn player(
    config: &Config,
    address: &ConfigResource,
    made: Made,
    number: usize,
    real: &Providers,
) -> Option<Played> {
    let provider = config.provider_of(address)?;
    let real = real.get(&provider.source)?;
    let schema = real
        .schema()
        .types(address.mode)
        .get(&address.type_name)?
        .clone();
    let types: BTreeMap<_, _> = [(address.type_name.clone(), schema)].into();
    let made = Arc::new(BTreeMap::from([(address.type_name.clone(), made)]));
    let is_data = address.mode == ResourceMode::Data;
    let (resources, data_sources) = match is_data {
        true => (BTreeMap::new(), types),
        false => (types, BTreeMap::new()),
    };
    // Addresses of providers live as long as the program; a test file has few of these.
    let source: &'static str = Box::leak(format!("strata.test/override/{number}").into_boxed_str());
    Some(Played {
        name: source,
        source,
        schema: ProviderSchema {
            provider: Block::default(),
            resources,
            data_sources,
            ..ProviderSchema::default()
        },
        resources: made.clone(),
        data: made,
        other: false,
    })
}

/// Leaves of a module its outputs, in all its instances, or in the one that the address names.
fn module(config: Config, one: &Override, values: Option<&Value>) -> Config {
    let Target::Module(instance) = &one.target else {
        return config;
    };
    let entries = values.and_then(Value::as_entries).into_iter().flatten();
    let values = entries.map(|(name, value)| (name.clone().into(), written(value)));
    let values: BTreeMap<Arc<str>, Expression> = values.collect();
    let null = written(&Value::Null(strata_core::Type::Dynamic));
    if instance.0.iter().any(|step| step.key.is_some()) {
        return config.with_outputs_of_one(instance.clone(), &values, &null);
    }
    let changed = config
        .clone()
        .with_outputs_of(&instance.module(), &values, &null);
    changed.unwrap_or(config)
}

/// A value as an expression.
fn written(value: &Value) -> Expression {
    let text = strata_state::json::encode(value, &value.ty());
    let text = text.replace("${", "$${").replace("%{", "%%{");
    let source = Arc::new(Source::new("<override>", text));
    parse_expression(&source, &mut Diagnostics::new())
}
