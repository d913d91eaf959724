//! Provisioners: programs that run when an object was made, or before it is deleted.

use std::sync::Arc;

use strata_config::{
    module::{Connection, OnFailure, Provisioner, ProvisionerWhen},
    provisioner_schema,
};
use strata_core::{
    BoxFuture, Diagnostic, Diagnostics, Event, Marks, ProvisionPhase, Subject, Value,
    addr::ResourceInstance,
};

use crate::{plan::removed, session::Session};

/// Runs provisioners: the engine says what and when.
pub trait Provisioners: Send + Sync {
    /// Runs one; what went wrong is told in words that hold no secret.
    fn run<'a>(&'a self, call: Provision) -> BoxFuture<'a, Result<(), String>>;
}

/// One provisioner to run.
pub struct Provision {
    /// `local-exec`, `remote-exec` or `file`.
    pub kind: Arc<str>,
    /// Its arguments, without marks.
    pub config: Value,
    /// How to reach the object, without marks.
    pub connection: Option<Value>,
    /// True if its arguments hold secrets: neither they nor what it prints may be shown.
    pub secret: bool,
    /// Takes its output, line by line.
    pub output: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Where there are no provisioners: each is refused.
pub struct NoProvisioners;

impl Provisioners for NoProvisioners {
    fn run<'a>(&'a self, call: Provision) -> BoxFuture<'a, Result<(), String>> {
        let why = format!("the provisioner `{}` cannot run here", call.kind);
        Box::pin(std::future::ready(Err(why)))
    }
}

/// The provisioners of an instance, and the connection around them.
pub(crate) struct Steps<'a> {
    provisioners: Vec<&'a Provisioner>,
    connection: Option<&'a Connection>,
}

/// What is to run at a time in an instance's life; none if nothing is.
pub(crate) fn steps<'a>(
    session: &'a Session<'_>,
    address: &ResourceInstance,
    when: ProvisionerWhen,
) -> Option<Steps<'a>> {
    let config = &session.environment.config;
    let (all, connection) = match config.resource(&address.resource.config()) {
        Some(block) => (&block.provisioners, &block.connection),
        None => {
            let removed = removed(config, address)?;
            (&removed.provisioners, &removed.connection)
        }
    };
    let provisioners: Vec<_> = all.iter().filter(|found| found.when == when).collect();
    (!provisioners.is_empty()).then_some(Steps {
        provisioners,
        connection: connection.as_ref(),
    })
}

/// Runs provisioners one after the other; the first failure that counts ends it.
pub(crate) async fn run(
    session: &Session<'_>,
    provisioners: &dyn Provisioners,
    address: &ResourceInstance,
    steps: Steps<'_>,
    itself: &Value,
) -> Result<(), Diagnostics> {
    for provisioner in &steps.provisioners {
        let call = call(session, address, provisioner, steps.connection, itself)?;
        let told = |phase| Event::Provision {
            address: address.clone(),
            kind: provisioner.kind.clone(),
            phase,
        };
        session.events.send(told(ProvisionPhase::Started));
        let result = provisioners.run(call).await;
        session.events.send(told(match result {
            Ok(()) => ProvisionPhase::Finished,
            Err(_) => ProvisionPhase::Failed,
        }));
        if let Err(reason) = result {
            let failure = failure(address, provisioner, reason);
            match provisioner.on_failure {
                OnFailure::Fail => return Err(failure.into()),
                OnFailure::Continue => session.events.diagnostic(failure),
            }
        }
    }
    Ok(())
}

fn failure(address: &ResourceInstance, provisioner: &Provisioner, reason: String) -> Diagnostic {
    let summary = format!("{} provisioner error", provisioner.kind);
    let diagnostic = match provisioner.on_failure {
        OnFailure::Fail => Diagnostic::error("provisioner-failed", summary),
        OnFailure::Continue => Diagnostic::warning("provisioner-failed", summary),
    };
    diagnostic
        .detail(reason)
        .at(provisioner.span.clone())
        .subject(Subject::Resource(address.clone()))
}

fn call(
    session: &Session<'_>,
    address: &ResourceInstance,
    provisioner: &Provisioner,
    connection: Option<&Connection>,
    itself: &Value,
) -> Result<Provision, Diagnostics> {
    let mut diags = Diagnostics::new();
    let kind = provisioner.kind.clone();
    let Some(schema) = provisioner_schema(&kind) else {
        let summary = format!("the provisioner `{kind}` is not supported");
        return Err(Diagnostic::error("unsupported", summary)
            .at(provisioner.span.clone())
            .into());
    };
    let evaluator = &session.evaluator;
    let config = evaluator.provisioner_config(address, provisioner, schema, itself, &mut diags);
    let connection =
        evaluator.connection_config(address, provisioner, connection, itself, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let marks = config.marks_deep();
    let secret = !marks.is_none();
    let hidden = match (
        marks.contains(Marks::SENSITIVE),
        marks.contains(Marks::EPHEMERAL),
    ) {
        (true, true) => "(output suppressed due to sensitive, ephemeral value in config)",
        (false, true) => "(output suppressed due to ephemeral value in config)",
        (_, false) => "(output suppressed due to sensitive value in config)",
    };
    let (events, to, of) = (session.events.clone(), address.clone(), kind.clone());
    let output = move |line: &str| {
        let line = match secret {
            true => hidden,
            false => line,
        };
        events.send(Event::Provision {
            address: to.clone(),
            kind: of.clone(),
            phase: ProvisionPhase::Output(line.to_owned()),
        });
    };
    Ok(Provision {
        kind,
        config: config.unmark_paths().0,
        connection: connection.map(|connection| connection.unmark_paths().0),
        secret,
        output: Arc::new(output),
    })
}
