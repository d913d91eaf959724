//! A machine in memory: for the twin, and for tests.
//!
//! Files, users, groups, packages and units change as modules decide. What no model can know (what
//! a program prints, what an address answers) it says when it was told, and else says that it does
//! not know ([`HostError::Unknown`]). A clone is the same machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::{
    Access, Filesystem, Host, HostError, HttpResponse, Kernel, Kind, MAX_READ, Metadata,
    Permissions, Stream,
};
use crate::system::{
    AccountChange, Command, Dialogue, Group, HttpRequest, Output, Package, PackageChange,
    PackageVerb, Packages, Unit, UnitChange, UnitScope, UnitVerb, User,
};
use tree::{Tree, absent};

mod accounts;
mod brought;
mod tree;
mod units;

/// A machine in memory.
#[derive(Debug, Clone)]
pub struct Model {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    name: String,
    tree: Tree,
    users: Vec<User>,
    groups: Vec<Group>,
    hashes: BTreeMap<String, String>,
    packages: Packages,
    units: BTreeMap<String, Unit>,
    #[serde(skip)]
    answers: BTreeMap<Vec<String>, Output>,
    #[serde(skip)]
    ports: BTreeSet<u16>,
    #[serde(skip)]
    pages: BTreeMap<String, (u16, String)>,
    #[serde(skip)]
    requests: Vec<String>,
    now: f64,
}

/// When every model's clock starts: 2026-01-01 00:00 UTC.
const START: f64 = 1_767_225_600.0;

impl Model {
    /// The machine that [`Model::to_json`] wrote down.
    pub fn from_json(bytes: &[u8]) -> Result<Model, serde_json::Error> {
        let state = Arc::new(Mutex::new(serde_json::from_slice(bytes)?));
        Ok(Model { state })
    }

