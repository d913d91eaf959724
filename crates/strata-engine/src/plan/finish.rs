//! Putting together what planning found: the plan.

use std::{
    cell::OnceCell,
    cmp::Ordering,
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use strata_config::module::Lifecycle;
use strata_core::{
    Action, Diagnostic, Diagnostics, Event, Events, OperationKind, Subject,
    addr::{self, ConfigResource, ResourceMode},
    hash::{HashMap, HashSet},
};
use strata_state::{Resource, State};

use super::{
    Change, Context, Graph, Plan, PlanMode, Planned, Refreshed,
    order::{Needs, order},
    outputs::plan_outputs,
    targets::Scope,
};
use crate::{
    checks::{self, CheckResult, Status},
    json::reason_in_stream,
    session::Session,
};

/// What planning has found so far.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) changes: Vec<Change>,
    pub(crate) drift: Vec<Change>,
    pub(crate) refreshed: Vec<Refreshed>,
    pub(crate) diagnostics: Diagnostics,
    /// Where in `changes` those of a resource are; up to `indexed`, since hardly anybody asks.
    by_resource: HashMap<addr::Resource, Vec<usize>>,
    indexed: usize,
    /// Resources with a change.
    pub(crate) changing: HashSet<ConfigResource>,
}

impl Found {
    /// Takes in what planning one instance gave.
    pub(crate) fn take(&mut self, planned: Planned) {
        self.changes.extend(planned.changes);
        self.drift.extend(planned.drift);
        self.refreshed.extend(planned.refreshed);
        self.diagnostics.append(planned.diagnostics);
    }

    /// What was planned for a resource so far.
    pub(crate) fn of(&mut self, resource: &addr::Resource) -> impl Iterator<Item = &Change> {
        for at in self.indexed..self.changes.len() {
            let of_it = self.changes[at].address.resource.clone();
            self.by_resource.entry(of_it).or_default().push(at);
        }
        self.indexed = self.changes.len();
        let found = self.by_resource.get(resource).into_iter().flatten();
        found.map(|at| &self.changes[*at])
    }
}

/// Makes the plan; where anything is wrong it has what was planned, and no order.
pub(crate) fn finish(
    session: &Session<'_>,
    context: &Context<'_>,
    scope: &Scope,
    needs: &Needs,
    mut found: Found,
) -> Result<Plan, Diagnostics> {
    let before = context.state;
    let prior = refreshed(before, std::mem::take(&mut found.refreshed));
    let options = context.options;
    let targeted = !options.targets.is_empty() || !options.exclude.is_empty();
    let keeps_outputs = targeted && options.mode == PlanMode::Destroy;
    let mut outputs = match found.diagnostics.iter().all(leaves_all_known) && !keeps_outputs {
        true => plan_outputs(session, context, scope, &mut found.diagnostics),
        false => BTreeMap::new(),
    };
    let is_whole = !targeted && options.mode != PlanMode::Destroy;
    let checks = match is_whole && !found.diagnostics.has_errors() {
        true => planned_checks(session, &found.changes, &mut found.diagnostics),
        false => Vec::new(),
    };
    found.changes.sort_by(by_address);
    found.drift.sort_by(by_address);
    let errored = found.diagnostics.has_errors();
    if errored {
        // What depends on what was not planned cannot be told.
        outputs.clear();
    }
    let (graph, errors) = match errored {
        true => {
            let mut errors = std::mem::take(&mut found.diagnostics);
            errors.extend(targeted.then(|| targeted_warning(scope)));
            (Graph::default(), errors)
        }
        false => (order(&found.changes, needs, &prior)?, Diagnostics::new()),
    };
    let mut plan = Plan {
        environment: session.environment.clone(),
        mode: options.mode,
        refreshed: !context.moves.is_empty() || differs(before, &prior),
        moves: context.moves.to_vec(),
        origins: OnceLock::new(),
        prior,
        drift: found.drift,
        changes: found.changes,
        outputs,
        graph,
        checks,
        warnings: found.diagnostics,
        errors,
        errored,
        generated_in: None,
        targeted,
    };
    let mut drift = std::mem::take(&mut plan.drift);
    drift.retain(|found| found.action != Action::NoOp || plan.moved_from(&found.address).is_some());
    plan.drift = drift;
    if errored {
        return Ok(plan);
    }
    plan.warnings.extend(general_warnings(&plan, scope));
    let replace = options.replace.iter();
    let unmatched = replace.filter_map(|address| unmatched(address, &plan.changes));
    plan.warnings.extend(unmatched.collect::<Vec<_>>());
    announce(&plan, session.events);
    session.events.send(Event::ChangeSummary {
        operation: OperationKind::Plan,
        counts: plan.counts(),
    });
    Ok(plan)
}

