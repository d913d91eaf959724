//! The package manager of the real machine: apt. Others are refused by name.

use std::collections::BTreeMap;
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
    let environment = [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
        ("LANG", "C"),
        ("LC_ALL", "C"),
        ("LC_MESSAGES", "C"),
    ];
    let environment: BTreeMap<String, String> = environment
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    host.run(&Command {
        environment,
        ..Command::new(arguments(change, simulate))
    })
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
