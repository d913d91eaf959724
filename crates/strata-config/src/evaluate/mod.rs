//! The evaluator: cells computed once, when asked for.
//!
//! [`state`] holds the cells of one module instance, [`scope`] leads references to them, [`cells`] computes them,
//! [`blocks`] decodes provisioners, [`providers`] what configures providers, [`imports`] evaluates `import` blocks, [`expansion`] finds out how many instances there are, [`table`] keeps what the engine hands in, [`checks`]
//! holds conditions, and [`assertions`] those of tests. Mistakes inside a cell are kept until the next public function returns, and reported once.

mod assertions;
mod blocks;
mod cell;
mod cells;
mod checks;
mod expansion;
mod imports;
mod providers;
mod scope;
mod state;
mod table;
mod triggers;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, Marks, Value,
    addr::{self, InstanceKey, ResourceMode},
    files::Files,
    schema,
    value::Entries,
};
use strata_hcl::{Chance, Expression};

use crate::{
    decode,
    module::ResourceKey,
    schemas::{self, Schemas},
    tree::Config,
};
pub use assertions::Named;
pub use checks::CheckStatus;
use expansion::Counting;
pub use imports::ImportTarget;
use scope::InModule;
use state::{ModuleState, Repetition, ResourceState, StateId};

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
    /// Clock and chance, for functions whose results differ at each call; unknown without them, as in a plan.
    pub chance: Option<Arc<dyn Chance + Send + Sync>>,
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
    ForEach(Arc<Entries>),
    /// None at all: `lifecycle { enabled = false }`. References read as null.
    Disabled,
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
    states: Mutex<Vec<Arc<ModuleState>>>,
    pending: Mutex<Diagnostics>,
    /// True if a variable has a value that its own rules refuse: nobody else sees it, so things are unknown.
    refused: AtomicBool,
}

impl Evaluator {
    /// Starts with nothing computed.
    pub fn new(config: Arc<Config>, options: EvaluatorOptions) -> Self {
        let root = config.nodes.first().map(|node| {
            let address = addr::ModuleInstance::root();
            Arc::new(ModuleState::new(
                0,
                0,
                node.module.clone(),
                address,
                None,
                Repetition::Once,
            ))
        });
        Self {
            config,
            options,
            states: Mutex::new(root.into_iter().collect()),
            pending: Mutex::default(),
            refused: AtomicBool::new(false),
        }
    }

    /// The instances of a module, through all modules around it.
    pub fn module_instances(
        &self,
        module: &addr::Module,
        diags: &mut Diagnostics,
    ) -> ModuleExpansion {
        let mut complete = true;
        let mut ids = vec![0];
        for name in &module.0 {
            let mut next = Vec::new();
            for id in ids {
                let state = self.state(id);
                if self.config.stand_in(&state.address).is_some() {
                    continue;
                }
                let children = self.children(&state, name);
                complete &= children
                    .as_ref()
                    .is_some_and(|c| !matches!(**c, state::Children::Unknown(_)));
                next.extend(children.iter().flat_map(|children| children.known()));
            }
            ids = next;
        }
        self.report(diags);
        let instances = ids
            .into_iter()
            .map(|id| self.state(id).address.clone())
            .collect();
        ModuleExpansion {
            instances,
            complete,
        }
    }

    /// The instances of a resource in one module instance.
    pub fn resource_instances(
        &self,
        resource: &addr::Resource,
        diags: &mut Diagnostics,
    ) -> Expansion {
        let found = self.find_resource(resource, |module, state| self.expansion(module, state));
        self.report(diags);
        found.unwrap_or_else(|| match self.config.stand_in(&resource.module) {
            Some(_) => Expansion::Disabled,
            None => Expansion::Unknown,
        })
    }

    /// Hands in the value of one instance, in constant time. Attributes that the schema calls sensitive get their mark.
    pub fn set_instance(&self, instance: &addr::ResourceInstance, value: Value) {
        self.find_resource(&instance.resource, |module, state| {
            let schema = || self.schema(module, &state.key);
            let is_marked = state.has_sensitive.get_or_init(|| {
                schema().is_some_and(|schema| schemas::has_sensitive(&schema.block))
            });
            let value = match is_marked.then(schema).flatten() {
                Some(schema) => schemas::mark_sensitive(&schema.block, value),
                None => value,
            };
            let value = value.with_marks(scope::marks_of(state));
            let mut table = state.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.set(&instance.key, value);
        });
    }

