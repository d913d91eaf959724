//! Ephemeral resources: opened when something needs them, closed when the run ends, and never written down.
//!
//! A plan opens each in the order of dependencies; apply opens what its steps need, when they need it. What waits
//! for values that are not known yet stays unknown until apply.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use strata_config::{Config, Dependencies, ProviderAddress};
use strata_core::{
    Action, ApplyPhase, Diagnostic, Diagnostics, Event,
    addr::{ConfigResource, Module, ResourceInstance, ResourceMode},
    provider::{ConfiguredProvider, ObjectKind, Opened, Renewed},
};
use tokio::sync::OnceCell;

use crate::{
    environment::Environment,
    plan::{Planned, about},
    session::Session,
};

/// What a run has opened.
pub(crate) struct Ephemerals {
    /// None if the configuration has no ephemeral resource.
    dependencies: Option<Dependencies>,
    /// Whether opening went well, for each instance that was asked for.
    asked: Mutex<BTreeMap<ResourceInstance, Arc<OnceCell<bool>>>>,
    open: Mutex<Vec<Open>>,
}

/// One that is open.
struct Open {
    address: ResourceInstance,
    provider: Arc<dyn ConfiguredProvider>,
    private: Vec<u8>,
    renew_at: Option<Instant>,
}

impl Ephemerals {
    pub(crate) fn new(environment: &Environment) -> Self {
        let config = &environment.config;
        let any = config
            .resources()
            .any(|(address, _)| is_ephemeral(&address));
        Self {
            dependencies: any.then(|| strata_config::dependencies(config)),
            asked: Mutex::default(),
            open: Mutex::default(),
        }
    }

    fn cell(&self, address: &ResourceInstance) -> Arc<OnceCell<bool>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.entry(address.clone()).or_default().clone()
    }

    fn push(&self, open: Open) {
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(open);
    }

    /// Takes out those for which it is time, the last one first.
    fn take(&self, is_time: impl Fn(&Open) -> bool) -> Vec<Open> {
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, others) = all.drain(..).partition(|open| is_time(open));
        *all = others;
        let mut due: Vec<Open> = due;
        due.reverse();
        due
    }
}

fn is_ephemeral(resource: &ConfigResource) -> bool {
    resource.mode == ResourceMode::Ephemeral
}

/// Opens one while planning; `waits` says that something it depends on changes first.
pub(crate) async fn plan(
    session: &Session<'_>,
    address: &ResourceInstance,
    waits: bool,
) -> Planned {
    let mut planned = Planned::default();
    if !waits && let Err(errors) = open_one(session, address).await {
        planned.diagnostics = errors;
    }
    planned
}

/// Opens what a resource and its provider need, and renews what would end too soon.
pub(crate) async fn open_for(
    session: &Session<'_>,
    address: &ResourceInstance,
    provider: &ProviderAddress,
) -> Result<(), Diagnostics> {
    let Some(dependencies) = &session.ephemerals.dependencies else {
        return Ok(());
    };
    let own = dependencies.resource(&address.resource.config());
    let needed = own.iter().chain(dependencies.provider(provider));
    open(session, dependencies, needed).await?;
    renew(session).await
}

/// Opens what a provider's configuration needs.
pub(crate) async fn open_for_provider(
    session: &Session<'_>,
    provider: &ProviderAddress,
) -> Result<(), Diagnostics> {
    match &session.ephemerals.dependencies {
        Some(dependencies) => {
            open(
                session,
                dependencies,
                dependencies.provider(provider).iter(),
            )
            .await
        }
        None => Ok(()),
    }
}

/// Opens what outputs of the root module and conditions of `check` blocks need.
pub(crate) async fn open_for_results(session: &Session<'_>) -> Result<(), Diagnostics> {
    let Some(dependencies) = &session.ephemerals.dependencies else {
        return Ok(());
    };
    let config = &session.environment.config;
    let outputs = config.root().outputs.keys();
    let mut needed: BTreeSet<&ConfigResource> = outputs
        .flat_map(|name| dependencies.output(&Module::root(), name))
        .collect();
    for (path, module) in config.modules() {
        for name in module.checks.keys() {
            needed.extend(dependencies.check(path, name));
        }
    }
    open(session, dependencies, needed.into_iter()).await
}

async fn open<'a>(
    session: &Session<'_>,
    dependencies: &'a Dependencies,
    needed: impl Iterator<Item = &'a ConfigResource>,
) -> Result<(), Diagnostics> {
    for resource in in_order(&session.environment.config, dependencies, needed) {
        let mut diags = Diagnostics::new();
        let modules = session
            .evaluator
            .module_instances(&resource.module, &mut diags);
        for module in &modules.instances {
            let type_name = resource.type_name.clone();
            let address = module.resource(resource.mode, type_name, resource.name.clone());
            let instances = session.evaluator.resource_instances(&address, &mut diags);
            for key in instances.keys() {
                open_one(session, &address.instance(key)).await?;
            }
        }
        diags.into_result(())?;
    }
    Ok(())
}

