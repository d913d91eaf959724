//! Objects that are taken over, moved, forgotten or provisioned, on a platform in memory.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::{sync::Arc, time::Duration};

use strata_core::{BoxFuture, Events};
use strata_engine::{ApplyOptions, Provision, Provisioners, Stop, apply, plan};
use strata_testing::{Platform, Thing};
use support::{World, block_on, changes, lines, objects, options};

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

fn world() -> (Platform, World) {
    let platform = Platform::new();
    let world = World::new(vec![platform.provider()]);
    (platform, world)
}

fn thing(id: &str) -> Thing {
    Thing {
        id: id.to_owned(),
        size: 1,
        kind: "plain".to_owned(),
        marker: String::new(),
        complete: true,
    }
}

#[test]
fn an_object_that_is_there_is_taken_over_and_changed_as_configuration_says() {
    block_on(async {
        let (platform, world) = world();
        platform.set("a", Some(thing("id-a")));
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{\n  name = \"a\"\n  size = 2\n}}\nimport {{\n  to = test_thing.a\n  id = \"id-a\"\n}}\n"
        );
        let planned = world.plan(&text).await;
        assert_eq!(changes(&planned), "~ test_thing.a\n");
        assert_eq!(planned.counts().import, 1);
        let applied = world.apply(&text).await;
        assert_eq!((applied.counts.import, applied.counts.change), (1, 1));
        assert_eq!(platform.take_log(), ["update a"]);
        assert!(world.plan(&text).await.is_empty());
    });
}

#[test]
fn what_is_not_there_cannot_be_taken_over() {
    block_on(async {
        let (_, world) = world();
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\nimport {{\n  to = test_thing.a\n  id = \"none\"\n}}\n"
        );
        let errors = world.plan_with(&text, &options()).await.unwrap_err();
        assert!(
            lines(&errors).contains("cannot import `none`"),
            "{}",
            lines(&errors)
        );
    });
}

#[test]
fn nothing_is_taken_over_where_configuration_has_no_such_instance() {
    block_on(async {
        let (platform, world) = world();
        platform.set("a", Some(thing("id-a")));
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{\n  count = 2\n  name = \"a${{count.index}}\"\n}}\nimport {{\n  to = test_thing.a[2]\n  id = \"id-a\"\n}}\n"
        );
        let errors = world.plan_with(&text, &options()).await.unwrap_err();
        let errors = lines(&errors);
        assert!(
            errors.contains("given import test_thing.a[2] does not exist"),
            "{errors}"
        );
    });
}

#[test]
fn nothing_moves_from_where_configuration_still_has_it() {
    block_on(async {
        let (_, world) = world();
        let block = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{\n  count = 2\n  name = \"a${{count.index}}\"\n}}\n"
        );
        world.apply(&block).await;
        let moved =
            |from: &str, to: &str| format!("{block}moved {{\n  from = {from}\n  to   = {to}\n}}\n");
        let errors = world
            .plan_with(&moved("test_thing.a[0]", "test_thing.b"), &options())
            .await;
        let errors = lines(&errors.unwrap_err());
        assert!(
            errors.contains("that resource instance is still declared"),
            "{errors}"
        );
        let former = moved("test_thing.a[5]", "test_thing.a[0]");
        assert!(world.plan(&former).await.is_empty());
    });
}

#[test]
fn what_is_forgotten_stays_on_the_platform() {
    block_on(async {
        let (platform, world) = world();
        world
            .apply(&format!(
                "{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\n"
            ))
            .await;
        platform.take_log();
        let text = format!(
            "{HEADER}removed {{\n  from = test_thing.a\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
        );
        assert_eq!(
            changes(&world.plan(&text).await),
            ". test_thing.a NotInConfiguration\n"
        );
        world.apply(&text).await;
        assert!(platform.take_log().is_empty());
        assert!(platform.things().contains_key("a"));
        assert!(world.state().resources.is_empty());
    });
}

#[test]
fn a_chain_of_moves_changes_nothing_on_the_platform() {
    block_on(async {
        let (platform, world) = world();
        world
            .apply(&format!(
                "{HEADER}resource \"test_thing\" \"a\" {{ name = \"a\" }}\n"
            ))
            .await;
        platform.take_log();
        let text = format!(
            "{HEADER}resource \"test_thing\" \"c\" {{\n  for_each = toset([\"k\"])\n  name = \"a\"\n}}\nmoved {{\n  from = test_thing.b\n  to = test_thing.c[\"k\"]\n}}\nmoved {{\n  from = test_thing.a\n  to = test_thing.b\n}}\n"
        );
        world.apply(&text).await;
        assert!(platform.take_log().is_empty());
        assert!(objects(&world.state()).starts_with("test_thing.c[\"k\"] {"));
    });
}

/// Stops everything at once when it is asked to run something.
struct Interrupting(Stop);

impl Provisioners for Interrupting {
    fn run<'a>(&'a self, _call: Provision) -> BoxFuture<'a, Result<(), String>> {
        self.0.hard();
        Box::pin(std::future::pending())
    }
}

#[test]
fn an_object_whose_provisioners_were_cut_off_is_tainted() {
    block_on(async {
        let (_, world) = world();
        let text = format!(
            "{HEADER}resource \"test_thing\" \"a\" {{\n  name = \"a\"\n  provisioner \"local-exec\" {{\n    command = \"x\"\n  }}\n}}\n"
        );
        let environment = world.environment(&text);
        let opened = world.open(&environment).await.unwrap();
        let events = Events::ignored();
        let planned = plan(
            &environment,
            &opened.state,
            &world.providers,
            &options(),
            &events,
        )
        .await
        .unwrap();
        let stop = Stop::new();
        let mut journal = world.store().journal(&opened.base).unwrap();
        let options = ApplyOptions {
            parallelism: 10,
            fold_every: Duration::from_secs(60),
            provisioners: Arc::new(Interrupting(stop.clone())),
        };
        let applied = apply(
            &planned,
            &world.providers,
            &mut journal,
            &options,
            &stop,
            &events,
        )
        .await;
        assert!(applied.abandoned);
        drop(journal);
        let opened = world.open(&environment).await.unwrap();
        assert!(objects(&opened.state).starts_with("test_thing.a tainted "));
    });
}
