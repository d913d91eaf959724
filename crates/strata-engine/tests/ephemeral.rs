//! Ephemeral resources, and providers of which there are several instances.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use expect_test::{Expect, expect};
use strata_testing::{Fault, Operation, Platform};
use support::{World, block_on, lines, options};

const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

fn world() -> (Platform, World) {
    let platform = Platform::new();
    let world = World::new(vec![platform.provider()]);
    (platform, world)
}

/// What is done on the platform by a plan with its apply; or what is wrong with it.
fn check(text: &str, expected: Expect) {
    let (platform, world) = world();
    check_in(&platform, &world, text, expected);
}

fn check_in(platform: &Platform, world: &World, text: &str, expected: Expect) {
    let text = format!("{HEADER}{text}");
    let applied = block_on(world.apply_with(&text, &options()));
    let mut log: String = platform
        .take_log()
        .iter()
        .map(|l| format!("{l}\n"))
        .collect();
    match applied {
        Ok(applied) => log += &lines(&applied.diagnostics),
        Err(diags) => log += &lines(&diags),
    }
    expected.assert_eq(&log);
}

#[test]
fn what_is_ephemeral_is_opened_in_the_plan_and_again_in_apply_and_closed_each_time() {
    check(
        r#"
ephemeral "test_secret" "a" {
  provider = test.plain
  name     = "a"
}
provider "test" { endpoint = ephemeral.test_secret.a.token }
provider "test" { alias = "plain" }
resource "test_thing" "x" { name = "x" }
resource "test_thing" "y" {
  provider = test.plain
  name     = "y"
}
"#,
        expect![[r#"
            open a
            close a
            open a
            create y
            create x at a-id-2
            close a
        "#]],
    );
}

#[test]
fn one_waits_for_another_and_for_resources_that_are_made_first() {
    check(
        r#"
resource "test_thing" "x" {
  provider = test.plain
  name     = "x"
}
provider "test" { alias = "plain" }
ephemeral "test_secret" "a" {
  provider = test.plain
  name     = "of ${test_thing.x.id}"
}
ephemeral "test_secret" "b" {
  provider = test.plain
  name     = "b ${ephemeral.test_secret.a.name}"
}
provider "test" { endpoint = ephemeral.test_secret.b.name }
resource "test_thing" "y" { name = "y" }
"#,
        expect![[r#"
            create x
            open of id-1
            open b of id-1
            create y at b of id-1
            close b of id-1
            close of id-1
        "#]],
    );
}

#[test]
fn what_ends_soon_is_renewed_before_each_use() {
    check(
        r#"
ephemeral "test_secret" "a" {
  provider = test.plain
  name     = "short"
}
provider "test" { alias = "plain" }
provider "test" { endpoint = ephemeral.test_secret.a.name }
resource "test_thing" "x" { name = "x" }
resource "test_thing" "y" {
  name = "y"
  note = test_thing.x.id
}
"#,
        expect![[r#"
            open short
            close short
            open short
            renew short
            create x at short
            renew short
            create y at short
            close short
        "#]],
    );
}

#[test]
fn instances_of_what_is_ephemeral_have_keys() {
    check(
        r#"
ephemeral "test_secret" "a" {
  provider = test.plain
  for_each = toset(["a", "b"])
  name     = each.key
}
provider "test" { alias = "plain" }
provider "test" { endpoint = ephemeral.test_secret.a["b"].name }
resource "test_thing" "x" { name = "x" }
"#,
        expect![[r#"
            open a
            open b
            close b
            close a
            open a
            open b
            create x at b
            close b
            close a
        "#]],
    );
}

#[test]
fn what_cannot_be_opened_is_said_once() {
    let (platform, world) = world();
    platform.fail(Operation::Read, "a", Fault::Refused);
    let text = r#"
ephemeral "test_secret" "a" { name = "a" }
provider "test" {
  alias    = "b"
  endpoint = ephemeral.test_secret.a.token
}
resource "test_thing" "x" {
  provider = test.b
  name     = "x"
}
"#;
    check_in(
        &platform,
        &world,
        text,
        expect![[r#"
        Error Read of `a` is refused
    "#]],
    );
}

#[test]
fn conditions_hold_for_what_is_ephemeral_too() {
    check(
        r#"
ephemeral "test_secret" "a" {
  name = "a"
  lifecycle {
    postcondition {
      condition     = self.name == "b"
      error_message = "Not b."
    }
  }
}
"#,
        expect![[r#"
            open a
            close a
            Error Resource postcondition failed at main.tf:11: Not b.
        "#]],
    );
}

#[test]
fn nothing_that_is_kept_takes_ephemeral_values() {
    let mistakes = |text: &str| {
        let (_, world) = world();
        let (_, diags) = world.try_environment(&[("main.tf", &format!("{HEADER}{text}"))]);
        lines(&diags)
    };
    let secret = "ephemeral \"test_secret\" \"a\" { name = \"a\" }\n";
    let in_resource = "resource \"test_thing\" \"x\" { name = ephemeral.test_secret.a.token }";
    expect![[r#"
        Error Invalid use of ephemeral value at main.tf:7: Ephemeral values are not valid for `name`, which is kept in the state.
    "#]].assert_eq(&mistakes(&format!("{secret}{in_resource}")));
    let in_output = "output \"x\" { value = ephemeral.test_secret.a.token }";
    expect![[r#"
        Error Ephemeral value not allowed at main.tf:7: This output value is not declared as returning an ephemeral value, so it cannot be set to a result derived from an ephemeral value.
    "#]].assert_eq(&mistakes(&format!("{secret}{in_output}")));
    let in_count = "resource \"test_thing\" \"x\" {\n  name = \"x\"\n  count = length(ephemeral.test_secret.a.token)\n}";
    expect![[r#"
        Error Invalid count argument at main.tf:9: The given `count` is derived from an ephemeral value, which is not the same at every run.
    "#]].assert_eq(&mistakes(&format!("{secret}{in_count}")));
    let as_null = "output \"x\" { value = ephemeralasnull(ephemeral.test_secret.a.token) }";
    expect![[""]].assert_eq(&mistakes(&format!("{secret}{as_null}")));
    let own = "ephemeral \"test_secret\" \"a\" { name = \"a\" }\nprovider \"test\" { endpoint = ephemeral.test_secret.a.token }";
    expect![[r#"
        Error Cycle at main.tf:6: Each of these refers to the next, so none can be computed first: ephemeral.test_secret.a -> provider["example.com/test/test"] -> ephemeral.test_secret.a.
    "#]].assert_eq(&mistakes(own));
    let unknown = "ephemeral \"test_secrets\" \"a\" { name = \"a\" }\noutput \"x\" { value = ephemeralasnull(ephemeral.test_secret.b) }";
    expect![[r#"
        Error Reference to undeclared resource at main.tf:7: An ephemeral resource `test_secret` `b` has not been declared in the root module.
        Error Invalid ephemeral resource at main.tf:6: The provider `example.com/test/test` does not support ephemeral resource `test_secrets`.
    "#]].assert_eq(&mistakes(unknown));
}

const KEYED: &str = r#"
variable "hosts" { default = { a = "one", b = "two" } }
provider "test" {
  alias    = "by_host"
  for_each = var.hosts
  endpoint = each.value
}
"#;

#[test]
fn each_resource_instance_chooses_its_provider_instance() {
    let (platform, world) = world();
    let text = format!(
        "{KEYED}{}",
        r#"
resource "test_thing" "x" {
  for_each = var.hosts
  provider = test.by_host[each.key]
  name     = "x-${each.key}"
}
resource "test_thing" "y" {
  provider = test.by_host["b"]
  name     = "y"
}
"#
    );
    check_in(
        &platform,
        &world,
        &text,
        expect![[r#"
        create x-a at one
        create x-b at two
        create y at two
    "#]],
    );
    let state = std::fs::read_to_string(world.store().path()).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let providers = |resource: &serde_json::Value| {
        let instances = resource["instances"].as_array().unwrap().iter();
        let all: Vec<_> = instances.map(|one| one["provider"].to_string()).collect();
        format!(
            "{} {} {}\n",
            resource["name"],
            resource["provider"],
            all.join(" ")
        )
    };
    let resources = state["resources"].as_array().unwrap().iter();
    expect![[r#"
        "x" null "provider[\"example.com/test/test\"].by_host[\"a\"]" "provider[\"example.com/test/test\"].by_host[\"b\"]"
        "y" null "provider[\"example.com/test/test\"].by_host[\"b\"]"
    "#]].assert_eq(&resources.map(providers).collect::<String>());
    // What is gone from `for_each` of the resource is deleted with the instance that made it.
    let less = format!(
        "{KEYED}{}",
        r#"
resource "test_thing" "x" {
  for_each = { a = "" }
  provider = test.by_host[each.key]
  name     = "x-${each.key}"
}
"#
    );
    check_in(
        &platform,
        &world,
        &less,
        expect![[r#"
        delete x-b at two
        delete y at two
    "#]],
    );
    // What is gone from `for_each` of the provider cannot be deleted any more.
    let gone = less
        .replace("a = \"one\", ", "")
        .replace("{ a = \"\" }", "{}");
    check_in(
        &platform,
        &world,
        &gone,
        expect![[r#"
        Error Provider instance not present at main.tf:10: `provider["example.com/test/test"].by_host["a"]` is needed, and `for_each` of its block does not have that key. What was made with an instance can only be destroyed with it.
    "#]],
    );
}

#[test]
fn a_module_is_given_the_instance_that_its_caller_chooses() {
    let (platform, world) = world();
    let root = format!(
        "{HEADER}{KEYED}{}",
        r#"
module "m" {
  source    = "./m"
  for_each  = var.hosts
  providers = { test = test.by_host[each.key] }
  name      = each.key
}
"#
    );
    let module = format!(
        "{HEADER}variable \"name\" {{}}\nresource \"test_thing\" \"x\" {{ name = var.name }}"
    );
    let (environment, diags) = world.try_environment(&[("main.tf", &root), ("m/main.tf", &module)]);
    assert_eq!(lines(&diags), "");
    let planned = block_on(strata_engine::plan(
        &environment,
        &world.state(),
        &world.providers,
        &options(),
        &strata_core::Events::ignored(),
    ));
    let planned = planned.unwrap();
    let line = |change: &strata_engine::Change| format!("{} {}\n", change.address, change.provider);
    expect![[r#"
        module.m["a"].test_thing.x provider["example.com/test/test"].by_host["a"]
        module.m["b"].test_thing.x provider["example.com/test/test"].by_host["b"]
    "#]]
    .assert_eq(&planned.changes.iter().map(line).collect::<String>());
    drop(platform);
}

#[test]
fn an_instance_is_chosen_where_there_are_several_and_nowhere_else() {
    let mistakes = |text: &str| {
        let (_, world) = world();
        let text = format!("{HEADER}{KEYED}{text}");
        lines(&world.try_environment(&[("main.tf", &text)]).1)
    };
    expect![[r#"
        Error Provider instance key required at main.tf:14: `test.by_host` has `for_each`, so one of its instances must be chosen.
    "#]].assert_eq(&mistakes(
        "resource \"test_thing\" \"x\" {\n  provider = test.by_host\n  name = \"x\"\n}",
    ));
    expect![[r#"
        Error Unexpected provider instance key at main.tf:15: `test.one` has no `for_each`, so it has no instances to choose from.
    "#]].assert_eq(&mistakes(
        "provider \"test\" { alias = \"one\" }\nresource \"test_thing\" \"x\" {\n  provider = test.one[\"a\"]\n  name = \"x\"\n}",
    ));
    expect![[r#"
        Error Alias required when using "for_each" at main.tf:13: Several instances of a provider configuration need a name together.
    "#]].assert_eq(&mistakes("provider \"test\" { for_each = var.hosts }"));
    expect![[r#"
        Error Invalid provider for_each argument at main.tf:16: `test_thing.x.id` is not known before planning; the instances of a provider come from variables and locals alone.
    "#]].assert_eq(&mistakes(
        "resource \"test_thing\" \"x\" { name = \"x\" }\nprovider \"test\" {\n  alias = \"c\"\n  for_each = { a = test_thing.x.id }\n}",
    ));
}
