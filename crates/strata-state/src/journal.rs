//! The journal: what is being done to the objects of a state, written down before and after.
//!
//! One line a record, each with a checksum, only ever appended. A `begin` is on disk ([`Journal::sync`]) before
//! its call goes out; an `end` needs no sync of its own, since a call whose end got lost is looked for on the
//! platform anyway. So one sync serves all calls that start together.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::addr;

use crate::{
    encryption::Encryption,
    error::StateError,
    files,
    record::{self, Begin, InFlight, Outcome, Parsed, Record},
    state::{State, StoredObject},
    store::{Base, Store},
};

/// Takes notes while an apply runs.
#[derive(Debug)]
pub struct Journal {
    file: File,
    store: Store,
    base: Base,
    /// What was last sent to a backend without an answer.
    attempted: Option<Base>,
    path: PathBuf,
    next: u64,
    buffer: String,
    /// How long the file is, in whole lines.
    written: u64,
    unsynced: bool,
    /// Calls that are under way.
    open: BTreeMap<u64, Begin>,
    ended: usize,
    /// True if the version before this run has been kept.
    is_backed_up: bool,
}

/// A call that was begun, to name it when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun(u64);

impl Journal {
    /// Starts a journal on top of a state file as it was read.
    pub(crate) fn create(store: &Store, base: &Base) -> Result<Self, StateError> {
        let path = store.journal_path();
        let file = match files::create_new(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(StateError::JournalLeft(path));
            }
            Err(error) => return Err(StateError::io("create", &path)(error)),
        };
        let mut journal = Self {
            file,
            store: store.clone(),
            base: base.clone(),
            attempted: None,
            path,
            next: 0,
            buffer: String::new(),
            written: 0,
            unsynced: false,
            open: BTreeMap::new(),
            ended: 0,
            is_backed_up: false,
        };
        journal.append(&base.record())?;
        journal.sync()?;
        files::sync_folder(&journal.path)?;
        Ok(journal)
    }

    /// Writes the state with everything that was noted, and ends the journal.
    pub fn fold(self, mut state: State) -> Result<State, StateError> {
        self.finish(&mut state)?;
        Ok(state)
    }

    /// The same, for who still needs the state when it cannot be written. The journal then stays.
    pub fn finish(mut self, state: &mut State) -> Result<(), StateError> {
        self.flush()?;
        self.find_base(state)?;
        let backup = !self.is_backed_up;
        self.store.write_last(state, &self.base, backup)?;
        Ok(())
    }

    /// Finds out whether a state got to a backend whose answer was lost.
    fn find_base(&mut self, state: &mut State) -> Result<(), StateError> {
        if let Some(attempted) = &self.attempted
            && self.store.is_now(attempted)?
        {
            state.serial += 1;
            self.base = attempted.clone();
        }
        self.attempted = None;
        Ok(())
    }

    /// Writes the state with everything that has ended into its file, and goes on.
    ///
    /// The journal first says on which file it will go on, and which calls are under way there. Cut off before the
    /// file is replaced, the old file is still there with all that was noted on it; after that, the new one is.
    ///
    /// A backend that cannot be reached is no mistake yet: the journal has everything, and there will be other times.
    pub fn fold_so_far(&mut self, state: &mut State) -> Result<(), StateError> {
        match self.try_fold(state) {
            Err(StateError::Remote { .. }) => Ok(()),
            folded => folded,
        }
    }

    fn try_fold(&mut self, state: &mut State) -> Result<(), StateError> {
        self.find_base(state)?;
        state.serial += 1;
        let folded = self.fold_next(state);
        if folded.is_err() {
            state.serial -= 1;
        }
        folded
    }

    fn fold_next(&mut self, state: &State) -> Result<(), StateError> {
        let next = self.store.next_base(state)?;
        self.append(&next.record())?;
        let open: Vec<_> = self
            .open
            .iter()
            .map(|(id, begin)| (*id, begin.clone()))
            .collect();
        for (id, begin) in open {
            self.append(&Record::Begin(id, Box::new(begin)))?;
        }
        self.sync()?;
        if self.store.is_remote() {
            self.attempted = Some(next.clone());
        }
        self.store
            .write_between(state, &self.base, !self.is_backed_up)?;
        self.attempted = None;
        self.is_backed_up = true;
        self.base = next;
        self.ended = 0;
        Ok(())
    }

    /// How many calls have ended since the state was last written.
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// Notes a call that is about to be made. It may go out after the next [`Journal::sync`].
    pub fn begin(&mut self, begin: &Begin) -> Result<Begun, StateError> {
        let id = self.next;
        self.next += 1;
        self.append(&Record::Begin(id, Box::new(begin.clone())))?;
        self.open.insert(id, begin.clone());
        Ok(Begun(id))
    }

    /// Notes how a call ended.
    pub fn end(&mut self, begun: Begun, outcome: Outcome) -> Result<(), StateError> {
        self.open.remove(&begun.0);
        self.ended += 1;
        self.append(&Record::End(begun.0, outcome))
    }

    /// Notes an object that no call changed, such as one that was read.
    pub fn put(
        &mut self,
        address: &addr::ResourceInstance,
        provider: &Arc<str>,
        object: &StoredObject,
    ) -> Result<(), StateError> {
        self.append(&Record::Put {
            address: address.clone(),
            deposed: None,
            provider: provider.clone(),
            object: Box::new(object.clone()),
        })
    }

    /// Notes that an object is forgotten.
    pub fn remove(
        &mut self,
        address: &addr::ResourceInstance,
        deposed: Option<&Arc<str>>,
    ) -> Result<(), StateError> {
        self.append(&Record::Remove(address.clone(), deposed.cloned()))
    }

    /// Notes that an instance has another address now.
    pub fn rename(
        &mut self,
        from: &addr::ResourceInstance,
        to: &addr::ResourceInstance,
    ) -> Result<(), StateError> {
        self.append(&Record::Move(from.clone(), to.clone()))
    }

    /// Notes that the current object is set aside under a key.
    pub fn depose(
        &mut self,
        address: &addr::ResourceInstance,
        key: &Arc<str>,
    ) -> Result<(), StateError> {
        self.append(&Record::Depose(address.clone(), key.clone()))
    }

    /// Notes that an object that was set aside is current again.
    pub fn restore(
        &mut self,
        address: &addr::ResourceInstance,
        key: &Arc<str>,
    ) -> Result<(), StateError> {
        self.append(&Record::Restore(address.clone(), key.clone()))
    }

    /// Hands everything noted so far to the operating system: it survives the end of this process.
    pub fn flush(&mut self) -> Result<(), StateError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(self.buffer.as_bytes()) {
            // Half a line must not have others behind it; what is noted stays for the next attempt.
            drop(self.file.set_len(self.written));
            return Err(StateError::io("write", &self.path)(error));
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.unsynced = true;
        Ok(())
    }

    /// Makes sure that everything noted so far survives a crash of the machine.
    pub fn sync(&mut self) -> Result<(), StateError> {
        self.flush()?;
        if std::mem::take(&mut self.unsynced) {
            self.file
                .sync_data()
                .map_err(StateError::io("sync", &self.path))?;
        }
        Ok(())
    }

    fn append(&mut self, record: &Record) -> Result<(), StateError> {
        let line = self.line(record)?;
        self.buffer.push_str(&line);
        Ok(())
    }

    fn line(&self, record: &Record) -> Result<String, StateError> {
        let printed = match self.store.encryption() {
            None => record::print(record),
            Some(encryption) => record::print_sealed(record, encryption),
        };
        printed.map_err(|reason| StateError::Format {
            path: self.path.clone(),
            reason,
        })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The last chance to keep what was noted; who needs to know whether it worked calls `sync`.
        drop(self.flush());
    }
}

