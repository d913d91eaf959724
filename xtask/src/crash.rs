//! `crash`: kills applies and destroys of `examples/observability` on the real daemon, at random moments.
//!
//! A round is: applies that are killed, one that is not, destroys that are killed, one that is not. After the one that
//! is not, exactly what an undisturbed apply makes is on the daemon and in the state, and a second plan is empty; or
//! nothing is on either. The infrastructure layer is a copy with names of its own, so that others may work on the
//! daemon meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use crate::failure::Failure;
use crate::{process, testbed};

/// What all names begin with, or have in them.
const OURS: &str = "strata-crash";

/// How often in a row a run is killed before one may end.
const IN_A_ROW: usize = 4;

/// What a run takes at least, as far as moments are drawn.
const SHORTEST: Duration = Duration::from_millis(300);

/// How many objects the configuration makes: a bridge, two profiles, and a container and a volume for each service.
const OBJECTS: usize = 9;

const USAGE: &str = "\
Usage: cargo xtask crash [KILLS] [--seed NUMBER] [--strata PATH]

  KILLS   how many runs are killed; 10 if left out

Its last line is the figure: kills, what was orphaned, what was lost.
";

struct Options {
    kills: usize,
    seed: u64,
    strata: Option<PathBuf>,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    /// Runs that were killed while they ran.
    killed: usize,
    /// Runs that were over before their moment came.
    over: usize,
    /// Killed runs that left a journal behind.
    journals: usize,
    rounds: usize,
    /// What was on the daemon after a run that nobody killed, and should not have been.
    orphans: usize,
    /// What should have been there, or in the state, and was not.
    lost: usize,
}

impl Seen {
    /// The figure.
    fn sum(&self) -> String {
        let Seen {
            killed,
            over,
            journals,
            rounds,
            orphans,
            lost,
        } = self;
        format!(
            "{killed} kills in {rounds} rounds ({journals} left a journal, {over} runs more were over before): \
             {orphans} orphans, {lost} lost"
        )
    }

    /// Counts what is too much and what is too little, line by line.
    fn count(&mut self, wanted: &str, there: &str) {
        let missing_in = |all: &str, lines: &str| {
            let known: Vec<&str> = all.lines().collect();
            lines.lines().filter(|line| !known.contains(line)).count()
        };
        self.orphans += missing_in(wanted, there);
        self.lost += missing_in(there, wanted);
    }
}

/// The folder, the program and the daemon.
struct Scene {
    folder: PathBuf,
    strata: PathBuf,
    socket: PathBuf,
    chance: u64,
    seen: Seen,
}

/// Runs the command.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = options(words)?;
    let socket = testbed::socket().ok_or_else(|| {
        Failure::new("no Incus daemon answers: `cargo xtask testbed up` makes one")
    })?;
    println!("seed {}", options.seed);
    let folder = std::env::temp_dir().join(format!("{OURS}-{}", std::process::id()));
    let example = Path::new("examples/observability");
    for part in ["infrastructure", "modules"] {
        copy(&example.join(part), &folder.join(part))?;
    }
    let mut scene = Scene {
        folder: folder.join("infrastructure"),
        strata: strata(options.strata)?,
        socket,
        chance: options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        seen: Seen::default(),
    };
    let result = scene.all(options.kills);
    println!("{}", scene.seen.sum());
    match &result {
        Ok(()) => {
            fs::remove_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        }
        Err(_) => println!("state and journal are in `{}`", scene.folder.display()),
    }
    result
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let clock = SystemTime::UNIX_EPOCH.elapsed();
    let mut options = Options {
        kills: 10,
        seed: clock.map_or(1, |clock| clock.as_secs()),
        strata: None,
    };
    let mut words = words.iter();
    let number = |word: &str| word.parse().map_err(|_| Failure::new(USAGE));
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Failure::new(USAGE));
        match *word {
            "--seed" => options.seed = number(value()?)?,
            "--strata" => options.strata = Some(PathBuf::from(value()?)),
            kills => options.kills = number(kills)? as usize,
        }
    }
    Ok(options)
}

fn strata(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let path = match given {
        Some(path) => path,
        None => {
            process::run(&["cargo", "build", "--quiet", "--package", "strata-cli"])?;
            PathBuf::from("target/debug/strata")
        }
    };
    path.canonicalize()
        .map_err(|error| Failure::file(&path, &error))
}

/// Copies the configuration, with names that nobody else uses.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failure = |error| Failure::file(from, &error);
    fs::create_dir_all(to).map_err(|error| Failure::file(to, &error))?;
    for entry in fs::read_dir(from).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.extension().is_some_and(|extension| extension == "tf") {
            let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
            fs::write(&target, renamed(&text)).map_err(|error| Failure::file(&target, &error))?;
        }
    }
    Ok(())
}

fn renamed(text: &str) -> String {
    text.replace("\"observability\"", &format!("\"{OURS}\""))
        .replace("= each.key\n", &format!("= \"{OURS}-${{each.key}}\"\n"))
        .replace("10.78.0.1/24", "10.91.0.1/24")
}

/// A line without the mark by which Strata knows what it made: each creation has its own.
fn unmarked(line: &str) -> String {
    let Some((before, mark)) = line.split_once("user.strata.marker=") else {
        return line.to_owned();
    };
    let end = mark.find([' ', '}']).unwrap_or(mark.len());
    format!("{before}{}", &mark[end..])
}

