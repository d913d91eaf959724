//! `state replace-provider`: objects are said to be of another provider.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Events, addr::Resource};

use super::{Settings, edit::Edited};
use crate::process::Process;

/// Says of all resources of one provider that they are of another, if `approve` agrees to the list; gives the list.
pub async fn replace_provider(
    from: &str,
    to: &str,
    settings: &Settings,
    process: &Process,
    events: &Events,
    approve: impl FnOnce(&[Resource]) -> bool,
) -> Result<Vec<Resource>, Diagnostics> {
    let mut wrong = Diagnostics::new();
    wrong.extend([("from", from), ("to", to)].into_iter().filter_map(invalid));
    wrong.into_result(())?;
    let (from, to) = (full(from), full(to));
    let mut edited = Edited::open(settings, "state-replace-provider", process, events)
        .await?
        .keeping_each(settings);
    let old = format!("provider[\"{from}\"]");
    let found: Vec<Resource> = edited
        .state_ref()
        .resources
        .iter()
        .filter(|(_, resource)| resource.provider.contains(&old))
        .map(|(address, _)| address.clone())
        .collect();
    if found.is_empty() || !approve(&found) {
        return Ok(Vec::new());
    }
    let new = format!("provider[\"{to}\"]");
    for address in &found {
        if let Some(resource) = edited.state().resources_mut().get_mut(address) {
            resource.provider = Arc::from(resource.provider.replace(&old, &new));
        }
    }
    edited.write()?;
    Ok(found)
}

/// What is said of a text that is no address of a provider.
fn invalid((which, source): (&str, &str)) -> Option<Diagnostic> {
    let parts: Vec<&str> = source.split('/').collect();
    let is_part = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    let is_valid = parts.len() <= 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(is_part));
    let summary = format!("Invalid \"{which}\" provider {source:?}");
    (!is_valid).then(|| {
        Diagnostic::error("provider-address", summary)
            .detail("A provider is written as `[HOST/]NAMESPACE/TYPE`, such as `hashicorp/random`.")
    })
}

/// The whole address of a provider of which the usual parts may be left out.
pub fn full(source: &str) -> String {
    match source.split('/').count() {
        1 => format!("registry.terraform.io/hashicorp/{source}"),
        2 => format!("registry.terraform.io/{source}"),
        _ => source.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::full;

    #[test]
    fn the_usual_parts_may_be_left_out() {
        assert_eq!(full("random"), "registry.terraform.io/hashicorp/random");
        assert_eq!(full("lxc/incus"), "registry.terraform.io/lxc/incus");
        assert_eq!(full("example.com/a/b"), "example.com/a/b");
    }
}
