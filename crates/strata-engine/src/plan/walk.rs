//! Going through configuration in the order of its dependencies, then through what it no longer has.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use strata_config::{Expansion, ProviderAddress, module::Resource};
use strata_core::{
    Action, BoxFuture, Diagnostic, Diagnostics, Events,
    addr::{self, ConfigResource, InstanceKey, ModuleInstance, ResourceInstance, ResourceMode},
    hash::HashMap,
};
use strata_state::State;

use super::{
    Change, Context, Plan, PlanMode, PlanOptions, Planned, Reason,
    delete::{Ending, plan_delete},
    finish::{Found, finish, targeted_warning},
    import::{self, Imports},
    instance::{Instance, plan_instance},
    moves,
    order::Needs,
    read::plan_read,
    refresh::{Subjected, about},
    sort::{all_needs, create_before_destroy, sort},
    targets::Scope,
};
use crate::{checks, environment::Environment, ephemeral, providers::Providers, session::Session};

/// Works out what has to be done. There is no plan if it is stopped, or if anything is wrong; nothing was changed then.
pub async fn plan(
    environment: &Environment,
    state: &State,
    providers: &Providers,
    options: &PlanOptions,
    events: &Events,
) -> Result<Plan, Diagnostics> {
    let plan = plan_with_errors(environment, state, providers, options, events).await?;
    match plan.is_errored() {
        true => Err(plan.into_errors()),
        false => Ok(plan),
    }
}

/// The same, but where something is wrong with single objects there is a plan of the others, which cannot be applied.
pub async fn plan_with_errors(
    environment: &Environment,
    state: &State,
    providers: &Providers,
    options: &PlanOptions,
    events: &Events,
) -> Result<Plan, Diagnostics> {
    let stop = options.stop.clone();
    let left = pin!(stop.left());
    let whole: BoxFuture<'_, _> = Box::pin(whole(environment, state, providers, options, events));
    match select(left, whole).await {
        Either::Left(_) => Err(stopped().into()),
        Either::Right((plan, _)) => plan,
    }
}

fn stopped() -> Diagnostic {
    Diagnostic::error("interrupted", "Planning was interrupted")
        .detail("Somebody asked to stop. Nothing was changed.")
}

async fn whole(
    environment: &Environment,
    state: &State,
    providers: &Providers,
    options: &PlanOptions,
    events: &Events,
) -> Result<Plan, Diagnostics> {
    let session = Session::planning(environment, providers, events);
    let config = &environment.config;
    let mut found = Found::default();
    let (moved, moves) = moves::resolve(config, state, &mut found.diagnostics);
    let state = &*moved;
    let dependencies = strata_config::dependencies(config);
    let imports = match options.mode {
        // As in Terraform, who reads anew brings in nothing new.
        PlanMode::Destroy | PlanMode::RefreshOnly => Imports::default(),
        PlanMode::Normal => import::wanted(&session, state, &dependencies, &mut found.diagnostics),
    };
    let scope = Scope::new(options, config, &dependencies, state);
    if let Some(split) = moves::split(&moves, options) {
        let mut refused = Diagnostics::from(split);
        refused.push(targeted_warning(&scope));
        return Err(refused);
    }
    let needs = all_needs(&session, &dependencies);
    let sorted = sort(&needs)?;
    let create_before_destroy = create_before_destroy(&session, &needs, &sorted);
    let context = Context {
        options,
        dependencies: &dependencies,
        create_before_destroy: &create_before_destroy,
        state,
        moves: &moves,
        imports: &imports,
    };
    let mut walk = Walk {
        session: &session,
        context: &context,
        scope: &scope,
        needs: &needs,
        in_state: BTreeMap::new(),
        found,
    };
    for address in state.resources.keys() {
        walk.in_state
            .entry(address.config())
            .or_default()
            .push(address);
    }
    walk.keep_what_is_out_of_scope();
    session
        .evaluator
        .check_inputs(&ModuleInstance::root(), &mut walk.found.diagnostics);
    match options.mode {
        PlanMode::Destroy => {
            // Nothing is destroyed either with values that are refused.
            if !state.resources.is_empty() {
                walk.check_modules();
            }
            let is_value = |found: &Diagnostic| found.code == "invalid-variable";
            if walk.found.diagnostics.iter().any(is_value) {
                ephemeral::close(&session, &mut walk.found.diagnostics).await;
                return Err(walk.found.diagnostics);
            }
            walk.destroy().await;
        }
        PlanMode::Normal | PlanMode::RefreshOnly => {
            walk.configuration(&sorted).await;
            walk.orphans().await;
            walk.check_modules();
            let diags = &mut walk.found.diagnostics;
            import::check(&session, &imports, diags);
            moves::check_sources(&session, diags);
        }
    }
    let mut found = walk.found;
    ephemeral::close(&session, &mut found.diagnostics).await;
    if options.stop.is_soft() {
        return Err(stopped().into());
    }
    finish(&session, &context, &scope, &needs, found)
}

