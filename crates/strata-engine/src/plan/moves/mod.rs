//! Objects that got another address: by `moved` blocks, or since `count` came or went.
//!
//! Statements are carried out on the whole state, each after those that lead to where it begins, so that chains
//! arrive at their end. Nothing moves to where something is already.

use std::{borrow::Cow, collections::BTreeSet};

use strata_config::{
    Config,
    module::{self, Moved, Repeat, ResourceKey},
};
use strata_core::{
    Diagnostic, Diagnostics, Span,
    addr::{
        InstanceKey, Module, ModuleInstance, ModuleStep, Resource, ResourceInstance, ResourceMode,
        Target,
    },
};
use strata_state::{State, carries_over, is_carried_from};

use self::{order::sorted, places::Places};
use super::{PlanOptions, import::is_configured};
use crate::session::Session;

mod order;
mod places;

/// An old and a new address.
pub(crate) type Move = (ResourceInstance, ResourceInstance);

/// A `moved` block, with the module that it is in.
#[derive(Clone)]
struct Statement<'c> {
    module: &'c Module,
    from: &'c Target,
    to: &'c Target,
    span: &'c Span,
}

/// The state with everything where configuration has it, and what was moved for that, in order.
pub(crate) fn resolve<'s>(
    config: &Config,
    state: &'s State,
    diags: &mut Diagnostics,
) -> (Cow<'s, State>, Vec<Move>) {
    let mut moved = Cow::Borrowed(state);
    let mut moves = Vec::new();
    let statements = statements(config, diags);
    let sorted = sorted(&statements, diags);
    check_removed(config, diags);
    let mut blocked = Vec::new();
    // Where nothing is said of moves, nobody needs to know what is where.
    let mut places = match sorted.is_empty() {
        true => Places::default(),
        false => Places::new(state),
    };
    for statement in sorted.into_iter().map(|at| &statements[at]) {
        for (from, to) in of_statement(statement, &places) {
            if let Some(wrong) = of_other_provider(&moved, &from, &to) {
                diags.push(wrong.at(statement.span.clone()));
                continue;
            }
            match moved.instance(&to) {
                Some(_) => blocked.push(format!("\n  - {from} could not move to {to}")),
                None => {
                    moved.to_mut().rename(&from, &to);
                    places.rename(&from, &to);
                    moves.push((from, to));
                }
            }
        }
    }
    if !blocked.is_empty() {
        diags.push(unresolved(&blocked));
    }
    for (from, to) in implied(config, &moved) {
        moved.to_mut().rename(&from, &to);
        moves.push((from, to));
    }
    (moved, moves)
}

/// What is wrong with a plan of a part that does not have both ends of a move: the object could be in neither place.
pub(crate) fn split(moves: &[Move], options: &PlanOptions) -> Option<Diagnostic> {
    let is_in = |list: &[Target], address: &ResourceInstance| {
        list.iter().any(|target| target.covers(address))
    };
    let is_split = |(from, to): &&Move| match options.targets.is_empty() {
        true => is_in(&options.exclude, from) != is_in(&options.exclude, to),
        false => !is_in(&options.targets, from) || !is_in(&options.targets, to),
    };
    let split: Vec<&Move> = moves.iter().filter(is_split).collect();
    if split.is_empty() {
        return None;
    }
    let (option, list) = match options.targets.is_empty() {
        true => ("-exclude", &options.exclude),
        false => ("-target", &options.targets),
    };
    let ends = split.iter().flat_map(|(from, to)| [from, to]);
    let missing: BTreeSet<_> = ends.filter(|end| !is_in(list, end)).collect();
    let missing = missing
        .iter()
        .map(|address| format!("\n  {option}={:?}", address.to_string()));
    let summary = "Moved resource instances excluded by targeting";
    let detail = format!(
        "Objects have new addresses, and of some of them `{option}` does not name both the old and the new one. Add these:{}",
        missing.collect::<String>()
    );
    let found = Diagnostic::error("targeted-moves", summary).detail(detail);
    Some(found.hint("Or plan everything."))
}

/// What is wrong with an object that moves to another type, and is of a provider whose objects do not.
fn of_other_provider(
    state: &State,
    from: &ResourceInstance,
    to: &ResourceInstance,
) -> Option<Diagnostic> {
    let resource = state.resources.get(&from.resource)?;
    let is_same_type = from.resource.type_name == to.resource.type_name;
    if is_same_type || is_carried_from(&resource.provider) {
        return None;
    }
    let summary = "Unsupported source provider for move operation";
    Some(Diagnostic::error("move-type", summary).detail(format!(
        "Only objects of hashicorp/null become `terraform_data`; {from} is of {}.",
        resource.provider
    )))
}

const UNRESOLVED: &str = "unresolved-move";

