//! A state on disk: the file, its backup, its journal and its lock.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use strata_core::addr::ResourceInstance;

use crate::{
    backend::Remote,
    encryption::Encryption,
    error::StateError,
    file, files,
    held::Held,
    journal::{self, Journal},
    listing,
    lock::{self, Lock, LockRequest},
    record::{InFlight, Record},
    state::State,
};

/// Where a state is kept: a file, with a backup, a journal and a lock beside it; or a backend, and then the journal
/// and a lock between the runs of this machine are beside a file that is not there.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    backup: Backup,
    held: Held,
    remote: Option<Arc<dyn Remote>>,
    encryption: Option<Arc<Encryption>>,
    origin: Option<Origin>,
}

/// Another file that a state is read from, until it is written for the first time.
#[derive(Clone, Debug)]
struct Origin {
    path: PathBuf,
    is_left: Arc<AtomicBool>,
}

impl Origin {
    fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }
}

/// A state of so many bytes is read and hashed at the same time.
const LARGE: usize = 256 * 1024;

/// What is kept, as it is and decrypted.
struct Content {
    kept: Vec<u8>,
    /// None if it is kept as it is.
    decrypted: Option<Vec<u8>>,
}

impl Content {
    fn plain(&self) -> &[u8] {
        self.decrypted.as_deref().unwrap_or(&self.kept)
    }
}

/// Where the version before goes when a state is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// Beside the state, with `.backup` at its end.
    #[default]
    Beside,
    /// To this file.
    At(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// The state file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    fingerprint: Option<String>,
    lineage: Arc<str>,
}

/// A state, and what a run that was killed left.
#[derive(Debug)]
pub struct Opened {
    /// The state, with the finished calls of a killed run.
    pub state: State,
    /// The file that it was read from.
    pub base: Base,
    /// Calls of a killed run of which nobody knows how they ended.
    pub in_flight: Vec<InFlight>,
    /// How many finished calls of a killed run are in the state but not yet in its file.
    pub replayed: usize,
    /// True if a journal is there, which [`Store::write`] removes.
    pub has_journal: bool,
}

impl Opened {
    /// A state without a journal.
    fn alone(state: State, fingerprint: Option<String>) -> Self {
        let base = Base {
            fingerprint,
            lineage: state.lineage.clone(),
        };
        Self {
            state,
            base,
            in_flight: Vec::new(),
            replayed: 0,
            has_journal: false,
        }
    }
}

impl Base {
    /// The lineage of the state; of a new one where there was no file.
    pub fn lineage(&self) -> &Arc<str> {
        &self.lineage
    }

    /// What tells the file from every other one; none if there was none.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// True if there was a file with something in it.
    pub fn is_there(&self) -> bool {
        self.fingerprint.is_some()
    }

    pub(crate) fn record(&self) -> Record {
        Record::Base(self.fingerprint.clone(), self.lineage.clone())
    }
}

