//! Keeps the store on disk, at the cost of what changed and not of all that there is.
//!
//! Beside the file lies a journal of the changes since that was written, a line for each call, on disk before the
//! call is answered. It is merged into the file at the start and the end of a twin, and whenever it has grown as
//! large as the file. Each file has a number, and a journal names the one that it goes on from: one of an older
//! file, left behind where somebody was killed between writing the one and removing the other, counts for nothing.
//! So does a last line that was not written whole: nobody was answered yet.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::store::{Change, Store};

/// A journal that is smaller than this is left to grow.
const SMALL: u64 = 1 << 20;

/// The file of a store, and its journal.
pub(super) struct Keeper {
    file: PathBuf,
    /// The journal, opened when the first change is written.
    journal: Option<File>,
    /// How long the journal is, and how long the file was.
    lengths: (u64, u64),
}

/// A line of the journal.
#[derive(Serialize, Deserialize)]
struct Line {
    /// The number of the file from which it goes on.
    number: u64,
    made: u64,
    changes: Vec<Change>,
}

impl Keeper {
    /// Reads what a file and its journal hold; `fresh` where there is none.
    pub(super) fn open(file: &Path, fresh: impl FnOnce() -> Store) -> io::Result<(Self, Store)> {
        let mut keeper = Self {
            file: file.to_owned(),
            journal: None,
            lengths: (0, 0),
        };
        let mut store = match std::fs::read(file) {
            Ok(text) => {
                keeper.lengths.1 = text.len() as u64;
                serde_json::from_slice(&text)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                remove(&journal_of(file))?;
                return Ok((keeper, fresh()));
            }
            Err(error) => return Err(error),
        };
        if replay(&mut store, file)? {
            keeper.merge(&mut store)?;
        }
        Ok((keeper, store))
    }

    /// Writes what was changed since the last time.
    pub(super) fn save(&mut self, store: &mut Store) -> io::Result<()> {
        // A journal needs a file from which it goes on.
        if self.lengths.1 == 0 && store.has_changes() {
            return self.merge(store);
        }
        let changes = store.take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let line = Line {
            number: store.number,
            made: store.made(),
            changes,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        let journal = match &mut self.journal {
            Some(journal) => journal,
            none => none.insert(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(journal_of(&self.file))?,
            ),
        };
        journal.write_all(&text)?;
        self.lengths.0 += text.len() as u64;
        let (journal, file) = self.lengths;
        match journal > SMALL && journal > file {
            true => self.merge(store),
            false => Ok(()),
        }
    }

    /// Writes the file anew, whole or not at all, and ends the journal.
    pub(super) fn merge(&mut self, store: &mut Store) -> io::Result<()> {
        store.take_changes();
        store.number += 1;
        let text = serde_json::to_vec(store)?;
        let passing = self.file.with_extension("new");
        std::fs::write(&passing, &text)?;
        std::fs::rename(&passing, &self.file)?;
        self.journal = None;
        self.lengths = (0, text.len() as u64);
        remove(&journal_of(&self.file))
    }

    /// Merges the journal, if there is one.
    pub(super) fn close(&mut self, store: &mut Store) -> io::Result<()> {
        self.save(store)?;
        match self.journal {
            Some(_) => self.merge(store),
            None => Ok(()),
        }
    }
}

fn journal_of(file: &Path) -> PathBuf {
    file.with_extension("journal")
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Does again what the journal says, up to a line that is not whole. False if there is none.
fn replay(store: &mut Store, file: &Path) -> io::Result<bool> {
    let text = match std::fs::read(journal_of(file)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else {
            break;
        };
        if line.number == store.number {
            store.redo(line.changes, line.made);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::store::Kind;

    fn open(file: &Path) -> (Keeper, Store) {
        Keeper::open(file, Store::new).unwrap()
    }

    fn put(store: &mut Store, name: &str) {
        store.put(Kind::Network, "default", name, json!({ "name": name }));
    }

    fn has(store: &Store, name: &str) -> bool {
        store.get(Kind::Network, "default", name).is_some()
    }

    #[test]
    fn what_was_answered_outlives_a_twin_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("incus.json");
        let (mut keeper, mut store) = open(&file);
        put(&mut store, "a");
        keeper.save(&mut store).unwrap();
        put(&mut store, "b");
        store.remove(Kind::Network, "default", "a");
        keeper.save(&mut store).unwrap();
        put(&mut store, "unanswered");
        drop((keeper, store));
        // The end of a line that was being written.
        let mut journal = OpenOptions::new()
            .append(true)
            .open(journal_of(&file))
            .unwrap();
        journal.write_all(b"{\"number\": 1, \"made").unwrap();
        let (_, store) = open(&file);
        assert!(has(&store, "b") && !has(&store, "a") && !has(&store, "unanswered"));
        assert!(!journal_of(&file).exists());
    }

    #[test]
    fn a_journal_of_an_older_file_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("incus.json");
        let (mut keeper, mut store) = open(&file);
        put(&mut store, "first");
        keeper.save(&mut store).unwrap();
        put(&mut store, "a");
        keeper.save(&mut store).unwrap();
        let old = std::fs::read(journal_of(&file)).unwrap();
        store.remove(Kind::Network, "default", "a");
        keeper.close(&mut store).unwrap();
        std::fs::write(journal_of(&file), old).unwrap();
        let again = open(&file).1;
        assert!(!has(&again, "a") && has(&again, "first"));
        // Nor one whose file somebody took away.
        put(&mut store, "b");
        keeper.save(&mut store).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(!has(&open(&file).1, "b"));
    }

    #[test]
    fn the_file_is_written_anew_only_when_the_journal_has_outgrown_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("incus.json");
        let (mut keeper, mut store) = open(&file);
        let first = store.number;
        for turn in 0..3000 {
            let long = json!({ "name": "n", "text": "x".repeat(1000), "turn": turn });
            store.put(Kind::Network, "default", "n", long);
            keeper.save(&mut store).unwrap();
        }
        assert!((2..=5).contains(&(store.number - first)));
    }
}
