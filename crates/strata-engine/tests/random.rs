//! Random configurations stepped through random changes, with faults and a crash at a random moment.
//!
//! After each step: state knows all that is there and nothing else, no object was made twice, a second plan is
//! empty; at the end destroy leaves nothing. `STRATA_RANDOM_SEQUENCES` says how many sequences, `STRATA_RANDOM_SEED`
//! begins with that one; a failure names its seed.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use strata_core::Events;
use strata_engine::{PlanMode, PlanOptions, Stop, plan};
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

/// Blocks `r0` to `r4`: each there or not, with other names, sizes, instances, dependencies and ways to be replaced.
fn configuration(chance: &mut Chance, create_first: bool) -> String {
    let mut text = HEADER.to_owned();
    let mut there: Vec<u64> = Vec::new();
    for at in 0..5 {
        if chance.once_in(4) {
            continue;
        }
        let name = chance.below(2);
        let count = match chance.below(3) {
            0 => String::new(),
            some => format!("  count = {some}\n"),
        };
        let index = if count.is_empty() {
            ""
        } else {
            "-${count.index}"
        };
        let needs: Vec<String> = there
            .iter()
            .filter(|_| chance.once_in(2))
            .map(|other| format!("test_thing.r{other}[*].id"))
            .collect();
        write!(
            text,
            "resource \"test_thing\" \"r{at}\" {{\n{count}  name  = \"r{at}-{name}{index}\"\n  size  = {}\n  needs = concat({})\n  lifecycle {{\n    create_before_destroy = {}\n  }}\n}}\n",
            chance.below(3),
            if needs.is_empty() { "[]".to_owned() } else { needs.join(", ") },
            create_first
        )
        .unwrap();
        there.push(at);
    }
    text
}

async fn sequence(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let platform = Platform::new();
    let mut world = World::new(vec![platform.provider()]);
    if chance.once_in(2) {
        world.fold_every = Duration::ZERO;
    }
    let create_first = chance.once_in(2);
    for _ in 0..3 {
        let text = configuration(&mut chance, create_first);
        if chance.once_in(2) {
            broken_step(&mut chance, &platform, &world, &text, create_first).await;
        }
        platform.take_log();
        world.apply(&text).await;
        assert_eq!(changes(&world.plan(&text).await), "", "seed {seed}\n{text}");
        assert_whole(&platform, &world, seed);
    }
    let destroy = PlanOptions {
        mode: PlanMode::Destroy,
        ..options()
    };
    let gone = world.apply_with(HEADER, &destroy).await.unwrap();
    assert!(
        !gone.diagnostics.has_errors(),
        "seed {seed}: {}",
        lines(&gone.diagnostics)
    );
    assert!(
        platform.things().is_empty(),
        "seed {seed}: destroy left something"
    );
    assert!(world.state().resources.is_empty(), "seed {seed}");
}

/// Applies with a fault, and with a crash that may come.
///
/// What is made before the old object goes cannot have its name, so there nothing is left half made.
async fn broken_step(
    chance: &mut Chance,
    platform: &Platform,
    world: &World,
    text: &str,
    create_first: bool,
) {
    let names = [Operation::Create, Operation::Update, Operation::Delete];
    let operation = names[chance.below(3) as usize];
    let name = format!("r{}-{}", chance.below(5), chance.below(2));
    let may_be_half = operation != Operation::Create || !create_first;
    let fault = match may_be_half && chance.once_in(2) {
        true => Fault::HalfDone,
        false => Fault::Refused,
    };
    platform.fail(operation, &name, fault);
    let environment = world.environment(text);
    let opened = world.open(&environment).await.unwrap();
    let planned = plan(
        &environment,
        &opened.state,
        &world.providers,
        &options(),
        &Events::ignored(),
    )
    .await
    .unwrap();
    let stop = Stop::new();
    let on_crash = stop.clone();
    platform.crash_at(chance.below(24) as usize, move || on_crash.hard());
    let applied = world.apply_plan(&planned, &opened, &stop).await.unwrap();
    assert_eq!(platform.recover(), applied.abandoned);
    platform.forget_faults();
}

fn assert_whole(platform: &Platform, world: &World, seed: u64) {
    let state = world.state();
    let objects = state.instances().flat_map(|(_, _, instance)| {
        let all = instance.current.iter().chain(instance.deposed.values());
        all.map(|object| object.attributes.clone())
            .collect::<Vec<_>>()
    });
    let known: Vec<String> = objects
        .map(|text| {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            json["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let ids: BTreeSet<String> = known.iter().cloned().collect();
    assert_eq!(
        known.len(),
        ids.len(),
        "seed {seed}: an object is known twice"
    );
    let there: BTreeSet<String> = platform
        .things()
        .into_values()
        .map(|thing| thing.id)
        .collect();
    assert_eq!(ids, there, "seed {seed}: lost or leaked");
}

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_leaked() {
    let number = |name: &str, usual: u64| {
        let text = std::env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let first = number("STRATA_RANDOM_SEED", 1);
    for seed in first..first + number("STRATA_RANDOM_SEQUENCES", 300) {
        let result = std::panic::catch_unwind(|| block_on(sequence(seed)));
        assert!(
            result.is_ok(),
            "the sequence with STRATA_RANDOM_SEED={seed} failed"
        );
    }
}
