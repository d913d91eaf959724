//! The settings of a container: how each is said to Podman, and how it is compared with what Podman was told before.

use serde_json::Value;

use crate::arguments::{Arguments, Field, FieldKind, text};
use crate::modules::podman::{flags, joined};

/// How a setting becomes words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// `--flag VALUE`.
    Word,
    /// `--flag=VALUE`.
    Equals,
    /// `--flag VALUE` for each.
    Each,
    /// `--flag=VALUE` for each.
    EachEquals,
    /// `--flag A,B`.
    Commas,
    /// `--flag`, where it is true.
    Switch,
    /// `--flag KEY…VALUE` for each, with this in between.
    Pairs(&'static str),
}

/// How a setting is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Compared {
    /// With the words by which the container was made.
    Words,
    /// Not at all.
    Never,
    /// In its own way.
    Otherwise,
}

use Compared::{Never, Otherwise, Words};
use Way::{Commas, Each, EachEquals, Equals, Pairs, Switch, Word};

/// One setting.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) way: Way,
    pub(super) compared: Compared,
}

const fn setting(name: &'static str, way: Way, compared: Compared) -> Setting {
    Setting {
        name,
        way,
        compared,
    }
}

/// All settings, in the order in which a file of Quadlet says them to Podman.
pub(super) const SETTINGS: &[Setting] = &[
    setting("annotation", Pairs("="), Otherwise),
    setting("arch", Equals, Words),
    setting("authfile", Word, Words),
    setting("attach", EachEquals, Never),
    setting("blkio_weight", Word, Words),
    setting("blkio_weight_device", Pairs(":"), Words),
    setting("cap_add", Each, Otherwise),
    setting("cap_drop", Each, Otherwise),
    setting("cgroupns", Equals, Words),
    // The units that Podman writes say these to it on their own: `cgroups`, `cidfile`, `sdnotify`, `pod_id_file`.
    setting("cgroups", Equals, Never),
    setting("cgroup_conf", EachEquals, Words),
    setting("cgroup_parent", Word, Words),
    setting("chrootdirs", Word, Words),
    setting("cidfile", Word, Never),
    setting("conmon_pidfile", Word, Words),
    setting("cpus", Word, Words),
    setting("cpuset_cpus", Word, Words),
    setting("cpuset_mems", Word, Words),
    setting("cpu_period", Word, Words),
    setting("cpu_quota", Word, Words),
    setting("cpu_rt_period", Word, Words),
    setting("cpu_rt_runtime", Word, Words),
    setting("cpu_shares", Word, Words),
    setting("decryption_key", Equals, Words),
    setting("detach", Equals, Never),
    setting("detach_keys", Word, Never),
    setting("device", Each, Words),
    setting("device_cgroup_rule", Equals, Words),
    setting("device_read_bps", Each, Words),
    setting("device_read_iops", Each, Words),
    setting("device_write_bps", Each, Words),
    setting("device_write_iops", Each, Words),
    setting("dns", Commas, Words),
    setting("dns_option", Word, Words),
    setting("dns_search", Each, Words),
    setting("entrypoint", Equals, Never),
    setting("env", Pairs("="), Words),
    setting("env_file", Each, Words),
    setting("env_host", Equals, Words),
    setting("env_merge", Pairs("="), Words),
    setting("etc_hosts", Pairs(":"), Otherwise),
    setting("expose", Each, Words),
    setting("gidmap", Each, Words),
    setting("gpus", Word, Words),
    setting("group_add", Each, Words),
    setting("group_entry", Word, Words),
    setting("healthcheck", Word, Otherwise),
    setting("healthcheck_failure_action", Word, Otherwise),
    setting("healthcheck_interval", Word, Words),
    setting("healthcheck_retries", Word, Words),
    setting("healthcheck_start_period", Word, Words),
    setting("healthcheck_timeout", Word, Words),
    setting("health_startup_cmd", Word, Words),
    setting("health_startup_interval", Word, Words),
    setting("health_startup_retries", Word, Words),
    setting("health_startup_success", Word, Words),
    setting("health_startup_timeout", Word, Words),
    setting("hostname", Word, Words),
    setting("hostuser", Word, Words),
    setting("hooks_dir", EachEquals, Words),
    setting("http_proxy", Equals, Words),
    setting("image_volume", Word, Words),
    setting("init", Switch, Words),
    setting("init_ctr", Word, Words),
    setting("init_path", Word, Words),
    setting("interactive", Equals, Words),
    setting("ip", Word, Words),
    setting("ip6", Word, Words),
    setting("ipc", Word, Words),
    setting("kernel_memory", Word, Never),
    setting("label", Pairs("="), Otherwise),
    setting("label_file", Word, Words),
    setting("log_driver", Word, Words),
    setting("log_level", Word, Never),
    setting("log_opt", Pairs("="), Words),
    setting("mac_address", Word, Words),
    setting("memory", Word, Words),
    setting("memory_reservation", Word, Words),
    setting("memory_swap", Word, Words),
    setting("memory_swappiness", Word, Words),
    setting("mount", Each, Words),
    setting("network", Each, Words),
    setting("network_aliases", Each, Words),
    setting("no_healthcheck", Switch, Words),
    setting("no_hosts", Equals, Words),
    setting("oom_kill_disable", Equals, Words),
    setting("oom_score_adj", Word, Words),
    setting("os", Word, Words),
    setting("passwd", Switch, Words),
    setting("passwd_entry", Word, Words),
    setting("personality", Word, Words),
    setting("pid", Word, Words),
    setting("pid_file", Word, Words),
    setting("pids_limit", Word, Words),
    setting("platform", Word, Words),
    setting("pod", Word, Never),
    setting("pod_id_file", Word, Never),
    setting("preserve_fd", Each, Never),
    setting("preserve_fds", Word, Never),
    setting("privileged", Equals, Words),
    setting("publish", Each, Words),
    setting("publish_all", Equals, Words),
    setting("pull", Equals, Words),
    setting("rdt_class", Word, Words),
    setting("read_only", Equals, Words),
    setting("read_only_tmpfs", Equals, Words),
    setting("requires", Commas, Words),
    setting("restart_policy", Equals, Words),
    setting("retry", Word, Words),
    setting("retry_delay", Word, Words),
    setting("rm", Switch, Otherwise),
    setting("rmi", Switch, Words),
    setting("rootfs", Equals, Words),
    setting("sdnotify", Equals, Never),
    setting("seccomp_policy", Word, Words),
    setting("secrets", Each, Words),
    setting("security_opt", Each, Words),
    setting("shm_size", Word, Words),
    setting("shm_size_systemd", Word, Words),
    setting("sig_proxy", Equals, Never),
    setting("stop_signal", Word, Words),
    setting("stop_timeout", Word, Words),
    setting("subgidname", Word, Words),
    setting("subuidname", Word, Words),
    setting("sysctl", Pairs("="), Words),
    setting("systemd", Equals, Words),
    setting("timeout", Word, Words),
    setting("timezone", Equals, Words),
    setting("tls_verify", Equals, Words),
    setting("tmpfs", Pairs(":"), Otherwise),
    setting("tty", Equals, Otherwise),
    setting("uidmap", Each, Words),
    setting("ulimit", Each, Words),
    setting("umask", Word, Words),
    setting("unsetenv", Each, Words),
    setting("unsetenv_all", Switch, Words),
    setting("user", Word, Words),
    setting("userns", Word, Words),
    setting("uts", Word, Words),
    setting("variant", Word, Words),
    setting("volume", Each, Otherwise),
    setting("volumes_from", Each, Words),
    setting("workdir", Word, Words),
];

