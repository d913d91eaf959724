//! Data sources that list objects of the configuration, row by row, as a table says.

use serde_json::{Value as Json, json};

use super::{
    form::{Field, Form},
    guest::text,
    kind::{Doing, Outcome, Work},
    value,
};
use crate::client::path;

/// A list: the data source, where its rows are, the attribute they become, and their parts.
struct List {
    name: &'static str,
    path: &'static str,
    attribute: &'static str,
    /// The parameters of a row that become attributes; the first is its name.
    fields: &'static [Field],
    /// True if the names alone are told, not the rows.
    names: bool,
}

const fn field(attribute: &'static str, parameter: &'static str, form: Form) -> Field {
    Field {
        attribute,
        parameter,
        form,
        once: false,
        blind: false,
    }
}

const fn plain(name: &'static str) -> Field {
    field(name, name, Form::Text)
}

const NAMES: List = List {
    name: "",
    path: "",
    attribute: "",
    fields: &[],
    names: true,
};

static ALL: [List; 7] = [
    List {
        name: "acme_accounts",
        path: "/cluster/acme/account",
        attribute: "accounts",
        fields: &[plain("name")],
        ..NAMES
    },
    List {
        name: "acme_plugins",
        path: "/cluster/acme/plugins",
        attribute: "plugins",
        fields: &[
            plain("plugin"),
            plain("api"),
            field("data", "data", Form::Lines),
            plain("digest"),
            plain("type"),
            field("validation_delay", "validation-delay", Form::Text),
        ],
        names: false,
    },
    List {
        name: "hagroups",
        path: "/cluster/ha/groups",
        attribute: "group_ids",
        fields: &[plain("group")],
        ..NAMES
    },
    List {
        name: "replications",
        path: "/cluster/replication",
        attribute: "replications",
        fields: &[
            plain("id"),
            plain("comment"),
            field("disable", "disable", Form::Flag),
            plain("guest"),
            plain("jobnum"),
            plain("rate"),
            plain("remove_job"),
            plain("schedule"),
            plain("source"),
            plain("target"),
            plain("type"),
        ],
        names: false,
    },
    List {
        name: "sdn_vnets",
        path: "/cluster/sdn/vnets",
        attribute: "vnets",
        fields: &[
            field("id", "vnet", Form::Text),
            plain("alias"),
            field("isolate_ports", "isolate-ports", Form::Flag),
            plain("tag"),
            field("vlan_aware", "vlanaware", Form::Flag),
            plain("zone"),
        ],
        names: false,
    },
    List {
        name: "sdn_zones",
        path: "/cluster/sdn/zones",
        attribute: "zones",
        fields: &[
            field("id", "zone", Form::Text),
            field("advertise_subnets", "advertise-subnets", Form::Flag),
            plain("bridge"),
            plain("controller"),
            plain("dhcp"),
            field(
                "disable_arp_nd_suppression",
                "disable-arp-nd-suppression",
                Form::Flag,
            ),
            plain("dns"),
            field("dns_zone", "dnszone", Form::Text),
            field("exit_nodes", "exitnodes", Form::List),
            field(
                "exit_nodes_local_routing",
                "exitnodes-local-routing",
                Form::Flag,
            ),
            plain("ipam"),
            plain("mtu"),
            field("nodes", "nodes", Form::List),
            field("peers", "peers", Form::List),
            field("primary_exit_node", "exitnodes-primary", Form::Text),
            field("reverse_dns", "reversedns", Form::Text),
            field("rt_import", "rt-import", Form::Text),
            field("service_vlan", "tag", Form::Text),
            field("service_vlan_protocol", "vlan-protocol", Form::Text),
            plain("type"),
            field("vrf_vxlan", "vrf-vxlan", Form::Text),
        ],
        names: false,
    },
    List {
        name: "backup_jobs",
        path: "/cluster/backup",
        attribute: "jobs",
        fields: &[
            plain("id"),
            field("all", "all", Form::Flag),
            plain("compress"),
            field("enabled", "enabled", Form::Flag),
            plain("mailnotification"),
            field("mailto", "mailto", Form::List),
            plain("mode"),
            plain("node"),
            field("notes_template", "notes-template", Form::Text),
            plain("pool"),
            field("protected", "protected", Form::Flag),
            field("prune_backups", "prune-backups", Form::Pairs),
            plain("schedule"),
            plain("storage"),
            field("vmid", "vmid", Form::List),
        ],
        names: false,
    },
];

