//! Planning one instance that configuration has.

use std::sync::Arc;

use strata_config::{ProviderAddress, module};
use strata_core::{
    Action, AttributePath, Diagnostic, Diagnostics, Marks, Subject, Value,
    addr::{self, ConfigResource},
    provider::{
        ConfiguredProvider, Effect, EffectKind, Object, ObjectKind, PlanRequest, PlanResponse,
    },
};

use super::{
    Change, Context, PlanMode, Planned, Reason, Refreshed,
    delete::{self, Ending},
    import::import,
    refresh::{Prior, Subjected, about, as_warnings, refresh, stayed},
};
use crate::{
    conform,
    objects::{Kind, Template, sensitive_paths},
    propose,
    session::Session,
};

/// What an instance is planned with.
pub(crate) struct Instance<'a> {
    pub(crate) address: &'a addr::ResourceInstance,
    pub(crate) block: &'a module::Resource,
    pub(crate) provider: &'a ProviderAddress,
    pub(crate) kind: &'a Kind,
    pub(crate) dependencies: &'a Arc<[ConfigResource]>,
    /// True if it is replaced by making the new object first.
    pub(crate) create_before_destroy: bool,
    /// True if something in `replace_triggered_by` changes.
    pub(crate) triggered: bool,
}

/// Reads it, evaluates it, asks the provider, and hands the planned value to the evaluator.
pub(crate) async fn plan_instance(
    session: &Session<'_>,
    context: &Context<'_>,
    instance: Instance<'_>,
) -> Planned {
    let mut planned = Planned::default();
    let subject = Subjected {
        address: instance.address,
        deposed: None,
        provider: instance.provider,
        kind: instance.kind,
    };
    let mut prior = refresh(session, context, &subject, &mut planned).await;
    let mut importing = None;
    let id = context.imports.id_of(
        session,
        context.state,
        instance.address,
        &mut planned.diagnostics,
    );
    if let Some(id) = id {
        let template = template(&instance);
        prior = import(session, &subject, &id, &template, &mut planned).await;
        importing = prior.is_some().then(|| id.shown());
    }
    delete::deposed(session, context, &subject, Ending::Delete, &mut planned).await;
    if planned.diagnostics.has_errors() {
        return planned;
    }
    if context.options.mode == PlanMode::RefreshOnly {
        if let Some(prior) = prior {
            // What was moved has drifted, as Terraform has it, where nothing else says so.
            if planned.drift.is_empty() && !context.moves.is_empty() {
                planned.drift.push(stayed(&subject, &prior));
            }
            let mut template = template(&instance);
            template.dependencies = both(&prior.stored.dependencies, &template.dependencies);
            note_template(&instance, &prior, &template, &mut planned);
            let mut found = Diagnostics::new();
            session
                .evaluator
                .set_instance(instance.address, prior.marked.clone());
            let lifecycle = &instance.block.lifecycle;
            if !lifecycle.preconditions.is_empty() {
                session
                    .evaluator
                    .preconditions(instance.address, &mut found);
            }
            if !lifecycle.postconditions.is_empty() {
                session
                    .evaluator
                    .postconditions(instance.address, prior.marked, &mut found);
            }
            // Nothing is changed that they could keep from being changed.
            let warnings = about(as_warnings(found), instance.address);
            planned.diagnostics.append(warnings);
        }
        return planned;
    }
    let change = decide(session, context, &instance, prior, &mut planned).await;
    if let Some(mut change) = change {
        change.importing = importing;
        check_after(session, &instance, &change, &mut planned);
        if let Some(after) = &change.after {
            session
                .evaluator
                .set_instance(instance.address, after.clone());
        }
        // A vector sets room aside for four, and a change is large.
        planned.changes.reserve_exact(1);
        planned.changes.push(change);
    }
    planned
}

fn check_after(
    session: &Session<'_>,
    instance: &Instance<'_>,
    change: &Change,
    planned: &mut Planned,
) {
    if let Some(after) = &change.after
        && !instance.block.lifecycle.postconditions.is_empty()
    {
        session
            .evaluator
            .postconditions(instance.address, after.clone(), &mut planned.diagnostics);
    }
    let destroys = matches!(
        change.action,
        Action::DeleteThenCreate | Action::CreateThenDelete
    );
    if destroys && instance.block.lifecycle.prevent_destroy {
        planned
            .diagnostics
            .push(delete::prevented(instance.address, instance.block));
    }
}

/// Configuration of an instance, with and without marks, and where the marks were.
struct Desired {
    marked: Value,
    value: Value,
    marks: Vec<(AttributePath, Marks)>,
}

