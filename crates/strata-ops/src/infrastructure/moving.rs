//! `state mv`: objects get other addresses, in the same state or in another one.

use std::{collections::BTreeSet, path::PathBuf};

use strata_core::{
    Diagnostic, Diagnostics, Events,
    addr::{ModuleInstance, Resource, ResourceInstance, Target},
};
use strata_state::{State, Store};

use super::{Settings, edit::Edited, places::Places};
use crate::process::Process;

/// What is to be moved where.
#[derive(Clone, Debug)]
pub struct Move {
    /// What is there.
    pub from: Target,
    /// Where it shall be.
    pub to: Target,
    /// The state file it goes to; none for the same one.
    pub into: Option<Into>,
    /// True to change nothing.
    pub dry_run: bool,
}

/// Another state file, and where the version before of it goes: `-` for nowhere, none for beside it.
#[derive(Clone, Debug)]
pub struct Into {
    /// The file.
    pub state: PathBuf,
    /// Where the version before of it goes.
    pub backup: Option<PathBuf>,
}

/// Instances with their old and new addresses.
type Pairs = Vec<(ResourceInstance, ResourceInstance)>;

/// Moves objects within a state, or to another state.
pub async fn move_objects(
    wish: &Move,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<(), Diagnostics> {
    let mut from = Edited::open(settings, "state-mv", process, events)
        .await?
        .keeping_each(settings);
    let Some(file) = wish.into.clone() else {
        let pairs = pairs(from.state_ref(), from.state_ref(), wish)?;
        if wish.dry_run {
            return Ok(());
        }
        for (old, new) in &pairs {
            from.state().rename(old, new);
        }
        let configs = |(old, new): &(ResourceInstance, ResourceInstance)| {
            (old.resource.config(), new.resource.config())
        };
        let renamed: BTreeSet<_> = pairs.iter().map(configs).collect();
        for (old, new) in renamed {
            let by = match from.state_ref().has(&old) {
                true => vec![old.clone(), new],
                false => vec![new],
            };
            from.state().replace_dependency(&old, &by);
        }
        return from.write();
    };
    let store = Places::find(settings, process)?.sealed(Store::new(file.state));
    let settings = &Settings {
        backup: file.backup,
        ..settings.clone()
    };
    let mut into = Edited::open_store(store, Store::open, settings, "state-mv", process, events)
        .await?
        .keeping_each(settings);
    let pairs = pairs(from.state_ref(), into.state_ref(), wish)?;
    if wish.dry_run {
        return Ok(());
    }
    for (old, new) in &pairs {
        if let Some((provider, instance)) = from.state().take(old) {
            into.state().insert(new, &provider, instance);
        }
    }
    // The receiving one first: cut off between the two, an object is known twice rather than by nobody.
    into.write()?;
    from.write()
}

fn pairs(from: &State, into: &State, wish: &Move) -> Result<Pairs, Diagnostic> {
    match &wish.from {
        Target::Module(module) => modules(from, into, module, &wish.to),
        Target::Resource(resource) => match from.resources.get(resource) {
            None => Err(nothing(&resource.to_string())),
            Some(known) if known.instances.contains_key(&None) => {
                instance(from, into, &resource.instance(None), &wish.to)
            }
            Some(_) => whole(from, into, resource, &wish.to),
        },
        Target::Instance(address) => instance(from, into, address, &wish.to),
    }
}

fn modules(
    from: &State,
    into: &State,
    module: &ModuleInstance,
    to: &Target,
) -> Result<Pairs, Diagnostic> {
    let inside = |address: &ResourceInstance| address.resource.module.0.starts_with(&module.0);
    let moved: Vec<_> = from
        .instances()
        .map(|(address, _, _)| address)
        .filter(inside)
        .collect();
    if moved.is_empty() || module.0.is_empty() {
        return Err(nothing(&module.to_string()));
    }
    let Target::Module(target) = to else {
        return Err(wrong_target(
            &module.to_string(),
            &shown(to),
            "the target must also be a module",
        ));
    };
    let taken = into
        .resources
        .keys()
        .any(|resource| resource.module.0.starts_with(&target.0) && !target.0.is_empty());
    if taken {
        return Err(is_taken(&target.to_string(), "module"));
    }
    let renamed = |old: ResourceInstance| {
        let mut new = old.clone();
        let inner = old.resource.module.0[module.0.len()..].iter().cloned();
        new.resource.module.0 = target.0.iter().cloned().chain(inner).collect();
        (old, new)
    };
    Ok(moved.into_iter().map(renamed).collect())
}

fn whole(
    from: &State,
    into: &State,
    resource: &Resource,
    to: &Target,
) -> Result<Pairs, Diagnostic> {
    let Target::Resource(target) = to else {
        return Err(wrong_target(
            &resource.to_string(),
            &shown(to),
            "the source is a whole resource (not a resource instance), so the target must also be a whole resource",
        ));
    };
    check_types(resource, target)?;
    if into.resources.contains_key(target) {
        return Err(is_taken(&target.to_string(), "resource"));
    }
    let keys = from.resources[resource].instances.keys();
    Ok(keys
        .map(|key| (resource.instance(key.clone()), target.instance(key.clone())))
        .collect())
}

fn instance(
    from: &State,
    into: &State,
    address: &ResourceInstance,
    to: &Target,
) -> Result<Pairs, Diagnostic> {
    if from.instance(address).is_none() {
        return Err(
            Diagnostic::error("invalid-address", "Invalid source address")
                .detail(format!("The current state does not contain {address}."))
                .hint("`strata state list` lists what is in it."),
        );
    }
    let target = match to {
        Target::Instance(target) => target.clone(),
        Target::Resource(target) => target.instance(None),
        Target::Module(_) => {
            return Err(wrong_target(
                &address.to_string(),
                &shown(to),
                "the target must also be a resource instance",
            ));
        }
    };
    check_types(&address.resource, &target.resource)?;
    if into.instance(&target).is_some() {
        return Err(is_taken(&target.to_string(), "resource instance"));
    }
    Ok(vec![(address.clone(), target)])
}

fn check_types(from: &Resource, to: &Resource) -> Result<(), Diagnostic> {
    let what = match () {
        () if from.mode != to.mode => "modes",
        () if from.type_name != to.type_name => "types",
        () => return Ok(()),
    };
    Err(
        Diagnostic::error("invalid-move", "Invalid state move request").detail(format!(
            "Cannot move {from} to {to}: resource {what} don't match."
        )),
    )
}

fn nothing(from: &str) -> Diagnostic {
    Diagnostic::error("invalid-address", "Invalid source address")
        .detail(format!(
            "Cannot move {from}: does not match anything in the current state."
        ))
        .hint("`strata state list` lists what is in it.")
}

fn wrong_target(from: &str, to: &str, why: &str) -> Diagnostic {
    Diagnostic::error("invalid-address", "Invalid target address")
        .detail(format!("Cannot move {from} to {to}: {why}."))
}

fn is_taken(to: &str, what: &str) -> Diagnostic {
    Diagnostic::error("invalid-address", "Invalid target address").detail(format!(
        "Cannot move to {to}: there is already a {what} at that address in the current state."
    ))
}

fn shown(target: &Target) -> String {
    match target {
        Target::Module(module) => module.to_string(),
        Target::Resource(resource) => resource.to_string(),
        Target::Instance(instance) => instance.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strata_core::addr::{parse_resource_instance, parse_target};
    use strata_state::{Instance, State};

    use super::*;

    fn state(addresses: &[&str]) -> State {
        let mut state = State::new();
        for address in addresses {
            let address = parse_resource_instance(address).unwrap();
            state.insert(&address, &Arc::from("p"), Instance::default());
        }
        state
    }

    fn check(state_has: &[&str], from: &str, to: &str, expected: &str) {
        let state = state(state_has);
        let wish = Move {
            from: parse_target(from).unwrap(),
            to: parse_target(to).unwrap(),
            into: None,
            dry_run: false,
        };
        let text = match pairs(&state, &state, &wish) {
            Ok(pairs) => pairs
                .iter()
                .map(|(old, new)| format!("{old} > {new}"))
                .collect::<Vec<_>>()
                .join(", "),
            Err(wrong) => format!("{}: {}", wrong.summary, wrong.detail),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn resources_instances_and_modules_move() {
        check(&["t.a"], "t.a", "t.b", "t.a > t.b");
        check(&["t.a"], "t.a", "t.b[0]", "t.a > t.b[0]");
        check(
            &["t.a[0]", "t.a[1]"],
            "t.a",
            "module.m.t.b",
            "t.a[0] > module.m.t.b[0], t.a[1] > module.m.t.b[1]",
        );
        check(
            &["module.x.t.a", "module.x.module.y[0].t.b[1]"],
            "module.x",
            "module.z[\"k\"]",
            "module.x.t.a > module.z[\"k\"].t.a, module.x.module.y[0].t.b[1] > module.z[\"k\"].module.y[0].t.b[1]",
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_in_terraforms_words() {
        check(
            &["t.a"],
            "t.x",
            "t.b",
            "Invalid source address: Cannot move t.x: does not match anything in the current state.",
        );
        check(
            &["t.a"],
            "t.a[0]",
            "t.b",
            "Invalid source address: The current state does not contain t.a[0].",
        );
        check(
            &["t.a", "t.b[0]"],
            "t.a",
            "t.b[0]",
            "Invalid target address: Cannot move to t.b[0]: there is already a resource instance at that address in the current state.",
        );
        check(
            &["t.a[0]"],
            "t.a",
            "t.b[0]",
            "Invalid target address: Cannot move t.a to t.b[0]: the source is a whole resource (not a resource instance), so the target must also be a whole resource.",
        );
        check(
            &["t.a"],
            "t.a",
            "module.m",
            "Invalid target address: Cannot move t.a to module.m: the target must also be a resource instance.",
        );
        check(
            &["t.a"],
            "t.a",
            "u.a",
            "Invalid state move request: Cannot move t.a to u.a: resource types don't match.",
        );
    }
}
