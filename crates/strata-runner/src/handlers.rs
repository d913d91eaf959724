//! Which handlers a `notify` means.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value as Json;
use strata_jinja::Templar;
use strata_playbook::play::Handler;

use crate::outcome::text;

/// The places of the handlers that a name means; empty if nothing has this name.
///
/// Of several handlers with one name that in the last list wins, and in one list the first, as in ansible-core 2.19; a
/// handler in a role is also called `ROLE : NAME`. Beside it, every handler that listens to the name is meant, of
/// equally named ones only one, chosen in the same way.
pub(crate) fn find(handlers: &[Arc<Handler>], name: &str, templar: &Templar) -> Vec<usize> {
    let order = order(handlers);
    let mut found = BTreeSet::new();
    let is_named = |at: &&usize| {
        names(&handlers[**at], templar)
            .iter()
            .any(|own| own == name)
    };
    found.extend(order.iter().find(is_named));
    let mut seen = BTreeSet::new();
    for at in order {
        let handler = &handlers[at];
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

/// The places in the order in which handlers are looked for: list by list from the last, each from its beginning.
fn order(handlers: &[Arc<Handler>]) -> Vec<usize> {
    let places: Vec<usize> = (0..handlers.len()).collect();
    let lists = places.chunk_by(|one, next| same_list(&handlers[*one], &handlers[*next]));
    let lists: Vec<&[usize]> = lists.collect();
    lists.into_iter().rev().flatten().copied().collect()
}

/// True for handlers of one play, or of one role.
fn same_list(one: &Handler, other: &Handler) -> bool {
    match (&one.task.role, &other.task.role) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => one.task.span.file == other.task.span.file,
        _ => false,
    }
}

/// What a handler is called: its name, and the same with its role, of a collection's role also by the short name.
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
        if role.collection.is_some() {
            names.push(format!("{} : {name}", role.short_name()));
        }
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
