//! The Debian packages a testbed is made of.
//!
//! Incus comes from bookworm-backports (6.0, the long-term version), the rest from bookworm.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::process::{self, command};

/// Programs that must be there, each with the package that brings it.
const FROM_BOOKWORM: &[(&str, &str)] = &[
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/sbin/dnsmasq", "dnsmasq-base"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/debootstrap", "debootstrap"),
    ("/usr/bin/zstd", "zstd"),
    ("/usr/bin/setsid", "util-linux"),
    ("/usr/bin/ssh", "openssh-client"),
];
const FROM_BACKPORTS: &[(&str, &str)] = &[
    ("/usr/libexec/incus/incusd", "incus-base"),
    ("/usr/bin/incus", "incus-client"),
];

const SOURCE: &str = "/etc/apt/sources.list.d/strata-backports.sources";

/// Installs what is missing; with everything there, nothing is asked of the network.
pub(crate) fn install() -> Result<(), Failure> {
    let plain = missing(FROM_BOOKWORM, |path| Path::new(path).exists());
    let backports = missing(FROM_BACKPORTS, |path| Path::new(path).exists());
    if plain.is_empty() && backports.is_empty() {
        return Ok(());
    }
    add_backports()?;
    // A third party's repository that does not answer is no reason to stop: what is asked for
    // below fails by itself if Debian's own lists are missing.
    if let Err(failure) = apt_get(&["update"]) {
        eprintln!("xtask: going on although {failure}");
    }
    if !plain.is_empty() {
        apt_get(&[&["install", "-y", "--no-install-recommends"], &plain[..]].concat())?;
    }
    if !backports.is_empty() {
        let options = [
            "install",
            "-y",
            "--no-install-recommends",
            "-t",
            "bookworm-backports",
        ];
        apt_get(&[&options[..], &backports[..]].concat())?;
    }
    Ok(())
}

/// Gives the address of the Debian mirror that this machine already uses.
pub(crate) fn mirror() -> String {
    let usual = "http://deb.debian.org/debian";
    let listed = [
        "/etc/apt/sources.list.d/debian.sources",
        "/etc/apt/sources.list",
    ];
    let texts = listed
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    texts
        .into_iter()
        .find_map(|text| mirror_in(&text))
        .unwrap_or_else(|| usual.to_owned())
}

fn missing(wanted: &[(&str, &'static str)], exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    wanted
        .iter()
        .filter(|(path, _)| !exists(path))
        .map(|(_, package)| *package)
        .collect()
}

/// Finds the first archive in a sources file of either format that ends in `/debian`.
fn mirror_in(sources: &str) -> Option<String> {
    let lines = sources
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    words
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

fn add_backports() -> Result<(), Failure> {
    if process::output(&["apt-cache", "policy"])
        .is_ok_and(|known| known.contains("bookworm-backports"))
    {
        return Ok(());
    }
    let source = format!(
        "Types: deb\nURIs: {}\nSuites: bookworm-backports\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        mirror()
    );
    fs::write(SOURCE, source).map_err(|error| Failure::file(Path::new(SOURCE), &error))
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    println!("apt-get {}", arguments.join(" "));
    let mut apt = command(&[&["apt-get", "-q"], arguments].concat());
    process::output_of(apt.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_whose_program_is_missing_are_wanted() {
        let wanted = [("/usr/bin/a", "package-a"), ("/usr/bin/b", "package-b")];
        assert_eq!(missing(&wanted, |path| path == "/usr/bin/a"), ["package-b"]);
        assert!(missing(&wanted, |_| true).is_empty());
    }

    #[test]
    fn the_mirror_is_read_from_both_formats() {
        let new = "Types: deb\n# http://old.example/debian\nURIs: http://mirror.example/debian\n";
        assert_eq!(
            mirror_in(new).as_deref(),
            Some("http://mirror.example/debian")
        );
        let old = "deb [arch=amd64] https://mirror.example/debian/ bookworm main\n";
        assert_eq!(
            mirror_in(old).as_deref(),
            Some("https://mirror.example/debian/")
        );
        assert_eq!(
            mirror_in("URIs: http://mirror.example/debian-security\n"),
            None
        );
    }
}
