//! What the host is called, which system runs there, and who we are on it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::put;
use crate::host::{Host, HostError};
use crate::system::Command;

/// Distributions by the `ID` of `/etc/os-release`: Ansible's name and family.
const DISTRIBUTIONS: &[(&str, &str, &str)] = &[
    ("alma", "AlmaLinux", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("amzn", "Amazon", "RedHat"),
    ("arch", "Archlinux", "Archlinux"),
    ("centos", "CentOS", "RedHat"),
    ("debian", "Debian", "Debian"),
    ("fedora", "Fedora", "RedHat"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("kali", "Kali", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("manjaro", "Manjaro", "Archlinux"),
    ("ol", "OracleLinux", "RedHat"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("raspbian", "Debian", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("sles", "SLES", "Suse"),
    ("ubuntu", "Ubuntu", "Debian"),
];

/// Package managers by their program.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("apt-get", "apt"),
    ("dnf5", "dnf5"),
    ("dnf", "dnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
    ("pacman", "pacman"),
    ("apk", "apk"),
];

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) -> Result<(), HostError> {
    names(host, facts)?;
    distribution(host, facts);
    users(host, facts)?;
    put(
        facts,
        "env",
        serde_json::to_value(host.environment()).unwrap_or_default(),
    );
    let manager = PACKAGE_MANAGERS
        .iter()
        .find(|(program, _)| host.find_program(program).is_some());
    put(
        facts,
        "pkg_mgr",
        manager.map_or("unknown", |(_, name)| name),
    );
    put(facts, "service_mgr", service_manager(host));
    put(facts, "python", python(host));
    put(
        facts,
        "python_version",
        facts["python"]["version_text"].clone(),
    );
    if let Some(python) = facts.get_mut("python").and_then(Value::as_object_mut) {
        python.remove("version_text");
    }
    security(host, facts);
    put(facts, "cmdline", command_line(host));
    put(facts, "proc_cmdline", command_lines(host));
    put(facts, "dns", dns(host));
    put(facts, "local", local(host, Path::new(OWN_FACTS)));
    Ok(())
}

fn names(host: &dyn Host, facts: &mut Map<String, Value>) -> Result<(), HostError> {
    let kernel = host.kernel()?;
    let hosts = host.read_text(Path::new("/etc/hosts")).unwrap_or_default();
    let full = full_name(&kernel.node, &hosts);
    let domain = full
        .split_once('.')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    put(facts, "system", kernel.system);
    put(facts, "kernel", kernel.release);
    put(facts, "kernel_version", kernel.version);
    put(facts, "machine", kernel.machine.clone());
    put(facts, "architecture", kernel.machine.clone());
    put(facts, "userspace_architecture", kernel.machine.clone());
    let bits = if kernel.machine.contains("64") || kernel.machine == "s390x" {
        "64"
    } else {
        "32"
    };
    put(facts, "userspace_bits", bits);
    put(
        facts,
        "hostname",
        kernel.node.split('.').next().unwrap_or_default(),
    );
    put(facts, "nodename", kernel.node);
    put(facts, "fqdn", full);
    put(facts, "domain", domain);
    let machine_id = host
        .read_text(Path::new("/etc/machine-id"))
        .unwrap_or_default();
    put(facts, "machine_id", machine_id.trim());
    Ok(())
}

/// The name with its domain, as `/etc/hosts` gives it.
fn full_name(node: &str, hosts: &str) -> String {
    if node.contains('.') {
        return node.to_owned();
    }
    let lines = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    for line in lines {
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        if names.contains(&node) {
            let full = names.iter().find(|name| name.contains('.'));
            return (*full.unwrap_or(&node)).to_owned();
        }
    }
    node.to_owned()
}

fn distribution(host: &dyn Host, facts: &mut Map<String, Value>) {
    let path = ["/etc/os-release", "/usr/lib/os-release"]
        .into_iter()
        .find_map(|path| Some((path, host.read_text(Path::new(path))?)));
    let Some((path, text)) = path else { return };
    let fields = os_release(&text);
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let id = field("ID");
    let known = DISTRIBUTIONS.iter().find(|(known, _, _)| *known == id);
    let like = field("ID_LIKE");
    let related = || {
        let mut ids = like.split_whitespace();
        ids.find_map(|id| DISTRIBUTIONS.iter().find(|(known, _, _)| *known == id))
    };
    let name = known.map_or_else(|| field("NAME"), |(_, name, _)| (*name).to_owned());
    let family = known
        .or_else(related)
        .map_or(name.clone(), |(_, _, family)| (*family).to_owned());
    let version = match host.read_text(Path::new("/etc/debian_version")) {
        // Debian's own file knows the point release.
        Some(text) if name == "Debian" && text.starts_with(|c: char| c.is_ascii_digit()) => {
            text.trim().to_owned()
        }
        _ => field("VERSION_ID"),
    };
    let mut numbers = version.split('.');
    put(
        facts,
        "distribution_major_version",
        numbers.next().unwrap_or_default(),
    );
    if let Some(minor) = numbers.next() {
        put(facts, "distribution_minor_version", minor);
    }
    let release = fields
        .get("VERSION_CODENAME")
        .or_else(|| fields.get("UBUNTU_CODENAME"));
    put(
        facts,
        "distribution_release",
        release.map_or("NA", String::as_str),
    );
    put(facts, "distribution_version", version.clone());
    put(facts, "distribution_file_path", path);
    put(facts, "distribution_file_parsed", true);
    put(facts, "distribution_file_variety", name.clone());
    put(
        facts,
        "lsb",
        json!({
            "id": name,
            "release": field("VERSION_ID"),
            "major_release": version.split('.').next(),
            "codename": release,
            "description": field("PRETTY_NAME"),
        }),
    );
    put(facts, "distribution", name);
    put(facts, "os_family", family);
}

fn os_release(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| {
            (
                name.trim().to_owned(),
                value.trim().trim_matches(['"', '\'']).to_owned(),
            )
        })
        .collect()
}

fn users(host: &dyn Host, facts: &mut Map<String, Value>) -> Result<(), HostError> {
    let uid = host.user_id();
    put(facts, "user_uid", uid);
    put(facts, "real_user_id", uid);
    put(facts, "effective_user_id", uid);
    if let Some(user) = host.users()?.into_iter().find(|user| user.uid == uid) {
        put(facts, "user_id", user.name);
        put(facts, "user_gid", user.gid);
        put(facts, "real_group_id", user.gid);
        put(facts, "effective_group_id", user.gid);
        put(facts, "user_gecos", user.comment);
        put(facts, "user_dir", user.home);
        put(facts, "user_shell", user.shell);
    }
    Ok(())
}

fn service_manager(host: &dyn Host) -> String {
    let first = host
        .read_text(Path::new("/proc/1/comm"))
        .unwrap_or_default();
    let is_there = |path: &str| host.metadata(Path::new(path)).ok().flatten().is_some();
    if first.trim() == "systemd" || is_there("/run/systemd/system") {
        return "systemd".to_owned();
    }
    if is_there("/sbin/openrc") {
        return "openrc".to_owned();
    }
    match first.trim() {
        "" | "init" | "sh" | "bash" => "service".to_owned(),
        other => other.to_owned(),
    }
}

/// Python where there is one: a guest needs none, and playbooks may ask.
fn python(host: &dyn Host) -> Value {
    let found = host.find_program("python3");
    let Some(path) = found else {
        return Value::Null;
    };
    let path = path.to_string_lossy().into_owned();
    let asked = host.run(&Command::new([path.as_str(), "--version"]));
    let text = asked.map(|output| output.stdout).unwrap_or_default();
    let version = text.trim().trim_start_matches("Python ").to_owned();
    let numbers: Vec<u64> = version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    let [major, minor, micro] = numbers[..] else {
        return json!({ "executable": path, "version_text": null });
    };
    json!({
        "executable": path,
        "type": "cpython",
        "version": { "major": major, "minor": minor, "micro": micro, "releaselevel": "final", "serial": 0 },
        "version_info": [major, minor, micro, "final", 0],
        "version_text": version,
    })
}

fn security(host: &dyn Host, facts: &mut Map<String, Value>) {
    let is_there = |path: &str| host.metadata(Path::new(path)).ok().flatten().is_some();
    let status = |on: bool| json!({ "status": if on { "enabled" } else { "disabled" } });
    put(
        facts,
        "selinux",
        status(is_there("/sys/fs/selinux/enforce")),
    );
    put(facts, "selinux_python_present", false);
    put(
        facts,
        "apparmor",
        status(is_there("/sys/kernel/security/apparmor")),
    );
    let fips = host.read_text(Path::new("/proc/sys/crypto/fips_enabled"));
    put(facts, "fips", fips.is_some_and(|text| text.trim() == "1"));
}

fn command_line(host: &dyn Host) -> Value {
    let text = host
        .read_text(Path::new("/proc/cmdline"))
        .unwrap_or_default();
    let words = text
        .split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Value::from(value)),
            None => (word.to_owned(), Value::from(true)),
        });
    Value::Object(words.collect())
}