    /// The configuration of one resource instance, of the schema's implied type, with its marks.
    ///
    /// Null of that type for an instance that configuration does not have.
    pub fn resource_config(
        &self,
        instance: &addr::ResourceInstance,
        schema: &schema::Block,
        diags: &mut Diagnostics,
    ) -> Value {
        let found = self.in_instance(instance, None, diags, |resource, scope, diags| {
            let value = decode::block(&resource.body, &resource.span, schema, scope, diags);
            if resource.key.mode != ResourceMode::Ephemeral {
                not_ephemeral(resource, &value, diags);
            }
            value
        });
        found.unwrap_or_else(|| Value::Null(schema.implied_type()))
    }

    /// The value of an output, with its marks; its preconditions are checked.
    pub fn output(
        &self,
        module: &addr::ModuleInstance,
        name: &str,
        diags: &mut Diagnostics,
    ) -> Value {
        let value = self.find_module(module).and_then(|module| {
            let value = self.output_cell(&module, name);
            self.check_output(&module, name, value.as_ref(), diags);
            value
        });
        self.report(diags);
        value.unwrap_or_else(|| Value::unknown(strata_core::Type::Dynamic))
    }

    /// Evaluates the variables of a module instance and their validations.
    pub fn check_inputs(&self, module: &addr::ModuleInstance, diags: &mut Diagnostics) {
        if let Some(module) = self.find_module(module) {
            self.check_variables(&module, diags);
        }
        self.report(diags);
    }

    /// Evaluates every variable, local, output and number of instances of a module instance.
    pub(crate) fn check_module(&self, module: &addr::ModuleInstance, diags: &mut Diagnostics) {
        let Some(module) = self.find_module(module) else {
            return;
        };
        self.check_variables(&module, diags);
        for name in module.module.locals.keys() {
            self.local(&module, name);
        }
        for name in module.module.outputs.keys() {
            let value = self.output_cell(&module, name);
            self.check_output(&module, name, value.as_ref(), diags);
        }
        for name in module.module.calls.keys() {
            self.children(&module, name);
        }
        for key in module.module.resources.keys() {
            if let Some(state) = module.resource(key.mode, &key.type_name, &key.name) {
                self.expansion(&module, state);
            }
        }
        self.report(diags);
    }

    /// Checks what must hold before a resource instance is planned; what is unknown passes.
    pub fn preconditions(&self, instance: &addr::ResourceInstance, diags: &mut Diagnostics) {
        self.in_instance(instance, None, diags, |resource, scope, diags| {
            for check in &resource.lifecycle.preconditions {
                self.condition(check, "Resource precondition failed", scope, diags);
            }
        });
    }

    /// True if it is not known yet whether what must hold before a resource instance is changed does.
    pub fn has_open_preconditions(&self, instance: &addr::ResourceInstance) -> bool {
        let mut unheard = Diagnostics::new();
        let found = self.in_instance(instance, None, &mut unheard, |resource, scope, diags| {
            let mut checks = resource.lifecycle.preconditions.iter();
            checks.any(|check| checks::status(check, scope, diags) == CheckStatus::Unknown)
        });
        found.unwrap_or_default()
    }

    /// Checks what must hold after a resource instance is made or read; what is unknown passes.
    pub fn postconditions(
        &self,
        instance: &addr::ResourceInstance,
        value: Value,
        diags: &mut Diagnostics,
    ) {
        self.in_instance(instance, Some(&value), diags, |resource, scope, diags| {
            for check in &resource.lifecycle.postconditions {
                self.condition(check, "Resource postcondition failed", scope, diags);
            }
        });
    }

    /// What replaces a resource instance when it changes.
    pub fn replace_triggers(
        &self,
        instance: &addr::ResourceInstance,
        diags: &mut Diagnostics,
    ) -> Vec<ReplaceTrigger> {
        let module = &instance.resource.module;
        let found = self.in_instance(instance, None, diags, |resource, scope, diags| {
            let triggers = resource.lifecycle.replace_triggered_by.iter();
            triggers
                .filter_map(|trigger| triggers::read(trigger, module, scope, diags))
                .collect()
        });
        found.unwrap_or_default()
    }

    /// Evaluates an expression that is not in the configuration, as in the console, in a module instance.
    pub fn expression(
        &self,
        expression: &Expression,
        module: &addr::ModuleInstance,
        diags: &mut Diagnostics,
    ) -> Value {
        let mut found = Diagnostics::new();
        crate::validate::expression(&self.config, &module.module(), expression, &mut found);
        let value = match self.find_module(module) {
            Some(module) if !found.has_errors() => {
                let scope = self.scope(&module, &module.repetition, None);
                strata_hcl::evaluate(expression, &scope, &mut found)
            }
            _ => Value::unknown(strata_core::Type::Dynamic),
        };
        diags.append(found);
        self.report(diags);
        value
    }