/// Notes at the end of a journal, if there is one, that all of it is in the state file with this fingerprint.
pub(crate) fn mark_folded(path: &Path, fingerprint: &str) -> Result<(), StateError> {
    let Some(bytes) = files::read(path)? else {
        return Ok(());
    };
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = record::print(&Record::Folded(fingerprint.to_owned())).map_err(|reason| {
        StateError::Format {
            path: path.to_owned(),
            reason,
        }
    })?;
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .map_err(StateError::io("open", path))?;
    let written = file
        // A torn last line would swallow this one.
        .set_len(whole as u64)
        .and_then(|()| file.write_all(line.as_bytes()))
        .and_then(|()| file.sync_data());
    written.map_err(StateError::io("write", path))
}

/// What a journal, left by a run that was killed, adds to a state.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// How many finished calls it had.
    pub(crate) finished: usize,
    /// Calls without an end.
    pub(crate) in_flight: Vec<InFlight>,
}

/// Reads the records of a journal; none if there is none. A torn last line is left out.
pub(crate) fn read(
    path: &Path,
    encryption: Option<&Encryption>,
) -> Result<Option<Vec<Record>>, StateError> {
    let Some(bytes) = files::read(path)? else {
        return Ok(None);
    };
    let mut records = Vec::new();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let (path, number) = (path.to_owned(), at + 1);
        match record::parse(line, encryption) {
            Parsed::Record(record) => records.push(record),
            // Not even the last line may be passed over: it was written whole.
            Parsed::Foreign => return Err(StateError::JournalForeign { path, line: number }),
            Parsed::Damaged if number == lines.len() => {}
            Parsed::Damaged => return Err(StateError::JournalDamaged { path, line: number }),
        }
    }
    Ok(Some(records))
}

/// Does to a state what the records say.
pub(crate) fn replay(records: Vec<Record>, state: &mut State) -> Replayed {
    let mut open: BTreeMap<u64, Begin> = BTreeMap::new();
    let mut replayed = Replayed::default();
    for record in records {
        match record {
            Record::Base(..) | Record::Folded(_) => {}
            Record::Begin(id, begin) => {
                open.insert(id, *begin);
            }
            Record::End(id, outcome) => {
                if let Some(begin) = open.remove(&id) {
                    replayed.finished += 1;
                    end(state, &begin, outcome);
                }
            }
            Record::Put {
                address,
                deposed,
                provider,
                object,
            } => state.put(&address, deposed.as_deref(), &provider, *object),
            Record::Remove(address, deposed) => {
                state.remove(&address, deposed.as_deref());
            }
            Record::Move(from, to) => state.rename(&from, &to),
            Record::Depose(address, key) => state.depose(&address, &key),
            Record::Restore(address, key) => state.restore(&address, &key),
        }
    }
    replayed.in_flight = open.into_values().map(|begin| InFlight { begin }).collect();
    replayed
}

fn end(state: &mut State, begin: &Begin, outcome: Outcome) {
    match outcome {
        Outcome::Object(object) => state.put(
            &begin.address,
            begin.deposed.as_deref(),
            &begin.provider,
            *object,
        ),
        Outcome::Gone => {
            state.remove(&begin.address, begin.deposed.as_deref());
        }
        Outcome::Unchanged => {}
    }
}
