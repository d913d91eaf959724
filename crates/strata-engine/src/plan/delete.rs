//! Planning what goes: instances that configuration no longer has, and objects that were set aside.

use strata_config::{ProviderAddress, module};
use strata_core::{
    Action, Diagnostic, Subject, Value, addr,
    provider::{Effect, EffectKind},
};

use super::{
    Change, Context, PlanMode, Planned, Reason,
    refresh::{Prior, Subjected, known, refresh, template},
};
use crate::session::Session;

/// Plans to delete the objects of an instance that were set aside.
pub(crate) async fn deposed(
    session: &Session<'_>,
    context: &Context<'_>,
    subject: &Subjected<'_>,
    ending: Ending,
    planned: &mut Planned,
) {
    let Some(instance) = context.state.instance(subject.address) else {
        return;
    };
    for key in instance.deposed.keys() {
        let subject = Subjected {
            deposed: Some(key),
            ..*subject
        };
        if let Some(prior) = refresh(session, context, &subject, planned).await
            && context.options.mode != PlanMode::RefreshOnly
        {
            planned.changes.push(change(
                session,
                &subject,
                prior,
                Some(Reason::Deposed),
                ending,
            ));
        }
    }
}

/// Plans to delete an instance.
pub(crate) async fn plan_delete(
    session: &Session<'_>,
    context: &Context<'_>,
    subject: Subjected<'_>,
    reason: Option<Reason>,
    ending: Ending,
) -> Planned {
    let mut planned = Planned::default();
    let prior = match ending {
        Ending::Delete => refresh(session, context, &subject, &mut planned).await,
        // Whatever became of it, it is not ours any more; its platform may not even be there.
        Ending::Forget => known(context, &subject, &mut planned),
    };
    deposed(session, context, &subject, ending, &mut planned).await;
    let Some(prior) = prior else {
        return planned;
    };
    session
        .evaluator
        .set_instance(subject.address, prior.marked.clone());
    if context.options.mode == PlanMode::RefreshOnly {
        return planned;
    }
    let block = session
        .environment
        .config
        .resource(&subject.address.resource.config());
    if let Some(block) = block
        && ending == Ending::Delete
        && block.lifecycle.prevent_destroy
    {
        planned.diagnostics.push(prevented(subject.address, block));
    }
    planned
        .changes
        .push(change(session, &subject, prior, reason, ending));
    planned
}

/// How an object ends for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is deleted.
    Delete,
    /// It stays, but is no longer known.
    Forget,
}

fn change(
    session: &Session<'_>,
    subject: &Subjected<'_>,
    prior: Prior,
    reason: Option<Reason>,
    ending: Ending,
) -> Change {
    let loss = match ending {
        Ending::Delete => loss(
            session,
            subject.provider,
            subject.address,
            &prior.object.value,
        ),
        Ending::Forget => None,
    };
    Change {
        address: subject.address.clone(),
        deposed: subject.deposed.cloned(),
        action: match ending {
            Ending::Delete => Action::Delete,
            Ending::Forget => Action::Forget,
        },
        reason,
        importing: None,
        before: Some(prior.marked),
        after: None,
        requires_replace: Vec::new(),
        effects: loss.into_iter().collect(),
        provider: subject.provider.clone(),
        private: Vec::new(),
        template: template(&prior.stored),
        config_known: true,
    }
}

/// What is lost with an object that is deleted, if the provider knows of anything.
pub(crate) fn loss(
    session: &Session<'_>,
    provider: &ProviderAddress,
    address: &addr::ResourceInstance,
    object: &Value,
) -> Option<Effect> {
    let provider = session.providers.get(&provider.source)?;
    let lost = provider.lost_with(&address.resource.type_name, object)?;
    Some(Effect {
        kind: EffectKind::DataLoss,
        reason: format!("{lost} will be lost"),
    })
}

/// The refusal to destroy.
pub(crate) fn prevented(address: &addr::ResourceInstance, block: &module::Resource) -> Diagnostic {
    Diagnostic::error(
        "prevent-destroy",
        "Instance cannot be destroyed",
    )
    .detail(format!(
        "The `lifecycle` block of `{address}` has `prevent_destroy` set, but the plan would destroy it."
    ))
    .label(block.span.clone(), "declared here")
    .subject(Subject::Resource(address.clone()))
    .hint("take `prevent_destroy` out, or narrow the plan with `-target` to leave it out")
}
