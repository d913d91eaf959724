//! Where lines of Ansible's looks go: to the terminal, and to the log that `log_path` names; below them on a terminal,
//! what each host is at.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::Arc,
};

use anstream::adapter::strip_str;
use jiff::Zoned;
use strata_core::Event;

use super::moving::{Moving, above};

/// What a line is, by the words of Ansible's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Anything.
    Info,
    /// A failure.
    Error,
}

/// Prints lines, and logs them as ansible-core 2.19 does.
pub(crate) struct Lines {
    log: Option<Log>,
    moving: Moving<Arc<str>>,
}

struct Log {
    file: File,
    user: String,
}

impl Lines {
    /// Prints, and appends to the log at `path` if there is one; a log that cannot be written is told of, and left out.
    /// Standard error must be a terminal if what hosts are at is to be shown `live`.
    pub(crate) fn new(path: Option<&Path>, live: bool) -> Self {
        let opened = path.map(|path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map_err(|error| (path, error))
        });
        let file = match opened.transpose() {
            Ok(file) => file,
            Err((path, error)) => {
                super::complain(&format!(
                    "warning: the log `{}` cannot be written, so there is none: {error}",
                    path.display()
                ));
                None
            }
        };
        let user = ["LOGNAME", "USER"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        Self {
            log: file.map(|file| Log {
                file,
                user: user.unwrap_or_else(|| "-".to_owned()),
            }),
            moving: Moving::new(live),
        }
    }

    /// Takes note of what hosts are at.
    pub(crate) fn follow(&mut self, event: &Event) {
        match event {
            Event::HostBegan { host, task } => {
                self.moving.start(host.clone(), format!("{host}: {task}"));
            }
            Event::TaskFinished {
                host, item: None, ..
            }
            | Event::HostRecap { host, .. } => drop(self.moving.stop(host)),
            _ => {}
        }
    }

    /// Draws anew what hosts are at; to be called some times a second.
    pub(crate) fn tick(&mut self) {
        self.moving.tick();
    }

    /// Nothing is under way any more.
    pub(crate) fn clear(&mut self) {
        self.moving.clear();
    }

    /// Prints a line of which parts come from others.
    pub(crate) fn say(&mut self, text: &str) {
        super::say(text);
        self.log(Level::Info, text);
    }

    /// Prints what is no success, perhaps on standard error.
    pub(crate) fn fail(&mut self, text: &str, on_stderr: bool) {
        match on_stderr {
            true => super::complain(text),
            false => super::say(text),
        }
        self.log(Level::Error, text);
    }

    /// Shows a rendered diagnostic.
    pub(crate) fn diagnose(&mut self, text: &str) {
        above(|| anstream::eprint!("{text}"));
        self.log(Level::Error, text);
    }

    fn log(&mut self, level: Level, text: &str) {
        let Some(log) = &mut self.log else {
            return;
        };
        let plain = strip_str(text).to_string();
        let plain = plain.trim_start_matches('\n').trim_end_matches('\n');
        if plain.is_empty() {
            return;
        }
        let now = Zoned::now();
        let line = format!(
            "{},{:03} p={} u={} n=ansible {}| {plain}\n",
            now.strftime("%Y-%m-%d %H:%M:%S"),
            now.millisecond(),
            std::process::id(),
            log.user,
            match level {
                Level::Info => "INFO",
                Level::Error => "ERROR",
            },
        );
        // A disk that is full is no reason to stop the work.
        drop(log.file.write_all(line.as_bytes()));
    }
}
