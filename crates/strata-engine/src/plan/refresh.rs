//! Reading one object, and what that makes of the state.

use std::sync::Arc;

use strata_config::ProviderAddress;
use strata_core::{
    Action, Diagnostic, Diagnostics, Event, Subject, Value, addr,
    provider::{Object, ReadRequest},
};
use strata_state::StoredObject;

use super::{Change, Context, Planned, Refreshed};
use crate::{
    objects::{Kind, Template, shown_id},
    session::Session,
};

/// An object in state after reading it.
pub(crate) struct Prior {
    pub(crate) object: Object,
    /// With the marks of state and schema.
    pub(crate) marked: Value,
    pub(crate) stored: StoredObject,
}

/// Which object to read.
pub(crate) struct Subjected<'a> {
    pub(crate) address: &'a addr::ResourceInstance,
    pub(crate) deposed: Option<&'a Arc<str>>,
    pub(crate) provider: &'a ProviderAddress,
    pub(crate) kind: &'a Kind,
}

/// Reads an object and notes what is different; none if it is gone, or cannot be read, which is reported.
pub(crate) async fn refresh(
    session: &Session<'_>,
    context: &Context<'_>,
    subject: &Subjected<'_>,
    planned: &mut Planned,
) -> Option<Prior> {
    let prior = known(context, subject, planned)?;
    if !context.options.refresh {
        return Some(prior);
    }
    let Prior {
        object: before,
        marked,
        stored,
    } = prior;
    let configured = session.configured(subject.provider, &mut planned.diagnostics)?;
    let id = shown_id(&marked);
    session.events.send(Event::RefreshStarted {
        address: subject.address.clone(),
        id: id.clone(),
    });
    let request = ReadRequest {
        type_name: subject.address.resource.type_name.clone(),
        object: before.clone(),
    };
    let read = configured.read(request).await;
    session.events.send(Event::RefreshFinished {
        address: subject.address.clone(),
        id,
    });
    match read {
        Err(errors) => {
            planned.diagnostics.append(about(errors, subject.address));
            None
        }
        Ok(None) => {
            planned.refreshed.push(note(subject, None));
            planned.drift.push(drift(subject, &stored, marked, None));
            None
        }
        Ok(Some(object)) if object == before => Some(Prior {
            object,
            marked,
            stored,
        }),
        Ok(Some(object)) => Some(changed(subject, stored, &before, marked, object, planned)),
    }
}

/// An object as state has it, without looking; what cannot be decoded is reported.
pub(crate) fn known(
    context: &Context<'_>,
    subject: &Subjected<'_>,
    planned: &mut Planned,
) -> Option<Prior> {
    let key = subject.deposed.map(|key| &**key);
    let stored = context.state.object(subject.address, key)?.clone();
    let object = match decode(subject, &stored) {
        Ok(object) => object,
        Err(error) => {
            planned.diagnostics.append(error);
            return None;
        }
    };
    let marked = subject.kind.mark_stored(&object.value, &stored);
    Some(Prior {
        object,
        marked,
        stored,
    })
}

fn changed(
    subject: &Subjected<'_>,
    stored: StoredObject,
    before: &Object,
    marked_before: Value,
    object: Object,
    planned: &mut Planned,
) -> Prior {
    let marked = subject.kind.mark_stored(&object.value, &stored);
    let template = template(&stored);
    let mut read = subject
        .kind
        .encode(&marked, object.private.clone(), &template);
    read.sensitive = stored.sensitive.clone();
    if object.value != before.value {
        planned
            .drift
            .push(drift(subject, &stored, marked_before, Some(marked.clone())));
    }
    planned.refreshed.push(note(subject, Some(read.clone())));
    Prior {
        object,
        marked,
        stored: read,
    }
}

pub(crate) fn template(stored: &StoredObject) -> Template {
    Template {
        tainted: stored.tainted,
        dependencies: stored.dependencies.clone(),
        create_before_destroy: stored.create_before_destroy,
    }
}

fn note(subject: &Subjected<'_>, object: Option<StoredObject>) -> Refreshed {
    Refreshed {
        address: subject.address.clone(),
        deposed: subject.deposed.cloned(),
        provider: subject.provider.to_string().into(),
        object,
    }
}

/// An object that is as it was, for a list of what is not.
pub(crate) fn stayed(subject: &Subjected<'_>, prior: &Prior) -> Change {
    let now = Some(prior.marked.clone());
    let mut change = drift(subject, &prior.stored, prior.marked.clone(), now);
    change.action = Action::NoOp;
    change
}

fn drift(
    subject: &Subjected<'_>,
    stored: &StoredObject,
    before: Value,
    after: Option<Value>,
) -> Change {
    Change {
        address: subject.address.clone(),
        deposed: subject.deposed.cloned(),
        action: if after.is_some() {
            Action::Update
        } else {
            Action::Delete
        },
        reason: None,
        importing: None,
        before: Some(before),
        after,
        requires_replace: Vec::new(),
        effects: Vec::new(),
        provider: subject.provider.clone(),
        private: Vec::new(),
        template: template(stored),
        config_known: true,
    }
}

fn decode(subject: &Subjected<'_>, stored: &StoredObject) -> Result<Object, Diagnostics> {
    let version = subject.kind.schema.version;
    if stored.schema_version > version {
        let summary = format!(
            "`{}` was written by a newer version of its provider: schema {}, ours is {version}",
            subject.address, stored.schema_version
        );
        let error = Diagnostic::error("state-too-new", summary);
        return Err(error
            .subject(Subject::Resource(subject.address.clone()))
            .into());
    }
    subject.kind.decode(stored).map_err(|error| {
        Diagnostic::error(
            "unreadable-state",
            format!("the state of `{}` cannot be read", subject.address),
        )
        .detail(format!(
            "Its attributes do not fit the schema of its type: {error}."
        ))
        .subject(Subject::Resource(subject.address.clone()))
        .into()
    })
}

/// Says which instance the diagnostics of a provider are about.
pub(crate) fn about(diagnostics: Diagnostics, address: &addr::ResourceInstance) -> Diagnostics {
    let mut named = Diagnostics::new();
    named.extend(diagnostics.into_iter().map(|mut diagnostic| {
        diagnostic
            .subject
            .get_or_insert_with(|| Subject::Resource(address.clone()));
        diagnostic
    }));
    named
}

/// What is wrong is told, but stops nothing.
pub(crate) fn as_warnings(diagnostics: Diagnostics) -> Diagnostics {
    let mut warnings = Diagnostics::new();
    warnings.extend(diagnostics.into_iter().map(|mut diagnostic| {
        diagnostic.severity = strata_core::Severity::Warning;
        diagnostic
    }));
    warnings
}
