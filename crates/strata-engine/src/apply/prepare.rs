//! What a step needs before its call can go out: the request, with what is known by now.

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, Marks, Subject, Value,
    addr::ResourceInstance,
    provider::{ApplyRequest, ConfiguredProvider, Object, Progress},
};
use strata_state::{Begin, Call, json};

use crate::{
    conform, ephemeral,
    objects::{Kind, Template, sensitive_paths},
    plan::{Change, ask_provider},
    propose,
    session::Session,
};

/// A step that may begin.
pub(crate) struct Prepared {
    pub(crate) kind: Kind,
    pub(crate) provider: Arc<dyn ConfiguredProvider>,
    pub(crate) task: Task,
}

/// What the provider is asked.
pub(crate) enum Task {
    /// To change something.
    Change(Box<ChangeTask>),
    /// Nothing: with all values known, the object is as it shall be. This is it, with marks.
    Nothing(Value),
    /// To read a data source with this configuration; marks go back to where they were.
    Read {
        config: Value,
        marks: Vec<(strata_core::AttributePath, Marks)>,
    },
}

/// A change and what the journal shall say of it.
pub(crate) struct ChangeTask {
    pub(crate) request: ApplyRequest,
    pub(crate) begin: Begin,
    /// What is planned, with marks; none for a delete.
    pub(crate) planned: Option<Value>,
}

/// What is to be prepared; owned, so that the loop can go on meanwhile.
pub(crate) struct Order<'a> {
    pub(crate) change: &'a Change,
    pub(crate) call: Call,
    /// The key under which the object to delete was set aside.
    pub(crate) deposed: Option<Arc<str>>,
    pub(crate) prior: Option<Object>,
    pub(crate) template: Template,
    pub(crate) progress: Progress,
}

/// Prepares to make, change or delete an object.
pub(crate) async fn prepare(
    session: &Session<'_>,
    order: Order<'_>,
) -> Result<Prepared, Diagnostics> {
    let mut diags = Diagnostics::new();
    let change = order.change;
    ephemeral::open_for(session, &change.address, &change.provider).await?;
    let kind = session.kind(&change.provider, &change.address, &mut diags);
    let provider = session.configured(&change.provider, &mut diags);
    let (Some(kind), Some(provider)) = (kind, provider) else {
        return Err(failed(diags, &change.address));
    };
    let desired = match order.call {
        Call::Delete => None,
        Call::Create | Call::Update => Some(desire(session, &order, &kind, &*provider).await?),
    };
    if let (Call::Update, Some(desired)) = (order.call, &desired)
        && changes_nothing(&order, desired)
    {
        let task = Task::Nothing(desired.marked.clone());
        return Ok(Prepared {
            kind,
            provider,
            task,
        });
    }
    let begin = Begin {
        address: change.address.clone(),
        deposed: order.deposed,
        call: order.call,
        provider: change.provider.to_string().into(),
        schema_version: kind.schema.version,
        planned: desired
            .as_ref()
            .map(|desired| json::encode(&desired.planned, &kind.ty).into()),
        unknown: desired
            .as_ref()
            .map(|desired| json::unknown_paths(&desired.planned))
            .unwrap_or_default(),
        sensitive: desired
            .as_ref()
            .map(|desired| sensitive_paths(&desired.marked))
            .unwrap_or_default(),
        dependencies: order.template.dependencies.clone(),
        create_before_destroy: order.template.create_before_destroy,
        marker: uuid::Uuid::new_v4().to_string(),
    };
    let private = match &desired {
        Some(desired) => desired.private.clone(),
        None => order
            .prior
            .as_ref()
            .map(|prior| prior.private.clone())
            .unwrap_or_default(),
    };
    let (planned, config, marked) = match desired {
        Some(desired) => (
            Some(desired.planned),
            Some(desired.config),
            Some(desired.marked),
        ),
        None => (None, None, None),
    };
    let request = ApplyRequest {
        type_name: change.address.resource.type_name.clone(),
        prior: order.prior,
        planned,
        config,
        private,
        marker: begin.marker.clone(),
        progress: order.progress,
    };
    let task = Task::Change(Box::new(ChangeTask {
        request,
        begin,
        planned: marked,
    }));
    Ok(Prepared {
        kind,
        provider,
        task,
    })
}

/// True for an update that was planned since values were not known, which turned out to be what they were.
fn changes_nothing(order: &Order<'_>, desired: &Desired) -> bool {
    let change = order.change;
    let same = |prior: &Object| prior.value == desired.planned;
    let marks_stay = change.before.as_ref() == Some(&desired.marked);
    !change.config_known && marks_stay && order.prior.as_ref().is_some_and(same)
}

