//! Steps of configuration → plan → apply on a platform in memory.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use expect_test::{Expect, expect};
use strata_core::addr::{ResourceInstance, ResourceMode, parse_resource_instance, parse_target};
use strata_engine::{PlanMode, PlanOptions};
use strata_testing::{Fault, Operation, Platform};
use support::{World, block_on, changes, lines, objects, options};

/// A platform and a root module for it.
fn world() -> (Platform, World) {
    let platform = Platform::new();
    let world = World::new(vec![platform.provider()]);
    (platform, world)
}

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

fn with_header(text: &str) -> String {
    format!("{HEADER}{text}")
}

/// Applies the first configuration, then shows plan, what is done, and that a second plan is empty.
fn check(before: &str, after: &str, expected: Expect) {
    check_with(before, after, &options(), expected);
}

fn check_with(before: &str, after: &str, options: &PlanOptions, expected: Expect) {
    block_on(async {
        let (platform, world) = world();
        let (before, after) = (with_header(before), with_header(after));
        world.apply(&before).await;
        platform.take_log();
        let plan = match world.plan_with(&after, options).await {
            Ok(plan) => plan,
            Err(diags) => {
                expected.assert_eq(&lines(&diags));
                return;
            }
        };
        let applied = world.apply_with(&after, options).await.unwrap();
        let mut text = changes(&plan);
        text += &platform
            .take_log()
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        text += &lines(&applied.diagnostics);
        expected.assert_eq(&text);
        if options.mode == PlanMode::Normal && options.targets.is_empty() {
            assert_eq!(
                changes(&world.plan(&after).await),
                "",
                "the second plan is empty"
            );
        }
        assert_whole(&platform, &world);
    });
}

/// State knows all that is there, and nothing else.
fn assert_whole(platform: &Platform, world: &World) {
    let state = world.state();
    let mut known: Vec<String> = Vec::new();
    let managed = |address: &ResourceInstance| address.resource.mode == ResourceMode::Managed;
    for (_, _, instance) in state.instances().filter(|(address, _, _)| managed(address)) {
        for object in instance.current.iter().chain(instance.deposed.values()) {
            let json: serde_json::Value = serde_json::from_str(&object.attributes).unwrap();
            known.push(json["id"].as_str().unwrap().to_owned());
        }
    }
    let mut there: Vec<String> = platform
        .things()
        .into_values()
        .map(|thing| thing.id)
        .collect();
    known.sort();
    there.sort();
    assert_eq!(known, there);
}

const CHAIN: &str = r#"
resource "test_thing" "a" {
  name = "a"
}
resource "test_thing" "b" {
  name  = "b"
  needs = [test_thing.a.id]
}
resource "test_thing" "c" {
  name  = "c"
  needs = [test_thing.b.id]
}
"#;