    /// The machine as it is now, without the answers and ports that it was told of.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&*self.lock()).expect("all keys are text")
    }

    /// A machine with nothing but its root folder and the user root.
    pub fn empty() -> Model {
        let mut state = State {
            now: START,
            ..State::default()
        };
        state
            .tree
            .put("make", Path::new("/"), Kind::Directory, START)
            .expect("the root needs no parent");
        state.groups.push(Group {
            name: "root".to_owned(),
            gid: 0,
            members: Vec::new(),
        });
        state.users.push(User {
            name: "root".to_owned(),
            home: "/root".to_owned(),
            shell: "/bin/bash".to_owned(),
            ..User::default()
        });
        Model {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A fresh Debian container of a name.
    pub fn debian(name: &str) -> Model {
        let model = Model::empty();
        for folder in FOLDERS {
            model.folder(folder);
        }
        model.file("/etc/hostname", &format!("{name}\n"));
        model.file("/etc/hosts", "127.0.0.1 localhost\n");
        model.file("/etc/os-release", OS_RELEASE);
        model.file("/usr/bin/apt-get", "");
        model.file("/etc/debian_version", "12.12\n");
        model.lock().name = name.to_owned();
        model
            .lock()
            .units
            .insert("ssh.service".to_owned(), units::running());
        model
            .lock()
            .units
            .insert("cron.service".to_owned(), units::running());
        model
    }

    /// Puts a folder there, with those above it.
    pub fn folder(&self, path: &str) {
        let mut state = self.lock();
        let now = state.now;
        let mut above: Vec<&Path> = Path::new(path).ancestors().collect();
        above.reverse();
        for folder in above {
            if state.tree.get(folder).is_none() {
                let made = state.tree.put("make", folder, Kind::Directory, now);
                made.expect("the folders above were made first");
            }
        }
    }

    /// Puts a file there, with the folders above it.
    pub fn file(&self, path: &str, content: &str) {
        if let Some(parent) = Path::new(path).parent() {
            self.folder(&parent.to_string_lossy());
        }
        let mut state = self.lock();
        let now = state.now;
        let node = state.tree.put("write", Path::new(path), Kind::File, now);
        node.expect("its folder was made first").content = content.as_bytes().to_vec();
    }

    /// Says that a package is installed.
    pub fn package(&self, name: &str, version: &str) {
        let package = Package {
            version: version.to_owned(),
            held: false,
        };
        self.lock()
            .packages
            .installed
            .insert(name.to_owned(), package);
    }

    /// Says what a program answers.
    pub fn answer(&self, argv: &[&str], output: Output) {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        self.lock().answers.insert(argv, output);
    }

    /// Says that something listens on a port.
    pub fn listen(&self, port: u16) {
        self.lock().ports.insert(port);
    }

    /// Says what a request (`GET http://…`) is answered.
    pub fn serve(&self, request: &str, status: u16, body: &str) {
        let page = (status, body.to_owned());
        self.lock().pages.insert(request.to_owned(), page);
    }

    /// The requests that were made and do not only read, each with its body.
    pub fn requests(&self) -> Vec<String> {
        self.lock().requests.clone()
    }

    /// All paths, each with what is there: the content of a file, the target of a link.
    pub fn paths(&self) -> BTreeMap<PathBuf, String> {
        let state = self.lock();
        let shown = state.tree.paths().map(|(path, node)| {
            let text = match node.kind {
                Kind::Symlink => format!("-> {}", node.target.display()),
                _ => String::from_utf8_lossy(&node.content).into_owned(),
            };
            (path.clone(), text)
        });
        shown.collect()
    }

    /// Takes the users and groups of another machine.
    pub(crate) fn adopt_accounts(&self, users: Vec<User>, groups: Vec<Group>) {
        let mut state = self.lock();
        (state.users, state.groups) = (users, groups);
    }

    /// Takes the packages of another machine.
    pub(crate) fn adopt_packages(&self, packages: Packages) {
        self.lock().packages = packages;
    }

    /// Takes a unit of another machine.
    pub(crate) fn adopt_unit(&self, name: &str, unit: Unit) {
        self.lock().units.insert(units::full_name(name), unit);
    }

    /// A unit that was adopted or changed.
    pub(crate) fn imagined_unit(&self, name: &str) -> Option<Unit> {
        self.lock().units.get(&units::full_name(name)).cloned()
    }

    /// A password hash that was set here.
    pub(crate) fn imagined_hash(&self, user: &str) -> Option<String> {
        self.lock().hashes.get(user).cloned()
    }

    /// A unit whose file is there, and which nobody started or enabled yet.
    pub(crate) fn unit_at_rest() -> Unit {
        units::at_rest()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node<T>(
        &self,
        action: &'static str,
        path: &Path,
        with: impl FnOnce(&mut tree::Node) -> T,
    ) -> Result<T, HostError> {
        let mut state = self.lock();
        state
            .tree
            .get_mut(path)
            .map(with)
            .ok_or_else(|| absent(action, path))
    }
}

const FOLDERS: &[&str] = &[
    "/bin",
    "/etc/apt/sources.list.d",
    "/etc/cron.d",
    "/etc/default",
    "/etc/systemd/system",
    "/home",
    "/opt",
    "/root",
    "/run/systemd/system",
    "/srv",
    "/tmp",
    "/usr/bin",
    "/usr/lib/systemd/system",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var/cache/apt",
    "/var/lib/apt/lists",
    "/var/log",
    "/var/tmp",
];

const OS_RELEASE: &str = "\
PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"
NAME=\"Debian GNU/Linux\"
VERSION_ID=\"12\"
VERSION=\"12 (bookworm)\"
VERSION_CODENAME=bookworm
ID=debian
";

impl Host for Model {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        Ok(self.lock().tree.get(path).map(tree::Node::metadata))
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.lock()
            .tree
            .resolve(path)
            .ok_or_else(|| absent("resolve", path))
    }

    fn link_target(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.node("read", path, |node| node.target.clone())
    }

    fn access(&self, path: &Path) -> Access {
        let found = self.lock().tree.get(path).map(|node| node.mode);
        let mode = found.unwrap_or(0);
        // The model's user is root, who may run what anybody may run.
        Access {
            read: found.is_some(),
            write: found.is_some(),
            execute: mode & 0o111 != 0,
        }
    }

    fn open(&self, path: &Path) -> Result<Box<dyn Read + Send>, HostError> {
        let end = self.resolve(path).map_err(|_| absent("open", path))?;
        self.node("open", &end, |node| match node.kind {
            Kind::Directory => Err(HostError::Io {
                action: "open",
                path: path.to_owned(),
                kind: io::ErrorKind::IsADirectory,
                reason: "Is a directory".to_owned(),
            }),
            _ => Ok(Box::new(Cursor::new(node.content.clone())) as Box<dyn Read + Send>),
        })?
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        let end = self.resolve(path).map_err(|_| absent("list", path))?;
        Ok(self.lock().tree.list(&end))
    }

    fn write(
        &self,
        path: &Path,
        content: &mut dyn Read,
        permissions: Permissions,
    ) -> Result<(), HostError> {
        let mut bytes = Vec::new();
        let read = content.take(MAX_READ).read_to_end(&mut bytes);
        read.map_err(|error| HostError::io("write", path, &error))?;
        let before = self
            .metadata(path)?
            .filter(|found| found.kind != Kind::Symlink);
        let mut state = self.lock();
        let now = state.now;
        let node = state.tree.put("write", path, Kind::File, now)?;
        node.content = bytes;
        let kept = |wanted: Option<u32>, kept: Option<u32>, new| wanted.or(kept).unwrap_or(new);
        node.mode = kept(
            permissions.mode,
            before.as_ref().map(|found| found.mode),
            0o644,
        );
        node.uid = kept(permissions.uid, before.as_ref().map(|found| found.uid), 0);
        node.gid = kept(permissions.gid, before.as_ref().map(|found| found.gid), 0);
        Ok(())
    }

    fn create_directory(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        if self.metadata(path)?.is_some() {
            return Err(HostError::Io {
                action: "make the directory",
                path: path.to_owned(),
                kind: io::ErrorKind::AlreadyExists,
                reason: "File exists".to_owned(),
            });
        }
        let mut state = self.lock();
        let now = state.now;
        state
            .tree
            .put("make the directory", path, Kind::Directory, now)?
            .mode = mode;
        Ok(())
    }

    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        let mut state = self.lock();
        let now = state.now;
        let node = state.tree.put("link", path, Kind::Symlink, now)?;
        node.target = target.to_owned();
        node.mode = 0o777;
        Ok(())
    }

    fn hard_link(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        let reason = format!(
            "that {} and {} stay one file",
            target.display(),
            path.display()
        );
        Err(HostError::Unknown(reason))
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        self.lock().tree.remove(path);
        Ok(())
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        let end = self.resolve(path)?;
        self.node("set the mode of", &end, |node| node.mode = mode)
    }

    fn set_owner(
        &self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError> {
        let end = if follow {
            self.resolve(path)?
        } else {
            path.to_owned()
        };
        self.node("set the owner of", &end, |node| {
            node.uid = uid.unwrap_or(node.uid);
            node.gid = gid.unwrap_or(node.gid);
        })
    }

    fn set_times(
        &self,
        path: &Path,
        access: Option<f64>,
        modification: Option<f64>,
    ) -> Result<(), HostError> {
        let end = self.resolve(path)?;
        self.node("set the times of", &end, |node| {
            node.accessed = access.unwrap_or(node.accessed);
            node.modified = modification.unwrap_or(node.modified);
        })
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        Ok(self.lock().users.clone())
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(self.lock().groups.clone())
    }

    fn find_user(&self, _name: &str) -> Result<Option<User>, HostError> {
        Ok(None)
    }

    fn find_group(&self, _name: &str) -> Result<Option<Group>, HostError> {
        Ok(None)
    }

    fn password_hash(&self, user: &str) -> Result<Option<String>, HostError> {
        Ok(Some(
            self.lock()
                .hashes
                .get(user)
                .cloned()
                .unwrap_or_else(|| "!".to_owned()),
        ))
    }

    fn change_account(&self, change: &AccountChange) -> Result<Output, HostError> {
        accounts::change(&mut self.lock(), change)
    }

    fn packages(&self) -> Result<Packages, HostError> {
        Ok(self.lock().packages.clone())
    }

    fn simulate_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        match change.verb {
            PackageVerb::Install | PackageVerb::Remove => {
                let mut copy = self.lock().packages.clone();
                Ok(Output::success(&change_packages(&mut copy, change)))
            }
            // Nothing newer than what is there, nothing left over: a model has no archive.
            _ => Ok(Output::success("")),
        }
    }

    fn change_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        let mut state = self.lock();
        let said = change_packages(&mut state.packages, change);
        if change.verb == PackageVerb::Install {
            for name in &change.names {
                let name = name.split('=').next().unwrap_or(name);
                brought::install(&mut state, name);
            }
        }
        if change.verb == PackageVerb::Update {
            // There is always something new in the archive that a model has not.
            let now = state.now;
            if let Some(lists) = state.tree.get_mut(Path::new("/var/lib/apt/lists")) {
                lists.modified = now.max(lists.modified + 1.0);
            }
        }
        Ok(Output::success(&said))
    }

    fn unit(&self, name: &str, _scope: UnitScope) -> Result<Unit, HostError> {
        units::find(&self.lock(), name)
    }

    fn change_unit(&self, change: &UnitChange) -> Result<Output, HostError> {
        if matches!(change.verb, UnitVerb::DaemonReload | UnitVerb::DaemonReexec) {
            return Ok(Output::success(""));
        }
        units::change(&mut self.lock(), change)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let answer = self.lock().answers.get(&command.argv).cloned();
        answer.ok_or_else(|| HostError::Unknown(format!("what `{}` does", command.argv.join(" "))))
    }

    fn converse(&self, command: &Command, _dialogue: &Dialogue) -> Result<Output, HostError> {
        self.run(command)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        let folders = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"];
        let files = folders.iter().map(|folder| Path::new(folder).join(name));
        files.into_iter().find(|file| self.resolve(file).is_ok())
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        [
            ("HOME", "/root"),
            ("PATH", path),
            ("SHELL", "/bin/bash"),
            ("USER", "root"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn user_id(&self) -> u32 {
        0
    }

    fn kernel(&self) -> Result<Kernel, HostError> {
        Ok(Kernel {
            system: "Linux".to_owned(),
            node: self.lock().name.clone(),
            release: "6.1.0".to_owned(),
            version: "#1 SMP".to_owned(),
            machine: std::env::consts::ARCH.to_owned(),
        })
    }

    fn filesystem(&self, path: &Path) -> Result<Filesystem, HostError> {
        Err(HostError::Unknown(format!(
            "how large the file system of {} is",
            path.display()
        )))
    }

    fn connect(
        &self,
        host: &str,
        port: u16,
        _timeout: Duration,
    ) -> Result<Box<dyn Stream>, HostError> {
        let ours = matches!(host, "127.0.0.1" | "localhost" | "::1" | "0.0.0.0");
        if ours && self.lock().ports.contains(&port) {
            return Ok(Box::new(Silence));
        }
        Err(HostError::Unknown(format!("whether {host}:{port} answers")))
    }

    fn fetch(&self, request: &HttpRequest) -> Result<HttpResponse, HostError> {
        let shown = request.url.split('?').next().unwrap_or_default();
        let line = format!("{} {}", request.method, request.url);
        let mut state = self.lock();
        let Some((status, text)) = state.pages.get(&line).cloned() else {
            return Err(HostError::Unknown(format!("what {shown} answers")));
        };
        if request.method != "GET" {
            let body = request.body.clone().unwrap_or_default();
            let body = String::from_utf8_lossy(&body).into_owned();
            let made = format!("{line} {body}").trim_end().to_owned();
            state.requests.push(made);
        }
        Ok(HttpResponse {
            status,
            reason: String::new(),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            cookies: Vec::new(),
            url: request.url.clone(),
            body: Box::new(Cursor::new(text.into_bytes())),
        })
    }

    fn now(&self) -> f64 {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> Result<(), HostError> {
        self.lock().now += duration.as_secs_f64();
        Ok(())
    }
}

/// Does as apt does, and says it in apt's words.
fn change_packages(packages: &mut Packages, change: &PackageChange) -> String {
    let mut said = String::new();
    for wanted in &change.names {
        let (name, version) = wanted.split_once('=').unwrap_or((wanted, "0~model"));
        let there = packages.installed.contains_key(name);
        match change.verb {
            // Nothing newer is to be had: a model has no archive.
            PackageVerb::Install if there && !wanted.contains('=') => {}
            PackageVerb::Remove if !there && !packages.configured.contains_key(name) => {}
            PackageVerb::Install | PackageVerb::Reinstall => {
                let package = Package {
                    version: version.to_owned(),
                    held: false,
                };
                packages.installed.insert(name.to_owned(), package);
                said.push_str(&format!("Inst {name} ({version})\n"));
            }
            PackageVerb::Remove => {
                packages.installed.remove(name);
                packages.configured.remove(name);
                said.push_str(&format!("Remv {name}\n"));
            }
            _ => {}
        }
    }
    said
}

/// A port that accepts and says nothing.
struct Silence;

impl Read for Silence {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl io::Write for Silence {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Silence {
    fn set_read_timeout(&self, _timeout: Duration) -> io::Result<()> {
        Ok(())
    }
}
