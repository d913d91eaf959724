//! After a run was killed: what became of its calls that have no answer.

use strata_core::{
    Diagnostic, Diagnostics, Events, Subject, Value,
    provider::{FindRequest, Found, ReadRequest, Settled, import_block},
};
use strata_state::{Begin, Call, InFlight, State, StoredObject, json};

use crate::{
    environment::Environment,
    ephemeral,
    objects::{Kind, Template},
    plan::about,
    providers::Providers,
    session::Session,
};

/// Looks on the platforms for what calls without an answer left behind, and takes it into the state.
///
/// What was found is said in warnings. Where it cannot be decided, nothing is given up: the caller keeps the
/// journal, and the next run looks again.
pub async fn settle(
    environment: &Environment,
    state: &mut State,
    in_flight: &[InFlight],
    providers: &Providers,
    diags: &mut Diagnostics,
    events: &Events,
) -> Result<(), Diagnostics> {
    let session = Session::planning(environment, providers, events);
    session.set_state(state, diags);
    let mut errors = Diagnostics::new();
    for InFlight { begin } in in_flight {
        match settle_one(&session, state, begin).await {
            Ok(found) => diags.push(found.subject(Subject::Resource(begin.address.clone()))),
            Err(found) => errors.append(about(found, &begin.address)),
        }
    }
    ephemeral::close(&session, diags).await;
    errors.into_result(())
}

async fn settle_one(
    session: &Session<'_>,
    state: &mut State,
    begin: &Begin,
) -> Result<Diagnostic, Diagnostics> {
    let mut diags = Diagnostics::new();
    let address = session.provider_of(&begin.address, Some(&begin.provider))?;
    ephemeral::open_for_provider(session, &address).await?;
    let kind = session.kind(&address, &begin.address, &mut diags);
    let provider = session.configured(&address, &mut diags);
    let (Some(kind), Some(provider)) = (kind, provider) else {
        return Err(diags);
    };
    let type_name = begin.address.resource.type_name.clone();
    if begin.call == Call::Create {
        let planned = planned(&kind, begin)?;
        let id = provider.import_id(&type_name, &planned);
        let request = FindRequest {
            type_name,
            planned,
            marker: begin.marker.clone(),
        };
        let found = provider.find(request).await?;
        if matches!(found, Found::Foreign) {
            return match is_imported(session, begin) {
                true => Ok(warning(
                    begin,
                    "what is there is left to its `import` block",
                )),
                false => Err(foreign(begin, id.as_deref()).into()),
            };
        }
        return created(state, begin, &kind, found);
    }
    let Some(stored) = state
        .object(&begin.address, begin.deposed.as_deref())
        .cloned()
    else {
        return Ok(warning(begin, "it is not in state any more"));
    };
    let object = kind
        .decode(&stored)
        .map_err(|error| unreadable(begin, &error.to_string()))?;
    let request = ReadRequest { type_name, object };
    let settled = provider.settle(request).await?;
    Ok(changed(state, begin, &kind, stored, settled))
}

fn planned(kind: &Kind, begin: &Begin) -> Result<Value, Diagnostics> {
    let text = begin.planned.as_deref().unwrap_or("null");
    let value =
        json::decode(text, &kind.ty).map_err(|error| unreadable(begin, &error.to_string()))?;
    Ok(json::with_unknown(&value, &begin.unknown))
}

fn unreadable(begin: &Begin, error: &str) -> Diagnostics {
    Diagnostic::error(
        "unreadable-journal",
        format!("what was planned for `{}` cannot be read", begin.address),
    )
    .detail(error)
    .into()
}

fn created(
    state: &mut State,
    begin: &Begin,
    kind: &Kind,
    found: Found,
) -> Result<Diagnostic, Diagnostics> {
    match found {
        Found::Nothing => {
            restore(state, begin);
            Ok(warning(begin, "nothing of it is there"))
        }
        Found::Ours { object, complete } => {
            let sensitive = begin
                .sensitive
                .iter()
                .map(|path| (path.clone(), strata_core::Marks::SENSITIVE));
            let marked = kind.mark(&object.value, &sensitive.collect::<Vec<_>>());
            let template = Template {
                tainted: !complete,
                dependencies: begin.dependencies.clone(),
                create_before_destroy: begin.create_before_destroy,
            };
            let stored = kind.encode(&marked, object.private, &template);
            state.put(&begin.address, None, &begin.provider, stored);
            Ok(warning(
                begin,
                match complete {
                    true => "it was made, and is taken over",
                    false => {
                        "it is there but not finished; it is taken over as tainted and will be replaced"
                    }
                },
            ))
        }
        Found::Foreign => Err(foreign(begin, None).into()),
    }
}

/// The object that was set aside for a replacement that never came is current again.
fn restore(state: &mut State, begin: &Begin) {
    let aside = state
        .instance(&begin.address)
        .filter(|instance| instance.current.is_none());
    let key = aside.and_then(|instance| instance.deposed.keys().next_back().cloned());
    if let Some(key) = key {
        state.restore(&begin.address, &key);
    }
}

fn changed(
    state: &mut State,
    begin: &Begin,
    kind: &Kind,
    stored: StoredObject,
    settled: Option<Settled>,
) -> Diagnostic {
    let deposed = begin.deposed.as_deref();
    match settled {
        None => {
            state.remove(&begin.address, deposed);
            warning(begin, "it is gone")
        }
        Some(Settled { object, complete }) => {
            let marked = kind.mark_stored(&object.value, &stored);
            let mut now = stored;
            now.attributes = json::encode(&marked, &kind.ty).into();
            now.private = object.private.into();
            now.tainted |= !complete;
            state.put(&begin.address, deposed, &begin.provider, now);
            warning(
                begin,
                match complete {
                    true => "it is there, and was read again",
                    false => "only parts of it are left; it is tainted and will be replaced",
                },
            )
        }
    }
}

fn warning(begin: &Begin, found: &str) -> Diagnostic {
    let what = match begin.call {
        Call::Create => "created",
        Call::Update => "changed",
        Call::Delete => "deleted",
    };
    let summary = format!(
        "`{}` was being {what} when an earlier run was cut off: {found}",
        begin.address
    );
    Diagnostic::warning("interrupted-run", summary)
}

/// True if configuration says that what is there is to be taken over.
fn is_imported(session: &Session<'_>, begin: &Begin) -> bool {
    if session.environment.config.root().imports.is_empty() {
        return false;
    }
    // What is wrong with the blocks is told by the plan.
    let targets = session.evaluator.import_targets(&mut Diagnostics::new());
    targets.iter().any(|target| target.to == begin.address)
}

fn foreign(begin: &Begin, id: Option<&str>) -> Diagnostic {
    let summary = format!(
        "an object in the place of `{}` is there that may not be ours",
        begin.address
    );
    let told = Diagnostic::error("interrupted-run-undecided", summary)
        .detail(
            "An earlier run was cut off while it created this object. One of that name is there now, but it does not \
             carry the mark of that run, so somebody else may have made it.",
        )
        .hint("look at it on the platform: if nobody needs it, delete it there and run again")
        .hint("if it is to be kept, rename it there or give the resource another name");
    let Some(id) = id else { return told };
    let block = import_block(&begin.address.to_string(), id);
    told.hint(format!(
        "or take it over, with this block in the configuration:\n{block}"
    ))
}
