//! Planning a data source: it is read now, or in apply if that is too early.

use std::sync::Arc;

use strata_core::{Action, ApplyPhase, Diagnostics, Event, Value, provider::ObjectKind};

use super::{
    Change, Context, PlanMode, Planned, Reason, Refreshed,
    instance::Instance,
    refresh::{about, as_warnings},
};
use crate::{
    objects::{Template, shown_id},
    propose,
    session::Session,
};

/// Reads a data source, or plans to; `pending` says that something it depends on changes first.
pub(crate) async fn plan_read(
    session: &Session<'_>,
    context: &Context<'_>,
    instance: Instance<'_>,
    pending: bool,
) -> Planned {
    let mut planned = Planned::default();
    let marked = session.evaluator.resource_config(
        instance.address,
        instance.kind.block(),
        &mut planned.diagnostics,
    );
    if !instance.block.lifecycle.preconditions.is_empty() {
        session
            .evaluator
            .preconditions(instance.address, &mut planned.diagnostics);
    }
    if planned.diagnostics.has_errors() {
        return planned;
    }
    let (config, marks) = marked.unmark_paths();
    let reason = match pending {
        _ if !config.is_wholly_known() => Some(Reason::ConfigUnknown),
        true => Some(Reason::DependencyPending),
        false => None,
    };
    if reason.is_some() && context.options.mode != PlanMode::RefreshOnly {
        let after = instance.kind.mark(
            &propose::propose(instance.kind.block(), None, &config),
            &marks,
        );
        session
            .evaluator
            .set_instance(instance.address, after.clone());
        planned.changes.push(later(&instance, after, reason));
        return planned;
    }
    let Some(value) = read(session, &instance, config, &mut planned.diagnostics).await else {
        if let Some(check) = &instance.block.scoped_to {
            // A check only tells.
            session.note_unreadable(instance.address, check, &planned.diagnostics);
            planned.diagnostics = as_warnings(std::mem::take(&mut planned.diagnostics));
        }
        return planned;
    };
    let value = instance.kind.mark(&value, &marks);
    if !instance.block.lifecycle.postconditions.is_empty() {
        let mut found = Diagnostics::new();
        session
            .evaluator
            .postconditions(instance.address, value.clone(), &mut found);
        planned
            .diagnostics
            .append(match context.options.mode == PlanMode::RefreshOnly {
                // Nothing is changed that they could keep from being changed.
                true => as_warnings(found),
                false => found,
            });
    }
    session
        .evaluator
        .set_instance(instance.address, value.clone());
    let stored = instance.kind.encode(&value, Vec::new(), &template());
    if context.state.current(instance.address) != Some(&stored) {
        planned.refreshed.push(Refreshed {
            address: instance.address.clone(),
            deposed: None,
            provider: instance.provider.to_string().into(),
            object: Some(stored),
        });
    }
    planned
}

/// What state keeps of a data source besides its attributes: nothing, as it is read anew each time.
pub(crate) fn template() -> Template {
    Template {
        tainted: false,
        dependencies: Arc::new([]),
        create_before_destroy: false,
    }
}

async fn read(
    session: &Session<'_>,
    instance: &Instance<'_>,
    config: Value,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let provider = session.providers.get(&instance.provider.source)?;
    let type_name = &instance.address.resource.type_name;
    let found = provider.validate(ObjectKind::DataSource, type_name, &config);
    let failed = found.has_errors();
    diags.append(about(found, instance.address));
    if failed {
        return None;
    }
    let configured = session.configured(instance.provider, diags)?;
    let phase = |phase, id| Event::Apply {
        address: instance.address.clone(),
        action: Action::Read,
        phase,
        id,
    };
    session.events.send(phase(ApplyPhase::Started, None));
    let value = configured.read_data(type_name.clone(), config).await;
    let ended = match &value {
        Ok(value) => ApplyPhase::Finished(shown_id(value)),
        Err(_) => ApplyPhase::Failed,
    };
    session.events.send(phase(ended, None));
    value
        .map_err(|errors| diags.append(about(placed(errors, instance), instance.address)))
        .ok()
}

/// Errors that have no place get that of the block.
fn placed(errors: Diagnostics, instance: &Instance<'_>) -> Diagnostics {
    let mut placed = Diagnostics::new();
    for error in errors {
        placed.push(match error.labels.is_empty() {
            true => error.at(instance.block.span.clone()),
            false => error,
        });
    }
    placed
}

fn later(instance: &Instance<'_>, after: Value, reason: Option<Reason>) -> Change {
    Change {
        address: instance.address.clone(),
        deposed: None,
        action: Action::Read,
        reason,
        importing: None,
        before: None,
        after: Some(after),
        requires_replace: Vec::new(),
        effects: Vec::new(),
        provider: instance.provider.clone(),
        private: Vec::new(),
        template: template(),
        config_known: false,
    }
}