/// Ephemeral resources and those that they need themselves, which come first.
fn in_order<'a>(
    config: &Config,
    dependencies: &'a Dependencies,
    needed: impl Iterator<Item = &'a ConfigResource>,
) -> Vec<ConfigResource> {
    let mut stack: Vec<(&ConfigResource, bool)> =
        needed.map(|resource| (resource, false)).collect();
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    while let Some((resource, done)) = stack.pop() {
        if done {
            order.push(resource.clone());
            continue;
        }
        if !is_ephemeral(resource) || !seen.insert(resource) {
            continue;
        }
        stack.push((resource, true));
        let own = dependencies.resource(resource).iter();
        stack.extend(own.map(|needed| (needed, false)));
        if let Some(provider) = config.provider_of(resource) {
            let through = dependencies.provider(&provider).iter();
            stack.extend(through.map(|needed| (needed, false)));
        }
    }
    order
}

/// Opens an instance unless that has been tried; a second try only tells that the first one failed.
async fn open_one(session: &Session<'_>, address: &ResourceInstance) -> Result<(), Diagnostics> {
    let cell = session.ephemerals.cell(address);
    let mut errors = None;
    let first = async {
        let opened = open_now(session, address).await;
        errors = opened.err();
        errors.is_none()
    };
    let is_open = *cell.get_or_init(|| first).await;
    match (is_open, errors) {
        (true, _) => Ok(()),
        (false, Some(errors)) => Err(errors),
        (false, None) => {
            let summary = format!("`{address}` could not be opened, and is needed here");
            Err(Diagnostic::error("ephemeral-not-open", summary).into())
        }
    }
}

async fn open_now(session: &Session<'_>, address: &ResourceInstance) -> Result<(), Diagnostics> {
    let mut diags = Diagnostics::new();
    let evaluator = &session.evaluator;
    let provider = evaluator.provider_of(address, &mut diags);
    let kind = provider
        .as_ref()
        .and_then(|provider| session.kind(provider, address, &mut diags));
    let (Some(provider), Some(kind)) = (provider, kind) else {
        return Err(diags);
    };
    evaluator.preconditions(address, &mut diags);
    let marked = evaluator.resource_config(address, kind.block(), &mut diags);
    let (config, marks) = marked.unmark_paths();
    if diags.has_errors() || !config.is_wholly_known() {
        return diags.into_result(());
    }
    let type_name = address.resource.type_name.clone();
    if let Some(known) = session.providers.get(&provider.source) {
        let found = known.validate(ObjectKind::Ephemeral, &type_name, &config);
        diags.append(about(found, address));
    }
    let configured = session.configured(&provider, &mut diags);
    let Some(configured) = configured.filter(|_| !diags.has_errors()) else {
        return Err(diags);
    };
    let opened = tell(
        session,
        address,
        Action::Open,
        configured.open(type_name, config),
    )
    .await;
    let Opened { value, renewed } = opened.map_err(|errors| about(errors, address))?;
    let value = kind.mark(&value, &marks);
    evaluator.set_instance(address, value.clone());
    session
        .ephemerals
        .push(Open::new(address, configured, renewed));
    evaluator.postconditions(address, value, &mut diags);
    diags.into_result(())
}

impl Open {
    fn new(
        address: &ResourceInstance,
        provider: Arc<dyn ConfiguredProvider>,
        renewed: Renewed,
    ) -> Self {
        Self {
            address: address.clone(),
            provider,
            renew_at: renewed.renew_after.map(|after| Instant::now() + after),
            private: renewed.private,
        }
    }
}

/// Renews what would end too soon.
async fn renew(session: &Session<'_>) -> Result<(), Diagnostics> {
    let now = Instant::now();
    let is_due = |open: &Open| open.renew_at.is_some_and(|at| at <= now);
    for open in session.ephemerals.take(is_due) {
        let type_name = open.address.resource.type_name.clone();
        let call = open.provider.renew(type_name, open.private.clone());
        let renewed = tell(session, &open.address, Action::Renew, call).await;
        match renewed {
            Ok(renewed) => {
                let again = Open::new(&open.address, open.provider, renewed);
                session.ephemerals.push(again);
            }
            Err(errors) => return Err(about(errors, &open.address)),
        }
    }
    Ok(())
}

/// Closes all that is open, the last one first.
pub(crate) async fn close(session: &Session<'_>, diags: &mut Diagnostics) {
    for open in session.ephemerals.take(|_| true) {
        let type_name = open.address.resource.type_name.clone();
        let call = open.provider.close(type_name, open.private);
        if let Err(errors) = tell(session, &open.address, Action::Close, call).await {
            diags.append(about(errors, &open.address));
        }
    }
}

/// Makes a call, and says that it begins and how it ends.
async fn tell<T>(
    session: &Session<'_>,
    address: &ResourceInstance,
    action: Action,
    call: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let send = |phase| {
        session.events.send(Event::Apply {
            address: address.clone(),
            action,
            phase,
            id: None,
        });
    };
    send(ApplyPhase::Started);
    let result = call.await;
    send(match result {
        Ok(_) => ApplyPhase::Finished(None),
        Err(_) => ApplyPhase::Failed,
    });
    result
}
