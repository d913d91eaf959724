//! How much an apply asks of a platform at once: `-parallelism` bounds the calls, not what is only waited for.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use strata_testing::{Load, Platform};
use support::{World, block_on};

/// So many things, none of which needs another.
fn things(count: usize) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    test = {{ source = \"example.com/test/test\" }}\n  }}\n}}\n\
         resource \"test_thing\" \"a\" {{\n  count = {count}\n  name  = \"a${{count.index}}\"\n}}\n"
    )
}

/// Makes things and deletes them again; gives the most that the platform had to do at once.
fn load(parallelism: usize, count: usize, turns: usize) -> Load {
    let platform = Platform::new();
    platform.work_for(turns);
    let mut world = World::new(vec![platform.provider()]);
    world.parallelism = parallelism;
    block_on(world.apply(&things(count)));
    assert_eq!(platform.things().len(), count);
    let load = platform.load();
    block_on(world.apply(&things(0)));
    assert!(platform.things().is_empty());
    assert_eq!(platform.load().most_calls, load.most_calls);
    assert_eq!(platform.load().most_operations, load.most_operations);
    load
}

#[test]
fn what_only_waits_for_the_platform_is_not_in_the_way_of_others() {
    let load = load(10, 30, 100);
    assert_eq!((load.most_calls, load.most_operations), (10, 30));
}

#[test]
fn as_many_calls_as_was_said_are_made_at_once_also_where_all_waits_end_together() {
    let load = load(12, 60, 100);
    assert_eq!((load.most_calls, load.most_operations), (12, 60));
    assert_eq!((load.calls, load.operations), (0, 0));
}

#[test]
fn a_platform_works_on_five_times_as_much_at_most() {
    assert_eq!(load(10, 80, 100).most_operations, 50);
}

#[test]
fn whoever_asks_for_less_than_is_usual_has_no_more_under_way() {
    for (parallelism, count) in [(1, 3), (3, 12), (9, 20)] {
        let load = load(parallelism, count, 100);
        assert_eq!(
            (load.most_calls, load.most_operations),
            (parallelism, parallelism)
        );
    }
}

#[test]
fn calls_that_wait_for_nothing_are_bound_as_ever() {
    let load = load(4, 20, 0);
    assert_eq!((load.most_calls, load.most_operations), (4, 0));
}