struct Walk<'a> {
    session: &'a Session<'a>,
    context: &'a Context<'a>,
    scope: &'a Scope,
    needs: &'a Needs,
    /// The resources in state that belong to one of configuration.
    in_state: BTreeMap<ConfigResource, Vec<&'a addr::Resource>>,
    found: Found,
}

/// One instance to plan. Work that is under way takes much more memory than work that waits, so it is begun late.
type Job<'a> = Box<dyn FnOnce() -> BoxFuture<'a, Planned> + Send + 'a>;

/// The instances that configuration says a resource has.
struct Expected {
    /// Sorted.
    instances: Vec<ResourceInstance>,
    /// Those of the module that it is in.
    modules: BTreeSet<ModuleInstance>,
    /// False if some of either are not known yet.
    complete: bool,
}

/// What the instances of a resource have in common.
#[derive(Clone)]
struct Common<'a> {
    block: &'a Resource,
    dependencies: Arc<[ConfigResource]>,
    create_before_destroy: bool,
    /// True if something that it needs will change.
    pending: bool,
}

impl<'a> Walk<'a> {
    /// Values of what is not planned are as state has them.
    fn keep_what_is_out_of_scope(&mut self) {
        if matches!(self.scope, Scope::All) && self.context.options.mode != PlanMode::Destroy {
            return;
        }
        for (address, resource, instance) in self.context.state.instances() {
            let planned =
                self.scope.has_instance(&address) && self.context.options.mode != PlanMode::Destroy;
            if let (false, Some(stored)) = (planned, &instance.current)
                && let Ok(provider) = self
                    .session
                    .provider_of(&address, Some(&resource.provider_of(instance)))
            {
                self.session
                    .set_stored(&address, &provider, stored, &mut self.found.diagnostics);
            }
        }
    }