impl Setting {
    /// Podman's flag for it.
    pub(super) fn flag(&self) -> String {
        let flag = match self.name {
            "etc_hosts" => "add-host",
            "healthcheck" => "healthcheck-command",
            "healthcheck_failure_action" => "health-on-failure",
            "network_aliases" => "network-alias",
            "restart_policy" => "restart",
            "secrets" => "secret",
            "timezone" => "tz",
            name => &name.replace('_', "-"),
        };
        format!("--{flag}")
    }

    /// Its value as texts; of a map `KEY=VALUE`, or with what stands in between instead.
    pub(super) fn texts(&self, value: &Value) -> Vec<String> {
        let mut texts = match (value, self.way) {
            (Value::Object(_), Way::Pairs(between)) => joined(Some(value), between),
            (Value::Object(_), _) => joined(Some(value), "="),
            (Value::Array(items), _) => items.iter().filter_map(text).collect(),
            (value, _) => text(value).into_iter().collect(),
        };
        match self.name {
            "log_opt" => {
                for one in &mut texts {
                    *one = one.replacen("max_size=", "max-size=", 1);
                }
            }
            "systemd" => texts.iter_mut().for_each(|one| *one = one.to_lowercase()),
            "mount" | "volume" => texts.retain(|one| !one.is_empty()),
            // A folder without options is only its name.
            "tmpfs" => {
                for one in &mut texts {
                    one.truncate(one.trim_end_matches(':').len());
                }
            }
            _ => {}
        }
        texts
    }

