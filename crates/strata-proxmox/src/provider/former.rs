//! What earlier releases of `bpg/proxmox` and `telmate/proxmox` had, and how the same is written since.

use std::{collections::BTreeMap, sync::Arc};

/// Arguments of `bpg/proxmox` by the names that they had, with the type before them.
const BPG: [(&str, &str); 6] = [
    (
        "provider.virtual_environment",
        "Since release 0.20 its arguments stand in the `provider` block itself.",
    ),
    (
        "proxmox_virtual_environment_container.initialization.dns.server",
        "Since release 0.75 it is a list: `servers = [\"ADDRESS\"]`.",
    ),
    (
        "proxmox_virtual_environment_vm.cloud_init",
        "Since release 0.2 it is the block `initialization`.",
    ),
    (
        "proxmox_virtual_environment_vm.initialization.dns.server",
        "Since release 0.75 it is a list: `servers = [\"ADDRESS\"]`.",
    ),
    (
        "proxmox_virtual_environment_vm.os_type",
        "Since release 0.2 it stands in a block: `operating_system { type = \"l26\" }`.",
    ),
    (
        "proxmox_virtual_environment_vm.vga.enabled",
        "Since release 0.65 there is none: leave it out, or write `type = \"none\"` for a machine without a display.",
    ),
];

/// The same of `telmate/proxmox`.
const TELMATE: [(&str, &str); 10] = [
    (
        "proxmox_vm_qemu.bridge",
        "Since release 2.0 it stands in a block: `network { model = \"virtio\", bridge = \"vmbr0\" }`, an argument a line.",
    ),
    (
        "proxmox_vm_qemu.disk_gb",
        "Since release 2.0 it stands in a block: `disk { slot = \"scsi0\", size = \"32G\", storage = \"local-lvm\" }`, an argument a line.",
    ),
    (
        "proxmox_vm_qemu.guest_agent_ready_timeout",
        "It is `agent_timeout`.",
    ),
    (
        "proxmox_vm_qemu.mac",
        "Since release 2.0 it is `macaddr` of a block `network`.",
    ),
    (
        "proxmox_vm_qemu.nic",
        "Since release 2.0 it is `model` of a block `network`.",
    ),
    ("proxmox_vm_qemu.preprovision_os", "It is `preprovision`."),
    (
        "proxmox_vm_qemu.storage",
        "Since release 2.0 it stands in each block `disk`.",
    ),
    (
        "proxmox_vm_qemu.storage_type",
        "There is none: the server knows what a storage is.",
    ),
    (
        "proxmox_vm_qemu.unused_disk",
        "It only told which disks no drive has; leave it out.",
    ),
    (
        "proxmox_vm_qemu.vlan",
        "Since release 2.0 it is `tag` of a block `network`.",
    ),
];

/// What is written instead, by the names that a provider had.
pub(super) fn of(telmate: bool) -> BTreeMap<Arc<str>, &'static str> {
    let former: &[(&'static str, &'static str)] = if telmate { &TELMATE } else { &BPG };
    former
        .iter()
        .map(|(name, instead)| (Arc::from(*name), *instead))
        .collect()
}
