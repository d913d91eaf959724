//! `console`, `graph`, `providers`, `version` and `metadata`: the same words as from Terraform 1.11.

use expect_test::expect;

use crate::strata::Folder;

const MAIN: &str = r#"
terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
variable "v" { default = "x" }
variable "s" {
  default   = "secret"
  sensitive = true
}
variable "unset" {}
locals {
  a = var.v
  b = "${local.a}-${terraform_data.one.id}"
}
resource "terraform_data" "one" { input = local.a }
resource "terraform_data" "two" {
  count      = 2
  input      = terraform_data.one.output
  depends_on = [module.m]
}
module "m" {
  source = "./m"
  in     = terraform_data.one.id
}
"#;

const MODULE: &str = r#"
variable "in" {}
resource "terraform_data" "inner" { input = var.in }
output "out" { value = terraform_data.inner.output }
"#;

fn folder() -> Folder {
    Folder::new(&[("main.tf", MAIN), ("m/main.tf", MODULE)])
}

/// Feeds one expression to the console.
#[track_caller]
fn check(expression: &str, expected: expect_test::Expect) {
    let ran = folder().run_fed(&["console"], expression);
    expected.assert_eq(&ran.succeeded().stdout);
}

#[test]
fn values_are_written_as_terraform_writes_them() {
    check(
        "local.a",
        expect![[r#"
        "x"
    "#]],
    );
    check(
        "[1, \"a\", null, tostring(null), {}, []]",
        expect![[r#"
        [
          1,
          "a",
          null,
          tostring(null),
          {},
          [],
        ]
    "#]],
    );
    check(
        "{a = tolist([1]), \"b c\" = toset([]), d = tomap({x = true})}",
        expect![[r#"
        {
          "a" = tolist([
            1,
          ])
          "b c" = toset([])
          "d" = tomap({
            "x" = true
          })
        }
    "#]],
    );
    check(
        "[[\"x\\ny\"], \"EOT\\n\"]",
        expect![[r#"
        [
          [
            <<-EOT
            x
            y
            EOT,
          ],
          <<-EOT_
          EOT
          
          EOT_,
        ]
    "#]],
    );
    check(
        "true ? null : tolist([1])",
        expect![[r#"
        tolist(null) /* of number */
    "#]],
    );
}

#[test]
fn what_is_secret_or_not_known_is_only_named() {
    check(
        "var.s",
        expect![[r#"
        (sensitive value)
    "#]],
    );
    check(
        "[var.unset, {a = sensitive(1)}]",
        expect![[r#"
        [
          (known after apply),
          {
            "a" = (sensitive value)
          },
        ]
    "#]],
    );
    check(
        "local.b",
        expect![[r#"
        (known after apply)
    "#]],
    );
}

#[test]
fn resources_have_the_values_that_state_has() {
    let folder = folder();
    folder
        .run(&["apply", "-auto-approve", "-var", "unset=u"])
        .succeeded();
    let ran = folder.run_fed(
        &["console", "-var", "v=other"],
        "[local.a, terraform_data.one.input]\n",
    );
    expect![[r#"
        [
          "other",
          "x",
        ]
    "#]]
    .assert_eq(&ran.succeeded().stdout);
}

#[test]
fn types_are_shown_when_asked_for() {
    check(
        "type([1, \"a\", {a = tolist([true])}])",
        expect![[r#"
        tuple([
            number,
            string,
            object({
                a: list(bool),
            }),
        ])
    "#]],
    );
    check(
        "type(toset([\"a\"]))",
        expect![[r#"
        set(string)
    "#]],
    );
    for (asked, wrong) in [
        ("type()", "Not enough function arguments"),
        ("type(1, 2)", "Too many function arguments"),
    ] {
        let ran = folder().run_fed(&["console"], asked);
        assert!(ran.stderr.contains(wrong), "{}", ran.stderr);
    }
}

#[test]
fn an_expression_may_have_several_lines_and_the_last_answer_counts() {
    check(
        "1 + 1\n[\n  2,\n]\n<<EOT\nx\nEOT\n",
        expect![[r#"
        <<EOT
        x
        
        EOT
    "#]],
    );
    check("1\nexit\n2\n", expect![""]);
}

#[test]
fn the_console_works_without_configuration() {
    let ran = Folder::new(&[]).run_fed(&["console"], "upper(\"a\")");
    assert_eq!(ran.succeeded().stdout, "\"A\"\n");
}

#[test]
fn the_console_may_show_what_a_plan_comes_to() {
    let main = r#"
variable "x" {
  default = 1
}
resource "terraform_data" "a" {
  input = var.x
}
locals {
  l = [terraform_data.a.id, timestamp()]
}
"#;
    let folder = Folder::new(&[("main.tf", main)]);
    let planned = |arguments: &[&str], asked: &str| {
        let arguments = [&["console", "-plan"][..], arguments].concat();
        folder.run_fed(&arguments, asked).succeeded().stdout
    };
    assert_eq!(planned(&[], "terraform_data.a.input"), "1\n");
    assert_eq!(
        planned(&[], "local.l"),
        "[\n  (known after apply),\n  (known after apply),\n]\n"
    );
    assert!(!folder.path().join("terraform.tfstate").exists());
    folder.run(&["apply", "-auto-approve"]).succeeded();
    assert_eq!(
        planned(&["-var", "x=2"], "terraform_data.a.input"),
        "\"2\"\n"
    );
    assert_eq!(
        planned(&["-var", "x=2"], "terraform_data.a.output"),
        "(known after apply)\n"
    );
    let asked = "terraform_data.a.output";
    let now = folder
        .run_fed(&["console", "-var", "x=2"], asked)
        .succeeded();
    assert_eq!(now.stdout, "1\n");
}

#[test]
fn a_mistake_in_piped_input_ends_it() {
    let ran = folder().run_fed(&["console"], "1\nlocal.nothing\n2\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("nothing"), "{}", ran.stderr);
    let ran = folder().run_fed(&["console"], "[1,\n");
    assert_eq!(ran.code, Some(1));
}

#[test]
fn the_graph_is_drawn_as_terraform_draws_it() {
    expect![[r#"
        digraph G {
          rankdir = "RL";
          node [shape = rect, fontname = "sans-serif"];
          "terraform_data.one" [label="terraform_data.one"];
          "terraform_data.two" [label="terraform_data.two"];
          subgraph "cluster_module.m" {
            label = "module.m"
            fontname = "sans-serif"
            "module.m.terraform_data.inner" [label="terraform_data.inner"];
          }
          "terraform_data.two" -> "module.m.terraform_data.inner";
          "module.m.terraform_data.inner" -> "terraform_data.one";
        }
    "#]]
    .assert_eq(&folder().run(&["graph"]).succeeded().stdout);
    let empty = Folder::new(&[]).run(&["graph"]).succeeded();
    assert!(empty.stdout.contains("does not contain any resources"));
    let refused = folder().run(&["graph", "-plan=p"]);
    assert!(
        refused
            .stderr
            .contains("Failed to load \"p\" as a plan file")
    );
    assert!(
        folder()
            .run(&["graph", "-type=x"])
            .stderr
            .contains("Unsupported graph type")
    );
}

#[test]
fn providers_are_shown_by_module_and_state() {
    let folder = folder();
    let incus = r#"incus = {
      source  = "lxc/incus"
      version = "< 2.0, >= 0.1"
    }
    terraform = {"#;
    folder.write("main.tf", &MAIN.replacen("terraform = {", incus, 1));
    folder
        .run(&["apply", "-auto-approve", "-var", "unset=u"])
        .succeeded();
    let shown = folder.run(&["providers"]).succeeded().stdout;
    expect![[r#"

        Providers required by configuration:
        .
        ├── provider[registry.terraform.io/lxc/incus] >= 0.1.0, < 2.0.0
        ├── provider[terraform.io/builtin/terraform]
        └── module.m
            └── provider[terraform.io/builtin/terraform]

        Providers required by state:

            provider[terraform.io/builtin/terraform]

    "#]]
    .assert_eq(&shown);
}

#[test]
fn the_version_has_the_fields_of_terraform() {
    let folder = Folder::new(&[(
        ".terraform.lock.hcl",
        "provider \"registry.terraform.io/lxc/incus\" {\n  version = \"1.0.0\"\n}\n",
    )]);
    let shown = folder.run(&["version", "-json"]).succeeded().stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["terraform_version"], "1.11.4");
    assert_eq!(shown["terraform_outdated"], false);
    assert_eq!(
        shown["provider_selections"]["registry.terraform.io/lxc/incus"],
        "1.0.0"
    );
    assert!(shown["platform"].as_str().unwrap().contains('_'));
}

#[test]
fn signatures_are_listed_with_and_without_namespace() {
    let shown = Folder::new(&[])
        .run(&["metadata", "functions", "-json"])
        .succeeded()
        .stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["format_version"], "1.0");
    let functions = &shown["function_signatures"];
    assert_eq!(functions["abs"]["return_type"], "number");
    assert_eq!(functions["abs"], functions["core::abs"]);
    assert_eq!(
        functions["merge"]["variadic_parameter"]["is_nullable"],
        true
    );
}

#[test]
fn schemas_are_those_of_the_providers_in_use() {
    let folder = Folder::new(&[
        ("main.tf", "module \"m\" { source = \"./m\" }\n"),
        (
            "m/main.tf",
            "resource \"random_password\" \"p\" { length = 8 }\n",
        ),
    ]);
    folder.run(&["init"]).succeeded();
    let shown = folder.run(&["providers", "schema", "-json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.succeeded().stdout).unwrap();
    let schemas = &shown["provider_schemas"];
    assert_eq!(schemas.as_object().unwrap().len(), 1, "{schemas}");
    let random = &schemas["registry.terraform.io/hashicorp/random"];
    let result = &random["resource_schemas"]["random_password"]["block"]["attributes"]["result"];
    assert_eq!(
        (&result["type"], &result["computed"], &result["sensitive"]),
        (&"string".into(), &true.into(), &true.into())
    );
}

#[test]
fn schemas_of_a_provider_that_is_not_there_are_a_mistake() {
    let folder = Folder::new(&[("main.tf", "resource \"aws_vpc\" \"v\" {}\n")]);
    let shown = folder.run(&["providers", "schema", "-json"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("hashicorp/aws"), "{}", shown.stderr);
    assert!(shown.stdout.is_empty(), "{}", shown.stdout);
}
