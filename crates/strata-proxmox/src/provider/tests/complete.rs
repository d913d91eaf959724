//! What is published of the provider, held against what we have.

use std::collections::BTreeSet;

use super::*;
use crate::provider::{data, kinds, schema};

/// Arguments that are refused by name; `docs/compatibility.md` says why.
const REFUSED: [&str; 4] = [
    "proxmox_backup_job.maxfiles",
    "proxmox_virtual_environment_file.source_file.changed",
    "proxmox_virtual_environment_file.source_file.min_tls",
    "proxmox_virtual_environment_file.source_raw.resize",
];

#[test]
fn every_published_resource_and_data_source_is_there_by_all_its_names() {
    let schema = Proxmox::new(Settings::default()).provider();
    let schema = schema.schema();
    for facts in schema::all().iter().filter(|facts| !facts.telmate) {
        for name in &facts.names {
            let there = match facts.is_data {
                true => data::has(name) && schema.data_sources.contains_key(name.as_str()),
                false => {
                    kinds().contains_key(name.as_str())
                        && schema.resources.contains_key(name.as_str())
                }
            };
            assert!(there, "{name} (data: {}) is missing", facts.is_data);
        }
    }
}

#[test]
fn what_is_refused_is_a_short_list_with_reasons() {
    let bpg = |name: &str| schema::find(name, false).is_some_and(|facts| !facts.telmate);
    let mut refused = BTreeSet::new();
    for kind in kinds().values().filter(|kind| bpg(kind.name())) {
        refused.extend(
            kind.refused()
                .iter()
                .map(|name| format!("{}.{name}", kind.name())),
        );
    }
    assert_eq!(refused, BTreeSet::from(REFUSED.map(str::to_owned)));
    let page = include_str!("../../../../../docs/compatibility.md");
    for name in refused {
        let last = name.rsplit('.').next().unwrap_or_default();
        assert!(
            page.contains(&format!("{last}`")),
            "docs/compatibility.md does not say why `{name}` is refused"
        );
    }
}
