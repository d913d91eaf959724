//! Whether the host is a guest, and of what.

use std::path::Path;

use serde_json::{Map, Value};

use super::put;
use crate::host::Host;

/// Hypervisors by what the board says of its maker or product.
const BOARDS: &[(&str, &str)] = &[
    ("KVM", "kvm"),
    ("QEMU", "kvm"),
    ("Bochs", "kvm"),
    ("VMware", "VMware"),
    ("VirtualBox", "virtualbox"),
    ("innotek GmbH", "virtualbox"),
    ("Microsoft Corporation", "VirtualPC"),
    ("Xen", "xen"),
    ("Amazon EC2", "kvm"),
    ("Google", "kvm"),
    ("OpenStack", "openstack"),
    ("Parallels", "parallels"),
];

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    let (kind, role) = find(host);
    let guest = if role == "guest" {
        let is_container = matches!(
            kind,
            "docker" | "podman" | "systemd-nspawn" | "lxc" | "container"
        );
        let mut guest = vec![kind];
        if is_container && kind != "container" {
            guest.insert(0, "container");
        }
        guest
    } else {
        Vec::new()
    };
    let hosts = if role == "host" {
        vec![kind]
    } else {
        Vec::new()
    };
    put(facts, "virtualization_type", kind);
    put(facts, "virtualization_role", role);
    put(facts, "virtualization_tech_guest", guest);
    put(facts, "virtualization_tech_host", hosts);
}

fn find(host: &dyn Host) -> (&'static str, &'static str) {
    let read = |path: &str| host.read_text(Path::new(path)).unwrap_or_default();
    let is_there = |path: &str| host.metadata(Path::new(path)).ok().flatten().is_some();
    if is_there("/.dockerenv") {
        return ("docker", "guest");
    }
    // systemd writes down for everybody what only root may read of process 1.
    let container = read("/run/systemd/container");
    let environment = read("/proc/1/environ");
    let named = environment
        .split('\0')
        .find_map(|pair| pair.strip_prefix("container="));
    match named.unwrap_or(container.trim()) {
        "" => {}
        "docker" => return ("docker", "guest"),
        "podman" => return ("podman", "guest"),
        "systemd-nspawn" => return ("systemd-nspawn", "guest"),
        "lxc" | "lxc-libvirt" => return ("lxc", "guest"),
        _ => return ("container", "guest"),
    }
    let board = read("/sys/class/dmi/id/sys_vendor") + &read("/sys/class/dmi/id/product_name");
    if let Some((_, kind)) = BOARDS.iter().find(|(word, _)| board.contains(word)) {
        return (kind, "guest");
    }
    if read("/proc/cpuinfo").contains(" hypervisor") {
        return ("kvm", "guest");
    }
    if is_there("/dev/kvm") {
        return ("kvm", "host");
    }
    ("NA", "NA")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Model;

    #[test]
    fn a_container_of_incus_is_an_lxc_guest() {
        let model = Model::empty();
        model.file("/run/systemd/container", "lxc\n");
        assert_eq!(find(&model), ("lxc", "guest"));
        assert_eq!(find(&Model::empty()), ("NA", "NA"));
    }
}