async fn decide(
    session: &Session<'_>,
    context: &Context<'_>,
    instance: &Instance<'_>,
    prior: Option<Prior>,
    planned: &mut Planned,
) -> Option<Change> {
    let desired = desired(session, instance, &mut planned.diagnostics)?;
    let provider = session.configured(instance.provider, &mut planned.diagnostics)?;
    let asked = ask(&*provider, context, instance, prior.as_ref(), &desired).await;
    let mut decided = match asked {
        Ok(decided) => decided,
        Err(errors) => {
            planned.diagnostics.append(about(errors, instance.address));
            return None;
        }
    };
    planned.diagnostics.append(about(
        std::mem::take(&mut decided.response.warnings),
        instance.address,
    ));
    let template = template(instance);
    let marks = decided.marks.as_ref().unwrap_or(&desired.marks);
    let after = instance.kind.mark(&decided.response.planned, marks);
    let mut action = action(&decided, template.create_before_destroy);
    let effects = effects(session, instance, prior.as_ref(), &mut decided);
    if action == Action::NoOp
        && let Some(prior) = &prior
    {
        if sensitive_paths(&after) != sensitive_paths(&prior.marked) {
            action = Action::Update;
        }
        note_template(instance, prior, &template, planned);
    }
    Some(Change {
        address: instance.address.clone(),
        deposed: None,
        action,
        reason: decided.reason,
        importing: None,
        before: prior.map(|prior| prior.marked),
        after: Some(after),
        requires_replace: decided.requires_replace,
        effects,
        provider: instance.provider.clone(),
        private: decided.response.private,
        template,
        config_known: desired.value.is_wholly_known(),
    })
}

/// What the change does to what runs; what is replaced is deleted, which may lose more than the provider's plan says.
fn effects(
    session: &Session<'_>,
    instance: &Instance<'_>,
    prior: Option<&Prior>,
    decided: &mut Decided,
) -> Vec<Effect> {
    let mut effects = std::mem::take(&mut decided.response.effects);
    let is_said = effects
        .iter()
        .any(|effect| effect.kind >= EffectKind::Rebuild);
    if let (Verdict::Replace, Some(prior), false) = (decided.verdict, prior, is_said) {
        let (address, object) = (instance.address, &prior.object.value);
        effects.extend(delete::loss(session, instance.provider, address, object));
    }
    effects
}

/// What an object was made of and what it would be made of now: nothing is changed, so that it still depends on both.
fn both(stored: &Arc<[ConfigResource]>, now: &Arc<[ConfigResource]>) -> Arc<[ConfigResource]> {
    let gone = stored.iter().filter(|resource| !now.contains(resource));
    let mut both: Vec<_> = now.iter().chain(gone).cloned().collect();
    both.sort();
    match both.len() == stored.len() {
        true => stored.clone(),
        false => both.into(),
    }
}

/// What state will keep of an object besides its attributes.
fn template(instance: &Instance<'_>) -> Template {
    Template {
        tainted: false,
        dependencies: instance.dependencies.clone(),
        create_before_destroy: instance.create_before_destroy,
    }
}

/// Keeps what state says of an unchanged object's surroundings as configuration has it now.
fn note_template(
    instance: &Instance<'_>,
    prior: &Prior,
    template: &Template,
    planned: &mut Planned,
) {
    let stored = &prior.stored;
    if stored.dependencies == template.dependencies
        && stored.create_before_destroy == template.create_before_destroy
    {
        return;
    }
    let mut object = stored.clone();
    object.dependencies = template.dependencies.clone();
    object.create_before_destroy = template.create_before_destroy;
    planned.refreshed.push(Refreshed {
        address: instance.address.clone(),
        deposed: None,
        provider: instance.provider.to_string().into(),
        object: Some(object),
    });
}

fn desired(
    session: &Session<'_>,
    instance: &Instance<'_>,
    diags: &mut Diagnostics,
) -> Option<Desired> {
    let mut found = Diagnostics::new();
    if !instance.block.lifecycle.preconditions.is_empty() {
        session
            .evaluator
            .preconditions(instance.address, &mut found);
    }
    let marked =
        session
            .evaluator
            .resource_config(instance.address, instance.kind.block(), &mut found);
    let failed = found.has_errors();
    diags.append(found);
    if failed {
        return None;
    }
    let (value, marks) = marked.unmark_paths();
    let provider = session.providers.get(&instance.provider.source)?;
    let found = provider.validate(
        ObjectKind::Resource,
        &instance.address.resource.type_name,
        &value,
    );
    let failed = found.has_errors();
    diags.append(about(found, instance.address));
    (!failed).then_some(Desired {
        marked,
        value,
        marks,
    })
}

/// What the provider said, and what follows from it.
struct Decided {
    response: PlanResponse,
    reason: Option<Reason>,
    requires_replace: Vec<AttributePath>,
    verdict: Verdict,
    /// Where the marks are if the object is kept: what is ignored has those that it had.
    marks: Option<Vec<(AttributePath, Marks)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Create,
    Keep,
    Update,
    Replace,
}

