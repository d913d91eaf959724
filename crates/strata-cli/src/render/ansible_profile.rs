//! How long a playbook, its tasks and its roles took: the callbacks `timer`, `profile_tasks` and `profile_roles`.
//!
//! Their lines stand between and below those of the callback that shows results; they are those of `ansible.posix` 2.1.

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use jiff::Zoned;
use strata_core::Event;

use super::{Renderer, ansible::banner, lines::Lines};

/// One of the callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The whole run.
    Timer,
    /// Each task.
    Tasks {
        /// How many are shown at the end; none: all.
        limit: Option<usize>,
        /// In which order.
        order: Order,
        /// Whether nothing is shown before the end.
        summary_only: bool,
    },
    /// Each role; tasks without one by their modules.
    Roles {
        /// Whether nothing is shown before the end.
        summary_only: bool,
    },
}

/// In which order tasks are shown at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The longest first.
    Descending,
    /// The longest last.
    Ascending,
    /// As they came.
    Given,
}

/// Draws with another look, and tells how long things took.
pub(crate) struct Profiled {
    look: Box<dyn Renderer>,
    profiles: Vec<Running>,
    lines: Lines,
    width: usize,
    verbosity: u8,
    began: bool,
}

/// A callback with what it has seen.
struct Running {
    profile: Profile,
    started: Instant,
    /// When it last told a time.
    told: Instant,
    /// What is under way, and since when.
    current: Option<(usize, Instant)>,
    /// What was seen, in order.
    seen: Vec<Seen>,
}

struct Seen {
    name: String,
    path: String,
    took: Duration,
}

impl Profiled {
    /// Draws with `look` for `width` columns.
    pub(crate) fn new(
        look: Box<dyn Renderer>,
        profiles: &[Profile],
        lines: Lines,
        width: usize,
        verbosity: u8,
    ) -> Self {
        let now = Instant::now();
        let running = |profile: &Profile| Running {
            profile: *profile,
            started: now,
            told: now,
            current: None,
            seen: Vec::new(),
        };
        Self {
            look,
            profiles: profiles.iter().map(running).collect(),
            lines,
            width,
            verbosity,
            began: false,
        }
    }

    fn summary(&mut self) {
        if !std::mem::take(&mut self.began) {
            return;
        }
        for running in &mut self.profiles {
            let text = running.summary(self.width, self.verbosity);
            self.lines.say(&text);
        }
    }
}