fn failed(mut diags: Diagnostics, address: &ResourceInstance) -> Diagnostics {
    if diags.is_empty() {
        let summary =
            format!("`{address}` cannot be changed, since its provider could not be configured");
        diags.push(
            Diagnostic::error("provider-not-configured", summary)
                .subject(Subject::Resource(address.clone())),
        );
    }
    diags
}

/// What an object shall become.
struct Desired {
    config: Value,
    planned: Value,
    marked: Value,
    private: Vec<u8>,
}

async fn desire(
    session: &Session<'_>,
    order: &Order<'_>,
    kind: &Kind,
    provider: &dyn ConfiguredProvider,
) -> Result<Desired, Diagnostics> {
    let mut diags = Diagnostics::new();
    let change = order.change;
    let block = session
        .environment
        .config
        .resource(&change.address.resource.config());
    if block.is_some_and(|block| !block.lifecycle.preconditions.is_empty()) {
        session.evaluator.preconditions(&change.address, &mut diags);
    }
    let marked = session
        .evaluator
        .resource_config(&change.address, kind.block(), &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let marked = match (block, &change.before) {
        (Some(block), Some(before)) if order.call == Call::Update => propose::ignore_changes(
            &block.lifecycle.ignore_changes,
            kind.block(),
            before,
            &marked,
        ),
        _ => marked,
    };
    let (config, marks) = marked.unmark_paths();
    let expected = change.after.as_ref().map(|after| after.unmark_paths().0);
    if let (true, Some(planned)) = (change.config_known, &expected) {
        return Ok(Desired {
            config,
            planned: planned.clone(),
            marked: kind.mark(planned, &marks),
            private: change.private.clone(),
        });
    }
    let response = ask_provider(
        provider,
        &change.address,
        kind,
        order.prior.as_ref(),
        &config,
    )
    .await?;
    let wrong = expected
        .map(|expected| conform::result_against_plan(&expected, &response.planned))
        .unwrap_or_default();
    if !wrong.is_empty() {
        return Err(inconsistent_plan(&change.address, &wrong).into());
    }
    if order.call == Call::Update && replaces(order, &response) {
        let summary = format!(
            "`{}` was to be changed in place, but now would have to be replaced",
            change.address
        );
        return Err(Diagnostic::error("plan-outdated", summary)
            .detail("Values that were not known when the plan was made turned out to need a new object.")
            .subject(Subject::Resource(change.address.clone()))
            .hint("plan again")
            .into());
    }
    Ok(Desired {
        config,
        marked: kind.mark(&response.planned, &marks),
        planned: response.planned,
        private: response.private,
    })
}

fn replaces(order: &Order<'_>, response: &strata_core::provider::PlanResponse) -> bool {
    let Some(prior) = &order.prior else {
        return false;
    };
    let mut paths = response.requires_replace.iter();
    paths.any(|path| conform::differs_at(path, &prior.value, &response.planned))
}

fn inconsistent_plan(
    address: &ResourceInstance,
    wrong: &[strata_core::AttributePath],
) -> Diagnostic {
    let paths: Vec<_> = wrong.iter().map(|path| format!("`{path}`")).collect();
    let summary = format!("the provider changed its mind about `{address}`");
    Diagnostic::error("provider-inconsistent-plan", summary)
        .detail(format!(
            "With all values known it plans otherwise than before: {}. This is a bug in the provider of `{}`.",
            paths.join(", "),
            address.resource.type_name
        ))
        .subject(Subject::Resource(address.clone()))
}

/// Prepares to read a data source.
pub(crate) async fn prepare_read(
    session: &Session<'_>,
    change: &Change,
) -> Result<Prepared, Diagnostics> {
    let mut diags = Diagnostics::new();
    ephemeral::open_for(session, &change.address, &change.provider).await?;
    let kind = session.kind(&change.provider, &change.address, &mut diags);
    let provider = session.configured(&change.provider, &mut diags);
    let (Some(kind), Some(provider)) = (kind, provider) else {
        return Err(failed(diags, &change.address));
    };
    let block = session
        .environment
        .config
        .resource(&change.address.resource.config());
    if block.is_some_and(|block| !block.lifecycle.preconditions.is_empty()) {
        session.evaluator.preconditions(&change.address, &mut diags);
    }
    let marked = session
        .evaluator
        .resource_config(&change.address, kind.block(), &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let (config, marks) = marked.unmark_paths();
    let task = Task::Read { config, marks };
    Ok(Prepared {
        kind,
        provider,
        task,
    })
}
