//! Moving lines below all that is printed: what is under way, and since when.
//!
//! There is one terminal, and so one place for them in a process: what looks with moving lines print goes through
//! [`above`], and a question to the user through [`undisturbed`].

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style::tame;

/// Where the lines are; none until something moves.
static PLACE: OnceLock<MultiProgress> = OnceLock::new();

/// What takes no longer than this is not worth a line.
const SHORT: Duration = Duration::from_millis(500);

/// So many lines at most; of more work a last line tells how much.
const ROWS: usize = 10;

/// How often it is said of long work that it goes on, in seconds, where nothing can move.
const STILL: u64 = 10;

/// Prints above the moving lines.
pub(crate) fn above<T>(print: impl FnOnce() -> T) -> T {
    let Some(place) = PLACE.get() else {
        return print();
    };
    // An output that takes no more is a panic, which must not leave the place locked.
    match place.suspend(|| catch_unwind(AssertUnwindSafe(print))) {
        Ok(printed) => printed,
        Err(panic) => resume_unwind(panic),
    }
}

/// How many questions are asked now.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Lets lines move again when the last question is answered.
struct Quiet<'a>(&'a MultiProgress);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        if ASKED.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// Asks the user something; nothing moves meanwhile.
pub(crate) fn undisturbed<T>(ask: impl FnOnce() -> T) -> T {
    let Some(place) = PLACE.get() else {
        return ask();
    };
    // A terminal that takes nothing any more has nothing to be cleared.
    drop(place.clear());
    ASKED.fetch_add(1, Ordering::Relaxed);
    place.set_draw_target(ProgressDrawTarget::hidden());
    let _quiet = Quiet(place);
    ask()
}

/// A text for a line of its own.
fn line_of(text: &str) -> String {
    tame(text.lines().next().unwrap_or_default()).into_owned()
}

/// What is under way, by keys of the caller's.
pub(crate) struct Moving<K> {
    /// Whether lines move; else [`Moving::still`] says what they would.
    live: bool,
    work: BTreeMap<K, Work>,
    /// How much there is besides.
    more: Option<ProgressBar>,
}

struct Work {
    text: String,
    since: Instant,
    bar: Option<ProgressBar>,
    /// How often it was said that it still goes on.
    told: u64,
}

impl<K: Ord + Clone> Moving<K> {
    /// Nothing yet; drawn on standard error if `live`, which must be a terminal then.
    pub(crate) fn new(live: bool) -> Self {
        if live {
            PLACE.get_or_init(MultiProgress::new);
        }
        Self {
            live,
            work: BTreeMap::new(),
            more: None,
        }
    }

    /// Something begins, in the place of what has that key.
    pub(crate) fn start(&mut self, key: K, text: String) {
        let work = Work {
            text,
            since: Instant::now(),
            bar: None,
            told: 0,
        };
        if let Some(before) = self.work.insert(key, work) {
            before.erase();
        }
    }

    /// It goes on, with other words; begins if it did not yet.
    pub(crate) fn note(&mut self, key: &K, text: String) {
        let Some(work) = self.work.get_mut(key) else {
            return self.start(key.clone(), text);
        };
        if let Some(bar) = &work.bar {
            bar.set_message(line_of(&text));
        }
        work.text = text;
    }

    /// It ended: how long it took, if it was known.
    pub(crate) fn stop(&mut self, key: &K) -> Option<Duration> {
        let work = self.work.remove(key)?;
        let took = work.since.elapsed();
        work.erase();
        if self.work.len() <= ROWS {
            self.clear_more();
        }
        Some(took)
    }

    /// Draws anew; to be called some times a second.
    pub(crate) fn tick(&mut self) {
        let Some(place) = PLACE.get().filter(|_| self.live) else {
            return;
        };
        let mut long: Vec<&mut Work> = self
            .work
            .values_mut()
            .filter(|work| work.since.elapsed() > SHORT)
            .collect();
        long.sort_by_key(|work| (work.bar.is_none(), work.since));
        let hidden = long.len().saturating_sub(ROWS);
        for work in long.into_iter().take(ROWS) {
            let bar = work.bar.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("  {spinner} {elapsed:>3} {wide_msg}");
                let bar = ProgressBar::new_spinner()
                    .with_style(style.expect("the template is well formed"))
                    .with_elapsed(work.since.elapsed())
                    .with_message(line_of(&work.text));
                match &self.more {
                    Some(more) => place.insert_before(more, bar),
                    None => place.add(bar),
                }
            });
            bar.tick();
        }
        if hidden == 0 {
            return self.clear_more();
        }
        let more = self.more.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("    {msg}");
            place.add(
                ProgressBar::new_spinner().with_style(style.expect("the template is well formed")),
            )
        });
        more.set_message(format!("and {hidden} more"));
        more.tick();
    }

    /// What goes on for so long that it is time to say so again, where nothing moves, and for how many seconds.
    pub(crate) fn still(&mut self) -> Vec<(&str, u64)> {
        let mut still = Vec::new();
        for work in self.work.values_mut().filter(|_| !self.live) {
            let times = work.since.elapsed().as_secs() / STILL;
            if times > work.told {
                work.told = times;
                still.push((work.text.as_str(), times * STILL));
            }
        }
        still
    }

    /// Takes all lines away.
    pub(crate) fn clear(&mut self) {
        std::mem::take(&mut self.work)
            .into_values()
            .for_each(Work::erase);
        self.clear_more();
    }

    fn clear_more(&mut self) {
        if let Some(more) = self.more.take() {
            more.finish_and_clear();
        }
    }
}

impl Work {
    fn erase(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said_once_in_ten_seconds_where_nothing_moves() {
        let mut moving = Moving::new(false);
        moving.start("web", "web: install".to_owned());
        assert_eq!(moving.still(), []);
        let began = Instant::now().checked_sub(Duration::from_secs(25));
        moving.work.get_mut("web").unwrap().since = began.unwrap();
        assert_eq!(moving.still(), [("web: install", 20)]);
        assert_eq!(moving.still(), []);
        assert!(moving.stop(&"web") > Some(Duration::from_secs(24)));
        assert_eq!(moving.stop(&"web"), None);
    }

    #[test]
    fn an_output_that_takes_no_more_leaves_the_lines_usable() {
        let mut moving = Moving::new(true);
        moving.start("web", "web: install\nand more".to_owned());
        let began = Instant::now().checked_sub(Duration::from_secs(1));
        moving.work.get_mut("web").unwrap().since = began.unwrap();
        moving.tick();
        let lost = catch_unwind(|| above(|| panic!("failed printing to stdout: no space")));
        assert!(lost.is_err());
        assert_eq!(above(|| 1), 1);
        moving.tick();
        moving.clear();
    }
}
