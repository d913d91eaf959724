//! Which files count, in which syntax, and how they go together.

use std::path::Path;

use expect_test::{Expect, expect};
use strata_config::{automatic_variable_files, validate};
use strata_core::{
    Diagnostics,
    files::{Entry, EntryKind, FileError, FileErrorReason, Files, MemoryFiles},
};

use crate::support::{self, Given};

fn check_outputs(given: &Given, expected: Expect) {
    expected.assert_eq(&given.outputs());
}

fn check_validate(given: &Given, expected: Expect) {
    let mut diags = Diagnostics::new();
    let config = given.load(&mut diags);
    validate(&config, &support::schemas(), &mut diags);
    expected.assert_eq(&support::render(&diags));
}

#[test]
fn json_says_the_same_as_native_syntax() {
    let given = Given::new("").file(
        "all.tf.json",
        r#"{
  "//": "what it is",
  "terraform": {"required_version": ">= 1.5", "required_providers": {"test": {"source": "hashicorp/test", "version": "~> 1.0"}}},
  "variable": {
    "names": {"type": "map(object({ port = optional(number, 22) }))", "default": {"a": {"port": 1}, "b": {}}},
    "text": {"default": "${not} %{a template}", "description": "${also} not", "validation": {"condition": "${length(var.text) > 2}", "error_message": "short"}}
  },
  "locals": [{"ports": "${[for name, host in var.names : host.port]}"}, {"key-${1 + 1}": 1, "said": "say \"${upper(\"x\")}\"\n"}],
  "resource": {
    "terraform_data": {
      "a": {"for_each": "${var.names}", "input": {"${each.key}!": "${each.value.port}", "//": "not a comment here"},
            "depends_on": ["test_machine.m"], "lifecycle": {"ignore_changes": ["input"], "create_before_destroy": true}}
    },
    "test_machine": {
      "m": [{"name": "m", "provider": "test.east", "device": [{"name": "d1"}, {"name": "d2", "size": 2}],
             "volume": {"v": {"name": "v"}}, "wait": {"name": "w"},
             "dynamic": {"port": {"for_each": "${toset([\"x\"])}", "iterator": "it", "content": {"name": "${it.value}"}}}}]
    }
  },
  "provider": {"test": [{}, {"alias": "east"}]},
  "module": {"m": {"source": "./m", "providers": {"test": "test.east"}, "x": "${local.ports}"}},
  "output": {
    "ports": {"value": "${local.ports}"},
    "said": {"value": "${local.said}-${var.text}", "sensitive": false},
    "module": {"value": "${module.m.x}"},
    "list": {"value": ["a", "${1 + 1}", true, null, 1.50]}
  }
}"#,
    );
    let given = given.file(
        "m/main.tf.json",
        r#"{"terraform": {"required_providers": {"test": {"source": "hashicorp/test"}}},
            "variable": {"x": {}}, "output": {"x": {"value": "${var.x}"}}}"#,
    );
    check_outputs(
        &given,
        expect![[r#"
            list = ["a", 2, true, null(any), 1.5]
            module = [1, 22]
            ports = [1, 22]
            said = "say \"X\"\n-${not} %{a template}"
        "#]],
    );
    check_validate(&given, expect![""]);
    expect![[r#"
        address = null(string)
        config = null(map(string))
        device = list(object({name=string,size=number}))[{"name": "d1", "size": null(number)}, {"name": "d2", "size": 2}]
        name = "m"
        port = set(object({name=string,size=number}))[{"name": "x", "size": null(number)}]
        secret = null(string)
        source = null(object({alias=string,image=string}))
        tags = null(set(string))
        volume = map(object({name=string,size=number})){"v": {"name": "v", "size": null(number)}}
        wait = {"name": "w", "size": null(number)}
    "#]].assert_eq(&given.config("test_machine.m", None));
}

#[test]
fn mistakes_in_json_have_their_places() {
    let given = Given::new("").file(
        "all.tf.json",
        r#"{
  "variable": {"a": {"type": "strin", "defult": 1}},
  "resource": {"terraform_data": {"x": {"input": "${var.b}", "bogus": 1, "depends_on": ["nothing.here"]}}},
  "output": {"o": {"value": "a \"quoted\" ${local.nothing}"}},
  "nonsense": {}
}"#,
    );
    check_validate(
        &given,
        expect![[r#"
            error: Extraneous JSON object property (all.tf.json:5): No argument or block type is named `nonsense`.
            error: Extraneous JSON object property (all.tf.json:2): No argument or block type is named `defult`.
            error: Invalid type specification (all.tf.json:2): There is no type `strin`. The types are `any`, `bool`, `number`, `string`, `list`, `set`, `map`, `tuple` and `object`.
            error: Reference to undeclared local value (all.tf.json:4): A local value with the name `nothing` has not been declared.
            error: Reference to undeclared resource (all.tf.json:3): A managed resource `nothing` `here` has not been declared in the root module.
            error: Reference to undeclared input variable (all.tf.json:3): An input variable with the name `b` has not been declared.
            error: Extraneous JSON object property (all.tf.json:3): No argument or block type is named `bogus`.
        "#]],
    );
}

#[test]
fn opentofu_reads_its_own_files_instead_of_terraforms() {
    let given = Given::new(r#"output "a" { value = "main.tf" }"#)
        .file("main.tofu", r#"output "a" { value = "main.tofu" }"#)
        .file("b.tf.json", r#"{"output": {"b": {"value": "tf"}}}"#)
        .file("b.tofu.json", r#"{"output": {"b": {"value": "tofu"}}}"#)
        .file(".hidden.tf", "nonsense")
        .file("backup.tf~", "nonsense");
    check_outputs(
        &given,
        expect![[r#"
            a = "main.tofu"
            b = "tofu"
        "#]],
    );
}

#[test]
fn override_files_change_what_others_declare() {
    let given = Given::new(
        r#"
        terraform { required_version = "> 99" }
        variable "a" {
          type    = string
          default = "main"
        }
        locals {
          x = "main"
          y = "main"
        }
        resource "test_machine" "m" {
          name   = "main"
          config = { main = "1" }
          device { name = "main" }
          port { name = "main" }
          lifecycle { prevent_destroy = true }
        }
        module "m" {
          source = "./nowhere"
          x      = "main"
          y      = "main"
        }
        output "all" {
          value     = [var.a, local.x, local.y, module.m.both]
          sensitive = true
        }
        "#,
    )
    .file("m/main.tf", "variable \"x\" {}\nvariable \"y\" {}\noutput \"both\" { value = [var.x, var.y] }")
    .file(
        "override.tf",
        r#"
        terraform { required_version = "> 1.0" }
        variable "a" { default = "override" }
        locals { y = "override" }
        module "m" {
          source = "./m"
          y      = "override"
        }
        output "all" { sensitive = false }
        "#,
    )
    .file(
        "z_override.tf.json",
        r#"{"resource": {"test_machine": {"m": {"name": "json", "device": [{"name": "json"}], "lifecycle": {"create_before_destroy": true}}}}}"#,
    );
    check_outputs(
        &given,
        expect![[r#"
        all = ["override", "main", "override", ["main", "override"]]
    "#]],
    );
    expect![[r#"
        address = null(string)
        config = map(string){"main": "1"}
        device = list(object({name=string,size=number}))[{"name": "json", "size": null(number)}]
        name = "json"
        port = set(object({name=string,size=number}))[{"name": "main", "size": null(number)}]
        secret = null(string)
        source = null(object({alias=string,image=string}))
        tags = null(set(string))
        volume = map(object({name=string,size=number})){}
        wait = null(object({name=string,size=number}))
    "#]]
    .assert_eq(&given.config("test_machine.m", None));
    let config = given.load(&mut Diagnostics::new());
    let lifecycle = config.resources().next().map(|(_, r)| r.lifecycle.clone());
    assert!(lifecycle.is_some_and(|l| l.prevent_destroy && l.create_before_destroy));
}

#[test]
fn only_what_is_there_can_be_overridden() {
    let given = Given::new("resource \"terraform_data\" \"y\" {}").file(
        "a_override.tf",
        r#"
        resource "terraform_data" "x" {}
        resource "terraform_data" "y" {
          depends_on = [terraform_data.z]
          lifecycle {
            precondition {
              condition     = terraform_data.z
              error_message = "x"
            }
          }
        }
        data "terraform_remote_state" "x" {}
        variable "x" {}
        output "x" { value = 1 }
        module "x" { source = "./m" }
        locals { x = 1 }
        provider "terraform" {}
        provider "terraform" { alias = "y" }
        moved {
          from = a.b
          to   = a.c
        }
        import {
          to = a.b
          id = "x"
        }
        check "x" {}
        "#,
    );
    check_validate(
        &given,
        expect![[r#"
        error: Missing resource to override (a_override.tf:2): There is no terraform_data resource named `x`. An override file can only override what another file declares.
        error: Unsupported override (a_override.tf:4): The depends_on argument may not be overridden.
        error: Can't override precondition blocks (a_override.tf:6): Override files cannot override "precondition" blocks.
        error: Missing data resource to override (a_override.tf:12): There is no terraform_remote_state data resource named `x`. An override file can only override what another file declares.
        error: Missing base variable declaration to override (a_override.tf:13): There is no variable named `x`. An override file can only override what another file declares.
        error: Missing base output definition to override (a_override.tf:14): There is no output named `x`. An override file can only override what another file declares.
        error: Missing module call to override (a_override.tf:15): There is no module call named `x`. An override file can only override what another file declares.
        error: Missing base local value definition to override (a_override.tf:16): There is no local value named `x`. An override file can only override what another file declares.
        error: Missing base provider configuration for override (a_override.tf:18): There is no terraform provider configuration with that alias. An override file can only override what another file declares.
        error: Cannot override 'moved' blocks (a_override.tf:19): `moved` blocks can appear only in normal files, not in override files.
        error: Cannot override 'import' blocks (a_override.tf:23): `import` blocks can appear only in normal files, not in override files.
        error: Can't override check blocks (a_override.tf:27): Override files cannot override check blocks.
        error: Reference to undeclared resource (a_override.tf:7): A managed resource `terraform_data` `z` has not been declared in the root module.
    "#]],
    );
}

#[test]
fn marks_line_ends_and_encodings_of_other_systems_are_read_or_named() {
    let given = Given::new("\u{feff}output \"a\" {\r\n  value = <<-EOT\r\n    x\r\n  EOT\r\n}\r\n");
    check_outputs(
        &given,
        expect![[r#"
        a = "x\r\n"
    "#]],
    );
    let files = Bytes(b"output \"a\" {\n  value = \"caf\xe9\"\n}\n");
    let mut diags = Diagnostics::new();
    strata_config::load(&files, Path::new("."), &mut diags);
    expect![[r#"
        error: Failed to read file: ./link.tf: this is not a regular file
        error: Invalid character encoding (main.tf:2): Configuration files must be UTF-8 text; the byte here is not.
    "#]].assert_eq(&support::render(&diags));
}

#[test]
fn variable_files_count_in_terraforms_order_and_json_takes_texts_as_they_are() {
    let files = MemoryFiles::new([
        (
            "terraform.tfvars.json",
            r#"{"a": "2 ${x}", "//": "comment"}"#,
        ),
        ("terraform.tfvars", "a = 1\nb = 1"),
        ("b.auto.tfvars", "b = 3"),
        ("a.auto.tfvars.json", r#"{"b": {"c": [1, "%{if}"]}}"#),
        ("c.auto.tfvars.json", r#"{"b": "#),
    ]);
    let mut diags = Diagnostics::new();
    let inputs = automatic_variable_files(&files, Path::new("."), &mut diags);
    let lines: Vec<String> = inputs
        .iter()
        .map(|input| format!("{} {:?}", input.name, input.value))
        .collect();
    expect![[r#"
        a Value(1)
        b Value(1)
        a Value("2 ${x}")
        b Value({"c": [1, "%{if}"]})
        b Value(3)"#]]
    .assert_eq(&lines.join("\n"));
    expect![[r#"
        error: Missing value (c.auto.tfvars.json:1): A JSON value must be here, but the file ends.
    "#]]
    .assert_eq(&support::render(&diags));
}

/// One file of any bytes.
struct Bytes(&'static [u8]);

impl Files for Bytes {
    fn read(&self, _: &Path) -> Result<std::sync::Arc<[u8]>, FileError> {
        Ok(self.0.into())
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let entry = |name: &str, kind| Entry {
            name: name.to_owned(),
            kind,
        };
        match folder == Path::new(".") {
            true => Ok(vec![
                entry("link.tf", EntryKind::Other),
                entry("main.tf", EntryKind::File),
            ]),
            false => Err(FileError {
                path: folder.to_owned(),
                reason: FileErrorReason::NotFound,
            }),
        }
    }

    fn kind(&self, _: &Path) -> Option<EntryKind> {
        Some(EntryKind::Other)
    }
}

#[test]
fn what_modules_call_deprecated_is_warned_of_where_it_is_used() {
    let given = Given::new(
        r#"
        module "m" {
          source = "./m"
          old    = 1
        }
        output "o" { value = module.m.old }
        "#,
    )
    .file(
        "m/main.tf",
        r#"
        variable "old" {
          default    = 0
          deprecated = "Use new."
        }
        output "old" {
          value      = var.old
          deprecated = "Gone soon."
        }
        "#,
    );
    check_validate(
        &given,
        expect![[r#"
        warning: Value derived from a deprecated source (main.tf:6): Output `old` of `module.m` is deprecated: Gone soon.
        warning: Variable marked as deprecated by the module author (main.tf:4): Variable `old` is marked as deprecated: Use new.
    "#]],
    );
}

#[test]
fn what_is_disabled_is_not_there_and_reads_as_null() {
    let given = Given::new(
        r#"
        variable "on" { default = false }
        resource "terraform_data" "a" {
          lifecycle { enabled = var.on }
        }
        module "m" {
          source = "./m"
          lifecycle { enabled = var.on }
        }
        output "all" { value = [terraform_data.a, module.m] }
        "#,
    )
    .file("m/main.tf", "output \"x\" { value = 1 }");
    check_outputs(
        &given,
        expect![[r#"
        all = [null(any), null(any)]
    "#]],
    );
}
