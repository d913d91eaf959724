//! A crash at any moment of an apply: whatever was under way is found again, nothing is lost or made twice.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::{collections::BTreeSet, fs, time::Duration};

use strata_core::Events;
use strata_engine::{Stop, plan};
use strata_testing::{Fault, Operation, Platform, Thing};
use support::{World, block_on, changes, lines, options};

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

const BEFORE: &str = r#"
resource "test_thing" "gone" { name = "gone" }
resource "test_thing" "changed" {
  name = "changed"
  size = 1
}
resource "test_thing" "replaced" { name = "replaced" }
resource "test_thing" "swapped" {
  name = "swapped"
  lifecycle {
    create_before_destroy = true
  }
}
resource "test_thing" "user" {
  name  = "user"
  needs = [test_thing.swapped.id]
}
"#;

const AFTER: &str = r#"
resource "test_thing" "new" {
  count = 3
  name  = "new${count.index}"
}
resource "test_thing" "changed" {
  name  = "changed"
  size  = 2
  needs = test_thing.new[*].id
}
resource "test_thing" "replaced" { name = "replaced2" }
resource "test_thing" "swapped" {
  name = "swapped2"
  lifecycle {
    create_before_destroy = true
  }
}
resource "test_thing" "user" {
  name  = "user"
  needs = [test_thing.swapped.id]
}
"#;

const EXPECTED: [&str; 7] = [
    "changed",
    "new0",
    "new1",
    "new2",
    "replaced2",
    "swapped2",
    "user",
];

/// How the journal is found after the crash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// As it was written.
    Whole,
    /// Without the last ends, which had not been synced when the machine went down.
    WithoutUnsyncedEnds,
    /// With half a line at its end.
    Torn,
}

#[test]
fn nothing_is_lost_or_made_twice_wherever_a_run_is_cut_off() {
    let folds = [Duration::from_secs(60), Duration::ZERO];
    for (left, fold_every) in [Left::Whole, Left::WithoutUnsyncedEnds, Left::Torn]
        .into_iter()
        .flat_map(|left| folds.map(|fold| (left, fold)))
    {
        let mut moment = 0;
        while block_on(crash_and_go_on(moment, left, fold_every)) {
            moment += 1;
        }
        // Three are created, two replaced (twice two moments), two changed, one deleted.
        assert_eq!(moment, 20, "the crash has been tried at each moment");
    }
}

/// Applies with a crash at a moment, goes on, and checks what is there; false if the crash never came.
async fn crash_and_go_on(moment: usize, left: Left, fold_every: Duration) -> bool {
    let platform = Platform::new();
    let mut world = World::new(vec![platform.provider()]);
    world.fold_every = fold_every;
    world.apply(&format!("{HEADER}{BEFORE}")).await;
    platform.take_log();

    let text = format!("{HEADER}{AFTER}");
    let environment = world.environment(&text);
    let opened = world.open(&environment).await.unwrap();
    let plan = plan(
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
    let (seen, path) = (
        platform.clone(),
        world.folder.path().join("terraform.tfstate.journal"),
    );
    platform.crash_at(moment, move || {
        assert_begun(&seen, &fs::read_to_string(&path).unwrap());
        on_crash.hard();
    });
    let applied = world.apply_plan(&plan, &opened, &stop).await.unwrap();
    let crashed = platform.recover();
    assert_eq!(applied.abandoned, crashed);
    if crashed {
        damage(&world, left);
    }

    world.apply(&text).await;
    let things = platform.things();
    let names: Vec<_> = things.keys().map(String::as_str).collect();
    assert_eq!(names, EXPECTED, "after a crash at {moment}");
    assert_eq!(changes(&world.plan(&text).await), "");
    let ids: BTreeSet<String> = things.into_values().map(|thing| thing.id).collect();
    assert_eq!(known_ids(&world), ids);
    let log = platform.take_log();
    let created: Vec<_> = log
        .iter()
        .filter(|line| line.starts_with("create "))
        .collect();
    assert_eq!(
        created.len(),
        created.iter().collect::<BTreeSet<_>>().len(),
        "made twice: {log:?}"
    );
    crashed
}

/// Whatever was done on the platform had been begun in the journal file by then.
fn assert_begun(platform: &Platform, journal: &str) {
    let begun: Vec<_> = journal
        .lines()
        .filter(|line| line.contains("{\"begin\""))
        .collect();
    let count = |verb: &str| {
        begun
            .iter()
            .filter(|line| line.contains(&format!("\"call\":\"{verb}\"")))
            .count()
    };
    let log = platform.log();
    for verb in ["create", "update", "delete"] {
        let done = log.iter().filter(|line| line.starts_with(verb)).count();
        assert!(done <= count(verb), "{log:?} before\n{journal}");
    }
}

fn damage(world: &World, left: Left) {
    let path = world.folder.path().join("terraform.tfstate.journal");
    let text = fs::read_to_string(&path).unwrap();
    let kept = match left {
        Left::Whole => text,
        Left::WithoutUnsyncedEnds => {
            let synced = text
                .rfind("{\"begin\"")
                .map_or(0, |at| at + text[at..].find('\n').unwrap() + 1);
            text[..synced].to_owned()
        }
        Left::Torn => format!("{text}[\"0123456789abcdef\",{{\"begin\":{{\"id\":99,\"addr"),
    };
    fs::write(path, kept).unwrap();
}

fn known_ids(world: &World) -> BTreeSet<String> {
    support::ids(&world.state()).into_iter().collect()
}

#[test]
fn what_a_crash_left_half_made_is_replaced() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = format!("{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}");
        platform.fail(Operation::Create, "a", Fault::HalfDone);
        crash(&platform, &world, &text, 1).await;
        assert!(!platform.things()["a"].complete);
        let opened = world.open(&world.environment(&text)).await.unwrap();
        assert!(support::objects(&opened.state).starts_with("test_thing.a tainted "));
        world.apply(&text).await;
        assert!(platform.things()["a"].complete);
    });
}

