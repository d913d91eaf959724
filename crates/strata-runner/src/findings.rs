//! What a playbook found out, for those that come after it on the same command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use strata_playbook::Inventory;

use crate::{
    JsonMap,
    counts::Counts,
    hosts::{HostData, HostTable},
};

/// Facts and registered results, and what the recap counts on; empty for the first playbook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    pub(crate) hosts: BTreeMap<Arc<str>, Arc<HostData>>,
    pub(crate) counts: Counts,
    pub(crate) statistics: JsonMap,
    /// Values of hosts that must not be written anywhere.
    pub(crate) secret: BTreeSet<(Arc<str>, String)>,
    /// Hosts and groups that tasks added to the inventory.
    pub(crate) added: Vec<Inventory>,
}

impl Findings {
    /// What is known of the hosts of a run.
    pub(crate) fn of(table: &HostTable) -> Self {
        let names = table.names().into_iter();
        let hosts = names.filter_map(|name| Some((Arc::from(name.as_str()), table.get(&name)?)));
        Self {
            hosts: hosts.collect(),
            ..Self::default()
        }
    }

    /// Tells another run of it; what the inventory says of hosts is read anew for each playbook.
    pub(crate) fn tell(&self, table: &HostTable) {
        for (host, earlier) in &self.hosts {
            let inventory = table.get(host).map(|data| data.inventory.clone());
            table.change(host, |data| {
                *data = (**earlier).clone();
                data.inventory = inventory.unwrap_or_else(|| earlier.inventory.clone());
            });
        }
        for addition in &self.added {
            table.add_to_inventory(addition.clone());
        }
    }
}
