//! Every kind of call, each with every fault: what the state knows then, and that the next run converges.
//!
//! A call is refused, breaks off half-way, never answers (before or after it was done) until Ctrl-C is pressed twice,
//! or the whole program goes down before or after it was done.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::collections::BTreeSet;

use strata_core::Events;
use strata_engine::{PlanMode, PlanOptions, Stop, plan};
use strata_state::State;
use strata_testing::{Fault, Operation, Platform};
use support::{World, block_on, changes, ids, options};

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Answer(Fault),
    /// The program goes down at this moment of the call.
    Crash(usize),
    /// The program goes down after the call was half done.
    CrashHalfDone,
}

const WRONG: [(&str, Wrong); 7] = [
    ("is refused", Wrong::Answer(Fault::Refused)),
    ("breaks off", Wrong::Answer(Fault::HalfDone)),
    ("hangs", Wrong::Answer(Fault::Hangs)),
    ("hangs, done", Wrong::Answer(Fault::DoneThenHangs)),
    ("crash before", Wrong::Crash(0)),
    ("crash after", Wrong::Crash(1)),
    ("crash amid", Wrong::CrashHalfDone),
];

/// A change whose first call goes wrong.
struct Case {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    call: Operation,
    on: &'static str,
    /// What the next run is given, if it is not the same: names are unique on the platform, and one that is taken by
    /// what broke off cannot be made again before that is gone.
    next: Option<&'static str>,
}

const CHANGES: [Case; 5] = [
    Case {
        name: "create",
        before: "",
        after: "resource \"test_thing\" \"a\" { name = \"a\" }\n",
        call: Operation::Create,
        on: "a",
        next: None,
    },
    Case {
        name: "update",
        before: "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  size = 1\n}\n",
        after: "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  size = 2\n}\n",
        call: Operation::Update,
        on: "a",
        next: None,
    },
    Case {
        name: "delete",
        before: "resource \"test_thing\" \"a\" { name = \"a\" }\n",
        after: "",
        call: Operation::Delete,
        on: "a",
        next: None,
    },
    Case {
        name: "replace",
        before: "resource \"test_thing\" \"a\" { name = \"a\" }\n",
        after: "resource \"test_thing\" \"a\" { name = \"b\" }\n",
        call: Operation::Delete,
        on: "a",
        next: None,
    },
    Case {
        name: "replace, new first",
        before: "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n",
        after: "resource \"test_thing\" \"a\" {\n  name = \"b\"\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n",
        call: Operation::Create,
        on: "b",
        next: Some(
            "resource \"test_thing\" \"a\" {\n  name = \"c\"\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n",
        ),
    },
];

/// What is known after a run, and what the next one does.
async fn outcome(case: &Case, wrong: Wrong) -> String {
    let platform = Platform::new();
    let world = World::new(vec![platform.provider()]);
    world.apply(&format!("{HEADER}{}", case.before)).await;
    platform.take_log();
    let text = format!("{HEADER}{}", case.after);
    let ended = go_wrong(&world, &platform, case, wrong, &text).await;
    assert_nothing_forgotten(&world, &platform);
    let environment = world.environment(&text);
    let opened = world.open(&environment).await.unwrap();
    assert_whole(&opened.state, &platform);
    let known = match support::objects(&opened.state).as_str() {
        "" => "nothing".to_owned(),
        objects => objects.lines().map(in_short).collect::<Vec<_>>().join(", "),
    };
    platform.take_log();
    let text = case.next.map_or(text, |next| format!("{HEADER}{next}"));
    world.apply(&text).await;
    assert_whole(&world.state(), &platform);
    let done = platform.take_log();
    assert_converged(&world, &platform, &text).await;
    format!(
        "{ended}; known: {known}; next: {}",
        match done.is_empty() {
            true => "nothing to do".to_owned(),
            false => done.join(", "),
        }
    )
}

async fn go_wrong(
    world: &World,
    platform: &Platform,
    case: &Case,
    wrong: Wrong,
    text: &str,
) -> &'static str {
    let environment = world.environment(text);
    let opened = world.open(&environment).await.unwrap();
    let (providers, events, options) = (&world.providers, Events::ignored(), options());
    let made = plan(&environment, &opened.state, providers, &options, &events);
    let made = made.await.unwrap();
    let stop = Stop::new();
    let twice = stop.clone();
    let press_twice = move || {
        twice.soft();
        twice.hard();
    };
    match wrong {
        Wrong::Answer(fault) => {
            platform.on_hang(press_twice);
            platform.fail(case.call, case.on, fault);
        }
        Wrong::Crash(moment) => platform.crash_at(moment, press_twice),
        Wrong::CrashHalfDone => {
            platform.fail(case.call, case.on, Fault::HalfDone);
            platform.crash_at(1, press_twice);
        }
    }
    let applied = world.apply_plan(&made, &opened, &stop).await.unwrap();
    platform.recover();
    platform.forget_faults();
    match (applied.abandoned, applied.diagnostics.has_errors()) {
        (true, _) => "left",
        (false, true) => "an error",
        (false, false) => "well",
    }
}

/// `test_thing.a tainted {"id":"id-1",…}` without the attributes.
fn in_short(line: &str) -> String {
    line.split_once(" {")
        .map_or(line, |(name, _)| name)
        .to_owned()
}