impl Renderer for Profiled {
    fn event(&mut self, event: Event) {
        let task = match &event {
            Event::TaskStarted {
                task,
                role,
                action,
                path,
                ..
            } => Some((
                task.clone(),
                role.clone().unwrap_or(action.clone()),
                path.clone(),
            )),
            _ => None,
        };
        let ends = matches!(event, Event::PlaybookStarted { .. });
        let begins = matches!(event, Event::PlayStarted { .. });
        self.look.event(event);
        if ends {
            self.summary();
        }
        self.began |= begins;
        let Some((task, role, path)) = task else {
            return;
        };
        for running in &mut self.profiles {
            if let Some(line) = running.begin(&task, &role, &path) {
                self.lines.say(&line);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.look.text(text);
    }

    fn pause(&mut self) {
        self.look.pause();
    }

    fn tick(&mut self) {
        self.look.tick();
    }

    fn finish(&mut self) {
        self.look.finish();
        self.summary();
    }
}

impl Running {
    /// A task begins; gives the line to show.
    fn begin(&mut self, task: &str, role: &str, path: &str) -> Option<String> {
        let (name, summary_only) = match self.profile {
            Profile::Timer => return None,
            Profile::Tasks { summary_only, .. } => (task, summary_only),
            Profile::Roles { summary_only } => (role, summary_only),
        };
        self.end_current();
        let known = match self.profile {
            Profile::Roles { .. } => self.seen.iter().position(|seen| seen.name == name),
            _ => None,
        };
        let at = known.unwrap_or_else(|| {
            self.seen.push(Seen {
                name: name.to_owned(),
                path: path.to_owned(),
                took: Duration::ZERO,
            });
            self.seen.len() - 1
        });
        self.current = Some((at, Instant::now()));
        (!summary_only).then(|| self.time())
    }

    fn end_current(&mut self) {
        if let Some((at, since)) = self.current.take() {
            self.seen[at].took += since.elapsed();
        }
    }

    /// What time it is, how long ago it was told before, and how long the run takes.
    fn time(&mut self) -> String {
        let now = Instant::now();
        let line = format!(
            "{} ({}){}{}",
            Zoned::now().strftime("%A %d %B %Y  %H:%M:%S %z"),
            clock(now - self.told),
            " ".repeat(7),
            clock(now - self.started),
        );
        self.told = now;
        filled(&line, '*')
    }

    fn summary(&mut self, width: usize, verbosity: u8) -> String {
        self.end_current();
        match self.profile {
            Profile::Timer => {
                let seconds = self.started.elapsed().as_secs();
                let took = format!(
                    "Playbook run took {} days, {} hours, {} minutes, {} seconds",
                    seconds / 86400,
                    seconds % 86400 / 3600,
                    seconds % 3600 / 60,
                    seconds % 60
                );
                format!("{}\n{took}\n", banner("PLAYBOOK RECAP", width))
            }
            Profile::Tasks { limit, order, .. } => {
                let head = format!("{}\n{}", banner("TASKS RECAP", width), self.time());
                let mut all: Vec<&Seen> = self.seen.iter().collect();
                match order {
                    Order::Descending => all.sort_by_key(|seen| Reverse(seen.took)),
                    Order::Ascending => all.sort_by_key(|seen| seen.took),
                    Order::Given => {}
                }
                let mut lines = vec![head, filled("", '=')];
                for seen in all.into_iter().take(limit.unwrap_or(usize::MAX)) {
                    lines.push(dashed(&seen.name, seen.took, width));
                    if verbosity >= 2 {
                        let path = format!("{} ", seen.path);
                        lines.push(format!("{path:-<width$}"));
                    }
                }
                lines.join("\n")
            }
            Profile::Roles { .. } => {
                let head = format!("{}\n{}", banner("ROLES RECAP", width), self.time());
                let mut all: Vec<&Seen> = self.seen.iter().collect();
                all.sort_by_key(|seen| Reverse(seen.took));
                let mut lines = vec![head, filled("", '=')];
                let total = all.iter().map(|seen| seen.took).sum();
                lines.extend(
                    all.into_iter()
                        .map(|seen| dashed(&seen.name, seen.took, width)),
                );
                lines.push(filled("", '~'));
                lines.push(dashed("total", total, width));
                lines.join("\n")
            }
        }
    }
}

/// A line as long as they all are.
fn filled(text: &str, with: char) -> String {
    let text = match text.is_empty() {
        true => String::new(),
        false => format!("{text} "),
    };
    let length = 79_usize.saturating_sub(text.chars().count()).max(3);
    format!("{text}{} ", with.to_string().repeat(length))
}

/// A name, and how long that took at the end of the line.
fn dashed(name: &str, took: Duration, width: usize) -> String {
    let took = format!(" {:.2}s", took.as_secs_f64());
    let (name, room) = (format!("{name} "), width.saturating_sub(9));
    format!("{name:-<room$}{took:->9}")
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!(
        "{}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds % 3600 / 60,
        seconds % 60,
        time.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_in_ansible() {
        let time = "Sunday 22 November 2026  17:06:16 +0000 (0:00:00.030)       0:00:00.030";
        assert_eq!(filled(time, '*'), format!("{time} ******* "));
        let took = dashed("loop", Duration::from_millis(2990), 79);
        assert_eq!(took, format!("loop {} 2.99s", "-".repeat(68)));
        assert_eq!(clock(Duration::from_millis(3_723_045)), "1:02:03.045");
    }

    #[test]
    fn roles_are_summed_and_tasks_are_not() {
        let start = |profile| Running {
            profile,
            started: Instant::now(),
            told: Instant::now(),
            current: None,
            seen: Vec::new(),
        };
        let mut roles = start(Profile::Roles { summary_only: true });
        let mut tasks = start(Profile::Tasks {
            limit: Some(20),
            order: Order::Descending,
            summary_only: true,
        });
        for running in [&mut roles, &mut tasks] {
            for _ in 0..2 {
                assert_eq!(running.begin("r : ping", "r", "/x:1"), None);
            }
        }
        let count =
            |text: String, name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(count(roles.summary(79, 0), "r -"), 1);
        assert_eq!(count(tasks.summary(79, 0), "r : ping -"), 2);
        assert_eq!(count(tasks.summary(79, 2), "/x:1 -"), 2);
    }
}
