//! Containers that answer ssh, for tests of the ssh transport.
//!
//! Both key pairs, the user's and the host's, are made here on the spot and put into the container
//! before it starts. So the client knows the host's key without having to trust the first answer,
//! and cloud-init, which would make other keys, is switched off.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::site::Site;
use crate::failure::Failure;
use crate::process;

const IMAGE: &str = "debian/bookworm/cloud";
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the container and gives what a client needs, as `name=value` lines.
pub(crate) fn create(site: &Site, name: &str) -> Result<String, Failure> {
    let keys = site.keys(name);
    make_keys(&keys, name)?;
    incus(
        site,
        &[
            "create",
            IMAGE,
            name,
            "--config",
            "user.strata-testbed=ssh-target",
        ],
    )?;
    fill(site, name, &keys)?;
    incus(site, &["start", name])?;
    let address = wait_for_address(site, name)?;
    know_host(&keys, &address)?;
    wait_for_ssh(&keys, &address)?;
    Ok(format!("host={address}\nuser=root\n{}", files(&keys)))
}

/// Waits until a container has started all that it starts at boot, which takes longer than the first answer by ssh.
pub(crate) fn wait_for_boot(site: &Site, name: &str) -> Result<(), Failure> {
    let wait = [
        "exec",
        name,
        "--",
        "systemctl",
        "is-system-running",
        "--wait",
    ];
    // It fails where a unit has failed, as some do in a container; what counts is the word.
    let said = site.incus(&wait).output();
    let said = said.map_err(|error| Failure::new(format!("`{name}`: {error}")))?;
    match String::from_utf8_lossy(&said.stdout).trim() {
        "running" | "degraded" => Ok(()),
        other => Err(Failure::new(format!("`{name}` has not booted: `{other}`"))),
    }
}

/// Removes a container made by [`create`] and its keys; refuses any other.
pub(crate) fn remove(site: &Site, name: &str) -> Result<(), Failure> {
    let keys = site.keys(name);
    let forget = || fs::remove_dir_all(&keys).map_err(|error| Failure::file(&keys, &error));
    let kind = process::output_of(&mut site.incus(&["config", "get", name, "user.strata-testbed"]));
    match kind {
        Ok(kind) if kind.trim() == "ssh-target" => {
            incus(site, &["delete", "--force", name])?;
            forget()
        }
        Ok(_) => Err(Failure::new(format!(
            "`{name}` was not made by `testbed ssh-target`"
        ))),
        // Of a container that is gone, as after the end of the daemon's storage, the keys may be left.
        Err(failure) if keys.exists() && failure.to_string().contains("not found") => forget(),
        Err(failure) => Err(failure),
    }
}

fn make_keys(keys: &Path, name: &str) -> Result<(), Failure> {
    if keys.exists() {
        return Err(Failure::new(format!(
            "there is an ssh target `{name}` already: `testbed remove {name}` first"
        )));
    }
    process::run(&["mkdir", "--mode=700", "--parents", &text(keys)])?;
    for key in ["id_ed25519", "host_ed25519"] {
        let path = text(&keys.join(key));
        process::run(&[
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            name,
            "-f",
            &path,
        ])?;
    }
    Ok(())
}

/// Puts keys and network settings into the container, which is not running yet.
fn fill(site: &Site, name: &str, keys: &Path) -> Result<(), Failure> {
    let interfaces = keys.join("interfaces");
    fs::write(&interfaces, "auto eth0\niface eth0 inet dhcp\n")
        .map_err(|error| Failure::file(&interfaces, &error))?;
    let push = |from: &Path, to: &str, mode: &str| {
        let target = format!("{name}{to}");
        let options = ["--create-dirs", "--uid=0", "--gid=0", "--mode", mode];
        incus(
            site,
            &[&["file", "push", &text(from), &target][..], &options].concat(),
        )
    };
    push(
        &keys.join("id_ed25519.pub"),
        "/root/.ssh/authorized_keys",
        "0600",
    )?;
    push(
        &keys.join("host_ed25519"),
        "/etc/ssh/ssh_host_ed25519_key",
        "0600",
    )?;
    push(
        &keys.join("host_ed25519.pub"),
        "/etc/ssh/ssh_host_ed25519_key.pub",
        "0644",
    )?;
    push(&interfaces, "/etc/network/interfaces.d/eth0", "0644")?;
    push(
        Path::new("/dev/null"),
        "/etc/cloud/cloud-init.disabled",
        "0644",
    )
}

fn wait_for_address(site: &Site, name: &str) -> Result<String, Failure> {
    let query = format!("/1.0/instances/{name}/state");
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let state = process::output_of(&mut site.incus(&["query", &query]))?;
        if let Some(address) = address_in(&state) {
            return Ok(address);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Failure::new(format!("`{name}` got no address")))
}

fn address_in(state: &str) -> Option<String> {
    let state: serde_json::Value = serde_json::from_str(state).ok()?;
    let addresses = state["network"]["eth0"]["addresses"].as_array()?;
    let address = addresses
        .iter()
        .find(|address| address["family"] == "inet")?;
    address["address"].as_str().map(str::to_owned)
}

fn know_host(keys: &Path, address: &str) -> Result<(), Failure> {
    let public = keys.join("host_ed25519.pub");
    let key = fs::read_to_string(&public).map_err(|error| Failure::file(&public, &error))?;
    let known = keys.join("known_hosts");
    fs::write(&known, format!("{address} {key}")).map_err(|error| Failure::file(&known, &error))
}

fn wait_for_ssh(keys: &Path, address: &str) -> Result<(), Failure> {
    let known = format!("UserKnownHostsFile={}", text(&keys.join("known_hosts")));
    let (key, target) = (text(&keys.join("id_ed25519")), format!("root@{address}"));
    let words = [
        "ssh",
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=5",
        "-o",
        &known,
        "-i",
        &key,
    ];
    let words = [&words[..], &[&target, "true"]].concat();
    let start = Instant::now();
    loop {
        match process::run(&words) {
            Ok(()) => return Ok(()),
            Err(failure) if start.elapsed() > PATIENCE => return Err(failure),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn files(keys: &Path) -> String {
    format!(
        "key={}\nknown_hosts={}\n",
        text(&keys.join("id_ed25519")),
        text(&keys.join("known_hosts"))
    )
}

fn incus(site: &Site, arguments: &[&str]) -> Result<(), Failure> {
    process::output_of(&mut site.incus(arguments)).map(drop)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_first_ipv4_one_of_eth0() {
        let state = r#"{"network": {"eth0": {"addresses": [
            {"family": "inet6", "address": "fe80::1"}, {"family": "inet", "address": "10.0.0.2"}]}}}"#;
        assert_eq!(address_in(state).as_deref(), Some("10.0.0.2"));
        assert_eq!(address_in(r#"{"network": null}"#), None);
    }
}