    /// Plans all that configuration has, each resource as soon as all that it needs is planned.
    async fn configuration(&mut self, sorted: &[ConfigResource]) {
        let position: HashMap<&ConfigResource, usize> =
            sorted.iter().enumerate().map(|(at, r)| (r, at)).collect();
        let mut waiting = vec![0; sorted.len()];
        let mut dependents = vec![Vec::new(); sorted.len()];
        for (at, resource) in sorted.iter().enumerate() {
            for needed in self.needs[resource]
                .iter()
                .filter_map(|needed| position.get(needed))
            {
                waiting[at] += 1;
                dependents[*needed].push(at);
            }
        }
        let mut left = vec![0; sorted.len()];
        let mut ready: VecDeque<usize> = (0..sorted.len()).filter(|at| waiting[*at] == 0).collect();
        // With the number of the resource that it belongs to.
        let mut queue: VecDeque<(usize, Job<'a>)> = VecDeque::new();
        let mut running = FuturesUnordered::new();
        let mut changing = vec![false; sorted.len()];
        let mut turns = Turns::default();
        loop {
            while let Some(at) = ready.pop_front() {
                let jobs = self.jobs(&sorted[at]);
                left[at] = jobs.len();
                self.found.changes.reserve(jobs.len());
                queue.extend(jobs.into_iter().map(|job| (at, job)));
                if left[at] == 0 {
                    release(at, &dependents, &mut waiting, &mut ready);
                }
            }
            let next = match self.has_room(running.len()) {
                true => queue.pop_front(),
                false => None,
            };
            let (at, planned) = match next {
                Some((at, job)) => match turns.begin(job).await {
                    Begun::Done(planned) => (at, planned),
                    Begun::Running(job) => {
                        running.push(async move { (at, job.await) });
                        continue;
                    }
                },
                None => match running.next().await {
                    Some(planned) => planned,
                    None => return,
                },
            };
            changing[at] |= planned.changes.iter().any(Change::is_made);
            self.found.take(planned);
            left[at] -= 1;
            if left[at] == 0 {
                if changing[at] {
                    self.found.changing.insert(sorted[at].clone());
                }
                release(at, &dependents, &mut waiting, &mut ready);
            }
        }
    }

    /// True if one more job may begin beside those that run.
    fn has_room(&self, running: usize) -> bool {
        let options = self.context.options;
        running < options.parallelism.max(1) && !options.stop.is_soft()
    }

    /// What is to be planned for one resource: its instances, and those that it no longer has.
    fn jobs(&mut self, resource: &ConfigResource) -> Vec<Job<'a>> {
        if !self.scope.has_resource(resource) {
            return Vec::new();
        }
        let config = &self.session.environment.config;
        let (Some(block), Some(provider)) =
            (config.resource(resource), config.provider_of(resource))
        else {
            return Vec::new();
        };
        let expected = self.expected(resource);
        let pending = self.needs[resource]
            .iter()
            .any(|needed| self.found.changing.contains(needed));
        let common = Common {
            block,
            dependencies: self.stored_dependencies(resource),
            create_before_destroy: self.context.create_before_destroy.contains(resource),
            pending,
        };
        let several = config.chooses_by_instance(resource, &provider);
        let mut jobs: Vec<Job<'a>> = Vec::with_capacity(expected.instances.len());
        for address in &expected.instances {
            if !self.scope.has_instance(address) {
                continue;
            }
            let triggered =
                !block.lifecycle.replace_triggered_by.is_empty() && self.is_triggered(address);
            let provider = match &several {
                false => Some(provider.clone()),
                true => self
                    .session
                    .evaluator
                    .provider_of(address, &mut self.found.diagnostics),
            };
            let Some(provider) = provider else {
                continue;
            };
            let (address, common) = (address.clone(), common.clone());
            let (session, context) = (self.session, self.context);
            jobs.push(Box::new(move || -> BoxFuture<'a, Planned> {
                Box::pin(plan_one(
                    session, context, common, address, provider, triggered,
                ))
            }));
        }
        if expected.complete {
            jobs.extend(self.former(resource, &expected));
        }
        jobs
    }

    /// The instances that configuration says a resource has.
    fn expected(&mut self, resource: &ConfigResource) -> Expected {
        let (evaluator, diagnostics) = (&self.session.evaluator, &mut self.found.diagnostics);
        let modules = evaluator.module_instances(&resource.module, diagnostics);
        let mut complete = modules.complete;
        let mut instances = Vec::new();
        for module in &modules.instances {
            let (mode, type_name) = (resource.mode, resource.type_name.clone());
            let address = module.resource(mode, type_name, resource.name.clone());
            match evaluator.resource_instances(&address, diagnostics) {
                Expansion::Unknown => complete = false,
                expansion => {
                    let keys = expansion.keys().into_iter();
                    instances.extend(keys.map(|key| address.instance(key)));
                }
            }
        }
        instances.sort();
        Expected {
            instances,
            modules: modules.instances.into_iter().collect(),
            complete,
        }
    }

    /// What an object needs to be there as long as it is: managed resources, also those behind data sources.
    fn stored_dependencies(&self, resource: &ConfigResource) -> Arc<[ConfigResource]> {
        let mut found = BTreeSet::new();
        let mut queue: Vec<&ConfigResource> = self
            .context
            .dependencies
            .resource(resource)
            .iter()
            .collect();
        let mut seen = BTreeSet::new();
        while let Some(needed) = queue.pop() {
            if !seen.insert(needed) {
                continue;
            }
            // Nothing in state tells of what is ephemeral, but what that needs is needed.
            if needed.mode != ResourceMode::Ephemeral {
                found.insert(needed.clone());
            }
            if needed.mode != ResourceMode::Managed {
                queue.extend(self.context.dependencies.resource(needed));
            }
        }
        found.into_iter().collect()
    }

    fn is_triggered(&mut self, address: &ResourceInstance) -> bool {
        let triggers = self
            .session
            .evaluator
            .replace_triggers(address, &mut self.found.diagnostics);
        triggers.iter().any(|trigger| {
            let changes = self.found.of(&trigger.resource);
            let mut changes = changes.filter(|change| change.deposed.is_none());
            changes.any(|change| {
                let is_meant = trigger.key.is_none() || trigger.key == change.address.key;
                is_meant && changes_at(change, &trigger.path.0)
            })
        })
    }

    /// Instances in state of a resource that configuration has, whose keys it no longer has.
    fn former(&mut self, resource: &ConfigResource, expected: &Expected) -> Vec<Job<'a>> {
        let state = self.context.state;
        let of_this = self.in_state.get(resource).into_iter().flatten().copied();
        let instances: Vec<_> = of_this
            .flat_map(|address| {
                let stored = &state.resources[address];
                stored.instances.iter().map(move |(key, instance)| {
                    (address.instance(key.clone()), stored.provider_of(instance))
                })
            })
            .filter(|(address, _)| expected.instances.binary_search(address).is_err())
            .collect();
        let block = self.session.environment.config.resource(resource);
        let mut jobs: Vec<Job<'a>> = Vec::new();
        for (address, provider) in instances {
            let reason = match (&address.key, block.map(|block| &block.repeat)) {
                _ if !expected.modules.contains(&address.resource.module) => Reason::NoModule,
                (Some(InstanceKey::Int(_)), Some(strata_config::module::Repeat::Count(_))) => {
                    Reason::CountIndex
                }
                (Some(InstanceKey::String(_)), Some(strata_config::module::Repeat::ForEach(_))) => {
                    Reason::EachKey
                }
                _ => Reason::WrongRepetition,
            };
            jobs.extend(self.delete_job(address, &provider, Some(reason), Ending::Delete));
        }
        jobs
    }

    /// Plans to delete what no block describes any more.
    async fn orphans(&mut self) {
        let (state, config) = (self.context.state, &self.session.environment.config);
        let is_gone = |resource: &&ConfigResource| config.resource(resource).is_none();
        let gone: BTreeSet<_> = self.in_state.keys().filter(is_gone).cloned().collect();
        if gone.is_empty() {
            return;
        }
        let moved: BTreeSet<_> = self.context.moves.iter().map(|(_, to)| to).collect();
        let mut jobs = Vec::new();
        for (address, resource, instance) in state.instances() {
            if !gone.contains(&address.resource.config()) {
                continue;
            }
            let ending = match moves::removed(config, &address) {
                Some(removed) if !removed.destroy => Ending::Forget,
                _ => Ending::Delete,
            };
            let provider = resource.provider_of(instance);
            let reason = Some(match moved.contains(&address) {
                true => Reason::NoMoveTarget,
                false => Reason::NotInConfiguration,
            });
            jobs.extend(self.delete_job(address, &provider, reason, ending));
        }
        self.run(jobs).await;
    }

    /// Plans to delete everything.
    async fn destroy(&mut self) {
        let mut jobs = Vec::new();
        for (address, resource, instance) in self.context.state.instances() {
            let provider = resource.provider_of(instance);
            jobs.extend(self.delete_job(address, &provider, None, Ending::Delete));
        }
        self.run(jobs).await;
    }

    fn delete_job(
        &mut self,
        address: ResourceInstance,
        provider: &str,
        reason: Option<Reason>,
        ending: Ending,
    ) -> Option<Job<'a>> {
        if !self.scope.has_instance(&address) {
            return None;
        }
        if address.resource.mode == ResourceMode::Data {
            self.found.refreshed.push(super::Refreshed {
                address,
                deposed: None,
                provider: provider.into(),
                object: None,
            });
            return None;
        }
        let provider = match self.session.provider_of(&address, Some(provider)) {
            Ok(provider) => provider,
            Err(errors) => {
                self.found.diagnostics.append(about(errors, &address));
                return None;
            }
        };
        let (session, context) = (self.session, self.context);
        Some(Box::new(move || -> BoxFuture<'a, Planned> {
            Box::pin(delete_one(
                session, context, address, provider, reason, ending,
            ))
        }))
    }

    async fn run(&mut self, jobs: Vec<Job<'a>>) {
        let mut jobs = jobs.into_iter();
        let mut running = FuturesUnordered::new();
        let mut turns = Turns::default();
        loop {
            let next = match self.has_room(running.len()) {
                true => jobs.next(),
                false => None,
            };
            let planned = match next {
                Some(job) => match turns.begin(job).await {
                    Begun::Done(planned) => planned,
                    Begun::Running(job) => {
                        running.push(job);
                        continue;
                    }
                },
                None => match running.next().await {
                    Some(planned) => planned,
                    None => return,
                },
            };
            self.found.take(planned);
        }
    }

    /// Checks the inputs of all called modules.
    fn check_modules(&mut self) {
        if !matches!(self.scope, Scope::All) || self.found.diagnostics.has_errors() {
            return;
        }
        let modules = self.session.environment.config.modules();
        for (module, _) in modules.filter(|(module, _)| !module.0.is_empty()) {
            let expansion = self
                .session
                .evaluator
                .module_instances(module, &mut self.found.diagnostics);
            for instance in &expansion.instances {
                self.session
                    .evaluator
                    .check_inputs(instance, &mut self.found.diagnostics);
            }
        }
        if self.context.options.mode == PlanMode::Normal {
            checks::of_module_outputs(self.session, &mut self.found.diagnostics);
        }
    }
}

