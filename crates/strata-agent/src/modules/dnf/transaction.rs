//! What dnf says that it would do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::programs::plain;

/// The packages of a transaction, as `name-version-release.architecture`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Transaction {
    new: BTreeSet<String>,
    gone: BTreeSet<String>,
    /// Names of packages that are there in another version, which goes.
    replaced: BTreeSet<String>,
    downgrades: bool,
}

impl Transaction {
    /// Reads the table that dnf prints; a long name stands in a line of its own.
    pub(super) fn read(said: &str) -> Transaction {
        let mut found = Transaction::default();
        let (mut heading, mut begun) = (String::new(), Vec::new());
        for line in said
            .lines()
            .take_while(|line| !line.starts_with("Transaction Summary"))
        {
            if line.ends_with(':') && !line.starts_with(' ') {
                heading = line.to_lowercase();
                continue;
            }
            if !line.starts_with(' ') || heading.is_empty() {
                continue;
            }
            begun.extend(line.split_whitespace());
            if let [name, arch, version, _, _, ..] = begun[..] {
                found.take(&heading, name, arch, version);
                begun.clear();
            } else if heading.contains("groups") {
                begun.clear();
            }
        }
        found
    }

    fn take(&mut self, heading: &str, name: &str, arch: &str, version: &str) {
        let version = version.strip_prefix("0:").unwrap_or(version);
        // An epoch stands before the version.
        let package = match version.split_once(':') {
            Some((epoch, version)) => format!("{name}-{epoch}:{version}.{arch}"),
            None => format!("{name}-{version}.{arch}"),
        };
        if heading.starts_with("removing") {
            self.gone.insert(package);
            return;
        }
        let is_older = heading.starts_with("downgrading");
        self.downgrades |= is_older;
        if is_older || heading.starts_with("upgrading") || heading.starts_with("reinstalling") {
            self.replaced.insert(format!("{name}.{arch}"));
        }
        self.new.insert(package);
    }

    /// Whether no package comes or goes.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }

    pub(super) fn has_downgrades(&self) -> bool {
        self.downgrades
    }

    pub(super) fn add(&mut self, other: Transaction) {
        self.new.extend(other.new);
        self.gone.extend(other.gone);
        self.replaced.extend(other.replaced);
        self.downgrades |= other.downgrades;
    }

    /// Each package with what becomes of it.
    pub(super) fn results(
        mut self,
        host: &dyn Host,
        downloads: bool,
    ) -> Result<Vec<String>, ModuleError> {
        for name in std::mem::take(&mut self.replaced) {
            let format = "%{NAME}-%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}.%{ARCH}\\n";
            let said = host.run(&plain(["rpm", "-q", "--qf", format, &name]))?;
            let there = said.stdout.lines().map(|line| line.replace("-0:", "-"));
            self.gone.extend(there.filter(|_| said.status == 0));
        }
        let verb = if downloads { "Downloaded" } else { "Installed" };
        let new = self.new.iter().map(|one| format!("{verb}: {one}"));
        let gone = self.gone.iter().map(|one| format!("Removed: {one}"));
        Ok(new.chain(gone).collect())
    }
}

/// Packages in lines of six fields with tabs between.
pub(super) fn packages(said: &str) -> Vec<Value> {
    let rows = said.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, epoch, version, release, arch, repo] = fields[..] else {
            return None;
        };
        let state = match repo {
            "@System" => "installed",
            _ => "available",
        };
        let envra = format!("{epoch}:{name}-{version}-{release}.{arch}");
        Some(json!({
            "name": name, "epoch": epoch, "version": version, "release": release,
            "arch": arch, "repo": repo, "yumstate": state, "envra": envra, "nevra": envra,
        }))
    });
    let mut rows: Vec<Value> = rows.collect();
    rows.sort_by_key(|row| row["repo"].as_str().map(str::to_owned));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_read_from_its_table() {
        let found = Transaction::read(
            "Dependencies resolved.\n=====\n Package  Architecture Version Repository Size\n=====\n\
             Installing:\n a-very-long-name-of-a-package\n          noarch  1.0-1  old  5.9 k\n\
             Upgrading:\n alpha  x86_64  2:2.0-1  new  5.9 k\nRemoving dependent packages:\n \
             beta  noarch  0:1.0-1  @new  4\nInstalling Groups:\n Tools\n\nTransaction Summary\n=====\n\
             Install  1 Package\n",
        );
        let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(&found.new),
            "a-very-long-name-of-a-package-1.0-1.noarch alpha-2:2.0-1.x86_64"
        );
        assert_eq!(words(&found.gone), "beta-1.0-1.noarch");
        assert_eq!(words(&found.replaced), "alpha.x86_64");
        assert!(!found.has_downgrades());
    }
}
