//! The plain kinds of the cluster: jobs, mappings, the software-defined network, nodes' settings.

use super::{
    form::{Form, Parts},
    plain::Plain,
    tables::{PLAIN, blind, flag, form, id, once, text},
};

const DIR: Parts = &[("node", "node"), ("path", "path")];
const PCI: Parts = &[
    ("id", "id"),
    ("node", "node"),
    ("path", "path"),
    ("comment", "description"),
    ("iommu_group", "iommugroup"),
    ("subsystem_id", "subsystem-id"),
];
const USB: Parts = &[
    ("id", "id"),
    ("node", "node"),
    ("path", "path"),
    ("comment", "description"),
];

const MAPPING: Plain = Plain {
    noun: "hardware mapping",
    id: "{name}",
    import: "{name}",
    whole: true,
    ..PLAIN
};

const FABRIC: Plain = Plain {
    noun: "SDN fabric",
    all: "/cluster/sdn/fabrics/fabric",
    one: "/cluster/sdn/fabrics/fabric/{id}",
    whole: true,
    ..PLAIN
};

const FABRIC_NODE: Plain = Plain {
    noun: "node of SDN fabric",
    all: "/cluster/sdn/fabrics/node/{fabric_id}",
    one: "/cluster/sdn/fabrics/node/{fabric_id}/{node_id}",
    id: "{fabric_id}/{node_id}",
    import: "{fabric_id}/{node_id}",
    whole: true,
    ..PLAIN
};

