//! The data sources that one call reads: where each is, and what it tells.

/// A data source that one call reads.
pub(super) struct Source {
    pub(super) type_name: &'static str,
    pub(super) description: &'static str,
    /// What configuration must say, with descriptions; the last one names the object.
    pub(super) keys: &'static [(&'static str, &'static str)],
    /// Where it is, below `/1.0`; what begins with a colon is a key.
    pub(super) path: &'static [&'static str],
    /// True if it is in a project.
    pub(super) in_project: bool,
    /// True if a cluster member can be asked for its own part.
    pub(super) on_member: bool,
    /// True if it has `device` blocks.
    pub(super) has_devices: bool,
    pub(super) fields: &'static [Field],
}

/// Something that the server tells.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) description: &'static str,
}

/// What is told.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Flag,
    Texts,
    /// Configuration keys.
    Config,
    /// Objects of these columns.
    Rows(&'static [(&'static str, Shape)]),
}

impl Field {
    const fn new(name: &'static str, shape: Shape, description: &'static str) -> Self {
        Self {
            name,
            shape,
            description,
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Shape::Text, description)
    }

    const fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Shape::Flag, description)
    }

    const fn texts(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Shape::Texts, description)
    }
}

const DESCRIPTION: Field = Field::text("description", "What it is for.");
const CONFIG: Field = Field::new("config", Shape::Config, "All its configuration keys.");
const STATUS: Field = Field::text("status", "Its status.");
const KIND: Field = Field::text("type", "Its type.");
const LOCATION: Field = Field::text("location", "The cluster member that has it.");
const NAME: (&str, &str) = ("name", "Its name.");
const NETWORK: (&str, &str) = ("network", "The network that it belongs to.");
const POOL: (&str, &str) = ("storage_pool", "The storage pool that it is in.");
const LISTENS: (&str, &str) = ("listen_address", "The address that is listened on.");

const RULES: Shape = Shape::Rows(&[
    ("action", Shape::Text),
    ("source", Shape::Text),
    ("destination", Shape::Text),
    ("protocol", Shape::Text),
    ("source_port", Shape::Text),
    ("destination_port", Shape::Text),
    ("icmp_type", Shape::Text),
    ("icmp_code", Shape::Text),
    ("description", Shape::Text),
    ("state", Shape::Text),
]);

const FORWARDED: Shape = Shape::Rows(&[
    ("description", Shape::Text),
    ("protocol", Shape::Text),
    ("listen_port", Shape::Text),
    ("target_port", Shape::Text),
    ("target_address", Shape::Text),
    ("snat", Shape::Flag),
]);

const BACKENDS: Shape = Shape::Rows(&[
    ("name", Shape::Text),
    ("description", Shape::Text),
    ("target_port", Shape::Text),
    ("target_address", Shape::Text),
]);

const BALANCED: Shape = Shape::Rows(&[
    ("description", Shape::Text),
    ("protocol", Shape::Text),
    ("listen_port", Shape::Text),
    ("target_backend", Shape::Texts),
]);

/// What most of them are: named, in a project, with nothing more.
const PLAIN: Source = Source {
    type_name: "",
    description: "",
    keys: &[NAME],
    path: &[],
    in_project: true,
    on_member: false,
    has_devices: false,
    fields: &[DESCRIPTION, CONFIG],
};

