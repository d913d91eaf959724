//! The plain kinds: which attribute is which parameter.

use super::{
    form::{Field, Form},
    plain::Plain,
};

pub(super) const fn text(attribute: &'static str, parameter: &'static str) -> Field {
    Field {
        attribute,
        parameter,
        form: Form::Text,
        once: false,
        blind: false,
    }
}

pub(super) const fn form(attribute: &'static str, parameter: &'static str, form: Form) -> Field {
    Field {
        attribute,
        parameter,
        form,
        once: false,
        blind: false,
    }
}

pub(super) const fn flag(attribute: &'static str, parameter: &'static str) -> Field {
    form(attribute, parameter, Form::Flag)
}

pub(super) const fn once(field: Field) -> Field {
    Field {
        once: true,
        ..field
    }
}

pub(super) const fn blind(field: Field) -> Field {
    Field {
        blind: true,
        ..field
    }
}

/// The name of an object: sent on create, and known ever after.
pub(super) const fn id(attribute: &'static str, parameter: &'static str) -> Field {
    Field {
        attribute,
        parameter,
        form: Form::Text,
        once: true,
        blind: true,
    }
}

pub(super) const PLAIN: Plain = Plain {
    name: "",
    noun: "",
    all: "",
    one: "",
    id: "{id}",
    import: "{id}",
    fields: &[],
    fixed: &[],
    whole: false,
    deletes: true,
    then: None,
    resets: false,
    refused: &[],
    read: None,
    removal: &[],
    told: &[],
    frozen: false,
    always: &[],
    of_type: &[],
    follows: &[],
};

/// Which backups a storage keeps.
const BACKUPS: Field = form(
    "backups",
    "prune-backups",
    Form::Object(&[
        ("keep_all", "keep-all"),
        ("keep_last", "keep-last"),
        ("keep_hourly", "keep-hourly"),
        ("keep_daily", "keep-daily"),
        ("keep_weekly", "keep-weekly"),
        ("keep_monthly", "keep-monthly"),
        ("keep_yearly", "keep-yearly"),
    ]),
);

/// How many backups a storage protects.
const PROTECTED: Field = text("backups.max_protected_backups", "max-protected-backups");

const STORAGE: Plain = Plain {
    noun: "storage",
    all: "/storage",
    one: "/storage/{id}",
    ..PLAIN
};

const NETWORK: Plain = Plain {
    all: "/nodes/{node_name}/network",
    one: "/nodes/{node_name}/network/{name}",
    id: "{node_name}:{name}",
    import: "{node_name}:{name}",
    whole: true,
    then: Some("/nodes/{node_name}/network"),
    ..PLAIN
};

const SDN: Plain = Plain { ..PLAIN };

