//! What well-known Debian packages bring along: the folders, files and users that roles build on.
//!
//! A model has no archive to look into. What stands here is what Debian 12's packages install, as
//! far as configuration touches it; of any other package a model knows nothing but its name.

use std::path::Path;

use super::State;
use crate::host::Kind;
use crate::system::{Group, User};

/// What one package brings.
struct Brought {
    package: &'static str,
    folders: &'static [&'static str],
    files: &'static [&'static str],
    /// Name and home of a system user with a group of the same name.
    user: Option<(&'static str, &'static str)>,
}

const KNOWN: &[Brought] = &[
    Brought {
        package: "nginx",
        folders: &[
            "/etc/nginx/conf.d",
            "/etc/nginx/sites-available",
            "/etc/nginx/sites-enabled",
            "/var/www/html",
        ],
        files: &[
            "/etc/nginx/nginx.conf",
            "/etc/nginx/sites-available/default",
        ],
        user: None,
    },
    Brought {
        package: "prometheus",
        folders: &["/etc/prometheus", "/var/lib/prometheus"],
        files: &["/etc/prometheus/prometheus.yml", "/etc/default/prometheus"],
        user: Some(("prometheus", "/var/lib/prometheus")),
    },
    Brought {
        package: "prometheus-alertmanager",
        folders: &["/etc/prometheus", "/var/lib/prometheus/alertmanager"],
        files: &[
            "/etc/prometheus/alertmanager.yml",
            "/etc/default/prometheus-alertmanager",
        ],
        user: Some(("prometheus", "/var/lib/prometheus")),
    },
    Brought {
        package: "mosquitto",
        folders: &["/etc/mosquitto/conf.d", "/var/lib/mosquitto"],
        files: &["/etc/mosquitto/mosquitto.conf"],
        user: Some(("mosquitto", "/var/lib/mosquitto")),
    },
    Brought {
        package: "openssh-server",
        folders: &["/etc/ssh/sshd_config.d"],
        files: &["/etc/ssh/sshd_config"],
        user: None,
    },
    Brought {
        package: "docker.io",
        folders: &["/etc/docker", "/var/lib/docker"],
        files: &[],
        user: None,
    },
];

/// The first number of a system user, as Debian's `adduser` gives them.
const FIRST_SYSTEM_ID: u32 = 100;

/// Puts what a package brings into the model; what is there already stays.
pub(super) fn install(state: &mut State, package: &str) {
    for brought in KNOWN.iter().filter(|known| known.package == package) {
        for folder in brought.folders {
            make_folders(state, Path::new(folder));
        }
        for file in brought.files {
            make(state, Path::new(file), Kind::File);
        }
        if let Some((name, home)) = brought.user {
            make_user(state, name, home);
        }
    }
}

fn make_folders(state: &mut State, path: &Path) {
    if let Some(parent) = path.parent() {
        make_folders(state, parent);
    }
    make(state, path, Kind::Directory);
}

fn make(state: &mut State, path: &Path, kind: Kind) {
    if state.tree.get(path).is_none() {
        let now = state.now;
        // Its folder may be a file by now, which is for the role to find out.
        state.tree.put("install", path, kind, now).ok();
    }
}

fn make_user(state: &mut State, name: &str, home: &str) {
    if state.users.iter().any(|user| user.name == name) {
        return;
    }
    let taken = |id: &u32| {
        state.users.iter().any(|user| user.uid == *id)
            || state.groups.iter().any(|group| group.gid == *id)
    };
    let id = (FIRST_SYSTEM_ID..)
        .find(|id| !taken(id))
        .unwrap_or(FIRST_SYSTEM_ID);
    state.groups.push(Group {
        name: name.to_owned(),
        gid: id,
        members: Vec::new(),
    });
    state.users.push(User {
        name: name.to_owned(),
        uid: id,
        gid: id,
        home: home.to_owned(),
        shell: "/usr/sbin/nologin".to_owned(),
        ..User::default()
    });
}

#[cfg(test)]
mod tests {
    use crate::host::{Host, Model};
    use crate::system::{PackageChange, PackageOptions, PackageVerb};

    #[test]
    fn an_installed_package_brings_its_folders_and_its_user() {
        let model = Model::debian("a");
        let change = PackageChange {
            verb: PackageVerb::Install,
            names: vec!["prometheus".to_owned()],
            options: PackageOptions::default(),
        };
        model.change_packages(&change).unwrap();
        assert!(
            model
                .metadata("/etc/prometheus/prometheus.yml".as_ref())
                .unwrap()
                .is_some()
        );
        let users = model.users().unwrap();
        let user = users.iter().find(|user| user.name == "prometheus").unwrap();
        assert_eq!(user.home, "/var/lib/prometheus");
    }
}