/// A thing that somebody else has made.
fn theirs() -> Thing {
    Thing {
        id: "theirs".to_owned(),
        size: 0,
        kind: "plain".to_owned(),
        marker: "theirs".to_owned(),
        complete: true,
    }
}

#[test]
fn an_object_of_somebody_else_in_the_place_of_ours_is_not_taken() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = format!("{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}");
        crash(&platform, &world, &text, 0).await;
        platform.set("a", Some(theirs()));
        for _ in 0..2 {
            let errors = world.open(&world.environment(&text)).await.unwrap_err();
            assert!(
                lines(&errors).contains("`test_thing.a` is there that may not be ours"),
                "{}",
                lines(&errors)
            );
        }
        platform.set("a", None);
        world.apply(&text).await;
        assert_eq!(known_ids(&world).len(), 1);
    });
}

#[test]
fn an_object_of_somebody_else_in_the_place_of_ours_is_taken_over_by_an_import_block() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = format!("{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}");
        crash(&platform, &world, &text, 0).await;
        platform.set("a", Some(theirs()));
        let errors = world.open(&world.environment(&text)).await.unwrap_err();
        let hints = errors.iter().flat_map(|error| error.hints.iter());
        let hints: Vec<_> = hints.map(ToString::to_string).collect();
        let block = "import {\n  to = test_thing.a\n  id = \"theirs\"\n}";
        assert!(hints.iter().any(|hint| hint.contains(block)), "{hints:?}");
        world.apply(&format!("{text}\n{block}\n")).await;
        assert_eq!(known_ids(&world), BTreeSet::from(["theirs".to_owned()]));
    });
}

#[test]
fn a_soft_stop_waits_for_what_runs_and_begins_nothing_more() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\nresource \"test_thing\" \"b\" {{\n  name = \"b\"\n  needs = [test_thing.a.id]\n}}"
        );
        let environment = world.environment(&text);
        let opened = world.open(&environment).await.unwrap();
        let plan = plan(
            &environment,
            &opened.state,
            &world.providers,
            &options(),
            &Events::ignored(),
        )
        .await
        .unwrap();
        let stop = Stop::new();
        let on_start = stop.clone();
        let events = Events::new(move |event| {
            if matches!(event, strata_core::Event::Apply { .. }) {
                on_start.soft();
            }
        });
        let mut journal = world.store().journal(&opened.base).unwrap();
        let apply_options = strata_engine::ApplyOptions {
            parallelism: 10,
            fold_every: std::time::Duration::from_secs(60),
            provisioners: std::sync::Arc::new(strata_engine::NoProvisioners),
        };
        let applied = strata_engine::apply(
            &plan,
            &world.providers,
            &mut journal,
            &apply_options,
            &stop,
            &events,
        )
        .await;
        journal.fold(applied.state).unwrap();
        assert!(applied.stopped && !applied.abandoned);
        assert_eq!(platform.take_log(), ["create a"]);
        assert_eq!(changes(&world.plan(&text).await), "+ test_thing.b\n");
    });
}

/// Applies until a crash at a moment that must come.
async fn crash(platform: &Platform, world: &World, text: &str, moment: usize) {
    let environment = world.environment(text);
    let opened = world.open(&environment).await.unwrap();
    let plan = plan(
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
    platform.crash_at(moment, move || on_crash.hard());
    assert!(
        world
            .apply_plan(&plan, &opened, &stop)
            .await
            .unwrap()
            .abandoned
    );
    assert!(platform.recover());
}

#[test]
fn calls_that_ended_are_not_looked_for_again() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\nresource \"test_thing\" \"b\" {{\n  name = \"b\"\n  needs = [test_thing.a.id]\n}}"
        );
        crash(&platform, &world, &text, 3).await;
        let opened = world.store().open().unwrap();
        assert_eq!(opened.replayed, 1);
        let in_flight: Vec<_> = opened
            .in_flight
            .iter()
            .map(|call| call.begin.address.to_string())
            .collect();
        assert_eq!(in_flight, ["test_thing.b"]);
    });
}

#[test]
fn an_old_object_whose_replacement_never_began_is_current_again() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = |name: &str| {
            format!(
                "{HEADER}resource \"test_thing\" \"a\" {{\n  name = \"{name}\"\n  lifecycle {{\n    create_before_destroy = true\n  }}\n}}"
            )
        };
        world.apply(&text("a")).await;
        crash(&platform, &world, &text("a2"), 0).await;
        let opened = world.open(&world.environment(&text("a2"))).await.unwrap();
        assert!(support::objects(&opened.state).starts_with("test_thing.a {"));
    });
}

#[test]
fn an_instance_that_moved_is_not_there_twice_after_a_crash() {
    block_on(async {
        let platform = Platform::new();
        let world = World::new(vec![platform.provider()]);
        let text = |more: &str| {
            format!("{HEADER}resource \"test_thing\" \"a\" {{\n  name = \"a\"\n{more}}}")
        };
        world.apply(&text("")).await;
        crash(&platform, &world, &text("  count = 1\n  size = 1\n"), 1).await;
        let opened = world
            .open(&world.environment(&text("  count = 1\n")))
            .await
            .unwrap();
        assert!(support::objects(&opened.state).starts_with("test_thing.a[0] {"));
        assert_eq!(opened.state.instances().count(), 1);
    });
}
