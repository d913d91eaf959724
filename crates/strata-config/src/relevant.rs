//! Which attributes of which resources a change may come from: `relevant_attributes` in plans as JSON.
//!
//! From what changes, all references are followed through locals, variables and outputs of modules to attributes of
//! resources; an attribute that configuration sets is followed on through what it is set to. As Terraform 1.11 does it,
//! conditions, provisioners, `depends_on` and `lifecycle` do not count.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use strata_core::{
    AttributePath, Number, PathStep, Value,
    addr::{self, InstanceKey, ModuleInstance, ModuleStep, ResourceInstance},
};
use strata_hcl::{Expression, Traversal, TraversalStep};

use crate::{
    module::{self, ResourceKey},
    references::{self, Target},
    tree::Config,
};

/// An attribute that may make a difference to something that changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relevant {
    /// The resource; one without a key stands for all its instances, and so does a module.
    pub resource: ResourceInstance,
    /// The attribute; the root for all of it.
    pub path: AttributePath,
}

/// Something whose references are followed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// All that a resource is configured with.
    Resource(ModuleInstance, ResourceKey),
    /// One attribute or block of it.
    Attribute(ModuleInstance, ResourceKey, Arc<str>),
    Variable(ModuleInstance, Arc<str>),
    Local(ModuleInstance, Arc<str>),
    Output(ModuleInstance, Arc<str>),
}

/// What is followed next, what was, and what was found.
struct Search<'a> {
    config: &'a Config,
    open: VecDeque<Source>,
    seen: BTreeSet<Source>,
    found: BTreeSet<Relevant>,
}

/// Finds what may make a difference to these resources and outputs, in the order of the addresses.
pub fn relevant<'a>(
    config: &Config,
    resources: impl IntoIterator<Item = &'a addr::Resource>,
    outputs: impl IntoIterator<Item = (ModuleInstance, Arc<str>)>,
) -> Vec<Relevant> {
    let mut search = Search {
        config,
        open: VecDeque::new(),
        seen: BTreeSet::new(),
        found: BTreeSet::new(),
    };
    for resource in resources {
        search.follow(Source::Resource(resource.module.clone(), key_of(resource)));
    }
    for (module, name) in outputs {
        search.follow(Source::Output(module, name));
    }
    while let Some(source) = search.open.pop_front() {
        search.look(&source);
    }
    search.found.into_iter().collect()
}

