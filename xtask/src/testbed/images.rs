//! The two Debian images, made here because no image server can be counted on.
//!
//! `debian/bookworm` is a minimal system with python3; `debian/bookworm/cloud` adds cloud-init and
//! an ssh server and nothing else. The tarballs are kept in the cache, so that the next daemon gets
//! them in seconds. A tarball is renamed into place only once it is whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::site::Site;
use super::{image_metadata, packages};
use crate::failure::Failure;
use crate::process;

const PLAIN_PACKAGES: &str = "systemd,systemd-sysv,dbus,python3-minimal,iproute2,ifupdown,\
                              isc-dhcp-client,ca-certificates,netbase,procps";
// Without `locales` cloud-init ends in status error.
const CLOUD_PACKAGES: &[&str] = &[
    "cloud-init",
    "python3-apt",
    "openssh-server",
    "sudo",
    "curl",
    "locales",
];

const INTERFACES: &str = "auto eth0\niface eth0 inet dhcp\n";

/// Takes what the build left over out of a root file system.
const TIDY: &str = "apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt \
                    /usr/share/man/* /usr/share/info/* /usr/sbin/policy-rc.d /etc/ssh/ssh_host_* \
                    && find /usr/share/doc -type f ! -name copyright -delete \
                    && find /usr/share/locale -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} + \
                    && : > /etc/machine-id && : > /etc/resolv.conf";

/// One of the images.
struct Image {
    /// What its files in the cache are called.
    name: &'static str,
    aliases: &'static [&'static str],
    cloud: bool,
}

const IMAGES: &[Image] = &[
    Image {
        name: "bookworm",
        aliases: &["debian/bookworm", "debian/12"],
        cloud: false,
    },
    Image {
        name: "bookworm-cloud",
        aliases: &["debian/bookworm/cloud", "debian/12/cloud"],
        cloud: true,
    },
];

/// Builds what is missing in the cache, then imports what is missing in the daemon.
pub(crate) fn set_up(site: &Site) -> Result<(), Failure> {
    let known = aliases(site)?;
    let lacks = |image: &&Image| {
        image
            .aliases
            .iter()
            .any(|alias| !known.iter().any(|name| name == alias))
    };
    let wanted: Vec<&Image> = IMAGES.iter().filter(lacks).collect();
    build(site, &wanted)?;
    wanted
        .iter()
        .try_for_each(|image| import(site, image, &known))
}

