//! The real machine.
//!
//! `files.rs`, `process.rs`, `accounts.rs`, `packages.rs`, `units.rs` and `network.rs` each hold
//! the functions for one part; this file gives them the shape of [`Host`]. There is no state but
//! the task's environment and its end.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::host::{
    Access, Filesystem, Host, HostError, HttpResponse, Imagined, Kernel, Metadata, Permissions,
    Stream,
};
use crate::system::{
    AccountChange, Command, Dialogue, Group, HttpRequest, Output, PackageChange, Packages, Unit,
    UnitChange, UnitScope, User,
};

#[cfg(not(feature = "fetch"))]
use no_http as http;
pub use process::Cancel;
pub(crate) use terminal::open as open_terminal;

mod accounts;
mod busybox;
#[cfg(any(test, feature = "fetch"))]
mod ciphers;
mod files;
#[cfg(feature = "fetch")]
mod http;
mod names;
mod network;
#[cfg(not(feature = "fetch"))]
mod no_http;
mod packages;
mod process;
#[cfg(any(test, feature = "fetch"))]
mod redirect;
mod socket;
mod terminal;
mod units;

/// The machine that the agent runs on, for one task.
pub struct Local {
    environment: BTreeMap<String, String>,
    cancel: Arc<Cancel>,
    /// The rehearsal beside which this is the real machine.
    imagined: Option<Imagined>,
}

impl Local {
    /// The machine with an addition to the environment of its programs, until `cancel`.
    pub fn new(addition: &BTreeMap<String, String>, cancel: Arc<Cancel>) -> Local {
        let mut environment: BTreeMap<String, String> = std::env::vars().collect();
        environment.extend(addition.clone());
        Local {
            environment,
            cancel,
            imagined: None,
        }
    }

    /// The machine as it is, beside a rehearsal of what it would be.
    pub fn beside(self, imagined: Imagined) -> Local {
        Local {
            imagined: Some(imagined),
            ..self
        }
    }

    /// Runs a program whose words we read, so that they must be in English.
    fn run_plain(&self, argv: Vec<String>) -> Result<Output, HostError> {
        let environment = BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]);
        self.run(&Command {
            environment,
            ..Command::new(argv)
        })
    }
}

impl Host for Local {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        files::metadata(path)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, HostError> {
        path.canonicalize()
            .map_err(|error| HostError::io("resolve", path, &error))
    }

    fn link_target(&self, path: &Path) -> Result<PathBuf, HostError> {
        path.read_link()
            .map_err(|error| HostError::io("read", path, &error))
    }

    fn access(&self, path: &Path) -> Access {
        files::access(path)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn Read + Send>, HostError> {
        files::open(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        files::list(path)
    }

    fn write(
        &self,
        path: &Path,
        content: &mut dyn Read,
        permissions: Permissions,
    ) -> Result<(), HostError> {
        files::write(path, content, permissions)
    }

    fn create_directory(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        files::create_directory(path, mode)
    }

    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        files::replace(path, |temporary| {
            std::os::unix::fs::symlink(target, temporary)
        })
    }

    fn hard_link(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        files::replace(path, |temporary| std::fs::hard_link(target, temporary))
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        files::remove(path)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        files::set_mode(path, mode)
    }

    fn set_owner(
        &self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError> {
        files::set_owner(path, uid, gid, follow)
    }

    fn set_times(
        &self,
        path: &Path,
        access: Option<f64>,
        modification: Option<f64>,
    ) -> Result<(), HostError> {
        files::set_times(path, access, modification)
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        Ok(crate::accounts::users(
            &self.read_text(Path::new("/etc/passwd")).unwrap_or_default(),
        ))
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(crate::accounts::groups(
            &self.read_text(Path::new("/etc/group")).unwrap_or_default(),
        ))
    }

    fn find_user(&self, name: &str) -> Result<Option<User>, HostError> {
        let line = accounts::getent(self, "passwd", name)?;
        Ok(crate::accounts::users(&line).pop())
    }

    fn find_group(&self, name: &str) -> Result<Option<Group>, HostError> {
        let line = accounts::getent(self, "group", name)?;
        Ok(crate::accounts::groups(&line).pop())
    }

    fn password_hash(&self, user: &str) -> Result<Option<String>, HostError> {
        let shadow = self.read_text(Path::new("/etc/shadow"));
        Ok(shadow.and_then(|text| crate::accounts::password_hash(&text, user)))
    }

    fn change_account(&self, change: &AccountChange) -> Result<Output, HostError> {
        accounts::change(self, change)
    }

    fn packages(&self) -> Result<Packages, HostError> {
        packages::installed(self)
    }

    fn simulate_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        packages::run(self, change, true)
    }

    fn change_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        packages::run(self, change, false)
    }

    fn unit(&self, name: &str, scope: UnitScope) -> Result<Unit, HostError> {
        units::show(self, name, scope)
    }

    fn change_unit(&self, change: &UnitChange) -> Result<Output, HostError> {
        units::change(self, change)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        process::run(command, &self.environment, &self.cancel)
    }

    fn converse(&self, command: &Command, dialogue: &Dialogue) -> Result<Output, HostError> {
        terminal::converse(command, dialogue, &self.environment, &self.cancel)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        process::find_program(name, &self.environment)
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.environment.clone()
    }

    fn user_id(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn kernel(&self) -> Result<Kernel, HostError> {
        let names = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        Ok(Kernel {
            system: text(names.sysname()),
            node: text(names.nodename()),
            release: text(names.release()),
            version: text(names.version()),
            machine: text(names.machine()),
        })
    }

    fn filesystem(&self, path: &Path) -> Result<Filesystem, HostError> {
        files::filesystem(path)
    }

    fn connect(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> Result<Box<dyn Stream>, HostError> {
        network::connect(host, port, timeout)
    }

    fn fetch(&self, request: &HttpRequest) -> Result<HttpResponse, HostError> {
        let file = request.url.strip_prefix("file://");
        match (&request.socket, file) {
            (Some(socket), _) => socket::fetch(request, socket),
            (None, Some(path)) => files::answer(request, Path::new(path)),
            (None, None) => http::fetch(request, &self.environment),
        }
    }

    fn now(&self) -> f64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |time| time.as_secs_f64())
    }

    fn sleep(&self, duration: Duration) -> Result<(), HostError> {
        self.cancel.wait(duration)
    }

    fn in_doubt(&self) -> bool {
        self.imagined.as_ref().is_some_and(Imagined::in_doubt)
    }
}
