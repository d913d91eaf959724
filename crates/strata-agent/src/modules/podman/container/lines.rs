//! The lines of a container's file of Quadlet.

use serde_json::Value;

use super::settings::{Setting, Way};
use crate::arguments::{Arguments, text};
use crate::words;

/// Settings with a line of their own, in the order of the lines; `image` and `command` are the container's own.
const LINES: &[(&str, &str)] = &[
    ("cap_add", "AddCapability"),
    ("device", "AddDevice"),
    ("annotation", "Annotation"),
    ("name", "ContainerName"),
    ("dns", "DNS"),
    ("dns_option", "DNSOption"),
    ("dns_search", "DNSSearch"),
    ("cap_drop", "DropCapability"),
    ("cgroups", "CgroupsMode"),
    ("entrypoint", "Entrypoint"),
    ("env", "Environment"),
    ("env_file", "EnvironmentFile"),
    ("env_host", "EnvironmentHost"),
    ("etc_hosts", "AddHost"),
    ("command", "Exec"),
    ("expose", "ExposeHostPort"),
    ("gidmap", "GIDMap"),
    ("", "GlobalArgs"),
    ("", "Group"),
    ("group_add", "GroupAdd"),
    ("healthcheck", "HealthCmd"),
    ("healthcheck_interval", "HealthInterval"),
    ("healthcheck_failure_action", "HealthOnFailure"),
    ("healthcheck_retries", "HealthRetries"),
    ("healthcheck_start_period", "HealthStartPeriod"),
    ("healthcheck_timeout", "HealthTimeout"),
    ("health_startup_cmd", "HealthStartupCmd"),
    ("health_startup_interval", "HealthStartupInterval"),
    ("health_startup_retries", "HealthStartupRetries"),
    ("health_startup_success", "HealthStartupSuccess"),
    ("health_startup_timeout", "HealthStartupTimeout"),
    ("hostname", "HostName"),
    ("image", "Image"),
    ("ip", "IP"),
    ("ip6", "IP6"),
    ("label", "Label"),
    ("log_driver", "LogDriver"),
    ("log_opt", "LogOpt"),
    ("mount", "Mount"),
    ("network", "Network"),
    ("network_aliases", "NetworkAlias"),
    ("", "NoNewPrivileges"),
    ("sdnotify", "Notify"),
    ("pids_limit", "PidsLimit"),
    ("pod", "Pod"),
    ("publish", "PublishPort"),
    ("pull", "Pull"),
    ("read_only", "ReadOnly"),
    ("read_only_tmpfs", "ReadOnlyTmpfs"),
    ("rootfs", "Rootfs"),
    ("init", "RunInit"),
    ("secrets", "Secret"),
    ("shm_size", "ShmSize"),
    ("stop_signal", "StopSignal"),
    ("stop_timeout", "StopTimeout"),
    ("subgidname", "SubGIDMap"),
    ("subuidname", "SubUIDMap"),
    ("sysctl", "Sysctl"),
    ("timezone", "Timezone"),
    ("tmpfs", "Tmpfs"),
    ("uidmap", "UIDMap"),
    ("ulimit", "Ulimit"),
    ("user", "User"),
    ("userns", "UserNS"),
    ("volume", "Volume"),
    ("workdir", "WorkingDir"),
];

/// What only a run by hand has.
const UNSAID: &[&str] = &["detach", "detach_keys", "log_level", "pod_id_file"];

/// Settings that Podman's words turn on, and never off.
const ON: &[&str] = &["interactive", "privileged", "publish_all", "tty"];

