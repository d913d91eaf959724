//! Archives of zip, by `unzip`.

use std::path::{Path, PathBuf};

use super::{Choice, is_listed, shown};
use crate::host::{Host, Kind, Metadata};
use crate::module::ModuleError;
use crate::modules::programs;
use crate::system::Command;

pub(super) struct Zip<'a> {
    src: PathBuf,
    dest: PathBuf,
    choice: &'a Choice,
    entries: Vec<Entry>,
    /// Newer on the host, and left there.
    newer: Vec<String>,
}

/// A line of `zipinfo`.
#[derive(Debug, PartialEq)]
struct Entry {
    name: String,
    kind: Kind,
    /// The nine bits; none where the archive has no Unix modes.
    mode: Option<u32>,
    size: u64,
    /// As `19991231.235959`, in the host's time zone.
    time: String,
}

impl<'a> Zip<'a> {
    pub(super) fn read(
        host: &dyn Host,
        src: &Path,
        dest: &Path,
        choice: &'a Choice,
    ) -> Result<Zip<'a>, ModuleError> {
        if host.find_program("unzip").is_none() {
            return Err(ModuleError::new(
                "Unable to find required 'unzip' or 'zipinfo' binary in the path.",
            ));
        }
        let said = host.run(&programs::plain(["unzip", "-Z", "-T", "-s", &shown(src)]))?;
        if said.status != 0 {
            let why = said.stderr.trim_end();
            return Err(ModuleError::new(format!(
                "Command \"unzip\" could not handle archive: {why}"
            )));
        }
        let entries = said.stdout.lines().filter_map(parse);
        let taken = |entry: &Entry| {
            let bare = entry.name.trim_end_matches('/');
            !is_listed(bare, &choice.exclude)
                && (choice.include.is_empty() || is_listed(bare, &choice.include))
        };
        let entries: Vec<Entry> = entries.filter(taken).collect();
        if entries.is_empty() {
            return Err(ModuleError::new(
                "Command \"unzip\" found no files in archive. Empty archive files are not \
                 supported.",
            ));
        }
        Ok(Zip {
            src: src.to_owned(),
            dest: dest.to_owned(),
            choice,
            entries,
            newer: Vec::new(),
        })
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }

    pub(super) fn differs(&mut self, host: &dyn Host) -> Result<bool, ModuleError> {
        let mut differs = false;
        let mut alike = Vec::new();
        for entry in &self.entries {
            let path = self.dest.join(&entry.name);
            let Some(there) = host.metadata(&path)? else {
                differs = true;
                continue;
            };
            let time = crate::time::stamp(there.modified, "%Y%m%d.%H%M%S");
            if self.choice.keep_newer && there.kind == Kind::File && entry.time < time {
                self.newer.push(entry.name.clone());
                continue;
            }
            if entry.differs(&there, &time, self.choice) {
                differs = true;
            } else if entry.kind == Kind::File {
                alike.push(entry.name.clone());
            }
        }
        // Same name, size and time: only the content can tell, which `unzip` reads as fast as any.
        Ok(differs || self.contents_differ(host, &alike)?)
    }

    fn contents_differ(&self, host: &dyn Host, names: &[String]) -> Result<bool, ModuleError> {
        if names.is_empty() {
            return Ok(false);
        }
        let said = host.run(&programs::plain(["unzip", "-v", &shown(&self.src)]))?;
        for name in names {
            let Some(expected) = checksum_of(&said.stdout, name) else {
                continue;
            };
            let mut file = host.open(&self.dest.join(name))?;
            let actual = crate::crc32::of_stream(&mut file)
                .map_err(|error| ModuleError::new(format!("cannot read {name}: {error}")))?;
            if actual != expected {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn extract(&self) -> Command {
        let mut argv = vec!["unzip".to_owned(), "-o".to_owned()];
        argv.extend(self.choice.options.iter().cloned());
        argv.push(shown(&self.src));
        argv.extend(self.choice.include.iter().cloned());
        let left: Vec<String> = self
            .choice
            .exclude
            .iter()
            .chain(&self.newer)
            .cloned()
            .collect();
        if !left.is_empty() {
            argv.push("-x".to_owned());
            argv.extend(left);
        }
        argv.extend(["-d".to_owned(), shown(&self.dest)]);
        // It asks no questions, and 1 is a warning.
        let script = "unzip_status=0; \"$@\" </dev/null || unzip_status=$?; \
                      [ $unzip_status -le 1 ]";
        let shell = ["sh", "-c", script, "sh"].map(str::to_owned);
        programs::plain(shell.into_iter().chain(argv))
    }
}

impl Entry {
    fn differs(&self, there: &Metadata, time: &str, choice: &Choice) -> bool {
        if self.kind != there.kind {
            return true;
        }
        let is_file = self.kind == Kind::File;
        let mode = self
            .mode
            .filter(|_| !choice.has_mode && self.kind != Kind::Symlink);
        let older = match choice.keep_newer {
            true => self.time.as_str() > time,
            false => self.time != time,
        };
        is_file && (older || self.size != there.size)
            || mode.is_some_and(|mode| mode != there.mode & 0o777)
    }
}

/// Reads a line as `-rw-r--r--  3.0 unx  12 tx defN 20240131.101500 a/b`.
fn parse(line: &str) -> Option<Entry> {
    let mut rest = line;
    let mut words = Vec::new();
    for _ in 0..7 {
        let start = rest.trim_start();
        let (word, after) = start.split_once(char::is_whitespace)?;
        words.push(word);
        rest = after;
    }
    let (flags, time) = (words[0], words[6]);
    if !matches!(flags.len(), 7 | 8 | 10) || time.len() != 15 {
        return None;
    }
    let name = rest.trim_start_matches(' ').to_owned();
    let kind = match flags.chars().next()? {
        'd' => Kind::Directory,
        'l' => Kind::Symlink,
        '-' | '?' if name.ends_with('/') => Kind::Directory,
        '-' | '?' => Kind::File,
        _ => return None,
    };
    Some(Entry {
        name,
        kind,
        mode: (flags.len() == 10).then(|| mode(&flags[1..])),
        size: words[3].parse().ok()?,
        time: time.to_owned(),
    })
}

fn mode(letters: &str) -> u32 {
    let set = |c| matches!(c, 'r' | 'w' | 'x' | 's' | 't');
    letters
        .chars()
        .fold(0, |mode, letter| mode << 1 | u32::from(set(letter)))
}

/// The checksum that `unzip -v` lists for a name.
fn checksum_of(listing: &str, name: &str) -> Option<u32> {
    let line = listing.lines().find(|line| {
        let tail = line.strip_suffix(name);
        tail.is_some_and(|head| head.ends_with("  "))
    })?;
    let word = line.split_whitespace().nth(6)?;
    u32::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_zipinfo_are_read() {
        let entry = parse("-rw-r--r--  3.0 unx       12 tx defN 20240131.101500 a b/c").unwrap();
        assert_eq!(entry.name, "a b/c");
        assert_eq!((entry.mode, entry.size), (Some(0o644), 12));
        let folder = parse("drwxr-xr-x  3.0 unx        0 bx stor 20240131.101500 a/").unwrap();
        assert_eq!(folder.kind, Kind::Directory);
        assert_eq!(parse("Archive:  a.zip   1234 bytes   2 files"), None);
        let listing = "   12  Stored       12   0% 2024-01-31 10:15 0000beef  a b/c\n";
        assert_eq!(checksum_of(listing, "a b/c"), Some(0xbeef));
    }
}
