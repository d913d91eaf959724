//! What waits for what, and how long it takes to find out.

#![expect(clippy::disallowed_types, reason = "bounds on time need a clock")]

use std::{fmt::Write, path::Path, sync::Arc, time::Instant};

use expect_test::expect;
use strata_config::{Evaluator, EvaluatorOptions, Mode, dependencies, load, relevant, validate};
use strata_core::{
    Diagnostics, Value,
    addr::{InstanceKey, ModuleInstance, ResourceMode},
    files::MemoryFiles,
};

use crate::support::{self, Given};

#[test]
fn references_lead_through_locals_variables_outputs_and_modules() {
    let given = Given::new(
        r#"
        locals {
          one = terraform_data.one.id
          two = "${local.one}-${var.x}"
        }
        variable "x" {}
        resource "terraform_data" "one" {}
        resource "terraform_data" "two" { input = local.two }
        resource "terraform_data" "three" {
          for_each   = toset([terraform_data.two.id])
          depends_on = [module.a]
        }
        module "a" {
          source = "./child"
          text   = local.two
        }
        module "b" {
          source     = "./child"
          count      = terraform_data.three["x"].input
          text       = module.a.inner
          depends_on = [terraform_data.one]
        }
        resource "test_machine" "m" {
          name = module.b[0].text
          dynamic "device" {
            for_each = [1]
            content { name = device.value }
          }
        }
        provider "test" {
          address = terraform_data.one.output
        }
        output "all" { value = module.a }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "text" {}
        resource "terraform_data" "inner" { input = var.text }
        output "inner" { value = terraform_data.inner.id }
        output "text" { value = var.text }
        "#,
    );
    let mut diags = Diagnostics::new();
    let config = given.load(&mut diags);
    assert_eq!(support::render(&diags), "");
    let found = dependencies(&config);
    let mut text = String::new();
    let mut line = |what: String, set: &[strata_core::addr::ConfigResource]| {
        let names: Vec<_> = set.iter().map(ToString::to_string).collect();
        writeln!(text, "{what}: {}", names.join(", ")).expect("writing to text");
    };
    for (address, _) in config.resources() {
        line(address.to_string(), found.resource(&address));
    }
    for provider in config.providers() {
        line(provider.to_string(), found.provider(&provider));
    }
    line(
        "output.all".to_owned(),
        found.output(&Default::default(), "all"),
    );
    line(
        "module.b".to_owned(),
        found.module_call(&Default::default(), "b"),
    );
    expect![[r#"
        terraform_data.one: 
        terraform_data.three: terraform_data.two, module.a.terraform_data.inner
        terraform_data.two: terraform_data.one
        test_machine.m: terraform_data.one, terraform_data.three, module.a.terraform_data.inner
        module.a.terraform_data.inner: terraform_data.one
        module.b.terraform_data.inner: terraform_data.one, terraform_data.three, module.a.terraform_data.inner
        provider["registry.terraform.io/hashicorp/test"]: terraform_data.one
        provider["terraform.io/builtin/terraform"]: 
        output.all: terraform_data.one, module.a.terraform_data.inner
        module.b: terraform_data.one, terraform_data.three
    "#]].assert_eq(&text);
}

/// Bounds are far above what it takes, and far below what anything quadratic would.
fn within(seconds: f64, what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let took = start.elapsed().as_secs_f64();
    assert!(took < seconds, "{what} took {took} s");
}

fn evaluator(text: &str) -> Evaluator {
    let mut diags = Diagnostics::new();
    let config = Arc::new(load(
        &MemoryFiles::new([("main.tf", text)]),
        Path::new("."),
        &mut diags,
    ));
    validate(&config, &support::schemas(), &mut diags);
    assert_eq!(support::render(&diags), "");
    let options = EvaluatorOptions {
        mode: Mode::Run,
        variables: Default::default(),
        workspace: "default".into(),
        files: None,
        working_directory: ".".into(),
        plan_timestamp: None,
        chance: None,
        schemas: support::schemas(),
    };
    Evaluator::new(config, options)
}

/// Sets and decodes all instances of `a` and `b` in turn, as an apply that is free to interleave them would.
fn instance_by_instance(count: usize, text: &str) -> Value {
    let evaluator = evaluator(text);
    let schemas = support::schemas();
    let schema = schemas.resource(
        "terraform.io/builtin/terraform",
        ResourceMode::Managed,
        "terraform_data",
    );
    let schema = &schema.expect("a schema").block;
    let mut diags = Diagnostics::new();
    let root = ModuleInstance::root();
    let mut last = Value::from(false);
    for at in 0..count {
        for name in ["a", "b"] {
            let resource = root.resource(ResourceMode::Managed, "terraform_data", name);
            let instance = resource.instance(Some(InstanceKey::Int(at as i64)));
            last = evaluator.resource_config(&instance, schema, &mut diags);
            evaluator.set_instance(&instance, last.clone());
        }
    }
    assert_eq!(support::render(&diags), "");
    last
}

#[test]
fn two_times_many_instances_that_refer_to_each_other_take_linear_time() {
    let count = 5_000;
    let text = format!(
        r#"
        resource "terraform_data" "a" {{
          count = {count}
          input = "a${{count.index}}"
        }}
        resource "terraform_data" "b" {{
          count = {count}
          input = "b-${{terraform_data.a[count.index].input}}"
        }}
        "#
    );
    within(3.0, "evaluating 2 x 5,000 instances", || {
        let last = instance_by_instance(count, &text);
        assert_eq!(last.get("input"), Some(&Value::from("b-a4999")));
    });
}

#[test]
fn chains_may_be_as_long_as_the_user_likes() {
    let mut text = String::from("locals {\n  l0 = 1\n");
    for at in 1..20_000 {
        writeln!(text, "  l{at} = local.l{}", at - 1).expect("writing to text");
    }
    text += "}\noutput \"last\" { value = local.l19999 }\n";
    within(10.0, "a chain of 20,000 locals", || {
        let evaluator = evaluator(&text);
        let mut diags = Diagnostics::new();
        let last = evaluator.output(&ModuleInstance::root(), "last", &mut diags);
        assert_eq!(last, Value::from(1));
    });
}

#[test]
fn thousands_of_resources_in_a_chain_are_checked_in_linear_time() {
    let mut text = String::from("resource \"terraform_data\" \"r0\" {}\n");
    for at in 1..10_000 {
        let before = at - 1;
        writeln!(
            text,
            "resource \"terraform_data\" \"r{at}\" {{\n  input = terraform_data.r{before}.id\n}}"
        )
        .expect("writing to text");
    }
    within(10.0, "checking 10,000 resources", || {
        evaluator(&text);
        let mut diags = Diagnostics::new();
        let config = load(
            &MemoryFiles::new([("main.tf", &*text)]),
            Path::new("."),
            &mut diags,
        );
        let found = dependencies(&config);
        assert!(
            config
                .resources()
                .all(|(address, _)| found.resource(&address).len() <= 1)
        );
    });
}

#[test]
fn thousands_of_module_instances_are_evaluated_in_linear_time() {
    let given = Given::new(
        r#"
        module "m" {
          source = "./child"
          count  = 5000
          at     = count.index
        }
        output "sum" { value = sum([for m in module.m : m.double]) }
        output "last" { value = module.m[4999].double }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "at" { type = number }
        locals { double = var.at * 2 }
        output "double" { value = local.double }
        "#,
    );
    within(5.0, "evaluating 5,000 module instances", || {
        assert_eq!(given.outputs(), "last = 9998\nsum = 24995000\n");
    });
}

#[test]
fn relevant_attributes_are_found_through_locals_modules_and_what_attributes_are_set_to() {
    let given = Given::new(
        r#"
        locals { one = terraform_data.one.input }
        resource "terraform_data" "zero" { input = ["x"] }
        resource "terraform_data" "one" { input = terraform_data.zero.output[0] }
        resource "terraform_data" "two" {
          count            = length(terraform_data.zero.input)
          input            = [local.one, module.a["k"].out]
          triggers_replace = terraform_data.zero[*].id
          depends_on       = [terraform_data.last]
          provisioner "local-exec" { command = terraform_data.last.id }
        }
        resource "terraform_data" "last" {}
        module "a" {
          source   = "./child"
          for_each = toset(["k"])
          text     = terraform_data.one.id
          other    = terraform_data.last.id
        }
        "#,
    )
    .file(
        "child/main.tf",
        r#"
        variable "text" {}
        variable "other" {}
        resource "terraform_data" "inner" { input = var.text }
        output "out" { value = terraform_data.inner.input }
        "#,
    );
    let mut diags = Diagnostics::new();
    let config = given.load(&mut diags);
    assert_eq!(support::render(&diags), "");
    let two = ModuleInstance::root().resource(ResourceMode::Managed, "terraform_data", "two");
    let found = relevant(&config, [&two], []);
    let lines: Vec<String> = found
        .iter()
        .map(|found| format!("{} {}\n", found.resource, found.path))
        .collect();
    expect![[r#"
        terraform_data.one id
        terraform_data.one input
        terraform_data.zero 
        terraform_data.zero input
        terraform_data.zero output[0]
        module.a["k"].terraform_data.inner input
    "#]]
    .assert_eq(&lines.concat());
}
