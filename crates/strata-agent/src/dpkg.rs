//! The database of dpkg: which packages are installed, in which version, and what they provide.

use std::collections::BTreeMap;

use crate::system::{Package, Packages};

/// Reads `/var/lib/dpkg/status`; `native` is the architecture whose packages need no suffix.
pub fn packages(status: &str, native: &str) -> Packages {
    let mut packages = Packages::default();
    for stanza in status.split("\n\n") {
        read_stanza(stanza, native, &mut packages);
    }
    packages
}

fn read_stanza(stanza: &str, native: &str, packages: &mut Packages) {
    let field = |wanted: &str| {
        stanza.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name == wanted).then(|| value.trim())
        })
    };
    let (Some(name), Some(status)) = (field("Package"), field("Status")) else {
        return;
    };
    let architecture = field("Architecture").unwrap_or(native);
    let name = match architecture {
        "all" => name.to_owned(),
        own if own == native => name.to_owned(),
        foreign => format!("{name}:{foreign}"),
    };
    let mut words = status.split_whitespace();
    let held = words.next() == Some("hold");
    let version = field("Version").unwrap_or_default().to_owned();
    match words.nth(1) {
        Some("installed") => {
            for provided in field("Provides").unwrap_or_default().split(',') {
                let provided = provided.split_whitespace().next().unwrap_or_default();
                if !provided.is_empty() {
                    packages.provided.insert(provided.to_owned(), name.clone());
                }
            }
            packages.installed.insert(name, Package { version, held });
        }
        Some("config-files") => {
            packages.configured.insert(name, Package { version, held });
        }
        // Half installed and the like: apt must still work on it.
        _ => {}
    }
}

/// Whether a version is one that `pattern` means, in which `*` stands for anything.
pub fn version_matches(pattern: &str, version: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = version.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let before: &str = before;
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// Counts by kind what `apt-get -s` says it would do, from its lines `Inst`, `Remv` and `Purg`.
pub fn simulated(output: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for line in output.lines() {
        let mut words = line.split_whitespace();
        let kind = match words.next() {
            Some("Inst") => "install",
            Some("Remv" | "Purg") => "remove",
            _ => continue,
        };
        found
            .entry(kind)
            .or_default()
            .extend(words.next().map(str::to_owned));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3.4-1
Provides: awk, other (= 1)
Description: a
 Package: not this

Package: libc6
Status: hold ok installed
Architecture: i386
Version: 2.36

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install ok unpacked
Architecture: amd64
Version: 1
";

    #[test]
    fn only_what_is_wholly_installed_counts() {
        let packages = packages(STATUS, "amd64");
        let names: Vec<&str> = packages.installed.keys().map(String::as_str).collect();
        assert_eq!(names, ["libc6:i386", "mawk"]);
        assert!(packages.installed["libc6:i386"].held);
        assert_eq!(packages.provided["awk"], "mawk");
        assert_eq!(packages.provided["other"], "mawk");
        assert!(packages.configured.contains_key("gone"));
    }

    #[test]
    fn a_star_in_a_version_stands_for_anything() {
        let check = |pattern, version, expected| {
            assert_eq!(
                version_matches(pattern, version),
                expected,
                "{pattern} {version}"
            );
        };
        check("1.2", "1.2", true);
        check("1.2", "1.2.1", false);
        check("1.2*", "1.2.1-3", true);
        check("*.2", "1.2", true);
        check("1*2*3", "1a2b3", true);
        check("1*2*3", "1a3b2", false);
    }

    #[test]
    fn a_simulation_is_read_line_by_line() {
        let found = simulated("Reading\nInst tree (2.1 Debian)\nConf tree (2.1)\nRemv old [1]\n");
        assert_eq!(found["install"], ["tree"]);
        assert_eq!(found["remove"], ["old"]);
    }
}
