//! Where a testbed has its parts: paths, names and addresses, all in one value.
//!
//! A second testbed beside the first is possible by setting every `STRATA_TESTBED_…` variable.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// Names everything that belongs to one testbed.
#[derive(Debug)]
pub(crate) struct Site {
    /// The daemon's own folder, as `INCUS_DIR`.
    pub(crate) incus: PathBuf,
    /// What lives as long as the daemon: its process id, its log, keys of ssh targets.
    pub(crate) state: PathBuf,
    /// What is worth keeping for next time: image tarballs.
    pub(crate) cache: PathBuf,
    /// The bridge's name.
    pub(crate) network: String,
    /// The bridge's own address and its prefix.
    pub(crate) subnet: String,
    /// Where the daemon serves HTTPS.
    pub(crate) https: String,
}

impl Site {
    /// Takes the usual places but where a variable says otherwise.
    pub(crate) fn from_environment() -> Site {
        let or = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
        Site {
            incus: or("STRATA_TESTBED_INCUS", "/var/lib/incus").into(),
            state: or("STRATA_TESTBED_STATE", "/run/strata-testbed").into(),
            cache: env::var_os("STRATA_TESTBED_CACHE").map_or_else(usual_cache, PathBuf::from),
            network: or("STRATA_TESTBED_NETWORK", "br0"),
            subnet: or("STRATA_TESTBED_SUBNET", "10.77.0.1/24"),
            https: or("STRATA_TESTBED_HTTPS", "127.0.0.1:8443"),
        }
    }

    /// Gives the path of the socket that the daemon listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.incus.join("unix.socket")
    }

    /// Gives the path of the record of the daemon's process.
    pub(crate) fn pid_file(&self) -> PathBuf {
        self.state.join("incusd.pid")
    }

    /// Gives the path of the daemon's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.state.join("incusd.log")
    }

    /// Gives the folder of an ssh target's keys.
    pub(crate) fn keys(&self, name: &str) -> PathBuf {
        self.state.join("ssh").join(name)
    }

    /// Makes a call of Incus' client that speaks to this daemon and no other.
    pub(crate) fn incus(&self, arguments: &[&str]) -> Command {
        let mut command = process::command(&[&["incus"], arguments].concat());
        command
            .env("INCUS_DIR", &self.incus)
            .env("INCUS_CONF", self.state.join("client"));
        command
            .env_remove("INCUS_SOCKET")
            .env_remove("INCUS_REMOTE")
            .env_remove("INCUS_PROJECT");
        command
    }

    /// Prints what tests need to find this testbed, for `eval`.
    pub(crate) fn exports(&self) -> String {
        format!(
            "export INCUS_SOCKET={}\nexport STRATA_TEST_INCUS_SOCKET={}\n\
             export STRATA_TEST_INCUS_HTTPS=https://{}\nexport STRATA_TEST_INCUS_NETWORK={}\n\
             export STRATA_TEST_INCUS_IMAGE=debian/bookworm\n\
             export STRATA_TEST_INCUS_CLOUD_IMAGE=debian/bookworm/cloud\n",
            shown(&self.socket()),
            shown(&self.socket()),
            self.https,
            self.network,
        )
    }
}

fn usual_cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into()));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty());
    cache
        .map_or_else(|| home().join(".cache"), PathBuf::from)
        .join("strata/testbed")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
