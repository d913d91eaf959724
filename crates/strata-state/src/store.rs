//! A state on disk: the file, its backup, its journal and its lock.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::addr::ResourceInstance;

use crate::{
    error::StateError,
    file, files,
    held::Held,
    journal::{self, Journal},
    listing,
    lock::{self, Lock, LockInfo, LockRequest},
    record::{InFlight, Record},
    state::State,
};

/// Where a state is kept: a file, with a backup, a journal and a lock beside it.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    backup: Backup,
    held: Held,
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
            path: path.canonicalize().unwrap_or(path),
            backup: Backup::default(),
            held: Held::default(),
        }
    }

    /// The same with the version before kept elsewhere.
    #[must_use]
    pub fn with_backup(self, backup: Backup) -> Self {
        Self { backup, ..self }
    }

    /// The state file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock, or says who has it.
    pub fn lock(&self, request: &LockRequest) -> Result<Lock, StateError> {
        lock::lock(&self.lock_path(), &self.path, &self.held, request)
    }

    /// Breaks the lock with this id.
    pub fn force_unlock(&self, id: &str) -> Result<LockInfo, StateError> {
        lock::force(&self.lock_path(), id)
    }

    /// Reads the state and what the journal adds to it. No file, or an empty one, is a new state.
    pub fn open(&self) -> Result<Opened, StateError> {
        let (state, fingerprint) = self.read()?;
        let base = Base {
            fingerprint,
            lineage: state.lineage.clone(),
        };
        let mut opened = Opened {
            state,
            base,
            in_flight: Vec::new(),
            replayed: 0,
            has_journal: false,
        };
        let Some(records) = journal::read(&self.journal_path())? else {
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

    fn read(&self) -> Result<(State, Option<String>), StateError> {
        let bytes = files::read_filled(&self.path)?;
        let fingerprint = bytes.as_deref().map(files::fingerprint);
        match self.text(bytes.as_deref().unwrap_or_default())? {
            "" => Ok((State::new(), fingerprint)),
            text => Ok((file::parse(text, &self.path)?, fingerprint)),
        }
    }

    fn text<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, StateError> {
        match str::from_utf8(bytes) {
            Ok(text) => Ok(text.trim()),
            Err(_) => Err(StateError::Format {
                path: self.path.clone(),
                reason: "it is not UTF-8".to_owned(),
            }),
        }
    }

    /// Lists the instances in the state, those with the journal of a killed run too; none where nothing was written yet.
    ///
    /// Takes a fraction of the time and the memory of [`Store::open`].
    pub fn list(&self) -> Result<Option<Vec<ResourceInstance>>, StateError> {
        if journal::read(&self.journal_path())?.is_some() {
            let opened = self.open()?;
            let instances = opened.state.instances().map(|(address, _, _)| address);
            return Ok(Some(instances.collect()));
        }
        let Some(bytes) = files::read_filled(&self.path)? else {
            return Ok(None);
        };
        match self.text(&bytes)? {
            "" => Ok(Some(Vec::new())),
            text => listing::instances(text, &self.path).map(Some),
        }
    }

    /// Starts the journal of an apply on top of a state that was read.
    pub fn journal(&self, base: &Base) -> Result<Journal, StateError> {
        self.check(base)?;
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
        if before.as_deref() == Some(text.as_bytes()) || (before.is_none() && state.is_empty()) {
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

    /// Writes a state as it is, its serial and lineage too, over the one that was read.
    pub fn overwrite(&self, state: &State, base: &Base) -> Result<(), StateError> {
        let before = self.check(base)?;
        let text = self.print(state)?;
        if before.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        self.back_up(before)?;
        self.replace(&text)
    }

    fn back_up(&self, before: Option<Vec<u8>>) -> Result<(), StateError> {
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

    /// Replaces the state file; where it is locked, the new one is before it takes the place.
    fn replace(&self, text: &str) -> Result<(), StateError> {
        let new =
            files::replace_with(&self.path, text.as_bytes(), |file| self.held.lock_too(file))?;
        self.held.pass_on(new);
        Ok(())
    }

    fn print(&self, state: &State) -> Result<String, StateError> {
        file::print(state).map_err(|error| StateError::Format {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// Refuses a file that is not as it was when it was read; gives what is in it.
    fn check(&self, base: &Base) -> Result<Option<Vec<u8>>, StateError> {
        let bytes = files::read_filled(&self.path)?;
        match bytes.as_deref().map(files::fingerprint) == base.fingerprint {
            true => Ok(bytes),
            false => Err(StateError::Changed(self.path.clone())),
        }
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        files::beside(&self.path, ".journal")
    }

    fn lock_path(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.lock.info"))
    }
}