/// Says of which instance a condition does not hold, which its place alone does not tell.
fn name_instance(diagnostics: &mut Diagnostics, address: &ResourceInstance) {
    let is_condition = |found: &Diagnostic| found.code == "condition-failed";
    if !diagnostics.iter().any(is_condition) {
        return;
    }
    let mut named = Diagnostics::new();
    for found in std::mem::take(diagnostics) {
        match is_condition(&found) {
            true => named.append(about(found.into(), address)),
            false => named.push(found),
        }
    }
    *diagnostics = named;
}

/// So many jobs are begun before others get their turn.
const AT_ONCE: usize = 64;

/// Counts the jobs that were begun.
#[derive(Default)]
struct Turns(usize);

/// A job that was begun.
enum Begun<'a> {
    Done(Planned),
    Running(BoxFuture<'a, Planned>),
}

impl Turns {
    /// Begins a job. Most providers answer at once, and then there is nothing to keep an eye on.
    async fn begin<'j>(&mut self, job: Job<'j>) -> Begun<'j> {
        self.0 += 1;
        if self.0.is_multiple_of(AT_ONCE) {
            pause().await;
        }
        let mut job = job();
        match poll_fn(|context| Poll::Ready(job.as_mut().poll(context))).await {
            Poll::Ready(planned) => Begun::Done(planned),
            Poll::Pending => Begun::Running(job),
        }
    }
}