impl Store {
    /// Names the state file; nothing is read. A link is followed, so that it stays a link.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            path: path
                .canonicalize()
                .unwrap_or_else(|_| files::followed(&path)),
            backup: Backup::default(),
            held: Held::default(),
            remote: None,
            encryption: None,
            origin: None,
        }
    }

    /// The same state, written to another file (`-state-out`). Backup, journal and lock are beside that one.
    #[must_use]
    pub fn written_to(self, path: impl Into<PathBuf>) -> Self {
        let there = Self::new(path);
        if there.path == self.path || self.is_remote() {
            return self;
        }
        let origin = Origin {
            path: self.path,
            is_left: Arc::default(),
        };
        Self {
            path: there.path,
            origin: Some(origin),
            held: Held::default(),
            ..self
        }
    }

    /// The same with the state encrypted where it is kept.
    #[must_use]
    pub fn with_encryption(self, encryption: Option<Arc<Encryption>>) -> Self {
        Self { encryption, ..self }
    }

    /// A state in a backend. What belongs to this machine alone is kept beside `path`.
    pub fn remote(remote: Arc<dyn Remote>, path: impl Into<PathBuf>) -> Self {
        Self {
            backup: Backup::Nowhere,
            remote: Some(remote),
            ..Self::new(path)
        }
    }

    /// True if the state is not in a local file.
    pub fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Where the state is, for messages.
    pub fn place(&self) -> String {
        match &self.remote {
            Some(remote) => remote.place(),
            None => self.read_from().display().to_string(),
        }
    }

    /// The same with the version before kept elsewhere; a backend keeps none, unless it is asked for.
    #[must_use]
    pub fn with_backup(self, backup: Backup) -> Self {
        match self.is_remote() && backup == Backup::Beside {
            true => self,
            false => Self { backup, ..self },
        }
    }

    /// The state file; for a state in a backend the file that would be beside the journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock, or says who has it.
    pub fn lock(&self, request: &LockRequest) -> Result<Lock, StateError> {
        match &self.remote {
            None => lock::lock(&self.lock_path(), &self.path, Some(&self.held), request),
            Some(remote) => {
                self.make_folder()?;
                lock::lock_remote(&self.lock_path(), remote, request)
            }
        }
    }

    /// Breaks the lock with this id.
    pub fn force_unlock(&self, id: &str) -> Result<(), StateError> {
        match &self.remote {
            None => lock::force(&self.lock_path(), id).map(drop),
            Some(remote) => remote.force_unlock(id),
        }
    }

    /// Writes a state into a file of its own, encrypted as it would be where it is kept.
    pub fn write_copy(&self, state: &State, path: &Path) -> Result<(), StateError> {
        files::replace(path, &self.encrypt(&self.print(state)?)?).map(drop)
    }

    /// Writes an empty state where there is none; tells whether it did.
    pub fn create(&self) -> Result<bool, StateError> {
        let opened = self.open()?;
        if opened.base.is_there() {
            return Ok(false);
        }
        self.replace(&self.print(&opened.state)?)?;
        Ok(true)
    }

    /// Removes the state for good.
    pub fn delete(&self) -> Result<(), StateError> {
        match &self.remote {
            None => files::remove(&self.path),
            Some(remote) => remote.delete(),
        }
    }

    /// The folder of the file, or of what is kept on this machine besides a backend.
    pub fn make_folder(&self) -> Result<(), StateError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        if folder.as_os_str().is_empty() {
            return Ok(());
        }
        std::fs::create_dir_all(folder).map_err(StateError::io("make", folder))
    }

    /// The file that the state is read from.
    pub fn read_from(&self) -> &Path {
        match self.origin_now() {
            Some(origin) => &origin.path,
            None => &self.path,
        }
    }

    /// The other file that the state is in until it is written.
    fn origin_now(&self) -> Option<&Origin> {
        self.origin.as_ref().filter(|origin| !origin.is_left())
    }

    /// The text of the state; none if there is none.
    fn content(&self) -> Result<Option<Content>, StateError> {
        let kept = match &self.remote {
            None => files::read_filled(self.read_from())?,
            Some(remote) => remote.read()?.filter(|bytes| !bytes.is_empty()),
        };
        let Some(kept) = kept else {
            return Ok(None);
        };
        let decrypt = |encryption: &Arc<Encryption>| encryption.decrypt(&kept);
        let decrypted = self.encryption.as_ref().map(decrypt).transpose()?;
        Ok(Some(Content { kept, decrypted }))
    }

    /// What tells the state from others: of its plain text, as each time it is encrypted it is another one.
    fn fingerprint(content: Option<&Content>) -> Option<String> {
        content.map(|content| files::fingerprint(content.plain()))
    }

    pub(crate) fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_deref()
    }

    fn encrypt(&self, text: &str) -> Result<Vec<u8>, StateError> {
        match &self.encryption {
            None => Ok(text.as_bytes().to_vec()),
            Some(encryption) => encryption.encrypt(text.as_bytes()),
        }
    }

    /// Reads the state and what the journal adds to it. No file, or an empty one, is a new state.
    pub fn open(&self) -> Result<Opened, StateError> {
        let (state, fingerprint) = self.read()?;
        let mut opened = Opened::alone(state, fingerprint);
        let Some(records) = journal::read(&self.journal_path(), self.encryption())? else {
            return Ok(opened);
        };
        opened.has_journal = true;
        let folded = |record: &Record| match record {
            Record::Folded(fingerprint) => Some(fingerprint) == opened.base.fingerprint.as_ref(),
            _ => false,
        };
        if records.is_empty() || records.iter().any(folded) {
            // The run was killed before it had begun anything, or after everything had been folded.
            return Ok(opened);
        }
        let mut records = records;
        // A run writes the state now and then: what counts is what was noted on the file that is there.
        let is_base = |record: &Record| matches!(record, Record::Base(on, _) if *on == opened.base.fingerprint);
        let Some(at) = records.iter().rposition(is_base) else {
            return Err(StateError::JournalOfOtherState(self.journal_path()));
        };
        let records = records.split_off(at);
        if let Some(Record::Base(_, lineage)) = records.first() {
            opened.state.lineage = lineage.clone();
            opened.base.lineage = lineage.clone();
        }
        let replayed = journal::replay(records, &mut opened.state);
        opened.in_flight = replayed.in_flight;
        opened.replayed = replayed.finished;
        Ok(opened)
    }

    /// The same for who puts a whole state in the place of the one that is there: a journal on top of another state is
    /// passed over, unless it has calls of which nobody knows how they ended.
    pub fn open_to_replace(&self) -> Result<Opened, StateError> {
        let other = match self.open() {
            Err(error @ StateError::JournalOfOtherState(_)) => error,
            opened => return opened,
        };
        let records = journal::read(&self.journal_path(), self.encryption())?.unwrap_or_default();
        if !journal::replay(records, &mut State::new())
            .in_flight
            .is_empty()
        {
            return Err(other);
        }
        let (state, fingerprint) = self.read()?;
        Ok(Opened {
            has_journal: true,
            ..Opened::alone(state, fingerprint)
        })
    }

    fn read(&self) -> Result<(State, Option<String>), StateError> {
        let content = self.content()?;
        let state = || match self.text(content.as_ref())? {
            "" => Ok(State::new()),
            text => file::parse_text(text).map_err(|reason| self.unreadable(reason)),
        };
        let fingerprint = || Self::fingerprint(content.as_ref());
        let is_large = |content: &Content| content.kept.len() > LARGE;
        if !content.as_ref().is_some_and(is_large) {
            return Ok((state()?, fingerprint()));
        }
        thread::scope(|scope| {
            let fingerprint = scope.spawn(fingerprint);
            let state = state();
            Ok((state?, fingerprint.join().expect("hashing does not panic")))
        })
    }

    /// The text of what was read, without space around it.
    fn text<'c>(&self, content: Option<&'c Content>) -> Result<&'c str, StateError> {
        let bytes = content.map_or(&[][..], Content::plain);
        match str::from_utf8(bytes) {
            Ok(text) => Ok(text.trim()),
            Err(_) => Err(self.unreadable("it is not UTF-8".to_owned())),
        }
    }

    fn unreadable(&self, reason: String) -> StateError {
        match &self.remote {
            None => StateError::Format {
                path: self.read_from().to_owned(),
                reason,
            },
            Some(remote) => StateError::RemoteFormat {
                place: remote.place(),
                reason,
            },
        }
    }

    /// Reads the state alone, whatever a journal would add; none if there is none.
    pub fn peek(&self) -> Result<Option<State>, StateError> {
        let (state, fingerprint) = self.read()?;
        Ok(fingerprint.map(|_| state))
    }

    /// Lists the instances in the state, those with the journal of a killed run too; none where nothing was written yet.
    ///
    /// Takes a fraction of the time and the memory of [`Store::open`].
    pub fn list(&self) -> Result<Option<Vec<ResourceInstance>>, StateError> {
        if journal::read(&self.journal_path(), self.encryption())?.is_some() {
            let opened = self.open()?;
            let instances = opened.state.instances().map(|(address, _, _)| address);
            return Ok(Some(instances.collect()));
        }
        let Some(content) = self.content()? else {
            return Ok(None);
        };
        match self.text(Some(&content))? {
            "" => Ok(Some(Vec::new())),
            text => {
                let found = listing::instances(text).map_err(|reason| self.unreadable(reason))?;
                Ok(Some(found))
            }
        }
    }

    /// Starts the journal of an apply on top of a state that was read.
    pub fn journal(&self, base: &Base) -> Result<Journal, StateError> {
        self.check(base)?;
        if self.is_remote() {
            self.make_folder()?;
        }
        Journal::create(self, base)
    }

    /// Writes the state, with the next serial if anything changed, and ends the journal.
    ///
    /// All calls of the journal must have ended in `state`: settle those that were in flight before.
    pub fn write(&self, state: &mut State, base: &Base) -> Result<Base, StateError> {
        self.write_last(state, base, true)
    }

    /// The same; `backup` says whether the version before is to be kept.
    pub(crate) fn write_last(
        &self,
        state: &mut State,
        base: &Base,
        backup: bool,
    ) -> Result<Base, StateError> {
        let before = self.check(base)?;
        let text = self.print(state)?;
        let journal = self.journal_path();
        let is_same = |content: &Content| content.plain() == text.as_bytes();
        if before.as_ref().is_some_and(is_same) || (before.is_none() && state.holds_nothing()) {
            self.carry_over(before.as_ref())?;
            files::remove(&journal)?;
            return Ok(base.clone());
        }
        let text = file::with_next_serial(&text, state.serial);
        state.serial += 1;
        let fingerprint = files::fingerprint(text.as_bytes());
        if backup {
            self.back_up(before)?;
        }
        journal::mark_folded(&journal, &fingerprint)?;
        self.replace(&text)?;
        files::remove(&journal)?;
        Ok(Base {
            fingerprint: Some(fingerprint),
            lineage: state.lineage.clone(),
        })
    }

    /// What the file will be when this state is in it.
    pub(crate) fn next_base(&self, state: &State) -> Result<Base, StateError> {
        Ok(Base {
            fingerprint: Some(files::fingerprint(self.print(state)?.as_bytes())),
            lineage: state.lineage.clone(),
        })
    }

    /// Writes a state in the middle of an apply, with the serial it has; the journal stays.
    pub(crate) fn write_between(
        &self,
        state: &State,
        base: &Base,
        backup: bool,
    ) -> Result<(), StateError> {
        let before = self.check(base)?;
        if backup {
            self.back_up(before)?;
        }
        self.replace(&self.print(state)?)
    }

    /// Writes a state as it is, its serial and lineage too, over the one that was read, and ends the journal.
    ///
    /// Refused while the journal has calls of which nobody knows how they ended.
    pub fn overwrite(&self, state: &State, opened: &Opened) -> Result<(), StateError> {
        let journal = self.journal_path();
        if !opened.in_flight.is_empty() {
            return Err(StateError::JournalLeft(journal));
        }
        let before = self.check(&opened.base)?;
        let text = self.print(state)?;
        let is_same = |content: &Content| content.plain() == text.as_bytes();
        if !before.as_ref().is_some_and(is_same) {
            self.back_up(before)?;
            journal::mark_folded(&journal, &files::fingerprint(text.as_bytes()))?;
            self.replace(&text)?;
        }
        files::remove(&journal)
    }

    /// Copies a state that did not change to where it shall be.
    fn carry_over(&self, content: Option<&Content>) -> Result<(), StateError> {
        let (Some(content), Some(_)) = (content, self.origin_now()) else {
            return Ok(());
        };
        let there = files::read_filled(&self.path)?;
        if there.as_deref() == Some(&content.kept) {
            return Ok(());
        }
        self.keep_before(there)?;
        self.put(&content.kept)
    }

    /// Keeps what was in the file that is written.
    fn back_up(&self, before: Option<Content>) -> Result<(), StateError> {
        self.keep_before(match self.origin_now() {
            Some(_) => files::read_filled(&self.path)?,
            None => before.map(|content| content.kept),
        })
    }

    fn keep_before(&self, before: Option<Vec<u8>>) -> Result<(), StateError> {
        let Some(before) = before else {
            return Ok(());
        };
        match &self.backup {
            Backup::Beside => {
                files::replace(&files::beside(&self.path, ".backup"), &before).map(drop)
            }
            Backup::At(path) => files::replace(path, &before).map(drop),
            Backup::Nowhere => Ok(()),
        }
    }

    /// Replaces the state; where its file is locked, the new one is before it takes the place.
    fn replace(&self, text: &str) -> Result<(), StateError> {
        self.put(&self.encrypt(text)?)
    }

    fn put(&self, bytes: &[u8]) -> Result<(), StateError> {
        if let Some(remote) = &self.remote {
            return remote.write(bytes);
        }
        let new = files::replace_with(&self.path, bytes, |file| self.held.lock_too(file))?;
        self.held.pass_on(new);
        if let Some(origin) = &self.origin {
            origin.is_left.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn print(&self, state: &State) -> Result<String, StateError> {
        file::print(state).map_err(|error| self.unreadable(error.to_string()))
    }

    /// Refuses a file that is not as it was when it was read; gives what is in it.
    fn check(&self, base: &Base) -> Result<Option<Content>, StateError> {
        let content = self.content()?;
        match Self::fingerprint(content.as_ref()) == base.fingerprint {
            true => Ok(content),
            false => Err(StateError::Changed(self.place().into())),
        }
    }

    /// True if what is kept now is this.
    pub(crate) fn is_now(&self, base: &Base) -> Result<bool, StateError> {
        Ok(Self::fingerprint(self.content()?.as_ref()) == base.fingerprint)
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        files::beside(&self.path, ".journal")
    }

    fn lock_path(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.lock.info"))
    }
}