/// The same, where what is said several times is a list.
fn command_lines(host: &dyn Host) -> Value {
    let text = host
        .read_text(Path::new("/proc/cmdline"))
        .unwrap_or_default();
    let mut all: Map<String, Value> = Map::new();
    for word in text.split_whitespace() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Value::from(value)),
            None => (word, Value::from(true)),
        };
        match all.get_mut(name) {
            None => {
                all.insert(name.to_owned(), value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    all.into()
}

fn dns(host: &dyn Host) -> Value {
    let text = host
        .read_text(Path::new("/etc/resolv.conf"))
        .unwrap_or_default();
    let mut dns: Map<String, Value> = Map::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                let servers = dns.entry("nameservers").or_insert_with(|| json!([]));
                if let (Some(list), Some(server)) = (servers.as_array_mut(), words.next()) {
                    list.push(server.into());
                }
            }
            Some("search") => put(&mut dns, "search", words.collect::<Vec<_>>()),
            Some("domain") => put(&mut dns, "domain", words.next().unwrap_or_default()),
            _ => {}
        }
    }
    dns.into()
}

/// Where administrators say something themselves, unless a task names another folder.
pub(crate) const OWN_FACTS: &str = "/etc/ansible/facts.d";

/// What administrators say themselves in the files of a folder: JSON or INI, or a program that
/// prints one of them.
pub(super) fn local(host: &dyn Host, folder: &Path) -> Value {
    let mut local = Map::new();
    for name in host.list(folder).unwrap_or_default() {
        let Some(fact) = name.strip_suffix(".fact") else {
            continue;
        };
        let path = folder.join(&name);
        let text = if host.access(&path).execute {
            let ran = host.run(&Command::new([path.to_string_lossy()]));
            ran.map(|output| output.stdout).unwrap_or_default()
        } else {
            host.read_text(&path).unwrap_or_default()
        };
        let value = serde_json::from_str(&text).unwrap_or_else(|_| ini(&text));
        local.insert(fact.to_owned(), value);
    }
    local.into()
}