fn unresolved(blocked: &[String]) -> Diagnostic {
    Diagnostic::warning(UNRESOLVED, "Unresolved resource instance address changes")
        .detail(format!(
            "Something is at the new address already, so these stay where they are:{}",
            blocked.concat()
        ))
        .hint("`strata state mv` can move what is in the way.")
}

fn statements<'c>(config: &'c Config, diags: &mut Diagnostics) -> Vec<Statement<'c>> {
    let mut statements = Vec::new();
    for (module, found) in config.modules() {
        for moved in &found.moved {
            let statement = Statement {
                module,
                from: &moved.from,
                to: &moved.to,
                span: &moved.span,
            };
            check(config, &statement, diags);
            statements.push(statement);
        }
    }
    statements
}

/// Reports `removed` blocks about what is still declared.
fn check_removed(config: &Config, diags: &mut Diagnostics) {
    for (module, found) in config.modules() {
        for removed in &found.removed {
            let whole = |inner: Module| Module([module.0.as_slice(), inner.0.as_slice()].concat());
            let (summary, declared) = match &removed.from {
                Target::Module(from) => {
                    let is_there = config.module(&whole(from.module())).is_some();
                    ("Removed module still exists", is_there.then_some(None))
                }
                Target::Resource(from) => {
                    let mut address = from.config();
                    address.module = whole(address.module);
                    let block = config.resource(&address);
                    (
                        "Removed resource still exists",
                        block.map(|block| Some(block.span.clone())),
                    )
                }
                Target::Instance(_) => continue,
            };
            let Some(place) = declared else { continue };
            let error = Diagnostic::error("removed-exists", summary)
                .detail("This statement says that it was removed, but it is still declared.")
                .hint("Take one of the two out.");
            diags.push(match place {
                Some(place) => error
                    .at(place)
                    .label(removed.span.clone(), "said to be removed here"),
                None => error.at(removed.span.clone()),
            });
        }
    }
}

/// Reports a statement whose source is still there, or that makes something of another kind.
fn check(config: &Config, statement: &Statement<'_>, diags: &mut Diagnostics) {
    if statement.from == statement.to {
        let why = format!(
            "This statement declares a move from {} to the same address, which is the same as not declaring this move at all.",
            statement.from
        );
        let redundant = Diagnostic::error("move-redundant", "Redundant move statement");
        diags.push(redundant.detail(why).at(statement.span.clone()));
        return;
    }
    if let (Some(from), Some(to)) = (instance(statement.from), instance(statement.to))
        && !carries_over(&from.resource, &to.resource)
    {
        let summary = "Resource type mismatch";
        let why = format!(
            "This statement declares a move from {} to {}, which is of another resource type.",
            statement.from, statement.to
        );
        diags.push(
            Diagnostic::error("move-type", summary)
                .detail(why)
                .at(statement.span.clone()),
        );
    }
    let (Target::Resource(from), Target::Resource(to)) = (statement.from, statement.to) else {
        return;
    };
    let mut address = from.config();
    address
        .module
        .0
        .splice(0..0, statement.module.0.iter().cloned());
    if let Some(block) = config.resource(&address).filter(|_| from != to) {
        let why = format!(
            "This statement declares a move from {from}, but that resource is still declared."
        );
        diags.push(
            Diagnostic::error("move-source", "Moved object still exists")
                .detail(why)
                .at(statement.span.clone())
                .label(block.span.clone(), "declared here")
                .hint(format!(
                    "Rename the block to `{to}`, or take the `moved` block out."
                )),
        );
    }
}

/// Reports statements that begin with an instance, or a module, that is still declared.
pub(crate) fn check_sources(session: &Session<'_>, diags: &mut Diagnostics) {
    let config = &session.environment.config;
    for (module, found) in config.modules() {
        for moved in found.moved.iter().filter(|moved| moved.from != moved.to) {
            let mut unheard = Diagnostics::new();
            let around = session.evaluator.module_instances(module, &mut unheard);
            let mut around = around.instances.iter();
            if let Some(what) = around.find_map(|around| declared(session, around, moved)) {
                diags.push(still_declared(moved, what));
            }
        }
    }
    forget_unresolved(diags);
}

/// What could not be moved is of no account where a statement is mistaken, as in Terraform.
fn forget_unresolved(diags: &mut Diagnostics) {
    if !diags.iter().any(is_mistaken) {
        return;
    }
    let found = std::mem::take(diags).into_iter();
    diags.extend(found.filter(|found| found.code != UNRESOLVED));
}

fn is_mistaken(found: &Diagnostic) -> bool {
    found.is_error() && found.code.starts_with("move-")
}

