//! What a run that did not come to its end leaves for `--resume`: a file below `.strata/resume` beside the playbook.
//!
//! While a run is under way each task adds a line to a journal beside it, so that a run that was killed can be
//! resumed, too; at its end the run writes the file and takes the journal away.
//!
//! It holds what tasks registered, so only its owner can read it. What `no_log` hides and what was decrypted is
//! not in it.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use strata_core::Diagnostic;
use strata_playbook::Playbook;
use strata_runner::{HostProgress, Journal, Milestone, Note, Progress, milestones};

/// The form of the file; another one is not read.
const VERSION: u32 = 1;

/// What the file says, with the hosts and tags that the run was bound to.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Saved {
    version: u32,
    pub(super) limit: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) skip_tags: Vec<String>,
    plays: Vec<Vec<(Vec<u32>, String)>>,
    hosts: Vec<SavedHost>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SavedHost {
    host: String,
    play: usize,
    position: Vec<u32>,
    task: String,
    notified: Vec<String>,
    values: Map<String, Json>,
    facts: Map<String, Json>,
    secret: Vec<String>,
}

impl Saved {
    /// Bound to the same hosts and tags as the run.
    pub(super) fn new(progress: &Progress, options: &strata_runner::Options) -> Self {
        let plays = progress.plays.iter().map(|play| {
            let steps = play.iter();
            steps
                .map(|one| (one.position.clone(), one.task.clone()))
                .collect()
        });
        Self {
            version: VERSION,
            limit: options.limit.clone(),
            tags: options.tags.clone(),
            skip_tags: options.skip_tags.clone(),
            plays: plays.collect(),
            hosts: progress.hosts.iter().map(saved_host).collect(),
        }
    }

    pub(super) fn progress(self) -> Progress {
        let plays = self.plays.into_iter().map(|play| {
            let steps = play.into_iter();
            steps
                .map(|(position, task)| Milestone { position, task })
                .collect()
        });
        Progress {
            plays: plays.collect(),
            hosts: self.hosts.into_iter().map(host_progress).collect(),
        }
    }
}

fn saved_host((host, progress): (&String, &HostProgress)) -> SavedHost {
    let progress = progress.clone();
    SavedHost {
        host: host.clone(),
        play: progress.play,
        position: progress.position,
        task: progress.task,
        notified: progress.notified,
        values: progress.values,
        facts: progress.facts,
        secret: progress.secret,
    }
}

fn host_progress(saved: SavedHost) -> (String, HostProgress) {
    let progress = HostProgress {
        play: saved.play,
        position: saved.position,
        task: saved.task,
        notified: saved.notified,
        values: saved.values,
        facts: saved.facts,
        secret: saved.secret,
    };
    (saved.host, progress)
}

/// Where a playbook's file is.
pub(super) fn place(playbook: &Path) -> PathBuf {
    let folder = playbook.parent().unwrap_or(Path::new(""));
    let name = playbook.file_name().unwrap_or_default().to_string_lossy();
    folder.join(".strata/resume").join(format!("{name}.json"))
}

/// One line of the journal behind the first, which is a [`Saved`].
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    At(SavedHost),
    Values {
        host: String,
        values: Map<String, Json>,
        gathered: bool,
        secret: Vec<String>,
    },
}

fn line(note: &Note) -> Line {
    match note.clone() {
        Note::At { host, progress } => Line::At(saved_host((&host.to_string(), &progress))),
        Note::Values {
            host,
            values,
            gathered,
            secret,
        } => Line::Values {
            host: host.to_string(),
            values,
            gathered,
            secret,
        },
    }
}

impl Saved {
    fn host(&mut self, name: &str) -> &mut SavedHost {
        let at = self.hosts.iter().position(|known| known.host == name);
        let at = at.unwrap_or_else(|| {
            self.hosts
                .push(saved_host((&name.to_owned(), &HostProgress::default())));
            self.hosts.len() - 1
        });
        &mut self.hosts[at]
    }

    fn follow(&mut self, line: Line) {
        match line {
            Line::At(new) => {
                let host = self.host(&new.host.clone());
                (host.play, host.position) = (new.play, new.position);
                (host.task, host.notified) = (new.task, new.notified);
            }
            Line::Values {
                host,
                values,
                gathered,
                secret,
            } => {
                let host = self.host(&host);
                host.secret.retain(|name| !values.contains_key(name));
                host.secret.extend(secret);
                let all = match gathered {
                    true => &mut host.facts,
                    false => &mut host.values,
                };
                all.extend(values);
            }
        }
    }
}

fn journal_place(playbook: &Path) -> PathBuf {
    place(playbook).with_extension("journal")
}

/// Begins a journal, with what the run itself resumes from; none if it cannot be written.
pub(super) fn journal(
    path: &Path,
    playbook: &Playbook,
    options: &strata_runner::Options,
) -> Option<Arc<Journal>> {
    let hosts = options.resume.iter().flat_map(|before| &before.hosts);
    let progress = Progress {
        plays: milestones(playbook),
        hosts: hosts
            .map(|(name, host)| (name.clone(), host.clone()))
            .collect(),
    };
    let first = Saved::new(&progress, options);
    let file = journal_place(path);
    write(&file, &first).ok()?;
    let file = fs::OpenOptions::new().append(true).open(file).ok()?;
    let file = Mutex::new(file);
    Some(Arc::new(move |note: &Note| {
        let mut text = b"\n".to_vec();
        // A line that is lost leaves the host one task further back.
        if serde_json::to_writer(&mut text, &line(note)).is_ok() {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&text).ok();
        }
    }))
}