#[test]
fn things_are_made_after_what_they_refer_to() {
    check(
        "",
        CHAIN,
        expect![[r#"
            + test_thing.a
            + test_thing.b
            + test_thing.c
            create a
            create b
            create c
        "#]],
    );
}

#[test]
fn things_are_deleted_before_what_they_refer_to() {
    check(
        CHAIN,
        "",
        expect![[r#"
            - test_thing.a NotInConfiguration
            - test_thing.b NotInConfiguration
            - test_thing.c NotInConfiguration
            delete c
            delete b
            delete a
        "#]],
    );
    let destroy = PlanOptions {
        mode: PlanMode::Destroy,
        ..options()
    };
    check_with(
        CHAIN,
        CHAIN,
        &destroy,
        expect![[r#"
            - test_thing.a
            - test_thing.b
            - test_thing.c
            delete c
            delete b
            delete a
        "#]],
    );
}

#[test]
fn a_change_in_place_leaves_the_object() {
    check(
        r#"resource "test_thing" "a" { name = "a" }"#,
        "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  size = 3\n}",
        expect![[r#"
            ~ test_thing.a
            update a
        "#]],
    );
}

#[test]
fn a_replacement_goes_first_down_then_up_the_dependencies() {
    check(
        CHAIN,
        &CHAIN
            .replace("name = \"a\"", "name = \"a2\"")
            .replace("name  = \"b\"", "name  = \"b2\""),
        expect![[r#"
            -/+ test_thing.a CannotUpdate
            -/+ test_thing.b CannotUpdate
            ~ test_thing.c
            delete b
            delete a
            create a2
            create b2
            update c
        "#]],
    );
}

#[test]
fn create_before_destroy_is_carried_to_what_it_refers_to() {
    let first = |text: &str| {
        text.replace(
            "[test_thing.a.id]",
            "[test_thing.a.id]\n  lifecycle {\n    create_before_destroy = true\n  }",
        )
    };
    let after = CHAIN
        .replace("name = \"a\"", "name = \"a2\"")
        .replace("name  = \"b\"", "name  = \"b2\"");
    check(
        &first(CHAIN),
        &first(&after),
        expect![[r#"
            +/- test_thing.a CannotUpdate
            +/- test_thing.b CannotUpdate
            ~ test_thing.c
            create a2
            create b2
            update c
            delete b
            delete a
        "#]],
    );
}

/// The first depends on nothing, the second on it, the third on that, and the fourth on the first and the third.
const FOUR: &str = r#"
resource "test_thing" "one" { name = "one" }
resource "test_thing" "two" {
  name  = "two"
  needs = [test_thing.one.id]
}
resource "test_thing" "three" {
  name  = "three"
  needs = [test_thing.two.id]
  lifecycle { create_before_destroy = true }
}
resource "test_thing" "four" {
  name  = "four"
  needs = [test_thing.one.id, test_thing.three.id]
}
"#;

/// The same without the second; the names of the first and the third are others, and perhaps that of the fourth.
fn without_second(name: &str) -> String {
    format!(
        r#"
resource "test_thing" "one" {{ name = "first" }}
resource "test_thing" "three" {{
  name = "third"
  lifecycle {{ create_before_destroy = true }}
}}
resource "test_thing" "four" {{
  name  = "{name}"
  needs = [test_thing.one.id, test_thing.three.id]
}}
"#
    )
}

#[test]
fn what_goes_before_it_is_made_anew_is_not_waited_for() {
    check(
        FOUR,
        &without_second("fourth"),
        expect![[r#"
        -/+ test_thing.four CannotUpdate
        -/+ test_thing.one CannotUpdate
        +/- test_thing.three CannotUpdate
        - test_thing.two NotInConfiguration
        create third
        delete four
        delete three
        delete two
        delete one
        create first
        create fourth
    "#]],
    );
}

/// Terraform 1.11 plans it and ends its apply with a cycle.
#[test]
fn changes_without_an_order_are_told_with_their_circle() {
    check(
        FOUR,
        &without_second("four"),
        expect![[r#"
        Error there is no order in which these changes could be made: Each waits for the next: making `test_thing.one`, deleting `test_thing.one`, deleting `test_thing.three`, making `test_thing.one`.
    "#]],
    );
}

#[test]
fn instances_whose_keys_are_gone_are_deleted() {
    let some = |count: usize, keys: &str| {
        format!(
            "resource \"test_thing\" \"n\" {{\n  count = {count}\n  name = \"n${{count.index}}\"\n}}\n\
             resource \"test_thing\" \"k\" {{\n  for_each = toset([{keys}])\n  name = \"k${{each.key}}\"\n}}\n"
        )
    };
    check(
        &some(3, r#""x", "y""#),
        &some(1, r#""y", "z""#),
        expect![[r#"
            - test_thing.k["x"] EachKey
            + test_thing.k["z"]
            - test_thing.n[1] CountIndex
            - test_thing.n[2] CountIndex
            create kz
            delete kx
            delete n1
            delete n2
        "#]],
    );
}

#[test]
fn an_instance_follows_its_block_when_count_comes_or_goes() {
    let once = "resource \"test_thing\" \"a\" { name = \"a\" }";
    let counted = "resource \"test_thing\" \"a\" {\n  count = 2\n  name  = \"a${count.index == 0 ? \"\" : \"b\"}\"\n}";
    check(
        once,
        counted,
        expect![[r#"
            + test_thing.a[1]
            create ab
        "#]],
    );
    check(
        counted,
        once,
        expect![[r#"
            - test_thing.a[1] WrongRepetition
            delete ab
        "#]],
    );
}

#[test]
fn what_happened_behind_our_back_is_drift_and_is_set_right() {
    block_on(async {
        let (platform, world) = world();
        let text = with_header(
            "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  size = 1\n}\nresource \"test_thing\" \"b\" { name = \"b\" }",
        );
        world.apply(&text).await;
        let mut thing = platform.things()["a"].clone();
        thing.size = 7;
        platform.set("a", Some(thing));
        platform.set("b", None);
        expect![[r#"
            drift ~ test_thing.a
            drift - test_thing.b
            ~ test_thing.a
            + test_thing.b
        "#]]
        .assert_eq(&changes(&world.plan(&text).await));

        let only = PlanOptions {
            mode: PlanMode::RefreshOnly,
            ..options()
        };
        let plan = world.plan_with(&text, &only).await.unwrap();
        assert!(plan.is_empty() && plan.is_applyable());
        world.apply_with(&text, &only).await.unwrap();
        expect![[r#"
            test_thing.a {"id":"id-1","kind":"plain","name":"a","needs":null,"note":null,"secret":null,"size":7}
        "#]]
        .assert_eq(&objects(&world.state()));

        let blind = PlanOptions {
            refresh: false,
            ..options()
        };
        let plan = world.plan_with(&text, &blind).await.unwrap();
        assert_eq!(changes(&plan), "~ test_thing.a\n+ test_thing.b\n");
        world.apply(&text).await;
        assert_eq!(platform.things()["a"].size, 1);
        assert_whole(&platform, &world);
    });
}

#[test]
fn what_changed_outside_and_nobody_wants_otherwise_is_nothing_to_apply() {
    block_on(async {
        let (platform, world) = world();
        let text = with_header("resource \"test_thing\" \"a\" { name = \"a\" }");
        world.apply(&text).await;
        let mut thing = platform.things()["a"].clone();
        thing.kind = "other".to_owned();
        platform.set("a", Some(thing));
        let plan = world.plan(&text).await;
        assert_eq!(changes(&plan), "drift ~ test_thing.a\n");
        assert!(plan.is_empty() && !plan.is_applyable());
        // Who applies all the same has it written down.
        world.apply(&text).await;
        assert_eq!(changes(&world.plan(&text).await), "");
    });
}

#[test]
fn a_data_source_is_read_in_plan_unless_something_it_needs_changes_first() {
    let text = |size: usize| {
        format!(
            "resource \"test_thing\" \"a\" {{\n  name = \"a\"\n  size = {size}\n}}\n\
             data \"test_thing\" \"a\" {{\n  name = test_thing.a.name\n}}\n\
             resource \"test_thing\" \"b\" {{\n  name = \"b\"\n  size = data.test_thing.a.size\n}}\n"
        )
    };
    check(
        "",
        &text(1),
        expect![[r#"
            <= data.test_thing.a DependencyPending
            + test_thing.a
            + test_thing.b
            create a
            create b
        "#]],
    );
    check(
        &text(1),
        &text(2),
        expect![[r#"
            <= data.test_thing.a DependencyPending
            ~ test_thing.a
            ~ test_thing.b
            update a
            update b
        "#]],
    );
}

#[test]
fn prevent_destroy_refuses_the_plan() {
    let keep = "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  lifecycle {\n    prevent_destroy = true\n  }\n}";
    check(
        keep,
        &keep.replace("\"a\"\n  lifecycle", "\"a2\"\n  lifecycle"),
        expect![[r#"
            Error Instance cannot be destroyed at main.tf:6: The `lifecycle` block of `test_thing.a` has `prevent_destroy` set, but the plan would destroy it.
        "#]],
    );
}

#[test]
fn ignored_changes_do_not_count() {
    let text = |size: usize, note: &str| {
        format!(
            "resource \"test_thing\" \"a\" {{\n  name = \"a\"\n  size = {size}\n  note = \"{note}\"\n  lifecycle {{\n    ignore_changes = [size]\n  }}\n}}"
        )
    };
    check(&text(1, "x"), &text(2, "x"), expect![""]);
    check(
        &text(1, "x"),
        &text(2, "y"),
        expect![[r#"
            ~ test_thing.a
            update a
        "#]],
    );
}

#[test]
fn a_trigger_replaces() {
    let text = |size: usize| {
        format!(
            "resource \"test_thing\" \"a\" {{\n  name = \"a\"\n  size = {size}\n}}\n\
             resource \"test_thing\" \"b\" {{\n  name = \"b\"\n  lifecycle {{\n    replace_triggered_by = [test_thing.a.size]\n  }}\n}}\n"
        )
    };
    check(
        &text(1),
        &text(2),
        expect![[r#"
            ~ test_thing.a
            -/+ test_thing.b Triggered
            update a
            delete b
            create b
        "#]],
    );
}

#[test]
fn a_plan_can_be_narrowed_and_told_to_replace() {
    let narrow = PlanOptions {
        targets: vec![parse_target("test_thing.b").unwrap()],
        ..options()
    };
    check_with(
        "",
        CHAIN,
        &narrow,
        expect![[r#"
            + test_thing.a
            + test_thing.b
            create a
            create b
        "#]],
    );
    let replace = PlanOptions {
        replace: vec![parse_resource_instance("test_thing.c").unwrap()],
        ..options()
    };
    check_with(
        CHAIN,
        CHAIN,
        &replace,
        expect![[r#"
            -/+ test_thing.c Requested
            delete c
            create c
        "#]],
    );
    block_on(async {
        let (_platform, world) = world();
        let outputs =
            "output \"a\" { value = test_thing.a.id }\noutput \"c\" { value = test_thing.c.id }";
        let text = with_header(&format!("{CHAIN}\n{outputs}"));
        let plan = world.plan_with(&text, &narrow).await.unwrap();
        let names: Vec<_> = plan.outputs.keys().map(|name| &**name).collect();
        assert_eq!(names, ["a"], "outputs of what is left out are left out");
    });
    let destroy = PlanOptions {
        mode: PlanMode::Destroy,
        targets: vec![parse_target("test_thing.b").unwrap()],
        ..options()
    };
    check_with(
        CHAIN,
        CHAIN,
        &destroy,
        expect![[r#"
            - test_thing.b
            - test_thing.c
            delete c
            delete b
        "#]],
    );
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    block_on(async {
        let (platform, world) = world();
        let text = with_header(&format!(
            "{CHAIN}\nresource \"test_thing\" \"z\" {{ name = \"z\" }}"
        ));
        platform.fail(Operation::Create, "b", Fault::Refused);
        let applied = world.apply_with(&text, &options()).await.unwrap();
        assert_eq!(
            lines(&applied.diagnostics),
            "Error Create of `b` is refused\n"
        );
        assert_eq!(platform.take_log(), ["create a", "create z"]);
        assert_whole(&platform, &world);
        world.apply(&text).await;
        assert_eq!(platform.take_log(), ["create b", "create c"]);
    });
}

#[test]
fn what_was_made_halfway_is_tainted_and_replaced() {
    block_on(async {
        let (platform, world) = world();
        let text = with_header(r#"resource "test_thing" "a" { name = "a" }"#);
        platform.fail(Operation::Create, "a", Fault::HalfDone);
        let applied = world.apply_with(&text, &options()).await.unwrap();
        assert!(applied.diagnostics.has_errors());
        assert!(objects(&world.state()).starts_with("test_thing.a tainted "));
        assert_eq!(
            changes(&world.plan(&text).await),
            "-/+ test_thing.a Tainted\n"
        );
        world.apply(&text).await;
        assert_eq!(changes(&world.plan(&text).await), "");
        assert_whole(&platform, &world);
    });
}

#[test]
fn an_old_object_whose_replacement_fails_stays_current() {
    block_on(async {
        let (platform, world) = world();
        let text = |name: &str| {
            with_header(&format!(
                "resource \"test_thing\" \"a\" {{\n  name = \"{name}\"\n  lifecycle {{\n    create_before_destroy = true\n  }}\n}}"
            ))
        };
        world.apply(&text("a")).await;
        platform.fail(Operation::Create, "a2", Fault::Refused);
        world.apply_with(&text("a2"), &options()).await.unwrap();
        assert!(
            objects(&world.state()).starts_with("test_thing.a {"),
            "{}",
            objects(&world.state())
        );

        // If only deleting the old one fails, it waits set aside until the next run.
        platform.fail(Operation::Delete, "a", Fault::Refused);
        world.apply_with(&text("a2"), &options()).await.unwrap();
        assert_whole(&platform, &world);
        assert_eq!(
            changes(&world.plan(&text("a2")).await),
            "- test_thing.a (deposed) Deposed\n"
        );
        world.apply(&text("a2")).await;
        assert_whole(&platform, &world);
        assert_eq!(platform.things().len(), 1);
    });
}

#[test]
fn secrets_stay_marked_in_state() {
    block_on(async {
        let (_platform, world) = world();
        let text = with_header(
            "resource \"test_thing\" \"a\" {\n  name = \"a\"\n  secret = \"s\"\n  note = sensitive(\"n\")\n}",
        );
        world.apply(&text).await;
        let state = world.state();
        let object = state
            .current(&parse_resource_instance("test_thing.a").unwrap())
            .unwrap();
        let paths: Vec<_> = object.sensitive.iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["note", "secret"]);
        assert_eq!(changes(&world.plan(&text).await), "");
        let plan = world.plan(&text.replace("sensitive(\"n\")", "\"n\"")).await;
        assert_eq!(
            changes(&plan),
            "~ test_thing.a\n",
            "that a value is no longer hidden is a change"
        );
    });
}

#[test]
fn a_circle_is_refused() {
    block_on(async {
        let (_platform, world) = world();
        let text = with_header(
            "resource \"test_thing\" \"a\" {\n  name = test_thing.b.id\n}\nresource \"test_thing\" \"b\" {\n  name = test_thing.a.id\n}",
        );
        let (_, diags) = world.try_environment(&[("main.tf", &text)]);
        assert!(diags.has_errors());
    });
}

#[test]
fn planning_and_applying_can_run_on_any_thread() {
    fn check<T: Send>(_: &T) {}
    let (_platform, world) = world();
    let environment = world.environment("");
    let (state, events, options) = (world.state(), strata_core::Events::ignored(), options());
    check(&strata_engine::plan(
        &environment,
        &state,
        &world.providers,
        &options,
        &events,
    ));
    block_on(async {
        let opened = world.open(&environment).await.unwrap();
        let plan = world.plan("").await;
        let mut journal = world.store().journal(&opened.base).unwrap();
        let (stop, apply) = (
            strata_engine::Stop::new(),
            strata_engine::ApplyOptions {
                parallelism: 1,
                fold_every: std::time::Duration::from_secs(60),
                provisioners: std::sync::Arc::new(strata_engine::NoProvisioners),
            },
        );
        check(&strata_engine::apply(
            &plan,
            &world.providers,
            &mut journal,
            &apply,
            &stop,
            &events,
        ));
    });
}