/// State as it was read anew.
fn refreshed(before: &State, refreshed: Vec<Refreshed>) -> State {
    let mut state = before.clone();
    for refreshed in refreshed {
        let deposed = refreshed.deposed.as_deref();
        match refreshed.object {
            Some(object) => state.put(&refreshed.address, deposed, &refreshed.provider, object),
            None => {
                state.remove(&refreshed.address, deposed);
            }
        }
    }
    state
}

/// A condition that does not hold makes nothing unknown: all of them are told at once.
fn leaves_all_known(found: &Diagnostic) -> bool {
    !found.is_error() || ["condition-failed", "invalid-variable"].contains(&found.code)
}

/// What the conditions of the whole configuration have found so far.
///
/// What does not hold has ended the plan; what is asked of an object is asked again when it is made.
fn planned_checks(
    session: &Session<'_>,
    changes: &[Change],
    diagnostics: &mut Diagnostics,
) -> Vec<CheckResult> {
    let pending: OnceCell<HashSet<_>> = OnceCell::new();
    let is_pending = |instance: &addr::ResourceInstance| {
        let pending = pending.get_or_init(|| {
            let made = changes
                .iter()
                .filter(|change| change.action != Action::NoOp);
            made.map(|change| &change.address).collect()
        });
        pending.contains(instance)
    };
    // Where nothing is changed, what does not hold is told as a warning, and the plan goes on.
    let unmet = unmet(diagnostics);
    let conditions = |instance: &addr::ResourceInstance, lifecycle: &Lifecycle| {
        if let Some(messages) = unmet.get(instance) {
            return (Status::Fail, messages.clone());
        }
        let is_open = is_pending(instance) && !lifecycle.postconditions.is_empty()
            || session.evaluator.has_open_preconditions(instance);
        let status = match is_open {
            true => Status::Unknown,
            false => Status::Pass,
        };
        (status, Vec::new())
    };
    checks::evaluate(session, &conditions, diagnostics)
}

/// What was said of the conditions of resources that do not hold.
fn unmet(diagnostics: &Diagnostics) -> HashMap<addr::ResourceInstance, Vec<String>> {
    let mut unmet: HashMap<_, Vec<_>> = HashMap::default();
    for found in diagnostics
        .iter()
        .filter(|found| found.code == "condition-failed")
    {
        if let Some(Subject::Resource(address)) = &found.subject {
            let messages = unmet.entry(address.clone()).or_default();
            messages.push(found.detail.clone());
        }
    }
    unmet
}

/// True if reading made a difference to what state has of managed resources.
fn differs(before: &State, after: &State) -> bool {
    let is_shared = Arc::ptr_eq(&before.resources, &after.resources);
    !is_shared && !managed(before).eq(managed(after))
}

/// What state has of managed resources; that a data source was read is no change.
fn managed(state: &State) -> impl Iterator<Item = (&addr::Resource, &Resource)> {
    let resources = state.resources.iter();
    resources.filter(|(address, _)| address.mode == ResourceMode::Managed)
}

