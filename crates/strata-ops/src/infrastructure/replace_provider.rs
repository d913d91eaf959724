//! `state replace-provider`: objects are said to be of another provider.

use std::sync::Arc;

use strata_core::{Diagnostics, Events, addr::Resource};

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
