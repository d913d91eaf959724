//! What the evaluator gives: configuration in, values out.

use expect_test::{Expect, expect};
use strata_config::ImportTarget;
use strata_core::Diagnostics;

use crate::support::{self, Given};

fn check_outputs(given: &Given, expected: Expect) {
    expected.assert_eq(&given.outputs());
}

#[test]
fn locals_variables_and_outputs_are_computed_once_and_in_any_order() {
    let given = Given::new(
        r#"
        variable "name" { default = "a" }
        locals {
          long  = "${local.short}-${upper(var.name)}"
          short = "x"
        }
        output "long" { value = local.long }
        output "here" { value = [path.module, path.root, terraform.workspace] }
        "#,
    );
    check_outputs(
        &given,
        expect![[r#"
            here = [".", ".", "default"]
            long = "x-A"
        "#]],
    );
}

#[test]
fn variables_are_converted_filled_and_validated() {
    let given = Given::new(
        r#"
        variable "host" {
          type = object({ name = string, port = optional(number, 22) })
        }
        variable "names" {
          type = set(string)
          validation {
            condition     = length(var.names) < 2
            error_message = "At most one name, not ${length(var.names)}."
          }
        }
        output "host" { value = var.host }
        output "names" { value = var.names }
        "#,
    )
    .variable("host", r#"{ name = "a", more = true }"#)
    .variable("names", r#"["b", "a", "b"]"#);
    check_outputs(
        &given,
        expect![[r#"
            host = {"name": "a", "port": 22}
            names = set(string)["a", "b"]
            error: Invalid value for variable (main.tf:5): At most one name, not 2.
        "#]],
    );
}

#[test]
fn a_missing_variable_is_named_with_its_place() {
    let given = Given::new(
        r#"
        variable "size" { type = number }
        output "size" { value = var.size + 1 }
        "#,
    );
    check_outputs(
        &given,
        expect![[r#"
            size = unknown(number)
            error: No value for required variable (main.tf:2): The root module input variable `size` is not set, and has no default value.
        "#]],
    );
}

#[test]
fn a_secret_of_the_wrong_type_is_named_without_its_line() {
    let given = Given::new(
        r#"
        variable "pw" {
          type      = number
          sensitive = true
        }
        "#,
    )
    .variable("pw", r#""hunter2""#);
    let outputs = given.outputs();
    assert!(outputs.contains("(main.tf:2): The given value is not suitable for var.pw, which is sensitive: a number is required. Invalid value defined"), "{outputs}");
}

#[test]
fn modules_with_count_and_for_each_are_reached_by_their_keys() {
    let given = Given::new(
        r#"
        module "one" {
          source = "./child"
          name   = "one"
        }
        module "some" {
          source = "./child"
          count  = 2
          name   = "some-${count.index}"
        }
        module "each" {
          source   = "./child"
          for_each = { a = 1, b = 2 }
          name     = "${each.key}-${each.value}"
        }
        output "one" { value = module.one.name }
        output "second" { value = module.some[1].name }
        output "all" { value = module.some[*].name }
        output "b" { value = module.each["b"].name }
        output "whole" { value = module.each }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "name" { type = string }
        output "name" { value = "${path.module}/${var.name}" }
        "#,
    );
    check_outputs(
        &given,
        expect![[r#"
            all = ["child/some-0", "child/some-1"]
            b = "child/b-2"
            one = "child/one"
            second = "child/some-1"
            whole = {"a": {"name": "child/a-1"}, "b": {"name": "child/b-2"}}
        "#]],
    );
}

#[test]
fn a_null_argument_stands_for_the_default_where_null_is_not_allowed() {
    let given = Given::new(
        r#"
        module "a" {
          source = "./child"
          x      = null
          y      = null
        }
        output "a" { value = module.a.both }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "x" {
          default  = "default"
          nullable = false
        }
        variable "y" { default = "default" }
        output "both" { value = [var.x, var.y] }
        "#,
    );
    check_outputs(
        &given,
        expect![[r#"
        a = ["default", null(any)]
    "#]],
    );
}

#[test]
fn sensitive_values_stay_marked_on_their_way() {
    let given = Given::new(
        r#"
        variable "password" {
          default   = "hunter2"
          sensitive = true
        }
        module "a" {
          source = "./child"
          text   = "pw=${var.password}"
        }
        output "open" { value = module.a.text }
        output "declared" {
          value     = [module.a.text, "plain"]
          sensitive = true
        }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "text" {}
        output "text" { value = upper(var.text) }
        "#,
    );
    check_outputs(
        &given,
        expect![[r#"
            declared = (sensitive)
            open = (sensitive)
            error: Output refers to sensitive values (main.tf:10): An output of the root module is shown and stored. Data that is sensitive must be declared as such there, so that it is not given away by accident.
        "#]],
    );
}

#[test]
fn instances_read_as_what_was_handed_in_and_else_as_unknown() {
    let given = Given::new(
        r#"
        resource "terraform_data" "one" {}
        resource "terraform_data" "some" { count = 3 }
        resource "terraform_data" "each" { for_each = toset(["a", "b"]) }
        output "one" { value = terraform_data.one.output }
        output "second" { value = terraform_data.some[1].output }
        output "third" { value = terraform_data.some[2].output }
        output "all" { value = terraform_data.some[*].output }
        output "b" { value = terraform_data.each["b"].output }
        output "map" { value = { for key, r in terraform_data.each : key => r.output } }
        output "none" { value = try(terraform_data.some[3].output, "nothing there") }
        "#,
    )
    .instance("terraform_data.one", None, "one")
    .instance("terraform_data.some", Some(0.into()), "0")
    .instance("terraform_data.some", Some(1.into()), "1")
    .instance("terraform_data.each", Some("b".into()), "b");
    check_outputs(
        &given,
        expect![[r#"
            all = ["0", "1", unknown(any)]
            b = "b"
            map = {"a": unknown(any), "b": "b"}
            none = "nothing there"
            one = "one"
            second = "1"
            third = unknown(any)
        "#]],
    );
}

#[test]
fn unknown_numbers_of_instances_are_refused() {
    let given = Given::new(
        r#"
        resource "terraform_data" "a" {}
        resource "terraform_data" "b" { count = terraform_data.a.output }
        resource "terraform_data" "c" { for_each = { for x in [1] : terraform_data.a.id => x } }
        resource "terraform_data" "d" { for_each = { x = terraform_data.a.id } }
        "#,
    );
    expect![[r#"
        terraform_data.a: Single
        terraform_data.b: Unknown
        terraform_data.c: Unknown
        terraform_data.d: ForEach({"x": unknown(string)})
        error: Invalid count argument (main.tf:3): The `count` value depends on resource attributes that cannot be determined until apply, so the number of instances cannot be predicted. Apply what it depends on first, with `-target`.
        error: Invalid for_each argument (main.tf:4): The `for_each` map includes keys derived from resource attributes that cannot be determined until apply, so the full set of keys is not known. Use keys that are written in the configuration, and let only values depend on other resources.
    "#]]
    .assert_eq(&given.expansions());
}

#[test]
fn bodies_are_decoded_by_schema() {
    let given = Given::new(
        r#"
        locals { sizes = { data = 10, log = 5 } }
        resource "test_machine" "a" {
          name   = "m"
          config = { cores = 4, "boot.autostart" = true }
          tags   = ["b", "a", "b"]
          secret = "s"
          source = { image = "debian" }

          device {
            name = "eth0"
          }
          dynamic "device" {
            for_each = local.sizes
            iterator = disk
            content {
              name = disk.key
              size = disk.value
            }
          }
          port {
            name = "x"
            size = "80"
          }
          wait {
            name = "ipv4"
          }
          volume "root" {
            name = "r"
          }
          dynamic "volume" {
            for_each = ["u", "v"]
            labels   = ["disk-${volume.key}"]
            content {
              name = volume.value
            }
          }
        }
        "#,
    );
    expect![[r#"
        address = null(string)
        config = map(string){"boot.autostart": "true", "cores": "4"}
        device = list(object({name=string,size=number}))[{"name": "eth0", "size": null(number)}, {"name": "data", "size": 10}, {"name": "log", "size": 5}]
        name = "m"
        port = set(object({name=string,size=number}))[{"name": "x", "size": 80}]
        secret = "s"
        source = {"alias": null(string), "image": "debian"}
        tags = set(string)["a", "b"]
        volume = map(object({name=string,size=number})){"disk-0": {"name": "u", "size": null(number)}, "disk-1": {"name": "v", "size": null(number)}, "root": {"name": "r", "size": null(number)}}
        wait = {"name": "ipv4", "size": null(number)}
    "#]]
    .assert_eq(&given.config("test_machine.a", None));
}

#[test]
fn mistakes_in_bodies_are_all_reported() {
    let given = Given::new(
        r#"
        resource "test_machine" "a" {
          nmae    = "m"
          config  = "many"
          address = "10.0.0.1"
          device  = []
          tags {}
          wait {
            name = "a"
            size = "big"
          }
          wait {
            name = "b"
          }
          dynamic "device" {
            for_each = [1, 2, 3, 4]
            content {
              name = device.nothing
            }
          }
          dynamic "port" {
            for_each = 1
          }
        }
        "#,
    );
    expect![[r#"
        address = null(string)
        config = unknown(map(string))
        device = list(object({name=string,size=number}))[{"name": unknown(string), "size": null(number)}, {"name": unknown(string), "size": null(number)}, {"name": unknown(string), "size": null(number)}, {"name": unknown(string), "size": null(number)}]
        name = null(string)
        port = unknown(set(object({name=string,size=number})))
        secret = null(string)
        source = null(object({alias=string,image=string}))
        tags = null(set(string))
        volume = map(object({name=string,size=number})){}
        wait = {"name": "b", "size": null(number)}
        error: Unsupported argument (main.tf:3): An argument named `nmae` is not expected here.
        error: Unsupported argument (main.tf:6): An argument named `device` is not expected here.
        error: Unsupported block type (main.tf:7): Blocks of type `tags` are not expected here.
        error: Value for unconfigurable attribute (main.tf:5): The provider decides the value of `address`; configuration cannot.
        error: Incorrect attribute value type (main.tf:4): Inappropriate value for attribute `config`: map of string required.
        error: Missing required argument (main.tf:2): The argument `name` is required, but no definition was found.
        error: Unsupported attribute (main.tf:18): This object does not have an attribute named "nothing".
        error: Unsupported attribute (main.tf:18): This object does not have an attribute named "nothing".
        error: Unsupported attribute (main.tf:18): This object does not have an attribute named "nothing".
        error: Unsupported attribute (main.tf:18): This object does not have an attribute named "nothing".
        error: Too many device blocks (main.tf:15): No more than 3 `device` blocks are allowed.
        error: Missing dynamic content block (main.tf:21): A dynamic block must have a nested block of type `content` to describe the body of each block.
        error: Incorrect attribute value type (main.tf:10): Inappropriate value for attribute `size`: a number is required.
        error: Duplicate wait block (main.tf:12): No more than 1 `wait` blocks are allowed.
    "#]]
    .assert_eq(&given.config("test_machine.a", None));
}

#[test]
fn a_dynamic_block_over_an_unknown_collection_makes_an_unknown_collection() {
    let given = Given::new(
        r#"
        resource "terraform_data" "a" {}
        resource "test_machine" "a" {
          name = "m"
          dynamic "device" {
            for_each = terraform_data.a.output
            content {
              name = device.value.name
            }
          }
        }
        "#,
    );
    let config = given.config("test_machine.a", None);
    let device = config.lines().find(|line| line.starts_with("device"));
    assert_eq!(
        device,
        Some("device = unknown(list(object({name=string,size=number})))")
    );
}

#[test]
fn conditions_that_fail_say_so_and_unknown_ones_pass() {
    let given = Given::new(
        r#"
        variable "size" { default = 3 }
        resource "terraform_data" "other" {}
        resource "terraform_data" "a" {
          lifecycle {
            precondition {
              condition     = var.size > 3
              error_message = "Too small: ${var.size}."
            }
            precondition {
              condition     = terraform_data.other.id == "x"
              error_message = "Not x."
            }
            postcondition {
              condition     = self.output == "fine"
              error_message = "It is ${self.output}."
            }
          }
        }
        "#,
    );
    expect![[r#"
        error: Resource precondition failed (main.tf:7): Too small: 3.
        error: Resource postcondition failed (main.tf:15): It is done.
    "#]]
    .assert_eq(&given.conditions("terraform_data.a", "done"));
}

#[test]
fn imports_go_through_lists_and_have_keys_that_fit() {
    let given = Given::new(
        r#"
        resource "terraform_data" "a" { for_each = toset(["x", "y"]) }
        resource "terraform_data" "b" { count = 2 }
        resource "terraform_data" "c" {}
        import {
          for_each = ["x", "y"]
          to       = terraform_data.a[each.value]
          id       = "id-${each.key}"
        }
        import {
          for_each = tolist(["p", "q"])
          to       = terraform_data.b[each.key]
          id       = each.value
        }
        import {
          to = terraform_data.c[0]
          id = "z"
        }
        import {
          to = terraform_data.b
          id = "z"
        }
        "#,
    );
    let mut diags = Diagnostics::new();
    let targets = given.evaluator(&mut diags).import_targets(&mut diags);
    let line = |target: &ImportTarget| format!("{} {:?}\n", target.to, target.id);
    let text: String = targets.iter().map(line).collect();
    expect![[r#"
        terraform_data.a["x"] "id-0"
        terraform_data.a["y"] "id-1"
        terraform_data.b[0] "p"
        terraform_data.b[1] "q"
        error: Invalid import 'to' expression (main.tf:16): The target resource does not use count.
        error: Invalid import 'to' expression (main.tf:20): The target resource is using count.
    "#]]
    .assert_eq(&(text + &support::render(&diags)));
}
