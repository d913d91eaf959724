//! Aliases of the firewall: the cluster's, a machine's, a container's.

use serde_json::Value as Json;
use strata_core::{BoxFuture, Diagnostic, Diagnostics};

use super::{
    firewall::named,
    kind::{Kind, Outcome, Work},
    plain::Plain,
    tables::{PLAIN, id, text},
};

pub(crate) static ALL: [&dyn Kind; 1] = [&Alias];

/// `proxmox_virtual_environment_firewall_alias`: plain, in one of three places.
struct Alias;

const ALIAS: Plain = Plain {
    name: "proxmox_virtual_environment_firewall_alias",
    noun: "alias",
    id: "{name}",
    import: "cluster/{name}",
    fields: &[
        id("name", "name"),
        text("cidr", "cidr"),
        text("comment", "comment"),
    ],
    whole: true,
    deletes: false,
    ..PLAIN
};

static OF_CLUSTER: Plain = Plain {
    all: "/cluster/firewall/aliases",
    one: "/cluster/firewall/aliases/{name}",
    ..ALIAS
};

static OF_MACHINE: Plain = Plain {
    all: "/nodes/{node_name}/qemu/{vm_id}/firewall/aliases",
    one: "/nodes/{node_name}/qemu/{vm_id}/firewall/aliases/{name}",
    ..ALIAS
};

static OF_CONTAINER: Plain = Plain {
    all: "/nodes/{node_name}/lxc/{container_id}/firewall/aliases",
    one: "/nodes/{node_name}/lxc/{container_id}/firewall/aliases/{name}",
    ..ALIAS
};

fn place(object: &Json) -> &'static Plain {
    match (object["vm_id"].is_null(), object["container_id"].is_null()) {
        (false, _) => &OF_MACHINE,
        (_, false) => &OF_CONTAINER,
        _ => &OF_CLUSTER,
    }
}

impl Kind for Alias {
    fn name(&self) -> &'static str {
        ALIAS.name
    }

    fn noun(&self) -> &'static str {
        ALIAS.noun
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        let of_node = config["vm_id"].is_null() && config["container_id"].is_null();
        if of_node && !config["node_name"].is_null() {
            diags.push(
                Diagnostic::error("proxmox-invalid-value", "a node has no aliases of its own")
                    .detail("`node_name` needs `vm_id` or `container_id` beside it"),
            );
        }
    }

    fn plan<'a>(&'a self, planned: &'a mut super::kind::Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        place(planned.planned).plan(planned)
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        place(object).create(work, object)
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        place(object).read(work, object)
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        place(object).update(work, prior, object)
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        place(object).delete(work, object)
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        named(id)
    }
}