fn ini(text: &str) -> Value {
    let mut sections: Map<String, Value> = Map::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.to_owned();
            sections.entry(section.clone()).or_insert_with(|| json!({}));
        } else if let Some((name, value)) = line.split_once(['=', ':']) {
            let values = sections.entry(section.clone()).or_insert_with(|| json!({}));
            values[name.trim().to_lowercase()] = value.trim().into();
        }
    }
    sections.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_is_that_of_the_hosts_file() {
        let hosts = "127.0.0.1 localhost\n10.0.0.5 web.example.org web # us\n";
        assert_eq!(full_name("web", hosts), "web.example.org");
        assert_eq!(full_name("db", hosts), "db");
        assert_eq!(full_name("a.b", hosts), "a.b");
    }

    #[test]
    fn facts_of_administrators_may_be_ini() {
        let value = ini("# x\n[general]\nRole = web\nport: 80\n");
        assert_eq!(value, json!({ "general": { "role": "web", "port": "80" } }));
    }

    #[test]
    fn a_model_of_debian_is_debian() {
        let mut facts = Map::new();
        gather(&crate::host::Model::debian("web"), &mut facts).unwrap();
        let fact = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(fact("distribution"), "Debian");
        assert_eq!(fact("distribution_version"), "12.12");
        assert_eq!(fact("distribution_release"), "bookworm");
        assert_eq!(fact("os_family"), "Debian");
        assert_eq!(fact("pkg_mgr"), "apt");
        assert_eq!(fact("service_mgr"), "systemd");
        assert_eq!(fact("hostname"), "web");
        assert_eq!(facts["python"], Value::Null);
    }
}