/// What a statement in a module begins with, if it is still declared. Whole resources are looked at before.
fn declared(session: &Session<'_>, around: &ModuleInstance, moved: &Moved) -> Option<&'static str> {
    let within = |module: &ModuleInstance| ModuleInstance([&*around.0, &module.0].concat());
    let (from, to) = (&moved.from, &moved.to);
    if let (Target::Module(from), Target::Module(to)) = (from, to) {
        let key = |module: &ModuleInstance| module.0.last().and_then(|step| step.key.clone());
        let from_here = within(from);
        if key(from).is_none() && key(to).is_none() {
            let called = session.environment.config.module(&from_here.module());
            return called.map(|_| "module call");
        }
        let (evaluator, mut unheard) = (&session.evaluator, Diagnostics::new());
        let found = evaluator.module_instances(&from_here.module(), &mut unheard);
        let is_there = found.instances.contains(&from_here);
        return is_there.then_some("module instance");
    }
    if let (Target::Resource(_), Target::Resource(_)) = (from, to) {
        return None;
    }
    let mut address = instance(from)?;
    address.resource.module = within(&address.resource.module);
    let block = session
        .environment
        .config
        .resource(&address.resource.config());
    (block.is_some() && is_configured(session, &address)).then_some("resource instance")
}

/// In the words of Terraform 1.11.
fn still_declared(moved: &Moved, what: &str) -> Diagnostic {
    let (from, to) = (&moved.from, &moved.to);
    Diagnostic::error("move-source", "Moved object still exists")
        .detail(format!(
            "This statement declares a move from {from}, but that {what} is still declared."
        ))
        .at(moved.span.clone())
        .hint(format!(
            "Declare it as `{to}`, or take the `moved` block out."
        ))
}

/// What a statement moves.
fn of_statement(statement: &Statement<'_>, places: &Places) -> Vec<Move> {
    let moved = |address: &ResourceInstance| {
        let to = moved_to(statement, address)?;
        // Of what may not move to another type is told elsewhere.
        let moves = to != *address && carries_over(&address.resource, &to.resource);
        moves.then(|| (address.clone(), to))
    };
    let named = places.named(statement).into_iter();
    named.filter_map(moved).collect()
}

/// Where a statement leads an instance; none if it is not about it.
fn moved_to(statement: &Statement<'_>, address: &ResourceInstance) -> Option<ResourceInstance> {
    let steps = &address.resource.module.0;
    let depth = statement.module.0.len();
    let names = steps.iter().map(|step| &step.name);
    if steps.len() < depth || !names.take(depth).eq(statement.module.0.iter()) {
        return None;
    }
    let (around, inner) = steps.split_at(depth);
    let mut to = address.clone();
    let place = |to: &mut ResourceInstance, module: &[ModuleStep], rest: &[ModuleStep]| {
        to.resource.module.0 = [around, module, rest].concat();
    };
    match (statement.from, statement.to) {
        (Target::Module(from), Target::Module(target)) => {
            let (key, rest) = follow_module(&from.0, &target.0, inner)?;
            let mut module = target.0.clone();
            if let (Some(last), Some(key)) = (module.last_mut(), key) {
                last.key = key;
            }
            place(&mut to, &module, rest);
        }
        (Target::Resource(from), Target::Resource(target)) => {
            if !is_of(address, inner, from) {
                return None;
            }
            place(&mut to, &target.module.0, &[]);
            to.resource.type_name = target.type_name.clone();
            to.resource.name = target.name.clone();
        }
        (from, target) => {
            let (from, target) = (instance(from)?, instance(target)?);
            if !is_of(address, inner, &from.resource) || address.key != from.key {
                return None;
            }
            place(&mut to, &target.resource.module.0, &[]);
            to.resource.type_name = target.resource.type_name;
            (to.resource.name, to.key) = (target.resource.name, target.key);
        }
    }
    Some(to)
}

/// Whether steps lead into a module that moves: the key to keep, if all its instances move, and what comes after.
fn follow_module<'i>(
    from: &[ModuleStep],
    to: &[ModuleStep],
    inner: &'i [ModuleStep],
) -> Option<(Option<Option<InstanceKey>>, &'i [ModuleStep])> {
    let (last, before) = from.split_last()?;
    let (found, rest) = (inner.get(..from.len())?, inner.get(from.len()..)?);
    let (found_last, found_before) = found.split_last()?;
    if found_before != before || found_last.name != last.name {
        return None;
    }
    let whole = last.key.is_none() && to.last()?.key.is_none();
    if whole {
        return Some((Some(found_last.key.clone()), rest));
    }
    (found_last.key == last.key).then_some((None, rest))
}

fn is_of(
    address: &ResourceInstance,
    inner: &[ModuleStep],
    resource: &strata_core::addr::Resource,
) -> bool {
    let found = &address.resource;
    inner == resource.module.0
        && (found.mode, &found.type_name, &found.name)
            == (resource.mode, &resource.type_name, &resource.name)
}