/// All of them.
pub(super) static SOURCES: [Source; 15] = [
    Source {
        type_name: "incus_certificate",
        description: "A certificate that the server trusts.",
        keys: &[("fingerprint", "SHA-256 of the certificate.")],
        path: &["certificates", ":fingerprint"],
        in_project: false,
        fields: &[
            DESCRIPTION,
            Field::text("name", "Its name."),
            Field::text("certificate", "The certificate in PEM."),
            KIND,
            Field::flag("restricted", "Whether it opens only `projects`."),
            Field::texts("projects", "The projects that it opens."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_instance",
        description: "An instance that is there.",
        path: &["instances", ":name"],
        has_devices: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            STATUS,
            LOCATION,
            KIND,
            Field::text("architecture", "Its architecture."),
            Field::flag("ephemeral", "Whether it vanishes when it stops."),
            Field::texts(
                "profiles",
                "Its profiles, in the order in which they apply.",
            ),
            Field::flag("stateful", "Whether its memory was kept when it stopped."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network",
        description: "A network that is there.",
        path: &["networks", ":name"],
        on_member: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            STATUS,
            Field::texts("locations", "The cluster members that have it."),
            KIND,
            Field::flag("managed", "Whether the server manages it."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_acl",
        description: "A network ACL that is there.",
        path: &["network-acls", ":name"],
        fields: &[
            DESCRIPTION,
            CONFIG,
            Field::new("egress", RULES, "Rules for what goes out."),
            Field::new("ingress", RULES, "Rules for what comes in."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_address_set",
        description: "A network address set that is there.",
        path: &["network-address-sets", ":name"],
        fields: &[
            DESCRIPTION,
            CONFIG,
            Field::texts("addresses", "Addresses and networks."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_forward",
        description: "A network forward that is there.",
        keys: &[NETWORK, LISTENS],
        path: &["networks", ":network", "forwards", ":listen_address"],
        on_member: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            LOCATION,
            Field::new("ports", FORWARDED, "Which ports lead where."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_integration",
        description: "A network integration that is there.",
        path: &["network-integrations", ":name"],
        in_project: false,
        fields: &[DESCRIPTION, CONFIG, KIND],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_load_balancer",
        description: "A network load balancer that is there.",
        keys: &[NETWORK, LISTENS],
        path: &["networks", ":network", "load-balancers", ":listen_address"],
        fields: &[
            DESCRIPTION,
            CONFIG,
            LOCATION,
            Field::new("backends", BACKENDS, "Instances that take a share."),
            Field::new("ports", BALANCED, "Ports, and who takes them."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_peer",
        description: "A network peer that is there.",
        keys: &[NETWORK, NAME],
        path: &["networks", ":network", "peers", ":name"],
        fields: &[
            DESCRIPTION,
            CONFIG,
            STATUS,
            Field::text(
                "target_project",
                "The project of the network that it leads to.",
            ),
            Field::text("target_network", "The network that it leads to."),
            Field::text(
                "target_integration",
                "The integration that it goes through.",
            ),
            KIND,
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_network_zone",
        description: "A DNS zone that is there.",
        path: &["network-zones", ":name"],
        ..PLAIN
    },
    Source {
        type_name: "incus_profile",
        description: "A profile that is there.",
        path: &["profiles", ":name"],
        has_devices: true,
        ..PLAIN
    },
    Source {
        type_name: "incus_project",
        description: "A project that is there.",
        path: &["projects", ":name"],
        in_project: false,
        ..PLAIN
    },
    Source {
        type_name: "incus_storage_bucket",
        description: "A storage bucket that is there.",
        keys: &[POOL, NAME],
        path: &["storage-pools", ":storage_pool", "buckets", ":name"],
        on_member: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            LOCATION,
            Field::text("s3_url", "Where it is read and written."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_storage_pool",
        description: "A storage pool that is there.",
        path: &["storage-pools", ":name"],
        in_project: false,
        on_member: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            STATUS,
            Field::text("driver", "How it stores."),
        ],
        ..PLAIN
    },
    Source {
        type_name: "incus_storage_volume",
        description: "A storage volume that is there.",
        keys: &[("type", "Its type, such as `custom`."), POOL, NAME],
        path: &[
            "storage-pools",
            ":storage_pool",
            "volumes",
            ":type",
            ":name",
        ],
        on_member: true,
        fields: &[
            DESCRIPTION,
            CONFIG,
            LOCATION,
            Field::text("content_type", "`filesystem`, `block` or `iso`."),
        ],
        ..PLAIN
    },
];
