//! The three Debian images, made here because no image server can be counted on.
//!
//! `debian/bookworm` is a minimal system with python3; `debian/bookworm/cloud` adds cloud-init and
//! an ssh server and nothing else; `debian/bookworm/modules` has beside that the programs and servers that
//! modules are compared with, none of which starts by itself. The tarballs are kept in the cache, so that the next daemon gets
//! them in seconds. A tarball is renamed into place only once it is whole. Whoever changes how an
//! image is made changes its [`recipe`], and with it both the tarball's name and a property of the
//! image, so that no old one is taken for the new one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

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

const MODULE_PACKAGES: &[&str] = &[
    "acl",
    "apache2",
    "busybox-static",
    "composer",
    "createrepo-c",
    "cron",
    "dbus",
    "debconf-utils",
    "dnf",
    "docker.io",
    "dosfstools",
    "e2fsprogs",
    "firewalld",
    "gnupg",
    "iptables",
    "libarchive-tools",
    "makepkg",
    "mariadb-server",
    "npm",
    "pacman-package-manager",
    "parted",
    "policycoreutils-python-utils",
    "postgresql",
    "python3-debian",
    "python3-dnf",
    "python3-pip",
    "python3-psycopg2",
    "python3-pymysql",
    "python3-selinux",
    "python3-semanage",
    "python3-setuptools",
    "python3-venv",
    "python3-wheel",
    "rpm",
    "ruby",
    "selinux-policy-default",
    "subversion",
    "tzdata",
    "ufw",
    "util-linux",
    "xfsprogs",
    "zypper",
];
/// What bookworm has too old for Ansible's modules; they need nothing else of the next Debian.
const NEXT_PACKAGES: &[&str] = &["docker-compose/trixie", "pipx/trixie"];
const NEXT_PREFERENCES: &str = "Package: *\nPin: release n=trixie\nPin-Priority: 1\n";
const AT_REST: &str = "systemctl disable -q apache2 cron docker.service docker.socket containerd \
                       firewalld mariadb postgresql ufw";

const SEED: &str = "datasource_list: [ NoCloud, None ]\n";
// The built-in default, en_US.UTF-8, is generated in no minimal Debian, and setting it fails.
const LOCALE: &str = "locale: C.UTF-8\n";
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
    level: Level,
}

/// How much is in an image; each has all that is in those before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Plain,
    Cloud,
    Modules,
}

const IMAGES: &[Image] = &[
    Image {
        name: "bookworm",
        aliases: &["debian/bookworm", "debian/12"],
        level: Level::Plain,
    },
    Image {
        name: "bookworm-cloud",
        aliases: &["debian/bookworm/cloud", "debian/12/cloud"],
        level: Level::Cloud,
    },
    Image {
        name: "bookworm-modules",
        aliases: &["debian/bookworm/modules", "debian/12/modules"],
        level: Level::Modules,
    },
];

/// What the daemon says about one of its images.
struct Known {
    fingerprint: String,
    recipe: String,
    aliases: Vec<String>,
}

/// Builds what is missing in the cache, then imports what is missing in the daemon.
pub(crate) fn set_up(site: &Site) -> Result<(), Failure> {
    let known = known(site)?;
    let wanted: Vec<&Image> = IMAGES.iter().filter(|image| !has(&known, image)).collect();
    build(site, &wanted)?;
    for image in wanted {
        let stale = |known: &&Known| {
            known
                .aliases
                .iter()
                .any(|alias| image.aliases.contains(&alias.as_str()))
        };
        for old in known.iter().filter(stale) {
            process::output_of(&mut site.incus(&["image", "delete", &old.fingerprint]))?;
        }
        import(site, image)?;
    }
    Ok(())
}

/// Lists the aliases of all images that the daemon has.
pub(crate) fn aliases(site: &Site) -> Result<Vec<String>, Failure> {
    let mut aliases: Vec<String> = known(site)?
        .into_iter()
        .flat_map(|image| image.aliases)
        .collect();
    aliases.sort();
    Ok(aliases)
}

fn known(site: &Site) -> Result<Vec<Known>, Failure> {
    let answer = process::output_of(&mut site.incus(&["query", "/1.0/images?recursion=1"]))?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| {
        Failure::new(format!("the daemon's list of images is no JSON: {error}"))
    })?;
    Ok(answer
        .as_array()
        .into_iter()
        .flatten()
        .map(known_image)
        .collect())
}

