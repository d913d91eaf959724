//! A real machine on which nothing is changed, and which still looks as if it had been: for `--check`.
//!
//! What earlier tasks would have changed lies over the machine: files, accounts, packages and units. Reading
//! looks there first. What a program would have done nobody knows; after one the rehearsal is in doubt, and a
//! task that fails then is unknown instead of failed ([`Host::in_doubt`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::{
    Access, Filesystem, Host, HostError, HttpResponse, Kernel, Kind, Metadata, Model, Permissions,
    Stream,
};
use crate::system::{
    AccountChange, Command, Dialogue, Group, HttpRequest, Output, PackageChange, PackageVerb,
    Packages, Unit, UnitChange, UnitScope, UnitVerb, User,
};
pub use carried::Carried;
use overlay::{Content, Node, Overlay};
use person::{Person, Wish};

mod carried;
mod overlay;
mod person;
mod rights;
#[cfg(test)]
mod tests;

/// The largest content of a would-be file that is kept; of a larger one only its size is known.
const KEPT: u64 = 8 << 20;

/// What the tasks of a run so far would have changed; a clone is the same.
#[derive(Debug, Clone)]
pub struct Imagined(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    overlay: Overlay,
    /// Accounts, packages and units, as soon as one of them would be another.
    book: Model,
    accounts: bool,
    packages: bool,
    /// When the book was changed last, among the stamps of the files.
    book_stamp: u64,
    in_doubt: bool,
}

impl Imagined {
    /// Whether something would have been done of which nobody knows what it would have changed.
    pub fn in_doubt(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_doubt
    }
}

impl Default for Imagined {
    fn default() -> Imagined {
        Imagined(Arc::new(Mutex::new(State {
            overlay: Overlay::default(),
            book: Model::empty(),
            accounts: false,
            packages: false,
            book_stamp: 0,
            in_doubt: false,
        })))
    }
}

/// A machine with what is imagined on top.
pub struct Rehearsal {
    base: Box<dyn Host>,
    imagined: Imagined,
    /// The user that an earlier task would have made, and that this one is done as.
    stand_in: Option<Person>,
}

impl Rehearsal {
    /// Puts what is imagined on top of a machine.
    pub fn new(base: Box<dyn Host>, imagined: Imagined) -> Rehearsal {
        Rehearsal {
            base,
            imagined,
            stand_in: None,
        }
    }