/// Lets others have their turn, such as who listens for signals.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| match std::mem::replace(&mut paused, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

async fn plan_one(
    session: &Session<'_>,
    context: &Context<'_>,
    common: Common<'_>,
    address: ResourceInstance,
    provider: ProviderAddress,
    triggered: bool,
) -> Planned {
    let mut diagnostics = Diagnostics::new();
    let Some(kind) = session.kind(&provider, &address, &mut diagnostics) else {
        return failed(diagnostics);
    };
    let instance = Instance {
        address: &address,
        block: common.block,
        provider: &provider,
        kind: &kind,
        dependencies: &common.dependencies,
        create_before_destroy: common.create_before_destroy,
        triggered,
    };
    let mut planned = match address.resource.mode {
        ResourceMode::Managed => plan_instance(session, context, instance).await,
        ResourceMode::Data => plan_read(session, context, instance, common.pending).await,
        ResourceMode::Ephemeral => {
            let waits = common.pending && !common.block.depends_on.is_empty();
            ephemeral::plan(session, instance.address, waits).await
        }
    };
    if address.key.is_some() {
        name_instance(&mut planned.diagnostics, &address);
    }
    planned
}

async fn delete_one(
    session: &Session<'_>,
    context: &Context<'_>,
    address: ResourceInstance,
    provider: ProviderAddress,
    reason: Option<Reason>,
    ending: Ending,
) -> Planned {
    let mut diagnostics = Diagnostics::new();
    if let Err(errors) = ephemeral::open_for_provider(session, &provider).await {
        return failed(errors);
    }
    let Some(kind) = session.kind(&provider, &address, &mut diagnostics) else {
        return failed(diagnostics);
    };
    let subject = Subjected {
        address: &address,
        deposed: None,
        provider: &provider,
        kind: &kind,
    };
    plan_delete(session, context, subject, reason, ending).await
}

fn failed(diagnostics: Diagnostics) -> Planned {
    Planned {
        diagnostics,
        ..Planned::default()
    }
}

fn release(
    at: usize,
    dependents: &[Vec<usize>],
    waiting: &mut [usize],
    ready: &mut VecDeque<usize>,
) {
    for next in &dependents[at] {
        waiting[*next] -= 1;
        if waiting[*next] == 0 {
            ready.push_back(*next);
        }
    }
}

/// True if a change changes what a path leads to. As in Terraform only an object that was there before, and is after,
/// counts.
fn changes_at(change: &Change, path: &[strata_core::PathStep]) -> bool {
    let replaces = [Action::DeleteThenCreate, Action::CreateThenDelete];
    if change.action != Action::Update && !replaces.contains(&change.action) {
        return false;
    }
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return true;
    };
    path.is_empty() || before.unmark_paths().0.at(path) != after.unmark_paths().0.at(path)
}
