//! A file tree that remembers what was read of it, so that a saved plan can bring its configuration along.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use strata_core::files::{Entry, EntryKind, FileError, FileErrorReason, Files};

use super::Settings;
use crate::files::Disk;

/// Files of the disk; what was read once is what it was then.
#[derive(Default)]
pub(super) struct Recording(Mutex<Seen>);

/// Everything that was asked, and the answers.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// None where there was no file.
    contents: BTreeMap<PathBuf, Option<Content>>,
    folders: BTreeMap<PathBuf, Option<Vec<(String, Kind)>>>,
    kinds: BTreeMap<PathBuf, Option<Kind>>,
}

/// A file's content, in base64 where it is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Content(Arc<[u8]>);

impl From<Content> for String {
    fn from(content: Content) -> Self {
        BASE64.encode(&content.0)
    }
}

impl TryFrom<String> for Content {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(BASE64.decode(text)?.into()))
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Folder,
    Other,
}

impl Recording {
    /// Answers as it was answered before; the disk is asked for the rest.
    pub(super) fn of(seen: Seen) -> Self {
        Self(Mutex::new(seen))
    }

    /// The disk, with the files that Strata itself adds to the root module.
    pub(super) fn of_root_module(settings: &Settings) -> Self {
        let recording = Self::default();
        if settings.added.is_empty() {
            return recording;
        }
        // A folder that cannot be listed is told by who loads it.
        let listed = recording.list(&settings.directory).unwrap_or_default();
        let mut seen = recording.lock();
        let entries = listed
            .into_iter()
            .map(|entry| (entry.name, entry.kind.into()));
        let mut entries: Vec<(String, Kind)> = entries.collect();
        for (name, text) in &settings.added {
            let path = settings.directory.join(name);
            let content = Content(text.as_bytes().into());
            seen.contents.insert(path.clone(), Some(content));
            seen.kinds.insert(path, Some(Kind::File));
            entries.push(((*name).to_owned(), Kind::File));
        }
        seen.folders
            .insert(settings.directory.clone(), Some(entries));
        drop(seen);
        recording
    }

    /// Everything so far.
    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for Recording {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        if let Some(known) = self.lock().contents.get(path) {
            let bytes = known.as_ref().map(|content| content.0.clone());
            return bytes.ok_or_else(|| missing(path));
        }
        let read = Disk.read(path);
        let content = match &read {
            Ok(bytes) => Some(Content(bytes.clone())),
            Err(error) if error.reason == FileErrorReason::NotFound => None,
            Err(_) => return read,
        };
        self.lock().contents.insert(path.to_owned(), content);
        read
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        if let Some(known) = self.lock().folders.get(folder) {
            let entries = known.as_ref().ok_or_else(|| missing(folder))?;
            let entry = |(name, kind): &(String, Kind)| Entry {
                name: name.clone(),
                kind: (*kind).into(),
            };
            return Ok(entries.iter().map(entry).collect());
        }
        let listed = Disk.list(folder);
        let entries = match &listed {
            Ok(entries) => {
                let entry = |entry: &Entry| (entry.name.clone(), entry.kind.into());
                Some(entries.iter().map(entry).collect())
            }
            Err(error) if error.reason == FileErrorReason::NotFound => None,
            Err(_) => return listed,
        };
        self.lock().folders.insert(folder.to_owned(), entries);
        listed
    }

    fn home(&self) -> Option<PathBuf> {
        Disk.home()
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        if let Some(known) = self.lock().kinds.get(path) {
            return known.map(EntryKind::from);
        }
        let kind = Disk.kind(path);
        self.lock()
            .kinds
            .insert(path.to_owned(), kind.map(Kind::from));
        kind
    }
}

fn missing(path: &Path) -> FileError {
    FileError {
        path: path.to_owned(),
        reason: FileErrorReason::NotFound,
    }
}

impl From<EntryKind> for Kind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::File => Kind::File,
            EntryKind::Folder => Kind::Folder,
            EntryKind::Other => Kind::Other,
        }
    }
}

impl From<Kind> for EntryKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => EntryKind::File,
            Kind::Folder => EntryKind::Folder,
            Kind::Other => EntryKind::Other,
        }
    }
}