    /// The same as a user who would only be there after earlier tasks; others change nothing.
    pub fn seen_by(mut self, name: &str) -> Rehearsal {
        let person = self.lock().account(name);
        self.stand_in = person;
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.imagined
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a path leads once the links of its folders are followed.
    fn place(&self, path: &Path) -> Result<PathBuf, HostError> {
        let path = self.absolute(path)?;
        self.lock().overlay.place(self.base.as_ref(), &path)
    }

    /// A path from the root on; others begin where the task runs.
    fn absolute<'p>(&self, path: &'p Path) -> Result<Cow<'p, Path>, HostError> {
        match path.is_absolute() {
            true => Ok(path.into()),
            false => Ok(self.base.resolve(Path::new("."))?.join(path).into()),
        }
    }

    fn node(&self, path: &Path) -> Result<Option<Node>, HostError> {
        let place = self.place(path)?;
        self.lock().overlay.node(self.base.as_ref(), &place)
    }

    /// Changes what is there; what is only on the machine so far becomes imagined.
    fn change(
        &self,
        action: &'static str,
        path: &Path,
        with: impl FnOnce(&mut Node),
    ) -> Result<(), HostError> {
        let place = self.place(path)?;
        let state = self.lock();
        let node = state.overlay.node(self.base.as_ref(), &place)?;
        drop(state);
        let mut node = node.ok_or_else(|| absent(action, path))?;
        self.allow_owner(action, path, &node)?;
        with(&mut node);
        let mut state = self.lock();
        node.metadata.changed = self.base.now();
        state.overlay.put(place, node);
        Ok(())
    }

    /// Puts something new there; its folder must be there.
    fn make(&self, action: &'static str, path: &Path, node: Node) -> Result<(), HostError> {
        let place = self.place(path)?;
        let state = self.lock();
        if let Some(parent) = place.parent() {
            let folder = state.overlay.node(self.base.as_ref(), parent)?;
            if folder.is_none_or(|folder| folder.metadata.kind != Kind::Directory) {
                return Err(absent(action, path));
            }
        }
        drop(state);
        self.allow_entry(action, &place)?;
        let mut state = self.lock();
        state.overlay.remove(&place);
        state.overlay.put(place, node);
        Ok(())
    }

    fn new_node(&self, kind: Kind, mode: u32, content: Content) -> Node {
        let mut node = Node::new(kind, mode, self.user_id(), self.base.now(), content);
        if let Some(person) = self.person() {
            node.metadata.gid = person.gid;
        }
        node
    }

    /// The book with the machine's own accounts in it.
    fn accounts(&self) -> Result<Model, HostError> {
        let mut state = self.lock();
        if !state.accounts {
            state
                .book
                .adopt_accounts(self.base.users()?, self.base.groups()?);
            state.accounts = true;
            state.touch_book();
        }
        Ok(state.book.clone())
    }

    /// The book with the machine's own packages in it.
    fn book_of_packages(&self) -> Result<Model, HostError> {
        self.accounts()?;
        let mut state = self.lock();
        if !state.packages {
            state.book.adopt_packages(self.base.packages()?);
            state.packages = true;
            state.touch_book();
        }
        Ok(state.book.clone())
    }

    /// Takes over the folders and files that an account or package would bring.
    fn take_over(&self, book: &Model) -> Result<(), HostError> {
        for path in book.paths().keys() {
            if self.node(path)?.is_some() {
                continue;
            }
            let Some(metadata) = book.metadata(path)? else {
                continue;
            };
            let content = match metadata.kind {
                Kind::File => Content::Unknown,
                _ => Content::None,
            };
            let place = self.place(path)?;
            self.lock().overlay.put(
                place,
                Node {
                    metadata,
                    content,
                    is_new: true,
                },
            );
        }
        Ok(())
    }

    /// The packages that would come along, as the package manager itself says.
    fn with_dependencies(&self, change: &PackageChange) -> PackageChange {
        let mut change = change.clone();
        if change.verb != PackageVerb::Install {
            return change;
        }
        let simulated = self.base.simulate_packages(&change);
        let said = simulated.map(|output| output.stdout).unwrap_or_default();
        for line in said.lines() {
            let mut words = line.split_whitespace();
            if let (Some("Inst"), Some(name)) = (words.next(), words.next())
                && !change.names.iter().any(|known| known == name)
            {
                change.names.push(name.to_owned());
            }
        }
        change
    }

    fn has_unit_file(&self, name: &str) -> bool {
        let file = match name.contains('.') {
            true => name.to_owned(),
            false => format!("{name}.service"),
        };
        let folders = [
            "/etc/systemd/system",
            "/usr/lib/systemd/system",
            "/lib/systemd/system",
        ];
        let there = |folder: &&str| {
            let found = self.metadata_followed(&Path::new(folder).join(&file));
            found.is_ok_and(|found| found.is_some())
        };
        folders.iter().any(there)
    }
}

/// True for what a module puts into a folder of its own while it looks: programs that only look want to read it.
fn is_scratch(path: &Path) -> bool {
    let mut parts = path.components();
    parts.any(|part| part.as_os_str().to_string_lossy().starts_with(".strata-"))
}

fn absent(action: &'static str, path: &Path) -> HostError {
    HostError::Io {
        action,
        path: path.to_owned(),
        kind: std::io::ErrorKind::NotFound,
        reason: "No such file or directory".to_owned(),
    }
}

impl Host for Rehearsal {
    fn rehearses(&self) -> bool {
        true
    }

    fn in_doubt(&self) -> bool {
        self.imagined.in_doubt()
    }

