//! Random configurations stepped through random changes, with faults, drift and a crash at a random moment.
//!
//! A crash may come between any two things that happen on the platform and in the journal, which then lacks what was
//! not synced, or ends in half a line. After each step: state knows all that is there and nothing else, no object was
//! made twice, a second plan is empty; at the end destroy leaves nothing.
//!
//! `STRATA_RANDOM_SEQUENCES` says how many sequences, `STRATA_RANDOM_SEED` begins with that one; without it the clock
//! chooses. A failure names its seed.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use strata_core::{Diagnostics, Events};
use strata_engine::{PlanMode, PlanOptions, Stop, plan, settle};
use strata_testing::{Fault, Operation, Platform};
use support::{World, block_on, changes, lines, options};

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

/// A small generator of numbers that are the same for a seed everywhere (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// One sequence: what its steps share.
struct Sequence {
    seed: u64,
    chance: Chance,
    platform: Platform,
    world: World,
    create_first: bool,
}

/// Blocks `r0` to `r4`: each there or not, with other names, sizes, instances, dependencies and ways to be replaced.
fn configuration(chance: &mut Chance, create_first: bool) -> String {
    let mut text = HEADER.to_owned();
    let mut there: Vec<String> = Vec::new();
    for at in 0..5 {
        if chance.once_in(4) {
            continue;
        }
        let name = chance.below(2);
        let (repetition, index, all) = match chance.below(4) {
            0 => ("", "", format!("[test_thing.r{at}.id]")),
            1 => (
                "  for_each = toset([\"a\", \"b\"])\n",
                "-${each.key}",
                format!("values(test_thing.r{at})[*].id"),
            ),
            2 => (
                "  count = 1\n",
                "-${count.index}",
                format!("test_thing.r{at}[*].id"),
            ),
            _ => (
                "  count = 2\n",
                "-${count.index}",
                format!("test_thing.r{at}[*].id"),
            ),
        };
        let kind = match !create_first && chance.once_in(4) {
            true => "  kind  = \"other\"\n",
            false => "",
        };
        let needs: Vec<&str> = there
            .iter()
            .filter(|_| chance.once_in(2))
            .map(String::as_str)
            .collect();
        let needs = if needs.is_empty() {
            "[]".to_owned()
        } else {
            needs.join(", ")
        };
        let size = chance.below(3);
        write!(
            text,
            "resource \"test_thing\" \"r{at}\" {{\n{repetition}  name  = \"r{at}-{name}{index}\"\n  size  = {size}\n{kind}  needs = concat({needs})\n  lifecycle {{\n    create_before_destroy = {create_first}\n  }}\n}}\n",
        )
        .unwrap();
        there.push(all);
    }
    text
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let platform = Platform::new();
        let mut world = World::new(vec![platform.provider()]);
        if chance.once_in(2) {
            world.fold_every = Duration::ZERO;
        }
        let create_first = chance.once_in(2);
        Self {
            seed,
            chance,
            platform,
            world,
            create_first,
        }
    }

    async fn run(mut self) {
        for _ in 0..3 {
            let mut text = configuration(&mut self.chance, self.create_first);
            if self.chance.once_in(4) {
                self.drift();
            }
            if self.chance.once_in(2) {
                self.broken_step(&text).await;
                // What is made before the old object goes cannot have its name: there nothing is edited in between.
                if !self.create_first && self.chance.once_in(3) {
                    text = configuration(&mut self.chance, self.create_first);
                }
            }
            self.world.apply(&text).await;
            assert_eq!(
                changes(&self.world.plan(&text).await),
                "",
                "seed {}\n{text}",
                self.seed
            );
            self.assert_whole();
        }
        self.destroy().await;
    }

    /// Somebody else changes or deletes something.
    fn drift(&mut self) {
        let things: Vec<_> = self.platform.things().into_iter().collect();
        let Some((name, mut thing)) = (!things.is_empty()).then(|| {
            let at = self.chance.below(things.len() as u64) as usize;
            things[at].clone()
        }) else {
            return;
        };
        thing.size += 1;
        let is_deleted = self.chance.once_in(2);
        self.platform.set(&name, (!is_deleted).then_some(thing));
    }

    /// Applies with a fault, and with a crash that may come.
    async fn broken_step(&mut self, text: &str) {
        self.fault();
        let environment = self.world.environment(text);
        let opened = self.world.open(&environment).await.unwrap();
        let events = Events::ignored();
        let planned = plan(
            &environment,
            &opened.state,
            &self.world.providers,
            &options(),
            &events,
        )
        .await
        .unwrap();
        let stop = Stop::new();
        let on_crash = stop.clone();
        let moment = self.chance.below(24) as usize;
        self.platform.crash_at(moment, move || on_crash.hard());
        let (applied, journal) = self.world.apply_unfolded(&planned, &opened, &stop).await;
        assert_eq!(self.platform.recover(), applied.abandoned);
        self.platform.forget_faults();
        if !applied.abandoned && self.chance.once_in(2) {
            journal.fold(applied.state).unwrap();
            return;
        }
        drop(journal);
        self.damage();
        if self.chance.once_in(3) {
            self.die_while_settling(text).await;
        }
    }

    /// What is made before the old object goes cannot have its name, so there nothing is left half made.
    fn fault(&mut self) {
        let names = [Operation::Create, Operation::Update, Operation::Delete];
        let operation = names[self.chance.below(3) as usize];
        let index = ["", "-0", "-1", "-a"][self.chance.below(4) as usize];
        let name = format!("r{}-{}{index}", self.chance.below(5), self.chance.below(2));
        let may_be_half = operation != Operation::Create || !self.create_first;
        let fault = match may_be_half && self.chance.once_in(2) {
            true => Fault::HalfDone,
            false => Fault::Refused,
        };
        self.platform.fail(operation, &name, fault);
    }

    /// What a crash does to the journal: nothing, or the lines after the last sync are gone, or the last is torn.
    fn damage(&mut self) {
        let path = self.world.folder.path().join("terraform.tfstate.journal");
        let text = fs::read_to_string(&path).unwrap();
        let kept = match self.chance.below(3) {
            0 => text,
            1 => {
                let synced = text
                    .rfind("{\"begin\"")
                    .max(text.rfind("{\"base\""))
                    .unwrap();
                // Any line after it may have got to the disk or not.
                let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
                let ends: Vec<usize> = ends.into_iter().filter(|end| *end > synced).collect();
                text[..ends[self.chance.below(ends.len() as u64) as usize]].to_owned()
            }
            _ => format!("{text}[\"0123456789abcdef\",{{\"begin\":{{\"id\":99,\"addr"),
        };
        fs::write(path, kept).unwrap();
    }

    /// The next run looks for what was under way, and dies before it has written down what it found.
    async fn die_while_settling(&self, text: &str) {
        let environment = self.world.environment(text);
        let mut opened = self.world.store().open().unwrap();
        let mut diags = Diagnostics::new();
        let (state, in_flight) = (&mut opened.state, &opened.in_flight);
        settle(
            &environment,
            state,
            in_flight,
            &self.world.providers,
            &mut diags,
            &Events::ignored(),
        )
        .await
        .unwrap();
    }

    async fn destroy(&self) {
        let destroy = PlanOptions {
            mode: PlanMode::Destroy,
            ..options()
        };
        let gone = self.world.apply_with(HEADER, &destroy).await.unwrap();
        assert!(
            !gone.diagnostics.has_errors(),
            "{}",
            lines(&gone.diagnostics)
        );
        assert!(self.platform.things().is_empty(), "destroy left something");
        assert!(
            self.world.state().resources.is_empty(),
            "destroy left something in state"
        );
    }

    /// State and platform know the same objects, each once.
    fn assert_whole(&self) {
        let known = support::ids(&self.world.state());
        let ids: BTreeSet<String> = known.iter().cloned().collect();
        assert_eq!(known.len(), ids.len(), "an object is known twice");
        let things = self.platform.things().into_values();
        let there: BTreeSet<String> = things.map(|thing| thing.id).collect();
        assert_eq!(ids, there, "lost or leaked");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_leaked() {
    let clock = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() << 20;
    let first = number("STRATA_RANDOM_SEED").unwrap_or_else(clock);
    let end = first + number("STRATA_RANDOM_SEQUENCES").unwrap_or(10_000);
    println!("sequences with seeds from STRATA_RANDOM_SEED={first}");
    let next = AtomicU64::new(first);
    let failed = Mutex::new(BTreeSet::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || !failed.lock().unwrap().is_empty() {
            return;
        }
        let run = || block_on(Sequence::new(seed).run());
        if std::panic::catch_unwind(run).is_err() {
            failed.lock().unwrap().insert(seed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "failed: STRATA_RANDOM_SEED={}",
        failed.first().unwrap()
    );
}