impl Search<'_> {
    fn follow(&mut self, source: Source) {
        if self.seen.insert(source.clone()) {
            self.open.push_back(source);
        }
    }

    /// Takes all references of one thing; a thing that is not there has none.
    fn look(&mut self, source: &Source) {
        let (module, references) = match source {
            Source::Resource(module, key) => (module.clone(), self.of_resource(module, key)),
            Source::Attribute(module, key, name) => {
                (module.clone(), self.of_attribute(module, key, name))
            }
            Source::Local(module, name) => {
                let local = self.module(module).and_then(|found| found.locals.get(name));
                (module.clone(), of(local.map(|local| &local.value)))
            }
            Source::Output(module, name) => {
                let output = self
                    .module(module)
                    .and_then(|found| found.outputs.get(name));
                (module.clone(), of(output.map(|output| &output.value)))
            }
            Source::Variable(module, name) => self.of_variable(module, name),
        };
        for reference in &references {
            self.take(&module, reference);
        }
    }

    fn take(&mut self, module: &ModuleInstance, reference: &Traversal) {
        match references::target(reference) {
            Ok(Target::Variable(name)) => self.follow(Source::Variable(module.clone(), name)),
            Ok(Target::Local(name)) => self.follow(Source::Local(module.clone(), name)),
            Ok(Target::Module(call, output)) => self.call(module, &call, output, reference),
            Ok(Target::Resource(key)) => self.resource(module, key, reference),
            _ => {}
        }
    }

    /// An output of a module, or all of them.
    fn call(
        &mut self,
        module: &ModuleInstance,
        call: &Arc<str>,
        output: Option<Arc<str>>,
        reference: &Traversal,
    ) {
        let mut steps = module.0.clone();
        steps.push(ModuleStep {
            name: call.clone(),
            key: reference.index(1).and_then(instance_key),
        });
        let called = ModuleInstance(steps);
        let names = match (output, self.module(&called)) {
            (Some(output), _) => vec![output],
            (None, Some(found)) => found.outputs.keys().cloned().collect(),
            (None, None) => Vec::new(),
        };
        for name in names {
            self.follow(Source::Output(called.clone(), name));
        }
    }

    fn resource(&mut self, module: &ModuleInstance, key: ResourceKey, reference: &Traversal) {
        let names = match &*reference.root {
            "data" | "resource" | "ephemeral" => 2,
            _ => 1,
        };
        let instance = reference.index(names).and_then(instance_key);
        let from = names + usize::from(instance.is_some());
        let steps = reference.steps.iter().skip(from);
        let path: Vec<_> = steps.map_while(|step| path_step(&step.kind)).collect();
        match path.first() {
            Some(PathStep::Attribute(name)) => {
                self.follow(Source::Attribute(
                    module.clone(),
                    key.clone(),
                    name.clone().into(),
                ));
            }
            _ => self.follow(Source::Resource(module.clone(), key.clone())),
        }
        let resource = module.resource(key.mode, key.type_name, key.name);
        self.found.insert(Relevant {
            resource: resource.instance(instance),
            path: AttributePath(path),
        });
    }

    fn of_resource(&self, module: &ModuleInstance, key: &ResourceKey) -> Vec<Traversal> {
        let Some(resource) = self.block(module, key) else {
            return Vec::new();
        };
        let mut found = references::in_body(&resource.body);
        found.extend(of(resource.repeat.expression()));
        found
    }

    fn of_attribute(
        &self,
        module: &ModuleInstance,
        key: &ResourceKey,
        name: &str,
    ) -> Vec<Traversal> {
        let Some(resource) = self.block(module, key) else {
            return Vec::new();
        };
        let mut found = of(resource.body.attribute(name).map(|found| &found.expression));
        for block in resource.body.blocks_of(name) {
            found.extend(references::in_body(&block.body));
        }
        match found.is_empty() && resource.body.blocks_of("dynamic").next().is_some() {
            // Which blocks a `dynamic` one makes is not looked at.
            true => references::in_body(&resource.body),
            false => found,
        }
    }

    /// What the caller gives for a variable; the references stand in the caller.
    fn of_variable(
        &self,
        module: &ModuleInstance,
        name: &Arc<str>,
    ) -> (ModuleInstance, Vec<Traversal>) {
        let Some((step, above)) = module.0.split_last() else {
            return (module.clone(), Vec::new());
        };
        let caller = ModuleInstance(above.to_vec());
        let call = self
            .module(&caller)
            .and_then(|found| found.calls.get(&step.name));
        let argument = call.and_then(|call| call.arguments.get(name));
        let found = of(argument.map(|argument| &argument.value));
        (caller, found)
    }

    fn module(&self, instance: &ModuleInstance) -> Option<&module::Module> {
        self.config.module(&instance.module())
    }

    fn block(&self, instance: &ModuleInstance, key: &ResourceKey) -> Option<&module::Resource> {
        self.module(instance)?.resources.get(key)
    }
}

fn of(expression: Option<&Expression>) -> Vec<Traversal> {
    expression.map(Expression::references).unwrap_or_default()
}

fn key_of(resource: &addr::Resource) -> ResourceKey {
    ResourceKey {
        mode: resource.mode,
        type_name: resource.type_name.clone(),
        name: resource.name.clone(),
    }
}

fn instance_key(key: &Value) -> Option<InstanceKey> {
    match key.unmarked() {
        Value::Number(at) => at.as_i64().map(InstanceKey::Int),
        Value::String(key) => Some(InstanceKey::String(key.clone().into())),
        _ => None,
    }
}

fn path_step(step: &TraversalStep) -> Option<PathStep> {
    match step {
        TraversalStep::Attribute(name) => Some(PathStep::Attribute(name.clone().into())),
        TraversalStep::Index(key) => match key.unmarked() {
            Value::Number(at) => Some(PathStep::Index(Number::clone(at))),
            Value::String(key) => Some(PathStep::Key(key.clone())),
            _ => None,
        },
        TraversalStep::Computed | TraversalStep::Splat => None,
    }
}
