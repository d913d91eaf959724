//! By what a host is known: its ssh keys, storage names, capabilities and service manager.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::put;
use crate::host::Host;
use crate::system::Command;

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    host_keys(host, facts);
    put(facts, "is_chroot", is_chroot(host));
    let read = |path: &str| host.read_text(Path::new(path)).unwrap_or_default();
    let iscsi = read("/etc/iscsi/initiatorname.iscsi");
    let iscsi = iscsi
        .lines()
        .find_map(|line| line.strip_prefix("InitiatorName="));
    put(facts, "iscsi_iqn", iscsi.unwrap_or_default().trim());
    put(facts, "hostnqn", read("/etc/nvme/hostnqn").trim());
    put(facts, "fibre_channel_wwn", fibre_channel(host));
    capabilities(host, facts);
    if let Some(systemd) = systemd(host) {
        put(facts, "systemd", systemd);
    }
}

/// The public keys by which ssh knows the host, from the first folder that has one.
fn host_keys(host: &dyn Host, facts: &mut Map<String, Value>) {
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        let mut found = false;
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let path = format!("{folder}/ssh_host_{kind}_key.pub");
            let Some(text) = host.read_text(Path::new(&path)) else {
                continue;
            };
            let mut words = text.split_whitespace();
            if let (Some(type_name), Some(key)) = (words.next(), words.next()) {
                put(facts, &format!("ssh_host_key_{kind}_public"), key);
                put(
                    facts,
                    &format!("ssh_host_key_{kind}_public_keytype"),
                    type_name,
                );
                found = true;
            }
        }
        if found {
            return;
        }
    }
}

/// Whether the root folder is another than that of the first process.
fn is_chroot(host: &dyn Host) -> bool {
    let metadata = |path: &str| host.metadata_followed(Path::new(path)).ok().flatten();
    match (metadata("/"), metadata("/proc/1/root/.")) {
        (Some(ours), Some(first)) => (ours.inode, ours.device) != (first.inode, first.device),
        // Not to be seen: the usual numbers of a root folder.
        (Some(ours), None) => ours.inode != 2 && ours.inode != 0,
        _ => false,
    }
}

fn fibre_channel(host: &dyn Host) -> Vec<String> {
    let folder = Path::new("/sys/class/fc_host");
    let names = host.list(folder).unwrap_or_default().into_iter();
    let ports = names.filter_map(|name| host.read_text(&folder.join(name).join("port_name")));
    ports
        .map(|port| port.trim().trim_start_matches("0x").to_owned())
        .collect()
}

/// Names of capabilities, by their numbers (capabilities(7)).
const CAPABILITIES: &[&str] = &[
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// Which capabilities the agent has; all of them means that nothing is enforced.
fn capabilities(host: &dyn Host, facts: &mut Map<String, Value>) {
    let status = host
        .read_text(Path::new("/proc/self/status"))
        .unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(bits) = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()) else {
        return;
    };
    let names = CAPABILITIES.iter().enumerate();
    let held: Vec<&str> = names
        .filter(|(number, _)| bits >> number & 1 == 1)
        .map(|(_, name)| *name)
        .collect();
    let last = host.read_text(Path::new("/proc/sys/kernel/cap_last_cap"));
    let last: usize = last.and_then(|text| text.trim().parse().ok()).unwrap_or(40);
    let all = held.len() > last.min(CAPABILITIES.len() - 1);
    let enforced = if all { "False" } else { "True" };
    put(facts, "system_capabilities_enforced", enforced);
    put(
        facts,
        "system_capabilities",
        if all { Vec::new() } else { held },
    );
}

fn systemd(host: &dyn Host) -> Option<Value> {
    host.find_program("systemctl")?;
    let said = host.run(&Command::new(["systemctl", "--version"])).ok()?;
    let mut lines = said.stdout.lines();
    let version: u64 = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(json!({"version": version, "features": lines.next().unwrap_or_default()}))
}