/// Right after a run went wrong, before anything is asked: what is there is in the state, or the journal says that it
/// may be.
fn assert_nothing_forgotten(world: &World, platform: &Platform) {
    let opened = world.store().open().unwrap();
    let known = ids(&opened.state);
    let begun: Vec<_> = opened
        .in_flight
        .into_iter()
        .map(|call| call.begin)
        .collect();
    for (name, thing) in platform.things() {
        let is_begun = begun.iter().any(|begin| {
            let planned = begin.planned.as_deref().unwrap_or_default();
            begin.marker == thing.marker && planned.contains(&format!("\"name\":\"{name}\""))
        });
        assert!(known.contains(&thing.id) || is_begun, "{name} is leaked");
    }
    let there: BTreeSet<String> = platform
        .things()
        .into_values()
        .map(|thing| thing.id)
        .collect();
    let lost = known.iter().filter(|id| !there.contains(*id)).count();
    assert!(lost <= begun.len(), "{lost} lost");
}

/// State and platform have the same objects, each once.
fn assert_whole(state: &State, platform: &Platform) {
    let mut there: Vec<String> = platform
        .things()
        .into_values()
        .map(|thing| thing.id)
        .collect();
    there.sort();
    assert_eq!(ids(state), there, "lost, doubled or leaked");
}

/// A second plan is empty and state has what is there; destroy leaves nothing.
async fn assert_converged(world: &World, platform: &Platform, text: &str) {
    assert_eq!(changes(&world.plan(text).await), "");
    assert_whole(&world.state(), platform);
    let destroy = PlanOptions {
        mode: PlanMode::Destroy,
        ..options()
    };
    world.apply_with(text, &destroy).await.unwrap();
    assert!(platform.things().is_empty());
}

#[test]
fn whatever_goes_wrong_with_a_change_the_state_holds_it_and_the_next_run_converges() {
    for case in &CHANGES {
        for (name, wrong) in WRONG {
            let outcome = block_on(outcome(case, wrong));
            println!("{:<18} {name:<12} {outcome}", case.name);
        }
    }
}

/// A call that only asks; it goes wrong while planning.
const QUESTIONS: [(&str, Operation, &str, &str); 4] = [
    ("refresh", Operation::Read, "a", ""),
    ("plan", Operation::Plan, "a", ""),
    (
        "data source",
        Operation::ReadData,
        "a",
        "data \"test_thing\" \"d\" { name = \"a\" }\n",
    ),
    (
        "import",
        Operation::Import,
        "id-2",
        "resource \"test_thing\" \"i\" { name = \"i\" }\nimport {\n  to = test_thing.i\n  id = \"id-2\"\n}\n",
    ),
];

#[test]
fn whatever_goes_wrong_with_a_question_nothing_is_changed_and_the_next_run_goes_well() {
    for (name, call, on, more) in QUESTIONS {
        for fault in [Fault::Refused, Fault::Hangs] {
            block_on(async {
                let platform = Platform::new();
                let world = World::new(vec![platform.provider()]);
                let before = format!("{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\n");
                world.apply(&before).await;
                platform.set(
                    "i",
                    platform
                        .things()
                        .get("a")
                        .cloned()
                        .map(|thing| strata_testing::Thing {
                            id: "id-2".to_owned(),
                            ..thing
                        }),
                );
                let (held, text) = (support::objects(&world.state()), format!("{before}{more}"));
                let options = options();
                let stop = options.stop.clone();
                platform.on_hang(move || stop.hard());
                platform.fail(call, on, fault);
                let errors = world.plan_with(&text, &options).await.unwrap_err();
                let interrupted = errors.iter().any(|error| error.code == "interrupted");
                assert_eq!(
                    interrupted,
                    fault == Fault::Hangs,
                    "{name}: {}",
                    support::lines(&errors)
                );
                assert_eq!(support::objects(&world.state()), held, "{name}");
                world.apply(&text).await;
                assert_eq!(changes(&world.plan(&text).await), "", "{name}");
            });
        }
    }
}

#[test]
fn a_gentle_stop_while_planning_waits_for_what_is_read_and_makes_no_plan() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let options = options();
        options.stop.soft();
        let text = format!("{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\n");
        let errors = world.plan_with(&text, &options).await.unwrap_err();
        assert!(support::lines(&errors).contains("Planning was interrupted"));
    });
}

#[test]
fn what_a_crash_left_half_deleted_is_made_anew_where_it_is_wanted_after_all() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let (wanted, case) = (format!("{HEADER}{}", CHANGES[2].before), &CHANGES[2]);
        world.apply(&wanted).await;
        go_wrong(&world, &platform, case, Wrong::CrashHalfDone, HEADER).await;
        let opened = world.open(&world.environment(&wanted)).await.unwrap();
        assert!(support::objects(&opened.state).starts_with("test_thing.a tainted "));
        world.apply(&wanted).await;
        assert!(platform.things()["a"].complete);
        assert_converged(&world, &platform, &wanted).await;
    });
}

#[test]
fn what_could_not_be_looked_for_after_a_crash_is_looked_for_again() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        go_wrong(
            &world,
            &platform,
            &CHANGES[0],
            Wrong::Crash(1),
            &format!("{HEADER}{}", CHANGES[0].after),
        )
        .await;
        let text = format!("{HEADER}{}", CHANGES[0].after);
        platform.fail(Operation::Find, "a", Fault::Refused);
        let environment = world.environment(&text);
        assert!(world.open(&environment).await.is_err());
        world.apply(&text).await;
        assert_converged(&world, &platform, &text).await;
    });
}