    /// How instances are counted now.
    fn counting(&self) -> Counting {
        let mode = self.options.mode;
        Counting {
            mode,
            may_be_unknown: mode == Mode::Static || self.refused.load(Ordering::Relaxed),
            may_be_absent: false,
        }
    }

    /// The same in a module, of which there may be no instance.
    fn counting_in(&self, module: &ModuleState) -> Counting {
        let counting = self.counting();
        let is_repeated = |module: &ModuleState| !matches!(module.repetition, Repetition::Once);
        let mut may_be_absent = is_repeated(module);
        let mut parent = module.parent;
        while let Some(id) = parent.filter(|_| !may_be_absent) {
            let module = self.state(id);
            may_be_absent = is_repeated(&module);
            parent = module.parent;
        }
        Counting {
            may_be_absent: may_be_absent && counting.mode == Mode::Static,
            ..counting
        }
    }

    /// Does something with a resource block in the scope of one instance.
    fn in_instance<T>(
        &self,
        instance: &addr::ResourceInstance,
        self_value: Option<&Value>,
        diags: &mut Diagnostics,
        act: impl FnOnce(&crate::module::Resource, &InModule<'_>, &mut Diagnostics) -> T,
    ) -> Option<T> {
        let result = self.find_resource(&instance.resource, |module, state| {
            let resource = module.module.resources.get(&state.key)?;
            let repetition = match self.expansion(module, state) {
                Expansion::Unknown => Repetition::unknown(&resource.repeat),
                expansion => Repetition::of(&expansion, instance.key.as_ref()),
            };
            Some(act(
                resource,
                &self.scope(module, &repetition, self_value),
                diags,
            ))
        });
        self.report(diags);
        result.flatten()
    }

    fn scope<'a>(
        &'a self,
        module: &'a Arc<ModuleState>,
        repetition: &'a Repetition,
        self_value: Option<&'a Value>,
    ) -> InModule<'a> {
        InModule {
            evaluator: self,
            module,
            repetition,
            self_value,
            validated: None,
        }
    }

    fn state(&self, id: StateId) -> Arc<ModuleState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)[id].clone()
    }

    fn find_module(&self, address: &addr::ModuleInstance) -> Option<Arc<ModuleState>> {
        self.config.nodes.first()?;
        let mut id = 0;
        for step in &address.0 {
            id = self
                .children(&self.state(id), &step.name)?
                .get(step.key.as_ref())?;
        }
        Some(self.state(id))
    }

    fn find_resource<T>(
        &self,
        address: &addr::Resource,
        act: impl FnOnce(&Arc<ModuleState>, &ResourceState) -> T,
    ) -> Option<T> {
        let module = self.find_module(&address.module)?;
        let state = module.resource(address.mode, &address.type_name, &address.name)?;
        Some(act(&module, state))
    }

    /// The schema of a resource of a module.
    fn schema(&self, module: &ModuleState, key: &ResourceKey) -> Option<&schema::Resource> {
        let resource = module.module.resources.get(key)?;
        let provider = crate::provider::key_of(resource);
        let source = crate::provider::source_of(&module.module, &provider.name);
        self.options
            .schemas
            .resource(&source, key.mode, &key.type_name)
    }

    /// Moves the mistakes found inside cells to the caller.
    fn report(&self, diags: &mut Diagnostics) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        diags.append(std::mem::take(&mut *pending));
    }
}

/// What a resource is given is kept in the state, where nothing ephemeral may be.
fn not_ephemeral(resource: &crate::module::Resource, value: &Value, diags: &mut Diagnostics) {
    for (name, given) in value.as_entries().into_iter().flatten() {
        if !given.marks_deep().contains(Marks::EPHEMERAL) {
            continue;
        }
        let attribute = resource.body.attribute(name);
        let span = attribute.map_or_else(|| resource.span.clone(), |a| a.expression.span());
        diags.push(
            Diagnostic::error("ephemeral-value", "Invalid use of ephemeral value")
                .detail(format!(
                    "Ephemeral values are not valid for `{name}`, which is kept in the state."
                ))
                .at(span),
        );
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
                .map(|key| Some(InstanceKey::String(key.clone().into())))
                .collect(),
            Expansion::Disabled | Expansion::Unknown => Vec::new(),
        }
    }
}
