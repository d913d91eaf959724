//! Which handlers a `notify` means.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value as Json;
use strata_jinja::Templar;
use strata_playbook::play::Handler;

use crate::outcome::text;

/// The places of the handlers that a name means; empty if nothing has this name.
///
/// The last handler of that name wins; a handler in a role is also called `ROLE : NAME`. Beside it, every handler
/// that listens to the name is meant, of equally named ones only the last.
pub(crate) fn find(handlers: &[Arc<Handler>], name: &str, templar: &Templar) -> Vec<usize> {
    let mut found = BTreeSet::new();
    let named = handlers
        .iter()
        .enumerate()
        .rev()
        .find(|(_, handler)| names(handler, templar).iter().any(|own| own == name));
    found.extend(named.map(|(at, _)| at));
    let mut seen = BTreeSet::new();
    for (at, handler) in handlers.iter().enumerate().rev() {
        if !listens(handler, name, templar) {
            continue;
        }
        let own = names(handler, templar).into_iter().next();
        if own.is_none_or(|own| seen.insert(own)) {
            found.insert(at);
        }
    }
    found.into_iter().collect()
}

/// What a handler is called: its name, and the same with its role.
fn names(handler: &Handler, templar: &Templar) -> Vec<String> {
    let Some(name) = &handler.task.name else {
        return Vec::new();
    };
    // A name that cannot be rendered makes the handler unusable by name, no more.
    let Ok(name) = templar.render(&name.value) else {
        return Vec::new();
    };
    let name = text(&name);
    let mut names = vec![name.clone()];
    if let Some(role) = &handler.task.role {
        names.push(format!("{} : {name}", role.name));
    }
    names
}

fn listens(handler: &Handler, topic: &str, templar: &Templar) -> bool {
    handler
        .listen
        .iter()
        .any(|listen| match templar.render(&listen.value) {
            Ok(Json::Array(topics)) => topics.iter().any(|own| text(own) == topic),
            Ok(own) => text(&own) == topic,
            Err(_) => false,
        })
}