pub(crate) static ALL: [Plain; 13] = [
    Plain {
        name: "proxmox_backup_job",
        noun: "backup job",
        all: "/cluster/backup",
        one: "/cluster/backup/{id}",
        fields: &[
            id("id", "id"),
            text("schedule", "schedule"),
            text("storage", "storage"),
            flag("all", "all"),
            text("bwlimit", "bwlimit"),
            text("compress", "compress"),
            flag("enabled", "enabled"),
            form("exclude_path", "exclude-path", Form::Items),
            form(
                "fleecing",
                "fleecing",
                Form::Object(&[("enabled", "enabled"), ("storage", "storage")]),
            ),
            text("ionice", "ionice"),
            text("lockwait", "lockwait"),
            text("mailnotification", "mailnotification"),
            form("mailto", "mailto", Form::List),
            text("mode", "mode"),
            text("node", "node"),
            text("notes_template", "notes-template"),
            text("pbs_change_detection_mode", "pbs-change-detection-mode"),
            form(
                "performance",
                "performance",
                Form::Object(&[
                    ("max_workers", "max-workers"),
                    ("pbs_entries_max", "pbs-entries-max"),
                ]),
            ),
            text("pigz", "pigz"),
            text("pool", "pool"),
            flag("protected", "protected"),
            form("prune_backups", "prune-backups", Form::Pairs),
            flag("remove", "remove"),
            flag("repeat_missed", "repeat-missed"),
            text("script", "script"),
            text("starttime", "starttime"),
            flag("stdexcludes", "stdexcludes"),
            text("stopwait", "stopwait"),
            text("tmpdir", "tmpdir"),
            form("vmid", "vmid", Form::List),
            text("zstd", "zstd"),
        ],
        refused: &["maxfiles"],
        whole: true,
        ..PLAIN
    },
    Plain {
        name: "proxmox_hardware_mapping_dir",
        all: "/cluster/mapping/dir",
        one: "/cluster/mapping/dir/{name}",
        fields: &[
            id("name", "id"),
            text("comment", "description"),
            form("map", "map", Form::Objects(DIR)),
        ],
        ..MAPPING
    },
    Plain {
        name: "proxmox_hardware_mapping_pci",
        all: "/cluster/mapping/pci",
        one: "/cluster/mapping/pci/{name}",
        fields: &[
            id("name", "id"),
            text("comment", "description"),
            flag("mediated_devices", "mdev"),
            form("map", "map", Form::Objects(PCI)),
        ],
        ..MAPPING
    },
    Plain {
        name: "proxmox_hardware_mapping_usb",
        all: "/cluster/mapping/usb",
        one: "/cluster/mapping/usb/{name}",
        fields: &[
            id("name", "id"),
            text("comment", "description"),
            form("map", "map", Form::Objects(USB)),
        ],
        ..MAPPING
    },
    Plain {
        name: "proxmox_acme_dns_plugin",
        noun: "ACME plugin",
        all: "/cluster/acme/plugins",
        one: "/cluster/acme/plugins/{plugin}",
        id: "{plugin}",
        import: "{plugin}",
        fixed: &[("type", "dns")],
        fields: &[
            id("plugin", "id"),
            text("api", "api"),
            form("data", "data", Form::Lines),
            blind(form("data_wo", "data", Form::Lines)),
            flag("disable", "disable"),
            text("validation_delay", "validation-delay"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_node_config",
        noun: "settings of node",
        all: "PUT /nodes/{node_name}/config",
        one: "/nodes/{node_name}/config",
        id: "{node_name}",
        import: "{node_name}",
        fields: &[text("description", "description")],
        resets: true,
        ..PLAIN
    },
    Plain {
        name: "proxmox_node_firewall",
        noun: "firewall of node",
        all: "PUT /nodes/{node_name}/firewall/options",
        one: "/nodes/{node_name}/firewall/options",
        id: "{node_name}",
        import: "{node_name}",
        fields: &[
            flag("enabled", "enable"),
            text("log_level_forward", "log_level_forward"),
            text("log_level_in", "log_level_in"),
            text("log_level_out", "log_level_out"),
            flag("ndp", "ndp"),
            text("nf_conntrack_max", "nf_conntrack_max"),
            text(
                "nf_conntrack_tcp_timeout_established",
                "nf_conntrack_tcp_timeout_established",
            ),
            flag("nftables", "nftables"),
            flag("nosmurfs", "nosmurfs"),
            text("smurf_log_level", "smurf_log_level"),
            text("tcp_flags_log_level", "tcp_flags_log_level"),
        ],
        resets: true,
        ..PLAIN
    },
    Plain {
        name: "proxmox_sdn_zone_evpn",
        noun: "SDN zone",
        all: "/cluster/sdn/zones",
        one: "/cluster/sdn/zones/{id}",
        fixed: &[("type", "evpn")],
        fields: &[
            id("id", "zone"),
            text("controller", "controller"),
            text("vrf_vxlan", "vrf-vxlan"),
            flag("advertise_subnets", "advertise-subnets"),
            flag("disable_arp_nd_suppression", "disable-arp-nd-suppression"),
            form("exit_nodes", "exitnodes", Form::List),
            flag("exit_nodes_local_routing", "exitnodes-local-routing"),
            text("primary_exit_node", "exitnodes-primary"),
            text("rt_import", "rt-import"),
            text("dns", "dns"),
            text("dns_zone", "dnszone"),
            text("ipam", "ipam"),
            text("mtu", "mtu"),
            form("nodes", "nodes", Form::List),
            text("reverse_dns", "reversedns"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_sdn_controller_evpn",
        noun: "SDN controller",
        all: "/cluster/sdn/controllers",
        one: "/cluster/sdn/controllers/{id}",
        fixed: &[("type", "evpn")],
        fields: &[
            id("id", "controller"),
            text("asn", "asn"),
            text("fabric", "fabric"),
            form("peers", "peers", Form::List),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_sdn_fabric_openfabric",
        fixed: &[("protocol", "openfabric")],
        fields: &[
            id("id", "id"),
            text("ip_prefix", "ip_prefix"),
            text("ip6_prefix", "ip6_prefix"),
            text("hello_interval", "hello_interval"),
            text("csnp_interval", "csnp_interval"),
        ],
        ..FABRIC
    },
    Plain {
        name: "proxmox_sdn_fabric_ospf",
        fixed: &[("protocol", "ospf")],
        fields: &[
            id("id", "id"),
            text("area", "area"),
            text("ip_prefix", "ip_prefix"),
        ],
        ..FABRIC
    },
    Plain {
        name: "proxmox_sdn_fabric_node_openfabric",
        fixed: &[("protocol", "openfabric")],
        fields: &[
            once(blind(text("node_id", "node_id"))),
            form("interface_names", "interfaces", Form::Names),
            text("ip", "ip"),
            text("ip6", "ip6"),
        ],
        ..FABRIC_NODE
    },
    Plain {
        name: "proxmox_sdn_fabric_node_ospf",
        fixed: &[("protocol", "ospf")],
        fields: &[
            once(blind(text("node_id", "node_id"))),
            form("interface_names", "interfaces", Form::Names),
            text("ip", "ip"),
        ],
        ..FABRIC_NODE
    },
];
