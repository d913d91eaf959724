//! What earlier releases of `lxc/incus` had, and how the same is written since.

/// Resources, and arguments of them, by the names that they had.
pub(super) const FORMER: [(&str, &str); 16] = [
    (
        "incus_cached_image",
        "Since release 0.1.2 it is `incus_image`.",
    ),
    (
        "incus_cluster_group_assignment",
        "Since release 0.4.0 it is `incus_cluster_group_member`.",
    ),
    (
        "incus_image.aliases",
        "Since release 0.4.0 each is a block: `alias { name = \"NAME\" }`.",
    ),
    (
        "incus_image.architecture",
        "Since release 0.1.4 it stands inside: `source_image = { remote = \"images\", name = \"debian/12\", architecture = \"x86_64\" }`.",
    ),
    (
        "incus_image.copy_aliases",
        "Since release 0.1.4 it stands inside: `source_image = { remote = \"images\", name = \"debian/12\", copy_aliases = true }`.",
    ),
    (
        "incus_image.source_remote",
        "Since release 0.1.4 it stands inside: `source_image = { remote = \"images\", name = \"debian/12\" }`.",
    ),
    (
        "incus_image.type",
        "Since release 0.1.4 it stands inside: `source_image = { remote = \"images\", name = \"debian/12\", type = \"virtual-machine\" }`.",
    ),
    (
        "incus_image_publish",
        "Since release 0.1.4 it is `incus_image` with `source_instance = { name = \"NAME\" }`.",
    ),
    (
        "incus_instance.limits",
        "Since release 0.2.0 limits are keys of `config`: `config = { \"limits.cpu\" = 2 }`.",
    ),
    (
        "incus_instance.wait_for_network",
        "Since release 0.3.0 it is a block: `wait_for { type = \"ipv4\" }`.",
    ),
    (
        "incus_instance_file",
        "Since release 0.1.3 it is the block `file` of `incus_instance`.",
    ),
    (
        "incus_publish_image",
        "Since release 0.1.4 it is `incus_image` with `source_instance = { name = \"NAME\" }`.",
    ),
    (
        "incus_snapshot",
        "Since release 0.1.2 it is `incus_instance_snapshot`.",
    ),
    (
        "incus_storage_volume_copy",
        "Since release 0.1.4 it is `incus_storage_volume` with `source_volume`.",
    ),
    (
        "incus_volume",
        "Since release 0.1.2 it is `incus_storage_volume`.",
    ),
    (
        "incus_volume_copy",
        "Since release 0.1.4 it is `incus_storage_volume` with `source_volume`.",
    ),
];
