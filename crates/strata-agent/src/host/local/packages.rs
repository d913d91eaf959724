//! The package manager of the real machine: apt. Others are refused by name.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Local;
use crate::host::{Host, HostError};
use crate::system::{Command, Output, PackageChange, PackageOptions, PackageVerb, Packages};

const STATUS: &str = "/var/lib/dpkg/status";

pub(super) fn installed(host: &Local) -> Result<Packages, HostError> {
    match host.read_text(Path::new(STATUS)) {
        Some(status) => Ok(crate::dpkg::packages(&status, architecture(host))),
        None => Err(HostError::Other(
            "the host has no dpkg database: only Debian's package manager is supported yet"
                .to_owned(),
        )),
    }
}

/// Debian's name for the machine that this program was compiled for.
fn architecture(_host: &Local) -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "i386",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        other => other,
    }
}

pub(super) fn run(
    host: &Local,
    change: &PackageChange,
    simulate: bool,
) -> Result<Output, HostError> {
    let mut environment = BTreeMap::from([
        ("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned()),
        ("DEBIAN_PRIORITY".to_owned(), "critical".to_owned()),
    ]);
    let known = host.run(&Command::new(["locale", "-a"])).ok();
    let locale = best_locale(known.as_ref().map_or("", |known| &known.stdout));
    let names = ["LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"];
    environment.extend(names.map(|name| (name.to_owned(), locale.to_owned())));
    let _policy = match change.options.policy_rc_d {
        Some(answer) if !simulate => Some(Policy::set(answer)?),
        _ => None,
    };
    host.run(&Command {
        environment,
        ..Command::new(arguments(change, simulate))
    })
}

/// The locale for programs that run the scripts of packages, out of those that the host knows, one a line: in English,
/// and in UTF-8 where it can be, since scripts write what they find into settings, such as the character set of the
/// console. As ansible-core 2.19 chooses it.
fn best_locale(known: &str) -> &'static str {
    let wanted = ["C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8"];
    let is_known = |name: &&str| known.lines().any(|line| line.trim() == *name);
    wanted.into_iter().find(is_known).unwrap_or("C")
}

/// Asked by package scripts before they start or stop a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// An answer to them for as long as this lives; then all is as before.
struct Policy {
    before: Option<(Vec<u8>, fs::Permissions)>,
}

impl Policy {
    fn set(answer: i64) -> Result<Policy, HostError> {
        let failed = |error: std::io::Error| HostError::io("write", Path::new(POLICY), &error);
        let before = match (fs::read(POLICY), fs::metadata(POLICY)) {
            (Ok(content), Ok(metadata)) => Some((content, metadata.permissions())),
            _ => None,
        };
        let policy = Policy { before };
        fs::write(POLICY, format!("#!/bin/sh\nexit {answer}\n")).map_err(failed)?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).map_err(failed)?;
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        match self.before.take() {
            Some((content, permissions)) => {
                fs::write(POLICY, content).ok();
                fs::set_permissions(POLICY, permissions).ok();
            }
            None => {
                fs::remove_file(POLICY).ok();
            }
        }
    }
}

fn arguments(change: &PackageChange, simulate: bool) -> Vec<String> {
    let mut arguments = vec!["apt-get".to_owned(), "-y".to_owned(), "-q".to_owned()];
    arguments.extend(options(&change.options, change.verb));
    if simulate {
        arguments.push("-s".to_owned());
    }
    arguments.extend(
        verb(change.verb, &change.options)
            .iter()
            .map(|word| (*word).to_owned()),
    );
    arguments.extend(change.names.iter().cloned());
    arguments
}

fn verb(verb: PackageVerb, options: &PackageOptions) -> &'static [&'static str] {
    match verb {
        PackageVerb::Update => &["update"],
        PackageVerb::Install | PackageVerb::InstallFiles => &["install"],
        PackageVerb::Reinstall => &["--reinstall", "install"],
        PackageVerb::BuildDependencies => &["build-dep"],
        PackageVerb::Remove if options.purge => &["--purge", "remove"],
        PackageVerb::Remove => &["remove"],
        PackageVerb::SafeUpgrade => &["upgrade", "--with-new-pkgs"],
        PackageVerb::FullUpgrade => &["full-upgrade"],
        PackageVerb::DistributionUpgrade => &["dist-upgrade"],
        PackageVerb::Autoremove if options.purge => &["--purge", "autoremove"],
        PackageVerb::Autoremove => &["autoremove"],
        PackageVerb::Autoclean => &["autoclean"],
        PackageVerb::Clean => &["clean"],
    }
}

fn options(options: &PackageOptions, verb: PackageVerb) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    for option in &options.dpkg_options {
        arguments.extend(["-o".to_owned(), format!("Dpkg::Options::=--{option}")]);
    }
    arguments.extend([
        "-o".to_owned(),
        format!("DPkg::Lock::Timeout={}", options.lock_timeout),
    ]);
    if verb == PackageVerb::Update {
        // Otherwise apt-get says that all is well when an archive did not answer.
        arguments.extend(["-o".to_owned(), "APT::Update::Error-Mode=any".to_owned()]);
    }
    let flags = [
        (options.force, "--allow-downgrades"),
        (options.force, "--allow-remove-essential"),
        (
            options.allow_change_held || options.force,
            "--allow-change-held-packages",
        ),
        (
            options.allow_downgrade && !options.force,
            "--allow-downgrades",
        ),
        (
            options.allow_unauthenticated || options.force,
            "--allow-unauthenticated",
        ),
        (options.only_upgrade, "--only-upgrade"),
        (options.fail_on_autoremove, "--no-remove"),
        (options.autoremove, "--auto-remove"),
        (
            options.install_recommends == Some(true),
            "--install-recommends",
        ),
        (
            options.install_recommends == Some(false),
            "--no-install-recommends",
        ),
    ];
    arguments.extend(
        flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, flag)| (*flag).to_owned()),
    );
    if let Some(release) = &options.default_release {
        arguments.extend(["-t".to_owned(), release.clone()]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_in_utf_8_where_the_host_has_it() {
        assert_eq!(best_locale("C\nC.utf8\nde_DE.utf8\nPOSIX\n"), "C.utf8");
        assert_eq!(best_locale("C\nPOSIX\nen_US.utf8\n"), "en_US.utf8");
        assert_eq!(best_locale("C\nPOSIX\nde_DE.utf8\n"), "C");
        assert_eq!(best_locale(""), "C");
    }
}