fn known_image(entry: &Value) -> Known {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let aliases = entry["aliases"].as_array().into_iter().flatten();
    Known {
        fingerprint: text(&entry["fingerprint"]),
        recipe: text(&entry["properties"]["recipe"]),
        aliases: aliases.map(|alias| text(&alias["name"])).collect(),
    }
}

fn has(known: &[Known], image: &Image) -> bool {
    let recipe = recipe(image);
    let all = |known: &Known| {
        image
            .aliases
            .iter()
            .all(|alias| known.aliases.iter().any(|name| name == alias))
    };
    known
        .iter()
        .any(|known| known.recipe == recipe && all(known))
}

/// Names the way an image is made: another way, another name.
fn recipe(image: &Image) -> String {
    let mut parts = vec![
        PLAIN_PACKAGES.to_owned(),
        TIDY.to_owned(),
        INTERFACES.to_owned(),
    ];
    if image.level >= Level::Cloud {
        parts.extend(
            CLOUD_PACKAGES
                .iter()
                .chain([&SEED, &LOCALE])
                .map(|&part| part.to_owned()),
        );
    }
    if image.level == Level::Modules {
        parts.extend(
            MODULE_PACKAGES
                .iter()
                .chain(NEXT_PACKAGES)
                .chain([&NEXT_PREFERENCES, &AT_REST])
                .map(|&part| part.to_owned()),
        );
    }
    parts.extend(
        image_metadata::files(image.level >= Level::Cloud, "", 0, "")
            .into_iter()
            .map(|file| file.text),
    );
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    // FNV-1a: nobody attacks it, and it is four lines.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn build(site: &Site, wanted: &[&Image]) -> Result<(), Failure> {
    let is_missing = |image: &&&Image| !root_file(site, image).exists();
    let missing: Vec<&&Image> = wanted.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let work = site.cache.join("work");
    remove_folder(&work)?;
    make_folder(&work)?;
    let (modules, basic): (Vec<&Image>, Vec<&Image>) = missing
        .into_iter()
        .copied()
        .partition(|image: &&Image| image.level == Level::Modules);
    if !basic.is_empty() {
        build_basic(site, &work, &basic)?;
    }
    for image in modules {
        println!("making the image `{}`", image.name);
        let root = work.join("modules");
        unpack_cloud(site, &root)?;
        add_modules(&root)?;
        finish(site, image, &root)?;
    }
    remove_folder(&work)
}

/// Makes those of the first two images that are missing.
fn build_basic(site: &Site, work: &Path, missing: &[&Image]) -> Result<(), Failure> {
    let plain = work.join("plain");
    println!("making a Debian bookworm (debootstrap)");
    debootstrap(&plain)?;
    let cloud = work.join("cloud");
    process::run(&["cp", "-a", &text(&plain), &text(&cloud)])?;
    for image in missing {
        println!("making the image `{}`", image.name);
        let is_cloud = image.level == Level::Cloud;
        let root = if is_cloud { &cloud } else { &plain };
        if is_cloud {
            add_cloud(root)?
        } else {
            add_interfaces(root)?
        }
        finish(site, image, root)?;
    }
    Ok(())
}

fn finish(site: &Site, image: &Image, root: &Path) -> Result<(), Failure> {
    process::run(&["chroot", &text(root), "sh", "-c", TIDY])?;
    pack(site, image, root)
}

