//! The evaluator: cells computed once, when asked for.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use strata_core::{
    AttributePath, Diagnostics, Value,
    addr::{self, InstanceKey},
    files::Files,
    schema,
};

use crate::{provider::ProviderAddress, schemas::Schemas, tree::Config};

/// What an [`Evaluator`] needs to know besides the configuration.
pub struct EvaluatorOptions {
    /// What is known at all.
    pub mode: Mode,
    /// The root module's variables, as [`root_variables`](crate::root_variables) makes them.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// `terraform.workspace`.
    pub workspace: Arc<str>,
    /// What `file` and its kin read.
    pub files: Option<Arc<dyn Files>>,
    /// `path.cwd`.
    pub working_directory: PathBuf,
    /// What `plantimestamp` gives, in RFC 3339; unknown without it.
    pub plan_timestamp: Option<Arc<str>>,
    /// The schemas, for the types of resources that have no value yet.
    pub schemas: Schemas,
}

/// What is known while evaluating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing from outside: variables, resources, `count` and `for_each` are unknown. For `validate`.
    Static,
    /// What was handed in.
    Run,
}

/// The instances of a resource in one module instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// One, without a key.
    Single,
    /// With `count`.
    Count(usize),
    /// With `for_each`: keys and values.
    ForEach(Arc<BTreeMap<Arc<str>, Value>>),
    /// `count` or `for_each` is not known, or mistaken; that has been reported.
    Unknown,
}

/// The instances of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleExpansion {
    /// Those that are known, in order.
    pub instances: Vec<addr::ModuleInstance>,
    /// False if a `count` or `for_each` on the way is not known, or mistaken; that has been reported.
    pub complete: bool,
}

/// An entry of `replace_triggered_by`, evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceTrigger {
    /// The resource to watch.
    pub resource: addr::Resource,
    /// The instance to watch; none for all of them.
    pub key: Option<InstanceKey>,
    /// The attribute to watch; the root for all of them.
    pub path: AttributePath,
}

/// Computes the values of one configuration. Made for one thread at a time.
pub struct Evaluator {
    config: Arc<Config>,
    options: EvaluatorOptions,
}

impl Evaluator {
    /// Starts with nothing computed.
    pub fn new(config: Arc<Config>, options: EvaluatorOptions) -> Self {
        Self { config, options }
    }

    /// The instances of a module, through all modules around it.
    pub fn module_instances(
        &self,
        _module: &addr::Module,
        _diags: &mut Diagnostics,
    ) -> ModuleExpansion {
        unimplemented!("{} {}", self.config.nodes.len(), self.options.workspace)
    }

    /// The instances of a resource in one module instance.
    pub fn resource_instances(
        &self,
        _resource: &addr::Resource,
        _diags: &mut Diagnostics,
    ) -> Expansion {
        unimplemented!()
    }

    /// Hands in the value of one instance, in constant time.
    pub fn set_instance(&self, _instance: &addr::ResourceInstance, _value: Value) {
        unimplemented!()
    }

    /// The configuration of one resource instance, of the schema's implied type, with its marks.
    pub fn resource_config(
        &self,
        _instance: &addr::ResourceInstance,
        _schema: &schema::Block,
        _diags: &mut Diagnostics,
    ) -> Value {
        unimplemented!()
    }

    /// The arguments of a provider configuration; all null if it has no block.
    pub fn provider_config(
        &self,
        _provider: &ProviderAddress,
        _schema: &schema::Block,
        _diags: &mut Diagnostics,
    ) -> Value {
        unimplemented!()
    }

    /// The value of an output, with its marks; its preconditions are checked.
    pub fn output(
        &self,
        _module: &addr::ModuleInstance,
        _name: &str,
        _diags: &mut Diagnostics,
    ) -> Value {
        unimplemented!()
    }

    /// Evaluates the variables of a module instance and their validations.
    pub fn check_inputs(&self, _module: &addr::ModuleInstance, _diags: &mut Diagnostics) {
        unimplemented!()
    }

    /// Checks what must hold before a resource instance is planned; what is unknown passes.
    pub fn preconditions(&self, _instance: &addr::ResourceInstance, _diags: &mut Diagnostics) {
        unimplemented!()
    }

    /// Checks what must hold after a resource instance is made or read; what is unknown passes.
    pub fn postconditions(
        &self,
        _instance: &addr::ResourceInstance,
        _value: Value,
        _diags: &mut Diagnostics,
    ) {
        unimplemented!()
    }

    /// What replaces a resource instance when it changes.
    pub fn replace_triggers(
        &self,
        _instance: &addr::ResourceInstance,
        _diags: &mut Diagnostics,
    ) -> Vec<ReplaceTrigger> {
        unimplemented!()
    }
}

impl Expansion {
    /// The keys of all instances, in order; none if they are unknown.
    pub fn keys(&self) -> Vec<Option<InstanceKey>> {
        match self {
            Expansion::Single => vec![None],
            Expansion::Count(count) => (0..*count)
                .map(|at| Some(InstanceKey::Int(at as i64)))
                .collect(),
            Expansion::ForEach(entries) => entries
                .keys()
                .map(|key| Some(InstanceKey::String(key.clone())))
                .collect(),
            Expansion::Unknown => Vec::new(),
        }
    }
}
