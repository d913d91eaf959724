//! What can be asked for of the minimum by name, and which facts each name brings.

/// A collector of Ansible's: its name, other names for it, and the beginnings of its facts' names.
struct Collector {
    name: &'static str,
    also: &'static [&'static str],
    facts: &'static [&'static str],
}

const COLLECTORS: &[Collector] = &[
    Collector {
        name: "platform",
        also: &[
            "architecture",
            "kernel",
            "kernel_version",
            "machine",
            "machine_id",
            "python_version",
            "system",
            "hostname",
            "nodename",
        ],
        facts: &[
            "architecture",
            "domain",
            "fqdn",
            "hostname",
            "kernel",
            "machine",
            "nodename",
            "python_version",
            "system",
            "userspace_",
        ],
    },
    Collector {
        name: "distribution",
        also: &[
            "distribution_major_version",
            "distribution_release",
            "distribution_version",
            "os_family",
        ],
        facts: &["distribution", "os_family"],
    },
    Collector {
        name: "caps",
        also: &["system_capabilities", "system_capabilities_enforced"],
        facts: &["system_capabilities"],
    },
    Collector {
        name: "user",
        also: &[
            "effective_group_ids",
            "effective_user_id",
            "real_user_id",
            "user_dir",
            "user_gecos",
            "user_gid",
            "user_id",
            "user_shell",
            "user_uid",
        ],
        facts: &["effective_", "real_", "user_"],
    },
    Collector {
        name: "ssh_pub_keys",
        also: &[
            "ssh_host_key_dsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
            "ssh_host_key_rsa_public",
            "ssh_host_pub_keys",
        ],
        facts: &["ssh_host_"],
    },
    plain("apparmor", &["apparmor"]),
    plain("chroot", &["is_chroot"]),
    plain("cmdline", &["cmdline", "proc_cmdline"]),
    plain("date_time", &["date_time"]),
    plain("dns", &["dns"]),
    plain("env", &["env"]),
    plain("fibre_channel_wwn", &["fibre_channel_wwn"]),
    plain("fips", &["fips"]),
    plain("iscsi", &["iscsi_iqn"]),
    plain("local", &["local"]),
    plain("lsb", &["lsb"]),
    plain("nvme", &["hostnqn"]),
    plain("pkg_mgr", &["pkg_mgr"]),
    plain("python", &["python"]),
    plain("selinux", &["selinux"]),
    plain("service_mgr", &["service_mgr"]),
    plain("systemd", &["systemd"]),
];

const fn plain(name: &'static str, facts: &'static [&'static str]) -> Collector {
    Collector {
        name,
        also: &[],
        facts,
    }
}

/// The bit of what gathers this, if it is something of the minimum.
pub(super) fn bit(name: &str) -> Option<u32> {
    let at = COLLECTORS
        .iter()
        .position(|one| one.name == name || one.also.contains(&name));
    at.map(|at| 1 << at)
}

/// Whether these gather a fact. A name that goes on belongs to the longest beginning.
pub(super) fn gather(bits: u32, fact: &str) -> bool {
    let beginnings = COLLECTORS.iter().enumerate().flat_map(|(at, one)| {
        let facts = one.facts.iter();
        facts.map(move |begin| (begin.len(), 1_u32 << at, *begin))
    });
    let longest = beginnings
        .filter(|(_, _, begin)| fact.starts_with(begin))
        .max_by_key(|(length, ..)| *length);
    longest.is_some_and(|(_, bit, _)| bits & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::{bit, gather};

    #[test]
    fn a_fact_is_of_one_collector() {
        let platform = bit("kernel_version").unwrap();
        assert!(gather(platform, "system") && gather(platform, "userspace_bits"));
        assert!(!gather(platform, "system_capabilities") && !gather(platform, "systemd"));
        assert!(gather(bit("caps").unwrap(), "system_capabilities_enforced"));
        assert!(gather(bit("user").unwrap(), "real_group_id"));
        assert!(gather(platform, "python_version") && !gather(platform, "python"));
        assert_eq!(bit("network"), None);
    }
}