fn action(decided: &Decided, create_before_destroy: bool) -> Action {
    match decided.verdict {
        Verdict::Create => Action::Create,
        Verdict::Keep => Action::NoOp,
        Verdict::Update => Action::Update,
        Verdict::Replace if create_before_destroy => Action::CreateThenDelete,
        Verdict::Replace => Action::DeleteThenCreate,
    }
}

async fn ask(
    provider: &dyn ConfiguredProvider,
    context: &Context<'_>,
    instance: &Instance<'_>,
    prior: Option<&Prior>,
    desired: &Desired,
) -> Result<Decided, Diagnostics> {
    // Terraform gives a trigger as the reason of whatever is made anew.
    let triggered = instance.triggered.then_some(Reason::Triggered);
    let Some(prior) = prior else {
        let response = request(provider, instance, None, &desired.value).await?;
        return Ok(decided(response, Verdict::Create, triggered, Vec::new()));
    };
    if prior.stored.tainted {
        let response = request(provider, instance, None, &desired.value).await?;
        let reason = triggered.or(Some(Reason::Tainted));
        return Ok(decided(response, Verdict::Replace, reason, Vec::new()));
    }
    let is_requested = context.options.replace.contains(instance.address);
    let forced = triggered.or(is_requested.then_some(Reason::Requested));
    let kept = propose::ignore_changes(
        &instance.block.lifecycle.ignore_changes,
        instance.kind.block(),
        &prior.marked,
        &desired.marked,
    );
    let (config, marks) = kept.unmark_paths();
    let response = request(provider, instance, Some(&prior.object), &config).await?;
    let differs =
        |path: &&AttributePath| conform::differs_at(path, &prior.object.value, &response.planned);
    let replace: Vec<_> = response
        .requires_replace
        .iter()
        .filter(differs)
        .cloned()
        .collect();
    if forced.is_some() {
        let response = request(provider, instance, None, &desired.value).await?;
        return Ok(decided(response, Verdict::Replace, forced, replace));
    }
    if !replace.is_empty() {
        // What an update would have done live is not done; that something is rebuilt stays true.
        let rebuilds = |effect: &Effect| effect.kind == EffectKind::Rebuild;
        let effects: Vec<_> = response.effects.into_iter().filter(rebuilds).collect();
        // As in Terraform, nothing is ignored of an object that is made anew.
        let mut response = request(provider, instance, None, &desired.value).await?;
        response.effects.extend(effects);
        return Ok(decided(
            response,
            Verdict::Replace,
            Some(Reason::CannotUpdate),
            replace,
        ));
    }
    let verdict = match response.planned == prior.object.value {
        true => Verdict::Keep,
        false => Verdict::Update,
    };
    let mut kept = decided(response, verdict, None, Vec::new());
    kept.marks = Some(marks);
    Ok(kept)
}

fn decided(
    response: PlanResponse,
    verdict: Verdict,
    reason: Option<Reason>,
    requires_replace: Vec<AttributePath>,
) -> Decided {
    Decided {
        response,
        reason,
        requires_replace,
        verdict,
        marks: None,
    }
}

async fn request(
    provider: &dyn ConfiguredProvider,
    instance: &Instance<'_>,
    prior: Option<&Object>,
    config: &Value,
) -> Result<PlanResponse, Diagnostics> {
    ask_provider(provider, instance.address, instance.kind, prior, config).await
}

/// Asks a provider to plan, and checks that the answer agrees with configuration.
pub(crate) async fn ask_provider(
    provider: &dyn ConfiguredProvider,
    address: &addr::ResourceInstance,
    kind: &Kind,
    prior: Option<&Object>,
    config: &Value,
) -> Result<PlanResponse, Diagnostics> {
    let before = prior.map(|object| &object.value);
    let request = PlanRequest {
        address: address.clone(),
        type_name: address.resource.type_name.clone(),
        prior: prior.cloned(),
        config: config.clone(),
        proposed: propose::propose(kind.block(), before, config),
    };
    let response = provider.plan(request).await?;
    let wrong = conform::plan_against_config(kind.block(), before, config, &response.planned);
    if wrong.is_empty() {
        return Ok(response);
    }
    let paths: Vec<_> = wrong.iter().map(|path| format!("`{path}`")).collect();
    let summary = format!("the provider planned `{address}` against its configuration");
    Err(Diagnostic::error("provider-invalid-plan", summary)
        .detail(format!(
            "This is a bug in the provider of `{}`: it may not decide on {}.",
            address.resource.type_name,
            paths.join(", ")
        ))
        .subject(Subject::Resource(address.clone()))
        .into())
}