/// The journal that an earlier run left, which a new one takes the place of.
pub(super) fn earlier_journal(playbook: &Path) -> Option<Vec<u8>> {
    fs::read(journal_place(playbook)).ok()
}

/// Puts the earlier journal back where no task is noted in the new one: the run was refused before it began.
pub(super) fn take_back(playbook: &Path, earlier: Option<&[u8]>) {
    let path = journal_place(playbook);
    if fs::read(&path).is_ok_and(|text| text.contains(&b'\n')) {
        return;
    }
    let done = match earlier {
        Some(text) => fs::write(path, text),
        None => fs::remove_file(path),
    };
    // One that stays hides how far the earlier run came, and nothing worse.
    drop(done);
}

/// What a run that was killed left; a line that was cut off does not count.
fn of_journal(playbook: &Path) -> Option<Saved> {
    let text = fs::read(journal_place(playbook)).ok()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut saved: Saved = serde_json::from_slice(lines.next()?).ok()?;
    for line in lines {
        if let Ok(line) = serde_json::from_slice(line) {
            saved.follow(line);
        }
    }
    Some(saved).filter(|saved| saved.version == VERSION && !saved.hosts.is_empty())
}

/// Reads what the last run left.
pub(super) fn read(playbook: &Path) -> Result<Saved, Box<Diagnostic>> {
    if let Some(saved) = of_journal(playbook) {
        return Ok(saved);
    }
    let path = place(playbook);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("there is nothing to resume of `{}`", playbook.display());
            let diagnostic = Diagnostic::error("nothing-to-resume", message)
                .detail("Its last run came to its end on all hosts, or there was none.")
                .hint("Run it without `--resume`.");
            return Err(Box::new(diagnostic));
        }
        Err(error) => return Err(Box::new(unreadable(&path, &error.to_string()))),
    };
    let saved: Saved = serde_json::from_slice(&text)
        .map_err(|error| Box::new(unreadable(&path, &error.to_string())))?;
    if saved.version != VERSION {
        let reason = "it was written by another version of Strata";
        return Err(Box::new(unreadable(&path, reason)));
    }
    Ok(saved)
}

fn unreadable(path: &Path, reason: &str) -> Diagnostic {
    let message = format!("`{}` cannot be used to resume a run", path.display());
    Diagnostic::error("nothing-to-resume", message)
        .detail(reason)
        .hint("Run the playbook without `--resume`; that writes the file anew.")
}

/// Keeps what a run left; takes the file away if the run came to its end.
pub(super) fn keep(
    playbook: &Path,
    progress: &Progress,
    options: &strata_runner::Options,
) -> Result<(), Box<Diagnostic>> {
    let path = place(playbook);
    // Nobody reads what is left of it once the file is there.
    fs::remove_file(journal_place(playbook)).ok();
    let kept = if progress.is_complete() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    } else {
        write(&path, &Saved::new(progress, options))
    };
    kept.map_err(|error| {
        let message = format!("`{}` cannot be written", path.display());
        let diagnostic = Diagnostic::warning("resume-file", message);
        Box::new(diagnostic.detail(format!("{error}; this run cannot be resumed.")))
    })
}

fn write(path: &Path, saved: &Saved) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!("{name}.{}.tmp", std::process::id()));
    let mut open = fs::OpenOptions::new();
    let mut file = open
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    drop(file);
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let host = HostProgress {
            play: 1,
            position: vec![2, 3],
            task: "r : t".to_owned(),
            notified: vec!["restart".to_owned()],
            values: json!({"out": {"rc": 0}}).as_object().unwrap().clone(),
            ..HostProgress::default()
        };
        let progress = Progress {
            plays: vec![vec![Milestone {
                position: vec![2, 1],
                task: "first".to_owned(),
            }]],
            hosts: [("a".to_owned(), host)].into(),
        };
        let saved = Saved {
            version: VERSION,
            plays: vec![vec![(vec![2, 1], "first".to_owned())]],
            hosts: progress.hosts.iter().map(saved_host).collect(),
            ..Saved::default()
        };
        let text = serde_json::to_string(&saved).unwrap();
        let read: Saved = serde_json::from_str(&text).unwrap();
        assert_eq!(read.progress(), progress);
    }

    #[test]
    fn a_run_that_was_killed_left_how_far_each_host_came() {
        let folder = tempfile::tempdir().unwrap();
        let playbook = folder.path().join("site.yml");
        let at = |task: &str, place| {
            Line::At(saved_host((
                &"a".to_owned(),
                &HostProgress {
                    position: vec![2, place],
                    task: task.to_owned(),
                    ..HostProgress::default()
                },
            )))
        };
        let values = Line::Values {
            host: "a".to_owned(),
            values: json!({"out": {"rc": 0}}).as_object().unwrap().clone(),
            gathered: false,
            secret: vec!["token".to_owned()],
        };
        let file = journal_place(&playbook);
        let first = Saved {
            version: VERSION,
            ..Saved::default()
        };
        write(&file, &first).unwrap();
        let mut text = fs::read_to_string(&file).unwrap();
        for line in [at("one", 1), values, at("two", 2)] {
            text.push_str(&format!("\n{}", serde_json::to_string(&line).unwrap()));
        }
        // The last line was cut off.
        fs::write(&file, format!("{text}\n{{\"At\": {{\"host\"")).unwrap();
        let saved = read(&playbook).unwrap();
        let host = &saved.hosts[0];
        assert_eq!((host.task.as_str(), &host.position), ("two", &vec![2, 2]));
        assert_eq!(host.values["out"]["rc"], 0);
        assert_eq!(host.secret, ["token"]);
    }
}