pub(crate) static ALL: [Plain; 28] = [
    Plain {
        name: "proxmox_virtual_environment_role",
        noun: "role",
        all: "/access/roles",
        one: "/access/roles/{role_id}",
        id: "{role_id}",
        import: "{role_id}",
        fields: &[
            id("role_id", "roleid"),
            form("privileges", "privs", Form::Members),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_virtual_environment_pool",
        noun: "pool",
        all: "/pools",
        one: "/pools/{pool_id}",
        id: "{pool_id}",
        import: "{pool_id}",
        fields: &[id("pool_id", "poolid"), text("comment", "comment")],
        deletes: false,
        ..PLAIN
    },
    Plain {
        name: "proxmox_user_token",
        noun: "token",
        all: "/access/users/{user_id}/token/{token_name}",
        one: "/access/users/{user_id}/token/{token_name}",
        id: "{user_id}!{token_name}",
        import: "{user_id}!{token_name}",
        fields: &[
            text("comment", "comment"),
            form("expiration_date", "expire", Form::Time),
            flag("privileges_separation", "privsep"),
        ],
        deletes: false,
        ..PLAIN
    },
    Plain {
        name: "proxmox_storage_directory",
        fixed: &[("type", "dir")],
        fields: &[
            id("id", "storage"),
            once(text("path", "path")),
            form("content", "content", Form::List),
            BACKUPS,
            PROTECTED,
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
            flag("shared", "shared"),
            text("preallocation", "preallocation"),
            blind(flag("create_base_path", "create-base-path")),
            blind(flag("create_subdirs", "create-subdirs")),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_nfs",
        fixed: &[("type", "nfs")],
        fields: &[
            id("id", "storage"),
            once(text("server", "server")),
            once(text("export", "export")),
            form("content", "content", Form::List),
            BACKUPS,
            PROTECTED,
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
            text("options", "options"),
            text("preallocation", "preallocation"),
            blind(flag("create_base_path", "create-base-path")),
            blind(flag("create_subdirs", "create-subdirs")),
            once(flag("snapshot_as_volume_chain", "snapshot-as-volume-chain")),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_cifs",
        fixed: &[("type", "cifs")],
        fields: &[
            id("id", "storage"),
            once(text("server", "server")),
            once(text("share", "share")),
            text("username", "username"),
            blind(text("password", "password")),
            text("domain", "domain"),
            text("subdirectory", "subdir"),
            form("content", "content", Form::List),
            BACKUPS,
            PROTECTED,
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
            text("preallocation", "preallocation"),
            text("options", "options"),
            blind(flag("create_base_path", "create-base-path")),
            blind(flag("create_subdirs", "create-subdirs")),
            once(flag("snapshot_as_volume_chain", "snapshot-as-volume-chain")),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_lvm",
        fixed: &[("type", "lvm")],
        fields: &[
            id("id", "storage"),
            once(text("volume_group", "vgname")),
            form("content", "content", Form::List),
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
            flag("shared", "shared"),
            flag("wipe_removed_volumes", "saferemove"),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_lvmthin",
        fixed: &[("type", "lvmthin")],
        fields: &[
            id("id", "storage"),
            once(text("volume_group", "vgname")),
            once(text("thin_pool", "thinpool")),
            form("content", "content", Form::List),
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_zfspool",
        fixed: &[("type", "zfspool")],
        fields: &[
            id("id", "storage"),
            once(text("zfs_pool", "pool")),
            form("content", "content", Form::List),
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
            flag("thin_provision", "sparse"),
            text("blocksize", "blocksize"),
        ],
        ..STORAGE
    },
    Plain {
        name: "proxmox_storage_pbs",
        fixed: &[("type", "pbs")],
        fields: &[
            id("id", "storage"),
            once(text("server", "server")),
            once(text("datastore", "datastore")),
            text("username", "username"),
            blind(text("password", "password")),
            text("namespace", "namespace"),
            text("fingerprint", "fingerprint"),
            once(blind(text("encryption_key", "encryption-key"))),
            once(blind(form(
                "generate_encryption_key",
                "encryption-key",
                Form::Word("autogen"),
            ))),
            form("content", "content", Form::List),
            BACKUPS,
            PROTECTED,
            form("nodes", "nodes", Form::List),
            flag("disable", "disable"),
        ],
        told: &[("encryption_key_fingerprint", "encryption-key")],
        ..STORAGE
    },
    Plain {
        name: "proxmox_network_linux_bridge",
        noun: "bridge",
        fixed: &[("type", "bridge")],
        fields: &[
            id("name", "iface"),
            text("address", "cidr"),
            text("address6", "cidr6"),
            flag("autostart", "autostart"),
            text("comment", "comments"),
            text("gateway", "gateway"),
            text("gateway6", "gateway6"),
            text("mtu", "mtu"),
            form("ports", "bridge_ports", Form::Spaces),
            flag("vlan_aware", "bridge_vlan_aware"),
            text("vids", "bridge_vids"),
        ],
        follows: &[("vids", "vlan_aware")],
        ..NETWORK
    },
    Plain {
        name: "proxmox_network_linux_vlan",
        noun: "VLAN",
        fixed: &[("type", "vlan")],
        fields: &[
            id("name", "iface"),
            text("address", "cidr"),
            text("address6", "cidr6"),
            flag("autostart", "autostart"),
            text("comment", "comments"),
            text("gateway", "gateway"),
            text("gateway6", "gateway6"),
            text("mtu", "mtu"),
            text("interface", "vlan-raw-device"),
            text("vlan", "vlan-id"),
        ],
        ..NETWORK
    },
    Plain {
        name: "proxmox_network_linux_bond",
        noun: "bond",
        fixed: &[("type", "bond")],
        fields: &[
            id("name", "iface"),
            text("address", "cidr"),
            text("address6", "cidr6"),
            flag("autostart", "autostart"),
            text("comment", "comments"),
            text("gateway", "gateway"),
            text("gateway6", "gateway6"),
            text("mtu", "mtu"),
            form("slaves", "slaves", Form::Spaces),
            text("bond_mode", "bond_mode"),
            text("bond_primary", "bond-primary"),
            text("bond_xmit_hash_policy", "bond_xmit_hash_policy"),
        ],
        ..NETWORK
    },
    Plain {
        name: "proxmox_node_disk_zfs",
        noun: "ZFS pool",
        all: "/nodes/{node_name}/disks/zfs",
        one: "/nodes/{node_name}/disks/zfs/{name}",
        id: "{node_name}:{name}",
        import: "{node_name}:{name}",
        fields: &[
            id("name", "name"),
            once(blind(form("devices", "devices", Form::List))),
            once(blind(text("raidlevel", "raidlevel"))),
            once(blind(flag("add_storage", "add_storage"))),
            once(blind(text("ashift", "ashift"))),
            once(blind(text("compression", "compression"))),
            once(blind(form(
                "draid_config",
                "draid-config",
                Form::Object(&[("data", "data"), ("spares", "spares")]),
            ))),
        ],
        removal: &[
            flag("cleanup_config", "cleanup-config"),
            flag("cleanup_disks", "cleanup-disks"),
        ],
        told: &[("state", "state"), ("errors", "errors")],
        frozen: true,
        ..PLAIN
    },
    Plain {
        name: "proxmox_ceph_pool",
        noun: "Ceph pool",
        all: "/nodes/{node_name}/ceph/pool",
        one: "/nodes/{node_name}/ceph/pool/{name}",
        read: Some("/nodes/{node_name}/ceph/pool/{name}/status"),
        id: "{node_name}/{name}",
        import: "{node_name}/{name}",
        fields: &[
            id("name", "name"),
            once(blind(flag("add_storages", "add_storages"))),
            once(blind(text("erasure_coding", "erasure-coding"))),
            text("application", "application"),
            text("crush_rule", "crush_rule"),
            text("min_size", "min_size"),
            text("pg_autoscale_mode", "pg_autoscale_mode"),
            text("pg_num", "pg_num"),
            text("pg_num_min", "pg_num_min"),
            text("size", "size"),
            blind(text("target_size", "target_size")),
            text("target_size_ratio", "target_size_ratio"),
        ],
        removal: &[
            flag("force_destroy", "force"),
            flag("remove_ecprofile", "remove_ecprofile"),
            flag("remove_storages", "remove_storages"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_virtual_environment_time",
        noun: "time of node",
        all: "PUT /nodes/{node_name}/time",
        one: "/nodes/{node_name}/time",
        id: "{node_name}_time",
        import: "{node_name}",
        fields: &[text("time_zone", "timezone")],
        ..PLAIN
    },
    Plain {
        name: "proxmox_haresource",
        noun: "HA resource",
        all: "/cluster/ha/resources",
        one: "/cluster/ha/resources/{resource_id}",
        id: "{resource_id}",
        import: "{resource_id}",
        fields: &[
            id("resource_id", "sid"),
            text("comment", "comment"),
            text("group", "group"),
            text("state", "state"),
            text("max_relocate", "max_relocate"),
            text("max_restart", "max_restart"),
            form("failback", "failback", Form::On),
            once(text("type", "type")),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_hagroup",
        noun: "HA group",
        all: "/cluster/ha/groups",
        one: "/cluster/ha/groups/{group}",
        id: "{group}",
        import: "{group}",
        fields: &[
            id("group", "group"),
            text("comment", "comment"),
            form("nodes", "nodes", Form::Priorities),
            flag("no_failback", "nofailback"),
            flag("restricted", "restricted"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_harule",
        noun: "HA rule",
        all: "/cluster/ha/rules",
        one: "/cluster/ha/rules/{rule}",
        id: "{rule}",
        import: "{rule}",
        fields: &[
            id("rule", "rule"),
            text("type", "type"),
            text("comment", "comment"),
            flag("disable", "disable"),
            form("resources", "resources", Form::List),
            form("nodes", "nodes", Form::Priorities),
            text("affinity", "affinity"),
            flag("strict", "strict"),
        ],
        always: &["type"],
        ..PLAIN
    },
    Plain {
        name: "proxmox_replication",
        noun: "replication",
        all: "/cluster/replication",
        one: "/cluster/replication/{id}",
        fields: &[
            id("id", "id"),
            once(text("target", "target")),
            once(text("type", "type")),
            text("comment", "comment"),
            flag("disable", "disable"),
            text("rate", "rate"),
            text("schedule", "schedule"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_sdn_zone_simple",
        noun: "SDN zone",
        all: "/cluster/sdn/zones",
        one: "/cluster/sdn/zones/{id}",
        fixed: &[("type", "simple")],
        fields: &[
            id("id", "zone"),
            text("dhcp", "dhcp"),
            text("dns", "dns"),
            text("dns_zone", "dnszone"),
            text("ipam", "ipam"),
            text("mtu", "mtu"),
            form("nodes", "nodes", Form::List),
            text("reverse_dns", "reversedns"),
        ],
        ..SDN
    },
    Plain {
        name: "proxmox_sdn_zone_vlan",
        noun: "SDN zone",
        all: "/cluster/sdn/zones",
        one: "/cluster/sdn/zones/{id}",
        fixed: &[("type", "vlan")],
        fields: &[
            id("id", "zone"),
            text("bridge", "bridge"),
            text("dns", "dns"),
            text("dns_zone", "dnszone"),
            text("ipam", "ipam"),
            text("mtu", "mtu"),
            form("nodes", "nodes", Form::List),
            text("reverse_dns", "reversedns"),
        ],
        ..SDN
    },
    Plain {
        name: "proxmox_sdn_zone_vxlan",
        noun: "SDN zone",
        all: "/cluster/sdn/zones",
        one: "/cluster/sdn/zones/{id}",
        fixed: &[("type", "vxlan")],
        fields: &[
            id("id", "zone"),
            form("peers", "peers", Form::List),
            text("dns", "dns"),
            text("dns_zone", "dnszone"),
            text("ipam", "ipam"),
            text("mtu", "mtu"),
            form("nodes", "nodes", Form::List),
            text("reverse_dns", "reversedns"),
        ],
        ..SDN
    },
    Plain {
        name: "proxmox_sdn_zone_qinq",
        noun: "SDN zone",
        all: "/cluster/sdn/zones",
        one: "/cluster/sdn/zones/{id}",
        fixed: &[("type", "qinq")],
        fields: &[
            id("id", "zone"),
            text("bridge", "bridge"),
            text("service_vlan", "tag"),
            text("service_vlan_protocol", "vlan-protocol"),
            text("dns", "dns"),
            text("dns_zone", "dnszone"),
            text("ipam", "ipam"),
            text("mtu", "mtu"),
            form("nodes", "nodes", Form::List),
            text("reverse_dns", "reversedns"),
        ],
        ..SDN
    },
    Plain {
        name: "proxmox_sdn_vnet",
        noun: "SDN vnet",
        all: "/cluster/sdn/vnets",
        one: "/cluster/sdn/vnets/{id}",
        fields: &[
            id("id", "vnet"),
            text("zone", "zone"),
            text("alias", "alias"),
            flag("isolate_ports", "isolate-ports"),
            text("tag", "tag"),
            flag("vlan_aware", "vlanaware"),
        ],
        ..SDN
    },
    Plain {
        name: "proxmox_realm_ldap",
        noun: "realm",
        all: "/access/domains",
        one: "/access/domains/{realm}",
        id: "{realm}",
        import: "{realm}",
        fixed: &[("type", "ldap")],
        fields: &[
            id("realm", "realm"),
            text("server1", "server1"),
            text("server2", "server2"),
            text("port", "port"),
            text("base_dn", "base_dn"),
            text("user_attr", "user_attr"),
            text("bind_dn", "bind_dn"),
            blind(text("bind_password", "password")),
            text("comment", "comment"),
            flag("default", "default"),
            text("mode", "mode"),
            flag("verify", "verify"),
            text("filter", "filter"),
            text("ca_path", "capath"),
            text("group_dn", "group_dn"),
            text("group_filter", "group_filter"),
            text("group_classes", "group_classes"),
            text("group_name_attr", "group_name_attr"),
            text("user_classes", "user_classes"),
            text("sync_attributes", "sync_attributes"),
            text("sync_defaults_options", "sync-defaults-options"),
            flag("case_sensitive", "case-sensitive"),
            text("cert_path", "cert"),
            text("cert_key_path", "certkey"),
            text("ssl_version", "sslversion"),
            flag("secure", "secure"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_realm_openid",
        noun: "realm",
        all: "/access/domains",
        one: "/access/domains/{realm}",
        id: "{realm}",
        import: "{realm}",
        fixed: &[("type", "openid")],
        fields: &[
            id("realm", "realm"),
            text("issuer_url", "issuer-url"),
            text("client_id", "client-id"),
            blind(text("client_key", "client-key")),
            blind(text("client_key_wo", "client-key")),
            once(text("username_claim", "username-claim")),
            flag("autocreate", "autocreate"),
            text("comment", "comment"),
            flag("default", "default"),
            text("prompt", "prompt"),
            text("scopes", "scopes"),
            text("acr_values", "acr-values"),
            flag("query_userinfo", "query-userinfo"),
            flag("groups_autocreate", "groups-autocreate"),
            text("groups_claim", "groups-claim"),
            flag("groups_overwrite", "groups-overwrite"),
            text("audiences", "audiences"),
        ],
        ..PLAIN
    },
    Plain {
        name: "proxmox_metrics_server",
        noun: "metrics server",
        all: "/cluster/metrics/server/{name}",
        one: "/cluster/metrics/server/{name}",
        id: "{name}",
        import: "{name}",
        whole: true,
        fields: &[
            text("server", "server"),
            text("port", "port"),
            once(text("type", "type")),
            flag("disable", "disable"),
            text("mtu", "mtu"),
            text("timeout", "timeout"),
            text("graphite_path", "path"),
            text("graphite_proto", "proto"),
            text("influx_db_proto", "influxdbproto"),
            text("influx_organization", "organization"),
            text("influx_bucket", "bucket"),
            blind(text("influx_token", "token")),
            blind(text("influx_token_wo", "token")),
            text("influx_max_body_size", "max-body-size"),
            text("influx_api_path_prefix", "api-path-prefix"),
            flag("influx_verify", "verify-certificate"),
            text("opentelemetry_proto", "otel-protocol"),
            text("opentelemetry_path", "otel-path"),
            text("opentelemetry_timeout", "otel-timeout"),
            text("opentelemetry_headers", "otel-headers"),
            text("opentelemetry_max_body_size", "otel-max-body-size"),
            text(
                "opentelemetry_resource_attributes",
                "otel-resource-attributes",
            ),
            text("opentelemetry_compression", "otel-compression"),
            flag("opentelemetry_verify_ssl", "otel-verify-ssl"),
        ],
        of_type: &[
            ("graphite_", "graphite"),
            ("influx_", "influxdb"),
            ("opentelemetry_", "opentelemetry"),
        ],
        ..PLAIN
    },
];