/// Puts the file system of the second image into a folder, made first if somebody took it out of the cache.
fn unpack_cloud(site: &Site, root: &Path) -> Result<(), Failure> {
    let cloud = IMAGES.iter().find(|image| image.level == Level::Cloud);
    let cloud = cloud.expect("it stands in the list above");
    let file = root_file(site, cloud);
    if !file.exists() {
        let work = site.cache.join("work");
        build_basic(site, &work, &[cloud])?;
    }
    make_folder(root)?;
    let unpack = ["tar", "--extract", "--numeric-owner", "--xattrs", "--zstd"];
    process::run(
        &[
            &unpack[..],
            &["--file", &text(&file), "--directory", &text(root)],
        ]
        .concat(),
    )?;
    process::run(&[
        "cp",
        "/etc/resolv.conf",
        &text(&root.join("etc/resolv.conf")),
    ])
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

/// Packages must not start their services inside the build.
fn keep_at_rest(root: &Path) -> Result<(), Failure> {
    let policy = root.join("usr/sbin/policy-rc.d");
    write(&policy, "#!/bin/sh\nexit 101\n")?;
    process::run(&["chmod", "755", &text(&policy)])
}

fn add_cloud(root: &Path) -> Result<(), Failure> {
    keep_at_rest(root)?;
    chroot_apt(root, &["update"])?;
    chroot_apt(
        root,
        &[
            &["install", "-y", "--no-install-recommends"],
            CLOUD_PACKAGES,
        ]
        .concat(),
    )?;
    let configuration = root.join("etc/cloud/cloud.cfg.d");
    write(&configuration.join("90_dpkg.cfg"), SEED)?;
    write(&configuration.join("91_locale.cfg"), LOCALE)
}

fn add_modules(root: &Path) -> Result<(), Failure> {
    keep_at_rest(root)?;
    chroot_apt(root, &["update"])?;
    // Nothing of it has to outlive a crash of this machine.
    let install = ["-o", "Dpkg::Options::=--force-unsafe-io", "install", "-y"];
    let install = [&install[..], &["--no-install-recommends"], MODULE_PACKAGES];
    chroot_apt(root, &install.concat())?;
    add_from_next(root)?;
    process::run(&["chroot", &text(root), "sh", "-c", AT_REST])
}

/// The next Debian is known only as long as the few packages of it are installed.
fn add_from_next(root: &Path) -> Result<(), Failure> {
    let list = root.join("etc/apt/sources.list.d/trixie.list");
    let preferences = root.join("etc/apt/preferences.d/trixie");
    write(&list, &format!("deb {} trixie main\n", packages::mirror()))?;
    write(&preferences, NEXT_PREFERENCES)?;
    chroot_apt(root, &["update"])?;
    let install = ["install", "-y", "--no-install-recommends"];
    chroot_apt(root, &[&install[..], NEXT_PACKAGES].concat())?;
    remove_file(&list)?;
    remove_file(&preferences)
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
    for file in image_metadata::files(
        image.level >= Level::Cloud,
        std::env::consts::ARCH,
        now(),
        &recipe(image),
    ) {
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

fn import(site: &Site, image: &Image) -> Result<(), Failure> {
    println!("importing `{}`", image.aliases.join("`, `"));
    let (metadata, root) = (
        text(&metadata_file(site, image)),
        text(&root_file(site, image)),
    );
    let aliases = image.aliases.iter().flat_map(|alias| ["--alias", alias]);
    let arguments: Vec<&str> = ["image", "import", &metadata, &root]
        .into_iter()
        .chain(aliases)
        .collect();
    process::output_of(&mut site.incus(&arguments)).map(drop)
}

fn root_file(site: &Site, image: &Image) -> PathBuf {
    site.cache
        .join(format!("{}-{}.tar.zst", image.name, recipe(image)))
}

fn metadata_file(site: &Site, image: &Image) -> PathBuf {
    site.cache
        .join(format!("{}-{}-metadata.tar.gz", image.name, recipe(image)))
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

fn remove_file(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| Failure::file(path, &error))
}

fn remove_folder(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(recipe: &str, aliases: &[&str]) -> Known {
        let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
        Known {
            fingerprint: "f".to_owned(),
            recipe: recipe.to_owned(),
            aliases,
        }
    }

    #[test]
    fn an_image_is_there_only_with_its_recipe_and_all_its_aliases() {
        let image = &IMAGES[0];
        let recipe = recipe(image);
        assert!(has(
            &[known(&recipe, &["other", "debian/12", "debian/bookworm"])],
            image
        ));
        assert!(!has(&[known(&recipe, &["debian/12"])], image));
        assert!(!has(
            &[known("another", &["debian/12", "debian/bookworm"])],
            image
        ));
    }

    #[test]
    fn the_images_have_recipes_of_their_own() {
        assert_ne!(recipe(&IMAGES[0]), recipe(&IMAGES[1]));
        assert_ne!(recipe(&IMAGES[1]), recipe(&IMAGES[2]));
    }

    #[test]
    fn an_image_of_the_daemon_is_read_with_its_aliases() {
        let entry = serde_json::json!({
            "fingerprint": "abc", "properties": { "recipe": "r" }, "aliases": [{ "name": "debian/12" }],
        });
        let image = known_image(&entry);
        assert_eq!(
            (image.fingerprint.as_str(), image.recipe.as_str()),
            ("abc", "r")
        );
        assert_eq!(image.aliases, ["debian/12"]);
    }
}