/// True if a data source is a list of ours.
pub(crate) fn has(name: &str) -> bool {
    matches!(name, "hardware_mappings" | "hardware_pci") || ALL.iter().any(|list| list.name == name)
}

/// Reads a list into its object.
pub(crate) async fn read(work: &Work<'_>, name: &str, object: &mut Json) -> Outcome<()> {
    match (name, ALL.iter().find(|list| list.name == name)) {
        ("hardware_mappings", _) => mappings(work, object).await,
        (_, Some(list)) => listed(work, list, object).await,
        _ => devices(work, object).await,
    }
}

async fn rows(work: &Work<'_>, path: &str, order: &str) -> Outcome<Vec<Json>> {
    let told = work.session.client.get(path).await;
    let told = told.doing(|| format!("`{path}` cannot be read"))?;
    let mut rows = told.as_array().cloned().unwrap_or_default();
    rows.sort_by_key(|row| value::text(&row[order]));
    Ok(rows)
}

async fn listed(work: &Work<'_>, list: &List, object: &mut Json) -> Outcome<()> {
    let kind = text(object, "type").map(str::to_owned);
    let query = match kind.filter(|_| list.name == "sdn_zones") {
        Some(kind) => format!("{}?type={kind}", list.path),
        None => list.path.to_owned(),
    };
    let first = &list.fields[0];
    let rows = rows(work, &query, first.parameter).await?;
    object[list.attribute] = match list.names {
        true => rows
            .iter()
            .map(|row| row[first.parameter].clone())
            .collect(),
        false => rows.iter().map(|row| shown(list.fields, row)).collect(),
    };
    object["id"] = json!(list.name);
    Ok(())
}

fn shown(fields: &[Field], row: &Json) -> Json {
    let members = fields.iter().map(|field| {
        let told = field.read(&row[field.parameter]);
        (field.attribute.to_owned(), told)
    });
    Json::Object(members.collect())
}

/// `hardware_mappings`: names by kind, and what a node says of them.
async fn mappings(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    let kind = text(object, "type").unwrap_or_default().to_owned();
    let mut place = path(&["cluster", "mapping", &kind]);
    if let Some(node) = text(object, "check_node") {
        place = format!("{place}?check-node={node}");
    }
    let rows = rows(work, &place, "id").await?;
    let checks = rows.iter().flat_map(|row| {
        let found = row["checks"].as_array().cloned().unwrap_or_default();
        found.into_iter().map(|check| {
            json!({
                "mapping_id": row["id"], "message": check["message"], "severity": check["severity"],
            })
        })
    });
    object["checks"] = checks.collect();
    object["ids"] = rows.iter().map(|row| row["id"].clone()).collect();
    object["id"] = json!(format!("hardware_mappings_{kind}"));
    Ok(())
}

/// `hardware_pci`: the devices of a node.
async fn devices(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    let node = text(object, "node_name").unwrap_or_default().to_owned();
    let hidden = object["pci_class_blacklist"].as_array().map(|classes| {
        let classes = classes.iter().filter_map(Json::as_str);
        classes.collect::<Vec<_>>().join(",")
    });
    let mut place = path(&["nodes", &node, "hardware", "pci"]);
    if let Some(hidden) = hidden {
        place = format!("{place}?pci-class-blacklist={hidden}");
    }
    let filters = object["filters"].clone();
    let fits = |row: &Json| {
        [
            ("class", "class"),
            ("device_id", "device"),
            ("id", "id"),
            ("vendor_id", "vendor"),
        ]
        .iter()
        .all(|(filter, name)| {
            let wanted = filters[*filter].as_str();
            let own = row[*name].as_str().unwrap_or_default();
            wanted.is_none_or(|wanted| own.starts_with(wanted))
        })
    };
    let rows = rows(work, &place, "id").await?;
    let shown = rows.iter().filter(|row| fits(row)).map(|row| {
        json!({
            "class": row["class"], "device": row["device"], "device_name": row["device_name"],
            "id": row["id"], "iommu_group": row["iommugroup"], "mdev": value::truth(&row["mdev"]),
            "subsystem_device": row["subsystem_device"],
            "subsystem_device_name": row["subsystem_device_name"],
            "subsystem_vendor": row["subsystem_vendor"],
            "subsystem_vendor_name": row["subsystem_vendor_name"],
            "vendor": row["vendor"], "vendor_name": row["vendor_name"],
        })
    });
    object["devices"] = shown.collect();
    object["id"] = json!(node);
    Ok(())
}