/// Its lines, by their keys.
pub(super) fn lines(
    arguments: &Arguments,
    given: &[(&'static Setting, Value)],
) -> Vec<(&'static str, Vec<String>)> {
    let line = |(name, key): &(&str, &'static str)| {
        let setting = given.iter().find(|(setting, _)| setting.name == *name);
        let values = match (*name, *key) {
            ("", "GlobalArgs") => global(arguments),
            ("", "Group") => user_and_group(arguments).1,
            ("", _) => no_new_privileges(arguments),
            ("user", _) => user_and_group(arguments).0,
            ("name", _) => vec![arguments.text("name")],
            ("image", _) if !arguments.bool("rootfs") => {
                arguments.string("image").into_iter().collect()
            }
            ("image", _) => Vec::new(),
            ("rootfs", _) if arguments.bool("rootfs") => {
                arguments.string("image").into_iter().collect()
            }
            ("command", _) => arguments.raw("command").map(whole).into_iter().collect(),
            _ => setting
                .map(|(setting, value)| values(setting, value))
                .unwrap_or_default(),
        };
        (*key, values)
    };
    let mut lines: Vec<_> = LINES.iter().map(line).collect();
    let mut more: Vec<String> = given
        .iter()
        .filter(|(setting, _)| !UNSAID.contains(&setting.name))
        .filter(|(setting, _)| !LINES.iter().any(|(name, _)| *name == setting.name))
        .flat_map(|(setting, value)| said(setting, value))
        .collect();
    more.extend(arguments.list("cmd_args").unwrap_or_default());
    lines.push(("PodmanArgs", more));
    lines
}

/// The values of a setting, a line each.
fn values(setting: &Setting, value: &Value) -> Vec<String> {
    if let Value::Bool(value) = value {
        return vec![value.to_string()];
    }
    let texts = setting.texts(value);
    match setting.name {
        "cap_add" | "cap_drop" => vec![texts.join(" ")],
        "env" | "label" => texts.iter().map(|text| words::quote(text)).collect(),
        _ => texts,
    }
}

/// What has no line of its own is said to Podman itself.
fn said(setting: &Setting, value: &Value) -> Vec<String> {
    let flag = setting.flag();
    let is_on = *value == Value::Bool(true);
    let is_empty = match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let texts = setting.texts(value);
    match setting.name {
        "no_hosts" => texts.iter().map(|text| format!("{flag}={text}")).collect(),
        _ if is_empty => Vec::new(),
        "oom_kill_disable" => texts.iter().map(|text| format!("{flag}={text}")).collect(),
        "systemd" | "tls_verify" => {
            let lower = |text: &String| format!("{flag}={}", text.to_lowercase());
            texts.iter().map(lower).collect()
        }
        name if setting.way == Way::Switch || ON.contains(&name) => {
            is_on.then(|| flag.clone()).into_iter().collect()
        }
        "env_merge" => texts.iter().map(|text| format!("--env {text}")).collect(),
        "requires" => vec![format!("{flag} {}", texts.join(","))],
        // Podman's module has them in one line.
        "blkio_weight_device" => {
            let each: Vec<String> = texts.iter().map(|text| format!("{flag} {text}")).collect();
            vec![each.join(" ")]
        }
        "security_opt" => {
            let rest = texts.iter().filter(|text| *text != NO_NEW_PRIVILEGES);
            rest.map(|text| format!("{flag} {text}")).collect()
        }
        _ => texts.iter().map(|text| format!("{flag} {text}")).collect(),
    }
}

const NO_NEW_PRIVILEGES: &str = "no-new-privileges";

fn no_new_privileges(arguments: &Arguments) -> Vec<String> {
    let options = arguments.list("security_opt").unwrap_or_default();
    let is_there = options.iter().any(|option| option == NO_NEW_PRIVILEGES);
    is_there.then(|| "true".to_owned()).into_iter().collect()
}

fn global(arguments: &Arguments) -> Vec<String> {
    let level = arguments.filled("log_level");
    let debug = arguments.bool("debug").then(|| "debug".to_owned());
    let levels = level.into_iter().chain(debug);
    levels.map(|level| format!("--log-level {level}")).collect()
}

/// `NAME:GROUP` as its two parts.
fn user_and_group(arguments: &Arguments) -> (Vec<String>, Vec<String>) {
    let given = arguments.string("user");
    match given.as_deref().map(|user| user.split_once(':')) {
        None => (Vec::new(), Vec::new()),
        Some(None) => (given.into_iter().collect(), Vec::new()),
        Some(Some((user, group))) => (vec![user.to_owned()], vec![group.to_owned()]),
    }
}

/// A command as one line.
fn whole(command: &Value) -> String {
    match command {
        Value::Array(words) => {
            let words: Vec<String> = words.iter().filter_map(text).collect();
            words.join(" ")
        }
        line => text(line).unwrap_or_default(),
    }
}
