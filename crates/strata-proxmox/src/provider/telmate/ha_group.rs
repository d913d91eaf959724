//! `proxmox_ha_groups`, the data source: one group of highly available guests, until Proxmox VE 8.

use serde_json::{Value as Json, json};
use strata_core::Diagnostic;

use crate::{
    client::path,
    provider::{
        guest::text,
        kind::{Doing, Failure, Outcome, Work},
        value,
    },
};

/// Its name.
pub(in crate::provider) const NAME: &str = "proxmox_ha_groups";

/// Reads the group that `group_name` names.
pub(in crate::provider) async fn read(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    let name = text(object, "group_name").unwrap_or_default().to_owned();
    if let Some(release) = work
        .session
        .client
        .release()
        .await
        .filter(|release| *release >= (9, 0))
    {
        let gone = Diagnostic::error(
            "proxmox-release",
            "Groups of highly available guests are gone since Proxmox VE 9.0",
        );
        return Err(Failure::new(gone.detail(format!(
            "the server is Proxmox VE {}.{}, which has rules in their place",
            release.0, release.1
        ))));
    }
    let told = work
        .session
        .client
        .get(&path(&["cluster", "ha", "groups", &name]))
        .await;
    let told = told.doing(|| format!("The group `{name}` cannot be read"))?;
    // `pve2:2,pve` has a priority behind some of the nodes.
    let nodes = told["nodes"].as_str().unwrap_or_default().split(',');
    let mut nodes: Vec<&str> = nodes.filter_map(|node| node.split(':').next()).collect();
    nodes.sort_unstable();
    for (attribute, now) in [
        ("id", json!(name)),
        ("nodes", json!(nodes)),
        ("type", json!(told["type"].as_str().unwrap_or("group"))),
        (
            "restricted",
            json!(value::truth(&told["restricted"]).unwrap_or(false)),
        ),
        (
            "nofailback",
            json!(value::truth(&told["nofailback"]).unwrap_or(false)),
        ),
        ("comment", told["comment"].clone()),
    ] {
        object[attribute] = now;
    }
    Ok(())
}