    /// The words for it.
    pub(super) fn words(&self, value: &Value, is_of_four: bool) -> Vec<String> {
        let flag = self.flag();
        let texts = self.texts(value);
        let way = match self.name {
            "network" if !is_of_four => Way::Commas,
            _ => self.way,
        };
        match way {
            Way::Word | Way::Each | Way::Pairs(_) => flags(&flag, &texts),
            Way::Commas => flags(&flag, &[texts.join(",")]),
            Way::Switch => match value.as_bool() {
                Some(true) => vec![flag],
                _ => Vec::new(),
            },
            Way::Equals | Way::EachEquals => {
                texts.iter().map(|one| format!("{flag}={one}")).collect()
            }
        }
    }
}

/// The arguments of `podman_container` that are settings, and what else it takes.
pub(super) const FIELDS: &[Field] = &[
    Field::str("state")
        .choices(&[
            "absent", "present", "stopped", "started", "created", "quadlet",
        ])
        .default("started"),
    Field::str("name").required(),
    Field::str("image"),
    Field::new("annotation", FieldKind::Dict),
    Field::str("arch"),
    Field::list("attach"),
    Field::path("authfile"),
    Field::int("blkio_weight"),
    Field::new("blkio_weight_device", FieldKind::Dict),
    Field::list("cap_add").alias(&["capabilities"]),
    Field::list("cap_drop"),
    Field::new("cgroup_conf", FieldKind::Dict),
    Field::path("cgroup_parent"),
    Field::str("cgroupns"),
    Field::str("cgroups"),
    Field::str("chrootdirs"),
    Field::path("cidfile"),
    Field::list("cmd_args"),
    Field::path("conmon_pidfile"),
    Field::new("command", FieldKind::Raw),
    Field::int("cpu_period"),
    Field::int("cpu_quota"),
    Field::int("cpu_rt_period"),
    Field::int("cpu_rt_runtime"),
    Field::int("cpu_shares"),
    Field::str("cpus"),
    Field::str("cpuset_cpus"),
    Field::str("cpuset_mems"),
    Field::str("decryption_key"),
    Field::maybe("delete_depend"),
    Field::str("delete_time"),
    Field::maybe("delete_volumes"),
    Field::bool("detach", true),
    Field::str("detach_keys"),
    Field::list("device"),
    Field::str("device_cgroup_rule"),
    Field::list("device_read_bps"),
    Field::list("device_read_iops"),
    Field::list("device_write_bps"),
    Field::list("device_write_iops"),
    Field::list("dns").alias(&["dns_servers"]),
    Field::str("dns_option").alias(&["dns_opts"]),
    Field::list("dns_search").alias(&["dns_search_domains"]),
    Field::str("entrypoint"),
    Field::new("env", FieldKind::Dict),
    Field::list("env_file").alias(&["env_files"]),
    Field::maybe("env_host"),
    Field::new("env_merge", FieldKind::Dict),
    Field::new("etc_hosts", FieldKind::Dict).alias(&["add_hosts"]),
    Field::list("expose").alias(&["exposed", "exposed_ports"]),
    Field::bool("force_restart", false).alias(&["restart"]),
    Field::bool("force_delete", true),
    Field::new("generate_systemd", FieldKind::Dict),
    Field::list("gidmap"),
    Field::str("gpus"),
    Field::list("group_add").alias(&["groups"]),
    Field::str("group_entry"),
    Field::str("healthcheck").alias(&["health_cmd"]),
    Field::str("healthcheck_interval").alias(&["health_interval"]),
    Field::int("healthcheck_retries").alias(&["health_retries"]),
    Field::str("healthcheck_start_period").alias(&["health_start_period"]),
    Field::str("health_startup_cmd"),
    Field::str("health_startup_interval"),
    Field::int("health_startup_retries"),
    Field::int("health_startup_success"),
    Field::str("health_startup_timeout"),
    Field::str("healthcheck_timeout").alias(&["health_timeout"]),
    Field::str("healthcheck_failure_action")
        .choices(&["none", "kill", "restart", "stop"])
        .alias(&["health_on_failure"]),
    Field::list("hooks_dir"),
    Field::str("hostname"),
    Field::str("hostuser"),
    Field::maybe("http_proxy"),
    Field::str("image_volume").choices(&["bind", "tmpfs", "ignore"]),
    Field::bool("image_strict", false),
    Field::maybe("init"),
    Field::str("init_ctr").choices(&["once", "always"]),
    Field::str("init_path"),
    Field::maybe("interactive"),
    Field::str("ip"),
    Field::str("ip6"),
    Field::str("ipc").alias(&["ipc_mode"]),
    Field::str("kernel_memory"),
    Field::new("label", FieldKind::Dict).alias(&["labels"]),
    Field::str("label_file"),
    Field::str("log_driver").choices(&["k8s-file", "journald", "json-file"]),
    Field::str("log_level").choices(&["debug", "info", "warn", "error", "fatal", "panic"]),
    Field::new("log_opt", FieldKind::Dict).alias(&["log_options"]),
    Field::str("mac_address"),
    Field::str("memory"),
    Field::str("memory_reservation"),
    Field::str("memory_swap"),
    Field::int("memory_swappiness"),
    Field::list("mount").alias(&["mounts"]),
    Field::list("network").alias(&["net", "network_mode"]),
    Field::list("network_aliases").alias(&["network_alias"]),
    Field::maybe("no_healthcheck"),
    Field::maybe("no_hosts"),
    Field::maybe("oom_kill_disable"),
    Field::int("oom_score_adj"),
    Field::str("os"),
    Field::maybe("passwd"),
    Field::str("passwd_entry"),
    Field::str("personality"),
    Field::str("pid").alias(&["pid_mode"]),
    Field::path("pid_file"),
    Field::str("pids_limit"),
    Field::str("platform"),
    Field::str("pod"),
    Field::path("pod_id_file"),
    Field::list("preserve_fd"),
    Field::str("preserve_fds"),
    Field::maybe("privileged"),
    Field::list("publish").alias(&["ports", "published", "published_ports"]),
    Field::maybe("publish_all"),
    Field::str("pull").choices(&["always", "missing", "never", "newer"]),
    Field::str("rdt_class"),
    Field::maybe("read_only"),
    Field::maybe("read_only_tmpfs"),
    Field::list("requires"),
    Field::str("restart_policy"),
    Field::str("restart_time"),
    Field::int("retry"),
    Field::str("retry_delay"),
    Field::maybe("rm").alias(&["remove", "auto_remove"]),
    Field::maybe("rmi"),
    Field::maybe("rootfs"),
    Field::str("seccomp_policy"),
    Field::list("secrets"),
    Field::str("sdnotify"),
    Field::list("security_opt"),
    Field::str("shm_size"),
    Field::str("shm_size_systemd"),
    Field::maybe("sig_proxy"),
    Field::int("stop_signal"),
    Field::int("stop_timeout"),
    Field::str("stop_time"),
    Field::str("subgidname"),
    Field::str("subuidname"),
    Field::new("sysctl", FieldKind::Dict),
    Field::str("systemd"),
    Field::int("timeout"),
    Field::str("timezone"),
    Field::maybe("tls_verify"),
    Field::new("tmpfs", FieldKind::Dict),
    Field::maybe("tty"),
    Field::list("uidmap"),
    Field::list("ulimit").alias(&["ulimits"]),
    Field::str("umask"),
    Field::list("unsetenv"),
    Field::maybe("unsetenv_all"),
    Field::str("user"),
    Field::str("userns").alias(&["userns_mode"]),
    Field::str("uts"),
    Field::str("variant"),
    Field::list("volume").alias(&["volumes"]),
    Field::list("volumes_from"),
    Field::str("workdir").alias(&["working_dir"]),
];

/// What a container is to be made of: the settings that were given.
pub(super) fn given(arguments: &Arguments, removes_itself: bool) -> Vec<(&'static Setting, Value)> {
    let value = |setting: &Setting| match setting.name {
        "rm" if removes_itself => Some(Value::Bool(true)),
        name => arguments.raw(name).cloned(),
    };
    let all = SETTINGS.iter();
    all.filter_map(|setting| Some((setting, value(setting)?)))
        .collect()
}