/// What is said of a `-replace` that names a resource with several instances as if it had one.
fn unmatched(address: &addr::ResourceInstance, changes: &[Change]) -> Option<Diagnostic> {
    let of_it = |change: &&Change| change.address.resource == address.resource;
    let instances: Vec<_> = changes
        .iter()
        .filter(of_it)
        .map(|change| &change.address)
        .collect();
    if instances.is_empty() || instances.contains(&address) {
        return None;
    }
    let first = instances.first().filter(|_| address.key.is_none())?;
    let summary = "Incompletely-matched force-replace resource instance";
    let warning = Diagnostic::warning("replace-matches-nothing", summary).detail(format!(
        "`-replace={address}` replaces nothing: the resource has several instances, and each has a key."
    ));
    Some(warning.hint(format!("name one of them, such as `-replace='{first}'`")))
}

/// Modules come before all that they call, as in Terraform's lists.
fn by_address(left: &Change, right: &Change) -> Ordering {
    let depth = |change: &Change| change.address.resource.module.0.len();
    let depths = depth(left).cmp(&depth(right));
    let addresses = depths.then_with(|| left.address.cmp(&right.address));
    addresses.then_with(|| left.deposed.cmp(&right.deposed))
}

/// What must be known of a plan as a whole.
fn general_warnings(plan: &Plan, scope: &Scope) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if plan.targeted {
        warnings.push(targeted_warning(scope));
    }
    let forgotten: Vec<_> = plan
        .forgotten()
        .map(|address| format!("\n - {address}"))
        .collect();
    if !forgotten.is_empty() {
        warnings.push(
            Diagnostic::warning(
                "forgotten",
                "Some objects will no longer be managed by Strata",
            )
            .detail(format!(
                "The state forgets these objects, which will not be deleted:{}",
                forgotten.concat()
            ))
            .hint("To manage them again later, import them."),
        );
    }
    warnings
}

/// That only a part was planned, and which targets name nothing.
pub(crate) fn targeted_warning(scope: &Scope) -> Diagnostic {
    let nothing = scope.of_nothing().iter().map(|target| {
        format!("\n\nNeither the configuration nor the state has anything that `{target}` names.")
    });
    Diagnostic::warning("targeted", "Resource targeting is in effect")
        .detail(format!(
            "Only a part was planned, with `-target` or `-exclude`, so this may not be all that the configuration asks for.{}",
            nothing.collect::<String>()
        ))
        .hint("Use it to get out of trouble, not as a habit: plan everything afterwards.")
}

/// Sends what a saved plan will change, when it is about to be applied: as in Terraform, without what is only moved or
/// taken over.
pub fn announce_saved(plan: &Plan, events: &Events) {
    let changing = |change: &&Change| change.action != Action::NoOp;
    announce_drift(plan, plan.drift.iter().filter(changing), events);
    for change in plan.changes.iter().filter(changing) {
        events.send(planned(plan, change));
    }
}

/// Sends what a plan will change.
fn announce(plan: &Plan, events: &Events) {
    announce_drift(plan, plan.drift.iter(), events);
    for change in plan.changes.iter().filter(|change| {
        change.action != Action::NoOp
            || change.importing.is_some()
            || plan.moved_from(&change.address).is_some()
    }) {
        events.send(planned(plan, change));
    }
}

fn announce_drift<'a>(plan: &Plan, drift: impl Iterator<Item = &'a Change>, events: &Events) {
    for change in drift {
        events.send(Event::DriftFound {
            address: change.address.clone(),
            action: change.action,
            previous: plan.moved_from(&change.address).cloned(),
        });
    }
}

fn planned(plan: &Plan, change: &Change) -> Event {
    Event::ChangePlanned {
        address: change.address.clone(),
        action: change.action,
        reason: change
            .reason
            .as_ref()
            .and_then(|reason| reason_in_stream(change.action, reason)),
        previous: plan.moved_from(&change.address).cloned(),
        importing: change.importing.as_ref().map(ToString::to_string),
    }
}
