//! The bridge, the storage pool, the default profile and the HTTPS address.
//!
//! `incus admin init --minimal` is not used: it looks for a free subnet by itself and fails where
//! it finds none.

use super::site::Site;
use crate::failure::Failure;
use crate::process;

/// Makes whatever of them is missing.
pub(crate) fn set_up(site: &Site) -> Result<(), Failure> {
    if !exists(site, &["storage", "show", "default"]) {
        incus(site, &["storage", "create", "default", "dir"])?;
    }
    if !exists(site, &["network", "show", &site.network]) {
        let address = format!("ipv4.address={}", site.subnet);
        let settings = [address.as_str(), "ipv4.nat=true", "ipv6.address=none"];
        incus(
            site,
            &[&["network", "create", &site.network][..], &settings].concat(),
        )?;
    }
    if !exists(
        site,
        &["profile", "device", "get", "default", "root", "pool"],
    ) {
        incus(
            site,
            &[
                "profile",
                "device",
                "add",
                "default",
                "root",
                "disk",
                "path=/",
                "pool=default",
            ],
        )?;
    }
    if !exists(
        site,
        &["profile", "device", "get", "default", "eth0", "network"],
    ) {
        let network = format!("network={}", site.network);
        incus(
            site,
            &[
                "profile", "device", "add", "default", "eth0", "nic", &network,
            ],
        )?;
    }
    if https_address(site)?.is_empty() {
        incus(site, &["config", "set", "core.https_address", &site.https])?;
    }
    Ok(())
}

/// Asks the daemon where it serves HTTPS; empty where it does not.
pub(crate) fn https_address(site: &Site) -> Result<String, Failure> {
    let address = process::output_of(&mut site.incus(&["config", "get", "core.https_address"]))?;
    Ok(address.trim().to_owned())
}

/// Removes the bridge that a daemon, now gone, left in the kernel.
pub(crate) fn forget(site: &Site) {
    // Usually the daemon has taken it along, and then there is nothing to remove.
    process::succeeds(&["ip", "link", "delete", &site.network]);
}

fn exists(site: &Site, question: &[&str]) -> bool {
    process::output_of(&mut site.incus(question)).is_ok()
}

fn incus(site: &Site, arguments: &[&str]) -> Result<(), Failure> {
    println!("incus {}", arguments.join(" "));
    process::output_of(&mut site.incus(arguments)).map(drop)
}