/// Lists the aliases of all images that the daemon has.
pub(crate) fn aliases(site: &Site) -> Result<Vec<String>, Failure> {
    let answer =
        process::output_of(&mut site.incus(&["query", "/1.0/images/aliases?recursion=1"]))?;
    let answer: serde_json::Value = serde_json::from_str(&answer).map_err(|error| {
        Failure::new(format!("the daemon's list of aliases is no JSON: {error}"))
    })?;
    let entries = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = entries.iter().filter_map(|entry| entry["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

fn build(site: &Site, wanted: &[&Image]) -> Result<(), Failure> {
    let missing: Vec<&&Image> = wanted
        .iter()
        .filter(|image| !root_file(site, image).exists())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let work = site.cache.join("work");
    remove_folder(&work)?;
    make_folder(&work)?;
    let plain = work.join("plain");
    println!("making a Debian bookworm (debootstrap)");
    debootstrap(&plain)?;
    let cloud = work.join("cloud");
    process::run(&["cp", "-a", &text(&plain), &text(&cloud)])?;
    for image in missing {
        println!("making the image `{}`", image.name);
        let root = if image.cloud { &cloud } else { &plain };
        if image.cloud {
            add_cloud(root)?
        } else {
            add_interfaces(root)?
        }
        process::run(&["chroot", &text(root), "sh", "-c", TIDY])?;
        pack(site, image, root)?;
    }
    remove_folder(&work)
}

fn debootstrap(root: &Path) -> Result<(), Failure> {
    let include = format!("--include={PLAIN_PACKAGES}");
    let mirror = packages::mirror();
    process::run(&[
        "debootstrap",
        "--variant=minbase",
        &include,
        "bookworm",
        &text(root),
        &mirror,
    ])
}

fn add_interfaces(root: &Path) -> Result<(), Failure> {
    write(&root.join("etc/network/interfaces.d/eth0"), INTERFACES)
}

fn add_cloud(root: &Path) -> Result<(), Failure> {
    // Packages must not start their services inside the build.
    let policy = root.join("usr/sbin/policy-rc.d");
    write(&policy, "#!/bin/sh\nexit 101\n")?;
    process::run(&["chmod", "755", &text(&policy)])?;
    chroot_apt(root, &["update"])?;
    chroot_apt(
        root,
        &[
            &["install", "-y", "--no-install-recommends"],
            CLOUD_PACKAGES,
        ]
        .concat(),
    )?;
    write(
        &root.join("etc/cloud/cloud.cfg.d/90_dpkg.cfg"),
        "datasource_list: [ NoCloud, None ]\n",
    )
}

fn chroot_apt(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let root = text(root);
    let mut apt = process::command(&[&["chroot", &root, "apt-get", "-q"], arguments].concat());
    process::output_of(apt.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

fn pack(site: &Site, image: &Image, root: &Path) -> Result<(), Failure> {
    let metadata = site
        .cache
        .join("work")
        .join(format!("{}-metadata", image.name));
    make_folder(&metadata.join("templates"))?;
    for file in image_metadata::files(image.cloud, std::env::consts::ARCH, now()) {
        write(&metadata.join(&file.path), &file.text)?;
    }
    tarball(&metadata, &metadata_file(site, image), "gzip")?;
    tarball(root, &root_file(site, image), "zstd -T0 -9")
}

/// Packs a folder's content, under a passing name until it is whole.
fn tarball(folder: &Path, target: &Path, compressor: &str) -> Result<(), Failure> {
    let passing = target.with_extension("part");
    let program = format!("--use-compress-program={compressor}");
    let arguments = ["tar", "--create", "--numeric-owner", "--xattrs", &program];
    process::run(
        &[
            &arguments[..],
            &["--file", &text(&passing), "--directory", &text(folder), "."],
        ]
        .concat(),
    )?;
    fs::rename(&passing, target).map_err(|error| Failure::file(target, &error))
}

fn import(site: &Site, image: &Image, known: &[String]) -> Result<(), Failure> {
    println!("importing `{}`", image.aliases.join("`, `"));
    let (metadata, root) = (
        text(&metadata_file(site, image)),
        text(&root_file(site, image)),
    );
    let fingerprint = fingerprint(&metadata, &root)?;
    let there = site
        .incus(&["query", &format!("/1.0/images/{fingerprint}")])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        process::output_of(&mut site.incus(&["image", "import", &metadata, &root]))?;
    }
    let missing = image
        .aliases
        .iter()
        .filter(|alias| !known.iter().any(|name| name == *alias));
    for alias in missing {
        process::output_of(&mut site.incus(&["image", "alias", "create", alias, &fingerprint]))?;
    }
    Ok(())
}

/// Computes what Incus will call the image: the hash over both files, one after the other.
fn fingerprint(metadata: &str, root: &str) -> Result<String, Failure> {
    let both = "cat \"$0\" \"$1\" | sha256sum";
    let sum = process::output(&["sh", "-c", both, metadata, root])?;
    sum.split_whitespace()
        .next()
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("`sha256sum` said nothing"))
}

fn root_file(site: &Site, image: &Image) -> PathBuf {
    site.cache.join(format!("{}.tar.zst", image.name))
}

fn metadata_file(site: &Site, image: &Image) -> PathBuf {
    site.cache.join(format!("{}-metadata.tar.gz", image.name))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    fs::write(path, content).map_err(|error| Failure::file(path, &error))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::file(path, &error))
}

fn remove_folder(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(())
}
