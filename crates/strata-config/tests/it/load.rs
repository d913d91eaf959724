//! What cannot be loaded, and what is said about it.

use std::path::Path;

use expect_test::{Expect, expect};
use strata_config::{VariableText, automatic_variable_files, validate, variable_file};
use strata_core::{Diagnostics, files::MemoryFiles};

use crate::support::{self, Given};

fn check_load(given: &Given, expected: Expect) {
    let mut diags = Diagnostics::new();
    given.load(&mut diags);
    expected.assert_eq(&support::render(&diags));
}

#[test]
fn modules_that_are_not_folders_are_refused_by_name() {
    let given = Given::new(
        r#"
        module "a" { source = "./no/such" }
        module "b" { source = "terraform-aws-modules/vpc/aws" }
        module "c" { source = "git::https://example.com/x.git" }
        module "d" { source = "${path.module}/x" }
        module "e" {
          source  = "./empty"
          version = "1.0"
        }
        module "f" { source = "../somewhere/else" }
        "#,
    )
    .file("empty/readme.md", "");
    check_load(
        &given,
        expect![[r#"
            error: Unreadable module directory (main.tf:2): The module's folder `no/such` does not exist.
            error: Module not installed (main.tf:3): This module is not yet installed. Its source is `registry.terraform.io/terraform-aws-modules/vpc/aws`.
            error: Module not installed (main.tf:4): This module is not yet installed. Its source is `git::https://example.com/x.git`.
            error: Unreadable module directory (main.tf:5): The module's folder `x` does not exist.
            error: Invalid registry module source address (main.tf:7): Only modules of registries have versions: `version` has no meaning for this source.
            error: Unreadable module directory (main.tf:10): The module's folder `../somewhere/else` does not exist.
        "#]],
    );
}

#[test]
fn a_module_that_calls_itself_is_found() {
    let given = Given::new(r#"module "a" { source = "./a" }"#)
        .file("a/main.tf", r#"module "b" { source = "../b" }"#)
        .file("b/main.tf", r#"module "a" { source = "../a" }"#);
    check_load(
        &given,
        expect![[r#"
        error: Module calls itself (b/main.tf:1): The folder `../a` holds the module of `module.a`, which this call is a part of: loading it would not end.
    "#]],
    );
}

#[test]
fn what_is_not_supported_is_refused_and_not_ignored() {
    let given = Given::new(
        r#"
        terraform {
          required_version = ">= 2.0"
          backend "gcs" {}
        }
        check "c" {
          assert {
            condition     = terraform_data.b.id != ""
            error_message = "No."
          }
        }
        moved {
          from = terraform_data.a
          to   = terraform_data.b
        }
        resource "terraform_data" "b" {
          provisioner "local-exec" {
            command = "true"
          }
        }
        "#,
    );
    let mut diags = Diagnostics::new();
    let config = given.load(&mut diags);
    validate(&config, &support::schemas(), &mut diags);
    expect![[r#"
        error: Unsupported Terraform Core version (main.tf:3): The configuration asks for `>= 2.0`. Strata speaks the language of Terraform 1.11.4 and OpenTofu 1.10.6.
        error: The backend `gcs` is not supported yet (main.tf:4): Strata understands it, does not carry it out, and will not ignore it.
    "#]].assert_eq(&support::render(&diags));
}

#[test]
fn broken_files_do_not_hide_what_is_wrong_in_others() {
    let given = Given::new(r#"variable "a" { nothing = 1 }"#).file(
        "broken.tf",
        "variable \"b\" {\n  type = \n}\nvariable \"c\" {\n  typ = string\n}\n",
    );
    check_load(
        &given,
        expect![[r#"
        error: Invalid expression (broken.tf:2): A value, a reference or a call should be here, but the end of the line is here.
        error: Unsupported argument (broken.tf:5): An argument named `typ` is not expected here.
        error: Unsupported argument (main.tf:1): An argument named `nothing` is not expected here.
    "#]],
    );
}

#[test]
fn opentofu_files_take_the_place_of_their_namesakes() {
    let given = Given::new(r#"output "a" { value = "terraform" }"#)
        .file("main.tofu", r#"output "a" { value = "tofu" }"#);
    assert_eq!(given.outputs(), "a = \"tofu\"\n");
}

#[test]
fn variable_files_are_read_in_the_order_in_which_they_count() {
    let files = MemoryFiles::new([
        ("terraform.tfvars", "a = 1"),
        ("terraform.tfvars.json", r#"{ "a": 2, "b": ["x"] }"#),
        ("a.auto.tfvars", "a = { b = [true] }"),
        ("b.auto.tfvars.json", "[]"),
        ("other.tfvars", "a = 9"),
        ("c.auto.tfvars", "a = var.b\nblock {}\n"),
    ]);
    let mut diags = Diagnostics::new();
    let mut inputs = automatic_variable_files(&files, Path::new("."), &mut diags);
    inputs.extend(variable_file(&files, Path::new("other.tfvars"), &mut diags));
    inputs.extend(variable_file(&files, Path::new("none.tfvars"), &mut diags));
    let line = |input: &strata_config::VariableInput| match &input.value {
        VariableText::Value(value) => format!("{} = {value:?}\n", input.name),
        VariableText::Raw(text) => format!("{} = {text}\n", input.name),
    };
    let text: String = inputs.iter().map(line).collect();
    expect![[r#"
        a = 1
        a = 2
        b = ["x"]
        a = {"b": [true]}
        a = unknown(any)
        a = 9
        error: Unexpected "block" block (c.auto.tfvars:2): Blocks are not allowed here.
        error: Variables not allowed (c.auto.tfvars:1): Variables may not be used here.
        error: Failed to read variables file: none.tfvars: no such file or folder
    "#]]
    .assert_eq(&(text + &support::render(&diags)));
}

#[test]
fn a_folder_named_as_a_variable_file_is_a_mistake() {
    let files = MemoryFiles::new([("terraform.tfvars/a.txt", ""), ("x.auto.tfvars/a.txt", "")]);
    let mut diags = Diagnostics::new();
    automatic_variable_files(&files, Path::new("."), &mut diags);
    let found: Vec<_> = diags.iter().map(|found| &*found.summary).collect();
    assert_eq!(found, ["Failed to read variables file"; 2]);
}

#[test]
fn values_for_undeclared_variables_are_errors_only_where_a_person_typed_them() {
    let given = Given::new(r#"variable "name" { default = "x" }"#).variable("nmae", "y");
    expect![[r#"
        error: Value for undeclared variable: A variable named `nmae` was assigned using -var="nmae=...", but the root module does not declare a variable of that name.
    "#]].assert_eq(&given.outputs());
}