impl Scene {
    fn all(&mut self, kills: usize) -> Result<(), Failure> {
        let started = Instant::now();
        self.whole("apply")?;
        let apply = started.elapsed();
        let whole = self.there()?;
        let started = Instant::now();
        self.whole("destroy")?;
        let destroy = started.elapsed();
        self.expect("", "after an undisturbed destroy")?;
        println!("an apply takes {apply:.1?}, a destroy {destroy:.1?}");
        while self.seen.killed < kills {
            self.round(kills, apply, destroy, &whole)?;
        }
        Ok(())
    }

    fn round(
        &mut self,
        kills: usize,
        apply: Duration,
        destroy: Duration,
        whole: &str,
    ) -> Result<(), Failure> {
        self.kill_some("apply", apply, kills)?;
        self.whole("apply")?;
        self.expect(whole, "after an apply")?;
        let known = self.strata(&["state", "list"])?.lines().count();
        let plan = self.command(&["plan", "-detailed-exitcode"]).output();
        let is_empty = plan.is_ok_and(|plan| plan.status.success());
        self.seen.lost += OBJECTS.saturating_sub(known);
        if known != OBJECTS || !is_empty {
            return Err(Failure::new(format!(
                "{known} objects of {OBJECTS} are known; the second plan is empty: {is_empty}"
            )));
        }
        self.kill_some("destroy", destroy, kills)?;
        self.whole("destroy")?;
        self.expect("", "after a destroy")?;
        self.seen.rounds += 1;
        println!(
            "round {}: nothing lost, nothing left over",
            self.seen.rounds
        );
        Ok(())
    }

    /// Kills runs in a row, each in what the one before left to do, until one was over before its moment.
    fn kill_some(&mut self, verb: &str, takes: Duration, kills: usize) -> Result<(), Failure> {
        let mut left = takes;
        for _ in 0..IN_A_ROW {
            if self.seen.killed == kills {
                break;
            }
            let moment = left.mul_f64(self.below(1000) as f64 / 1000.0);
            if !self.killed(verb, moment)? {
                break;
            }
            left = left.saturating_sub(moment).max(SHORTEST);
        }
        Ok(())
    }

    /// Starts a run and kills it at this moment; false if it was over before.
    fn killed(&mut self, verb: &str, moment: Duration) -> Result<bool, Failure> {
        let mut command = self.command(&[verb, "-auto-approve"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let not_run = |error| Failure::new(format!("`strata {verb}` could not be run: {error}"));
        let mut child = command.spawn().map_err(not_run)?;
        // The moment is what is tested; nothing is waited for.
        thread::sleep(moment);
        let is_over = child.try_wait().map_err(not_run)?.is_some();
        if !is_over {
            child.kill().map_err(not_run)?;
            child.wait().map_err(not_run)?;
        }
        match is_over {
            true => self.seen.over += 1,
            false => self.seen.killed += 1,
        }
        let journal = self.folder.join("terraform.tfstate.journal");
        self.seen.journals += usize::from(!is_over && journal.exists());
        Ok(!is_over)
    }

    fn whole(&self, verb: &str) -> Result<(), Failure> {
        self.strata(&[verb, "-auto-approve"]).map(drop)
    }

    fn strata(&self, words: &[&str]) -> Result<String, Failure> {
        process::output_of(&mut self.command(words))
    }

    fn command(&self, words: &[&str]) -> Command {
        let strata = self.strata.display().to_string();
        let mut command = process::command(&[&[&*strata], words].concat());
        command
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("NO_COLOR", "1")
            .env("INCUS_SOCKET", &self.socket);
        command
    }

    /// What of ours is on the daemon.
    fn there(&self) -> Result<String, Failure> {
        let all = testbed::everything()?;
        let ours = all.lines().filter(|line| line.contains(OURS));
        Ok(ours.map(|line| format!("{}\n", unmarked(line))).collect())
    }

    fn expect(&mut self, wanted: &str, when: &str) -> Result<(), Failure> {
        let there = self.there()?;
        self.seen.count(wanted, &there);
        match there == wanted {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "{when} there is\n{there}and there should be\n{wanted}"
            ))),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.chance ^= self.chance >> 12;
        self.chance ^= self.chance << 25;
        self.chance ^= self.chance >> 27;
        (self.chance.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_names_of_its_own() {
        let text = "  default     = \"observability\"\n  name     = each.key\n";
        assert_eq!(
            renamed(text),
            "  default     = \"strata-crash\"\n  name     = \"strata-crash-${each.key}\"\n"
        );
    }

    #[test]
    fn the_mark_of_one_creation_is_left_out() {
        assert_eq!(
            unmarked("profile p {a=b user.strata.marker=12-34} {x}"),
            "profile p {a=b } {x}"
        );
    }

    #[test]
    fn what_is_left_over_and_what_is_gone_is_counted() {
        let mut seen = Seen::default();
        seen.count("a\nb\nc\n", "b\nd\n");
        assert_eq!((seen.orphans, seen.lost), (1, 2));
    }

    #[test]
    fn kills_and_seed_are_read() {
        let read = options(&["200", "--seed", "7"]).expect("they are right");
        assert_eq!((read.kills, read.seed), (200, 7));
        assert!(options(&["many"]).is_err());
    }
}