fn instance(target: &Target) -> Option<ResourceInstance> {
    match target {
        Target::Module(_) => None,
        Target::Resource(resource) => Some(resource.instance(None)),
        Target::Instance(instance) => Some(instance.clone()),
    }
}

/// `a` becomes `a[0]` when its block gets `count`, and `a[0]` becomes `a` when it loses it, as for calls of modules.
fn implied(config: &Config, state: &State) -> Vec<Move> {
    let moved = |from: ResourceInstance| {
        let to = expected(config, &from);
        (to != from && state.instance(&to).is_none()).then_some((from, to))
    };
    let mut place = Place::default();
    let mut moves = Vec::new();
    for (address, resource) in state.resources.iter() {
        place.go_to(config, &address.module);
        let keys = resource.instances.keys();
        let keys = keys.filter(|key| !place.keeps(address, key));
        moves.extend(keys.filter_map(|key| moved(address.instance(key.clone()))));
    }
    moves
}

/// Where in configuration the resources of a state are, which come module by module.
#[derive(Default)]
struct Place<'a> {
    address: Option<&'a ModuleInstance>,
    module: Option<&'a module::Module>,
    /// True if `count` came to a call on the way there, or went.
    is_elsewhere: bool,
}

impl<'a> Place<'a> {
    fn go_to(&mut self, config: &'a Config, address: &'a ModuleInstance) {
        if self.address == Some(address) {
            return;
        }
        let mut caller = Module::root();
        *self = Self {
            address: Some(address),
            module: config.module(&caller),
            is_elsewhere: false,
        };
        for step in &address.0 {
            let call = self.module.and_then(|module| module.calls.get(&step.name));
            self.is_elsewhere |=
                call.is_some_and(|call| moves_key(&call.repeat, step.key.as_ref()));
            caller = caller.child(step.name.clone());
            self.module = config.module(&caller);
        }
    }

    /// True if configuration has an instance where it is, as far as `count` goes.
    fn keeps(&self, address: &Resource, key: &Option<InstanceKey>) -> bool {
        let name = ResourceKey {
            mode: address.mode,
            type_name: address.type_name.clone(),
            name: address.name.clone(),
        };
        let block = self.module.and_then(|module| module.resources.get(&name));
        !self.is_elsewhere && !block.is_some_and(|block| moves_key(&block.repeat, key.as_ref()))
    }
}

/// The address that configuration has for an instance.
fn expected(config: &Config, address: &ResourceInstance) -> ResourceInstance {
    let mut expected = address.clone();
    let mut caller = Module::root();
    for step in &mut expected.resource.module.0 {
        let call = config
            .module(&caller)
            .and_then(|module| module.calls.get(&step.name));
        if let Some(call) = call {
            follow(&call.repeat, &mut step.key);
        }
        caller = caller.child(step.name.clone());
    }
    if let Some(block) = config.resource(&address.resource.config()) {
        follow(&block.repeat, &mut expected.key);
    }
    expected
}

fn follow(repeat: &Repeat, key: &mut Option<InstanceKey>) {
    if moves_key(repeat, key.as_ref()) {
        *key = match key {
            None => Some(InstanceKey::Int(0)),
            Some(_) => None,
        };
    }
}

/// True if `count` came, and there is no key yet, or went, and the key is still there.
fn moves_key(repeat: &Repeat, key: Option<&InstanceKey>) -> bool {
    matches!(
        (repeat, key),
        (Repeat::Count(_), None) | (Repeat::Once, Some(InstanceKey::Int(0)))
    )
}

/// The `removed` block that is about an instance which configuration no longer has.
pub(crate) fn removed<'c>(
    config: &'c Config,
    address: &ResourceInstance,
) -> Option<&'c strata_config::module::Removed> {
    if address.resource.mode != ResourceMode::Managed {
        return None;
    }
    let wanted = address.resource.config();
    let is_about = |module: &Module, from: &Target| {
        let Some(inner) = wanted.module.0.strip_prefix(module.0.as_slice()) else {
            return false;
        };
        let names = |steps: &[ModuleStep]| {
            let found = inner.iter().take(steps.len());
            found.eq(steps.iter().map(|step| &step.name))
        };
        match from {
            Target::Module(from) => names(&from.0),
            Target::Resource(from) => {
                inner.len() == from.module.0.len()
                    && (&from.type_name, &from.name) == (&wanted.type_name, &wanted.name)
                    && names(&from.module.0)
            }
            Target::Instance(_) => false,
        }
    };
    config.modules().find_map(|(module, found)| {
        let mut removed = found.removed.iter();
        removed.find(|removed| is_about(module, &removed.from))
    })
}