    fn doubt(&self) {
        self.lock().in_doubt = true;
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        Ok(self.node(path)?.map(|node| node.metadata))
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, HostError> {
        let path = self.absolute(path)?;
        let state = self.lock();
        let end = state.overlay.follow(self.base.as_ref(), &path)?;
        let there = state.overlay.node(self.base.as_ref(), &end)?.is_some();
        there.then_some(end).ok_or_else(|| absent("resolve", &path))
    }

    fn link_target(&self, path: &Path) -> Result<PathBuf, HostError> {
        let place = self.place(path)?;
        match self.lock().overlay.node(self.base.as_ref(), &place)? {
            Some(Node {
                content: Content::Link(target),
                ..
            }) => Ok(target),
            Some(_) => self.base.link_target(&place),
            None => Err(absent("read", path)),
        }
    }

    fn access(&self, path: &Path) -> Access {
        let found = self
            .resolve(path)
            .and_then(|end| Ok((self.node(&end)?, end)));
        match found {
            Ok((Some(node), end)) if node.is_new || self.stand_in.is_some() => Access {
                read: self.allow("read", &end, Wish::Read).is_ok(),
                write: self.allow("write", &end, Wish::Write).is_ok(),
                execute: node.metadata.mode & 0o111 != 0
                    && self.allow("run", &end, Wish::Execute).is_ok(),
            },
            Ok((Some(_), _)) => self.base.access(path),
            _ => Access {
                read: false,
                write: false,
                execute: false,
            },
        }
    }

    fn open(&self, path: &Path) -> Result<Box<dyn Read + Send>, HostError> {
        let end = self.resolve(path).map_err(|_| absent("open", path))?;
        self.allow("open", &end, Wish::Read)?;
        match self.node(&end)?.map(|node| node.content) {
            Some(Content::Bytes(bytes)) => Ok(Box::new(Cursor::new(bytes.as_ref().clone()))),
            Some(Content::Unknown) => Err(HostError::Unknown(format!(
                "what would be in {}",
                path.display()
            ))),
            Some(_) => self.base.open(&end),
            None => Err(absent("open", path)),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        let end = self.resolve(path).map_err(|_| absent("list", path))?;
        self.lock().overlay.list(self.base.as_ref(), &end)
    }

    fn write(
        &self,
        path: &Path,
        content: &mut dyn Read,
        permissions: Permissions,
    ) -> Result<(), HostError> {
        if is_scratch(path) {
            return self.base.write(path, content, permissions);
        }
        let mut bytes = Vec::new();
        let read = content.take(KEPT + 1).read_to_end(&mut bytes);
        read.map_err(|error| HostError::io("write", path, &error))?;
        let size = bytes.len() as u64;
        let content = match size > KEPT {
            true => Content::Unknown,
            false => Content::Bytes(Arc::new(bytes)),
        };
        let before = self.node(path)?.map(|node| node.metadata);
        let before = before.filter(|found| found.kind != Kind::Symlink);
        let mut node = self.new_node(Kind::File, 0o644, content);
        if let Some(before) = before {
            let new = &mut node.metadata;
            (new.mode, new.uid, new.gid) = (before.mode, before.uid, before.gid);
        }
        node.metadata.size = size;
        node.metadata.blocks = size.div_ceil(512);
        node.set(permissions);
        self.make("write", path, node)
    }

    fn create_directory(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        if is_scratch(path) {
            return self.base.create_directory(path, mode);
        }
        if self.metadata(path)?.is_some() {
            return Err(HostError::Io {
                action: "make the directory",
                path: path.to_owned(),
                kind: std::io::ErrorKind::AlreadyExists,
                reason: "File exists".to_owned(),
            });
        }
        let node = self.new_node(Kind::Directory, mode, Content::None);
        self.make("make the directory", path, node)
    }

    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        let node = self.new_node(Kind::Symlink, 0o777, Content::Link(target.to_owned()));
        self.make("link", path, node)
    }

    fn hard_link(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        let node = self.node(target)?;
        self.make("link", path, node.ok_or_else(|| absent("link", target))?)
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        if is_scratch(path) {
            return self.base.remove(path);
        }
        let place = self.place(path)?;
        self.allow_entry("remove", &place)?;
        self.lock().overlay.remove(&place);
        Ok(())
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        let end = self.resolve(path)?;
        self.change("set the mode of", &end, |node| node.metadata.mode = mode)
    }

    fn set_owner(
        &self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError> {
        let end = match follow {
            true => self.resolve(path)?,
            false => path.to_owned(),
        };
        let owners = Permissions {
            mode: None,
            uid,
            gid,
        };
        self.change("set the owner of", &end, |node| node.set(owners))
    }

    fn set_times(
        &self,
        path: &Path,
        access: Option<f64>,
        modification: Option<f64>,
    ) -> Result<(), HostError> {
        let end = self.resolve(path)?;
        self.change("set the times of", &end, |node| {
            let metadata = &mut node.metadata;
            metadata.accessed = access.unwrap_or(metadata.accessed);
            metadata.modified = modification.unwrap_or(metadata.modified);
        })
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        let state = self.lock();
        match state.accounts {
            true => state.book.users(),
            false => self.base.users(),
        }
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        let state = self.lock();
        match state.accounts {
            true => state.book.groups(),
            false => self.base.groups(),
        }
    }

    fn find_user(&self, name: &str) -> Result<Option<User>, HostError> {
        self.base.find_user(name)
    }

    fn find_group(&self, name: &str) -> Result<Option<Group>, HostError> {
        self.base.find_group(name)
    }

    fn password_hash(&self, user: &str) -> Result<Option<String>, HostError> {
        match self.lock().book.imagined_hash(user) {
            Some(hash) => Ok(Some(hash)),
            None => self.base.password_hash(user),
        }
    }

    fn change_account(&self, change: &AccountChange) -> Result<Output, HostError> {
        let book = self.accounts()?;
        if let AccountChange::CreateUser { name, options } = change {
            let home = options.home.clone();
            let home = home.unwrap_or_else(|| format!("/home/{name}"));
            if let Some(above) = Path::new(&home).parent() {
                book.folder(&above.to_string_lossy());
            }
        }
        let output = book.change_account(change)?;
        self.lock().touch_book();
        self.take_over(&book)?;
        Ok(output)
    }

    fn packages(&self) -> Result<Packages, HostError> {
        let state = self.lock();
        match state.packages {
            true => state.book.packages(),
            false => self.base.packages(),
        }
    }

    fn simulate_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        self.base.simulate_packages(change)
    }

    fn change_packages(&self, change: &PackageChange) -> Result<Output, HostError> {
        let change = self.with_dependencies(change);
        let book = self.book_of_packages()?;
        let output = book.change_packages(&change)?;
        self.lock().touch_book();
        self.take_over(&book)?;
        // What else it brings, only the package knows.
        self.doubt();
        Ok(output)
    }

    fn unit(&self, name: &str, scope: UnitScope) -> Result<Unit, HostError> {
        if scope == UnitScope::System
            && let Some(unit) = self.lock().book.imagined_unit(name)
        {
            return Ok(unit);
        }
        let real = self.base.unit(name, scope);
        if scope != UnitScope::System || real.as_ref().is_ok_and(Unit::exists) {
            return real;
        }
        if self.has_unit_file(name) {
            return Ok(Model::unit_at_rest());
        }
        let packaged = self.lock().packages;
        let brought = packaged.then(|| self.lock().book.unit(name, scope).ok());
        brought.flatten().map_or(real, Ok)
    }

    fn change_unit(&self, change: &UnitChange) -> Result<Output, HostError> {
        let reload = matches!(change.verb, UnitVerb::DaemonReload | UnitVerb::DaemonReexec);
        if reload || change.scope != UnitScope::System {
            return Ok(Output::success(""));
        }
        let unit = self.unit(&change.name, change.scope)?;
        let book = {
            let mut state = self.lock();
            state.touch_book();
            state.book.clone()
        };
        book.adopt_unit(&change.name, unit);
        book.change_unit(change)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.real_user("what a program would say")?;
        self.base.run(command)
    }

    fn converse(&self, command: &Command, dialogue: &Dialogue) -> Result<Output, HostError> {
        self.real_user("what a program would ask")?;
        self.base.converse(command, dialogue)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        let folders = [
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
        ];
        let files = folders.iter().map(|folder| Path::new(folder).join(name));
        self.base
            .find_program(name)
            .filter(|found| self.resolve(found).is_ok())
            .or_else(|| files.into_iter().find(|file| self.access(file).execute))
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.base.environment();
        if let Some(person) = &self.stand_in {
            for (name, value) in [
                ("HOME", &person.home),
                ("USER", &person.name),
                ("LOGNAME", &person.name),
            ] {
                environment.insert(name.to_owned(), value.clone());
            }
        }
        environment
    }

    fn user_id(&self) -> u32 {
        let person = self.stand_in.as_ref();
        person.map_or_else(|| self.base.user_id(), |person| person.uid)
    }

    fn kernel(&self) -> Result<Kernel, HostError> {
        self.base.kernel()
    }

    fn filesystem(&self, path: &Path) -> Result<Filesystem, HostError> {
        self.base.filesystem(path)
    }

    fn connect(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> Result<Box<dyn Stream>, HostError> {
        self.base.connect(host, port, timeout)
    }

    fn fetch(&self, request: &HttpRequest) -> Result<HttpResponse, HostError> {
        self.base.fetch(request)
    }

    fn now(&self) -> f64 {
        self.base.now()
    }

    fn sleep(&self, duration: Duration) -> Result<(), HostError> {
        self.base.sleep(duration)
    }
}
