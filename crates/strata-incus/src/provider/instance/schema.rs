//! The attributes and blocks of an instance.

use strata_core::{
    Type,
    schema::{Attribute, NestedBlock, Nesting, Presence, Resource},
};

use crate::provider::{
    devices,
    schemas::{Named, computed, config, defaulted, optional, place, required, resource},
};

/// The schema of `incus_instance`.
pub(crate) fn schema() -> Resource {
    let blocks = [
        ("device", devices::schema(Presence::Required)),
        ("file", file_schema()),
        ("wait_for", wait_for_schema()),
    ];
    let attributes = settings()
        .into_iter()
        .chain(place())
        .chain(sources())
        .chain(shown());
    resource("An instance.", attributes, blocks)
}

fn settings() -> Vec<Named> {
    let target = "The cluster member that it is on; another one makes it anew.";
    let target = Attribute::new(Type::String, Presence::OptionalComputed, target);
    let exec = Attribute::nested(
        Nesting::Map,
        exec(),
        Presence::Optional,
        "Programs to run in it, by a name; they run in the order of their names.",
    );
    vec![
        required(
            "name",
            "Its name; a change renames it, for which it is stopped.",
        ),
        defaulted("description", Type::String, "What it is for."),
        defaulted("type", Type::String, "`container` or `virtual-machine`."),
        defaulted(
            "ephemeral",
            Type::Bool,
            "Whether it vanishes when it stops.",
        ),
        defaulted("running", Type::Bool, "Whether it runs."),
        defaulted(
            "profiles",
            Type::list(Type::String),
            "Its profiles, in the order in which they apply.",
        ),
        defaulted("architecture", Type::String, "Its architecture."),
        ("target", target),
        ("exec", exec),
        config(),
    ]
}

fn sources() -> Vec<Named> {
    let instance = [
        required("project", "The project of the instance to copy."),
        required("name", "The instance to copy."),
        optional("snapshot", "The snapshot to copy."),
    ];
    let instance = Attribute::nested(
        Nesting::Single,
        instance,
        Presence::Optional,
        "The instance to copy.",
    );
    vec![
        optional(
            "image",
            "The image that it is made from: an alias or a fingerprint, also as `REMOTE:ALIAS`.",
        ),
        ("source_instance", instance),
        optional(
            "source_file",
            "A backup of an instance that it is made from.",
        ),
    ]
}

fn exec() -> Vec<Named> {
    let number = |name, description| {
        (
            name,
            Attribute::new(Type::Number, Presence::Optional, description),
        )
    };
    let texts = |ty, presence, description| Attribute::new(ty, presence, description);
    vec![
        (
            "command",
            texts(
                Type::list(Type::String),
                Presence::Required,
                "The command and its arguments.",
            ),
        ),
        (
            "environment",
            texts(
                Type::map(Type::String),
                Presence::Optional,
                "Its environment.",
            ),
        ),
        optional("working_dir", "Its working folder."),
        number("uid", "The user it runs as."),
        number("gid", "The group it runs as."),
        optional("timeout", "How long it may take."),
        optional(
            "trigger",
            "`on_change`, also when its definition changes, or `once`.",
        ),
    ]
}

fn shown() -> Vec<Named> {
    let address = [
        computed("address", Type::String, "The address."),
        computed("family", Type::String, "`inet` or `inet6`."),
        computed("scope", Type::String, "How far it reaches."),
    ];
    let addresses = Attribute::nested(Nesting::List, address, Presence::Computed, "Its addresses.");
    let interface = [
        computed("name", Type::String, "Its name in the guest."),
        computed("type", Type::String, "Its type."),
        computed("state", Type::String, "`up` or `down`."),
        ("ip_addresses", addresses),
    ];
    let interfaces = "Network interfaces by the name of their device.";
    let interfaces = Attribute::nested(Nesting::Map, interface, Presence::Computed, interfaces);
    vec![
        computed("ipv4_address", Type::String, "Its IPv4 address."),
        computed("ipv6_address", Type::String, "Its IPv6 address."),
        computed(
            "mac_address",
            Type::String,
            "The hardware address of the interface of these addresses.",
        ),
        computed("status", Type::String, "`Running`, `Stopped` and the like."),
        ("interfaces", interfaces),
    ]
}

/// The `file` block, of volumes too.
pub(crate) fn file_schema() -> NestedBlock {
    let number = |name, description| {
        (
            name,
            Attribute::new(Type::Number, Presence::Optional, description),
        )
    };
    let flag = Attribute::new(
        Type::Bool,
        Presence::Optional,
        "Whether missing folders are made.",
    );
    let attributes = [
        optional("content", "Its content."),
        optional("source_path", "The file here that is its content."),
        required("target_path", "Its absolute path in the guest."),
        number("uid", "Its owner."),
        number("gid", "Its group."),
        defaulted("mode", Type::String, "Its permissions in octal."),
        optional(
            "directory_mode",
            "The permissions of folders that are made, in octal.",
        ),
        ("create_directories", flag),
        computed("append", Type::Bool, "Always false."),
    ];
    block("A file to put into it.", attributes)
}

fn wait_for_schema() -> NestedBlock {
    let attributes = [
        required("type", "What to wait for."),
        optional("delay", "How long to wait, where `type` is `delay`."),
        optional(
            "nic",
            "The interface to look at, where `type` is `ipv4` or `ipv6`.",
        ),
    ];
    block("What to wait for after a start.", attributes)
}

fn block(description: &'static str, attributes: impl IntoIterator<Item = Named>) -> NestedBlock {
    NestedBlock {
        nesting: Nesting::Set,
        block: resource(description, attributes, []).block,
        min_items: 0,
        max_items: 0,
    }
}
