//! Plans that are saved, narrowed, or move, forget and take over objects.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::strata::{Folder, Ran};

fn applied(text: &str) -> Folder {
    let folder = Folder::new(&[("main.tf", text)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder
}

fn has(ran: &Ran, text: &str) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains(text), "{text} is not in\n{said}");
}

const SECRET: &str = r#"
variable "token" {
  default   = "hunter2"
  sensitive = true
}
resource "terraform_data" "a" { input = var.token }
resource "terraform_data" "b" { input = [terraform_data.a.id, "x"] }
output "b" { value = terraform_data.b.output }
"#;

#[test]
fn a_saved_plan_is_applied_as_it_was_made() {
    let folder = Folder::new(&[("main.tf", SECRET)]);
    let planned = folder.run(&["plan", "-out=saved", "-detailed-exitcode"]);
    assert_eq!(planned.code, Some(2), "{}", planned.stderr);
    has(&planned, "strata apply \"saved\"");
    let file = folder.path().join("saved");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What configuration says by then is of no account.
    folder.write("main.tf", "resource \"terraform_data\" \"other\" {}");
    let shown = folder.run(&["show", "saved"]).succeeded();
    has(&shown, "# terraform_data.a will be created");
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    let json: Value =
        serde_json::from_str(&folder.run(&["show", "-json", "saved"]).succeeded().stdout).unwrap();
    assert_eq!(json["format_version"], "1.2");
    assert_eq!(json["resource_changes"].as_array().unwrap().len(), 2);
    let applied = folder.run(&["apply", "saved"]).succeeded();
    has(
        &applied,
        "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.",
    );
    folder.write("main.tf", SECRET);
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    let again = folder.run(&["apply", "saved"]);
    assert_eq!(again.code, Some(1));
    has(&again, "Saved plan is stale");
}

#[test]
fn a_saved_plan_takes_no_options_of_planning_and_must_be_one() {
    let folder = Folder::new(&[("main.tf", SECRET)]);
    folder.run(&["plan", "-out=saved"]).succeeded();
    let refused = folder.run(&["apply", "-target=terraform_data.a", "saved"]);
    assert_eq!(refused.code, Some(1));
    has(&refused, "`-target` does not go with a saved plan");
    has(
        &folder.run(&["apply", "nothing"]),
        "Failed to load \"nothing\" as a plan file",
    );
    folder.write("text", "x");
    has(
        &folder.run(&["apply", "text"]),
        "Failed to load \"text\" as a plan file",
    );
    let whole = fs::read_to_string(folder.path().join("saved")).unwrap();
    folder.write("cut", &whole[..whole.len() / 2]);
    assert_eq!(folder.run(&["apply", "cut"]).code, Some(1));
}

#[test]
fn what_is_excluded_stays_out_with_all_that_needs_it() {
    let folder = Folder::new(&[("main.tf", SECRET)]);
    let plan = folder
        .run(&["plan", "-exclude=terraform_data.b"])
        .succeeded();
    has(&plan, "Plan: 1 to add");
    has(&plan, "Resource targeting is in effect");
    let nothing = folder
        .run(&["plan", "-exclude=terraform_data.a"])
        .succeeded();
    assert!(
        !nothing.stdout.contains("will be created"),
        "{}",
        nothing.stdout
    );
    let compact = folder.run(&["plan", "-exclude=terraform_data.b", "-compact-warnings"]);
    has(&compact, "- Resource targeting is in effect");
    assert!(
        !compact.stderr.contains("Only a part was planned"),
        "{}",
        compact.stderr
    );
}

#[test]
fn what_is_named_and_is_nowhere_is_told() {
    let folder = applied(SECRET);
    let plan = folder
        .run(&["plan", "-target=terraform_data.b", "-target=module.none"])
        .succeeded();
    has(&plan, "nor the state has anything that `module.none` names");
    assert!(
        !plan.stderr.contains("`terraform_data.b` names"),
        "{}",
        plan.stderr
    );
    let read = folder.run(&["plan", "-replace=data.external.x"]);
    assert_eq!(read.code, Some(1));
    has(&read, "Invalid force-replace address \"data.external.x\"");
    let both = folder.run(&["plan", "-destroy", "-refresh-only"]);
    assert_eq!(both.code, Some(1));
    has(&both, "Incompatible plan mode options");
}

#[test]
fn moved_objects_keep_their_identity_through_chains_keys_and_modules() {
    let folder = applied(
        "resource \"terraform_data\" \"a\" { input = \"x\" }\nresource \"terraform_data\" \"many\" { count = 2 }\n",
    );
    folder.write(
        "m/main.tf",
        "resource \"terraform_data\" \"inner\" { input = \"x\" }\n",
    );
    folder.write(
        "main.tf",
        r#"
module "m" {
  source   = "./m"
  for_each = toset(["k"])
}
resource "terraform_data" "many" { for_each = toset(["x", "y"]) }
moved {
  from = terraform_data.b
  to   = module.m["k"].terraform_data.inner
}
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
moved {
  from = terraform_data.many[0]
  to   = terraform_data.many["x"]
}
moved {
  from = terraform_data.many[1]
  to   = terraform_data.many["y"]
}
"#,
    );
    let plan = folder.run(&["plan"]).succeeded();
    has(
        &plan,
        "# terraform_data.a has moved to module.m[\"k\"].terraform_data.inner",
    );
    has(
        &plan,
        "# terraform_data.many[0] has moved to terraform_data.many[\"x\"]",
    );
    has(&plan, "Plan: 0 to add, 0 to change, 0 to destroy.");
    let stream = folder.run(&["plan", "-json"]).succeeded().stdout;
    assert!(stream.contains("Plan to move"), "{stream}");
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    assert_eq!(
        folder.run(&["state", "list"]).succeeded().stdout,
        "terraform_data.many[\"x\"]\nterraform_data.many[\"y\"]\nmodule.m[\"k\"].terraform_data.inner\n"
    );
}

#[test]
fn moves_that_cannot_be_are_refused() {
    let folder = applied("resource \"terraform_data\" \"a\" {}\n");
    folder.write(
        "main.tf",
        "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to = terraform_data.b\n}\n",
    );
    let refused = folder.run(&["plan"]);
    assert_eq!(refused.code, Some(1));
    has(&refused, "Moved object still exists");
    folder.write(
        "main.tf",
        "moved {\n  from = terraform_data.a\n  to = terraform_data.b\n}\nmoved {\n  from = terraform_data.b\n  to = terraform_data.a\n}\n",
    );
    has(
        &folder.run(&["plan"]),
        "Cyclic dependency in move statements",
    );
}

#[test]
fn a_removed_block_forgets_or_destroys() {
    let folder =
        applied("resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n");
    folder.write(
        "main.tf",
        "removed {\n  from = terraform_data.a\n  lifecycle {\n    destroy = false\n  }\n}\nremoved {\n  from = terraform_data.b\n  lifecycle {\n    destroy = true\n  }\n}\n",
    );
    let plan = folder.run(&["plan"]).succeeded();
    has(
        &plan,
        "terraform_data.a will no longer be managed by Strata, but will not be destroyed",
    );
    has(&plan, "terraform_data.b will be destroyed");
    has(&plan, "Some objects will no longer be managed by Strata");
    let applied = folder.run(&["apply", "-auto-approve"]).succeeded();
    has(
        &applied,
        "Apply complete! Resources: 0 added, 0 changed, 1 destroyed.",
    );
    assert_eq!(folder.run(&["state", "list"]).succeeded().stdout, "");
}

#[test]
fn objects_are_taken_over_by_blocks_and_by_hand() {
    let folder = Folder::new(&[(
        "main.tf",
        r#"
resource "terraform_data" "a" { for_each = toset(["x", "y"]) }
import {
  for_each = toset(["x", "y"])
  to       = terraform_data.a[each.key]
  id       = "id-${each.key}"
}
"#,
    )]);
    let plan = folder.run(&["plan"]).succeeded();
    has(&plan, "# terraform_data.a[\"x\"] will be imported");
    has(
        &plan,
        "Plan: 2 to import, 0 to add, 0 to change, 0 to destroy.",
    );
    let applied = folder.run(&["apply", "-auto-approve"]).succeeded();
    has(
        &applied,
        "Resources: 2 imported, 0 added, 0 changed, 0 destroyed.",
    );
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    folder.write("more.tf", "resource \"terraform_data\" \"z\" {}\n");
    let missing = folder.run(&["import", "terraform_data.q", "id-q"]);
    assert_eq!(missing.code, Some(1));
    has(&missing, "does not exist in the configuration");
    has(
        &folder
            .run(&["import", "terraform_data.z", "id-z"])
            .succeeded(),
        "Import successful!",
    );
    let shown = folder
        .run(&["state", "show", "terraform_data.z"])
        .succeeded();
    assert!(shown.stdout.contains("\"id-z\""), "{}", shown.stdout);
    has(
        &folder.run(&["import", "terraform_data.z", "id-z"]),
        "already managed",
    );
}

#[test]
fn checks_warn_and_are_kept_in_the_state() {
    let folder = Folder::new(&[(
        "main.tf",
        r#"
resource "terraform_data" "a" { input = "x" }
check "health" {
  assert {
    condition     = terraform_data.a.output == "y"
    error_message = "a is not y"
  }
}
"#,
    )]);
    let planned = folder.run(&["plan", "-out=saved"]).succeeded();
    assert!(!planned.stderr.contains("a is not y"), "{}", planned.stderr);
    let json: Value =
        serde_json::from_str(&folder.run(&["show", "-json", "saved"]).succeeded().stdout).unwrap();
    assert_eq!(json["format_version"], "1.2");
    let applied = folder.run(&["apply", "-auto-approve"]).succeeded();
    has(&applied, "Check block assertion failed");
    has(&applied, "a is not y");
    let state: Value =
        serde_json::from_str(&folder.run(&["state", "pull"]).succeeded().stdout).unwrap();
    assert_eq!(
        state["check_results"],
        serde_json::json!([{
            "object_kind": "check", "config_addr": "check.health", "status": "fail",
            "objects": [{ "object_addr": "check.health", "status": "fail", "failure_messages": ["a is not y"] }],
        }])
    );
}

#[test]
fn a_plan_that_nobody_approves_is_not_applied() {
    let folder = Folder::new(&[("main.tf", SECRET)]);
    assert_eq!(folder.run(&["apply"]).code, Some(1));
    assert_eq!(folder.run(&["apply", "-input=false"]).code, Some(1));
    let json = folder.run(&["apply", "-json"]);
    assert_eq!(json.code, Some(1));
    has(&json, "Plan file or auto-approve required");
    assert_eq!(folder.run(&["state", "list"]).code, Some(1));
}

#[test]
fn refresh_takes_outputs_into_the_state_and_changes_nothing_else() {
    let folder = applied("resource \"terraform_data\" \"a\" { input = 1 }\n");
    folder.write(
        "main.tf",
        "resource \"terraform_data\" \"a\" { input = 2 }\noutput \"o\" { value = terraform_data.a.output }\n",
    );
    folder.run(&["refresh"]).succeeded();
    assert_eq!(folder.run(&["output", "-raw", "o"]).succeeded().stdout, "1");
    has(&folder.run(&["plan"]).succeeded(), "1 to change");
}

#[test]
fn the_stream_of_an_apply_tells_ids_and_outputs() {
    let folder = applied(SECRET);
    let stream = folder
        .run(&[
            "apply",
            "-json",
            "-auto-approve",
            "-replace=terraform_data.a",
        ])
        .succeeded()
        .stdout;
    let lines: Vec<Value> = stream
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| {
        lines
            .iter()
            .filter(|line| line["type"] == kind)
            .collect::<Vec<_>>()
    };
    assert!(of("refresh_start")[0]["hook"]["id_value"].is_string());
    assert_eq!(of("planned_change")[0]["change"]["reason"], "requested");
    let actions: Vec<_> = of("apply_start")
        .iter()
        .map(|line| line["hook"]["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["delete", "create", "update"]);
    let outputs = of("outputs");
    assert_eq!(outputs[0]["outputs"]["b"]["action"], "update");
    assert!(outputs[1]["outputs"]["b"]["value"].is_array());
}

#[test]
fn configuration_is_written_for_what_is_taken_over_without_any() {
    let folder = Folder::new(&[(
        "main.tf",
        "import {\n  to = terraform_data.j\n  id = \"jj\"\n}\n",
    )]);
    has(
        &folder.run(&["plan"]),
        "Configuration for import target does not exist",
    );
    let plan = folder
        .run(&["plan", "-generate-config-out=generated.tf"])
        .succeeded();
    has(&plan, "# terraform_data.j will be imported");
    assert_eq!(
        fs::read_to_string(folder.path().join("generated.tf")).unwrap(),
        "# __generated__ by Strata\n# Please review these resources and move them into your main configuration files.\n\n# __generated__ by Strata from \"jj\"\nresource \"terraform_data\" \"j\" {\n  input            = null\n  triggers_replace = null\n}\n"
    );
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
}

#[test]
fn a_saved_plan_describes_its_configuration() {
    let folder = Folder::new(&[("main.tf", SECRET)]);
    folder.run(&["plan", "-out=saved"]).succeeded();
    let json: Value =
        serde_json::from_str(&folder.run(&["show", "-json", "saved"]).succeeded().stdout).unwrap();
    let root = &json["configuration"]["root_module"];
    assert_eq!(
        root["resources"][1]["expressions"]["input"]["references"],
        serde_json::json!(["terraform_data.a.id", "terraform_data.a"])
    );
    assert_eq!(root["variables"]["token"]["sensitive"], true);
    assert_eq!(
        json["configuration"]["provider_config"]["terraform"]["full_name"],
        "terraform.io/builtin/terraform"
    );
}

#[test]
fn outputs_of_another_state_are_read() {
    let folder = applied("output \"x\" { value = [1, \"y\"] }\n");
    folder.write(
        "user/main.tf",
        "data \"terraform_remote_state\" \"o\" {\n  backend = \"local\"\n  config = { path = \"terraform.tfstate\" }\n}\noutput \"x\" { value = data.terraform_remote_state.o.outputs.x[1] }\n",
    );
    has(
        &folder.run(&["-chdir=user", "plan", "-state=mine.tfstate"]),
        "Unable to find remote state",
    );
    fs::copy(
        folder.path().join("terraform.tfstate"),
        folder.path().join("user/terraform.tfstate"),
    )
    .unwrap();
    let read = folder
        .run(&["-chdir=user", "plan", "-state=mine.tfstate"])
        .succeeded();
    has(&read, "+ x = \"y\"");
}

#[test]
fn what_was_a_null_resource_goes_on_as_terraform_data() {
    let folder = applied(
        r#"
resource "null_resource" "a" {
  count    = 2
  triggers = { k = "v${count.index}" }
}
resource "null_resource" "b" {}
resource "terraform_data" "after" { input = null_resource.a[0].id }
"#,
    );
    let id = |address: &str| {
        let state = folder.run(&["show", "-json"]).succeeded().stdout;
        let state: Value = serde_json::from_str(&state).unwrap();
        let all = state["values"]["root_module"]["resources"].as_array();
        let all = all.unwrap().iter();
        let mut found = all.filter(|resource| resource["address"] == address);
        found.next().unwrap()["values"]["id"].clone()
    };
    let (first, second) = (id("null_resource.a[1]"), id("null_resource.b"));
    let moved = r#"
resource "terraform_data" "a" {
  count            = 2
  triggers_replace = { k = "v${count.index}" }
}
resource "terraform_data" "c" {}
resource "terraform_data" "after" { input = terraform_data.a[0].id }
moved {
  from = null_resource.a
  to   = terraform_data.a
}
moved {
  from = null_resource.b
  to   = terraform_data.c
}
"#;
    folder.write("main.tf", moved);
    let plan = folder.run(&["plan", "-out=p"]).succeeded();
    has(&plan, "null_resource.a[0] has moved to terraform_data.a[0]");
    has(&plan, "Plan: 0 to add, 0 to change, 0 to destroy.");
    folder.run(&["apply", "p"]).succeeded();
    assert_eq!(id("terraform_data.a[1]"), first);
    assert_eq!(id("terraform_data.c"), second);
    let again = folder.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(again.code, Some(0), "{}", again.stdout);
    let state = fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("hashicorp/null"), "{state}");
    // Nothing else changes its type.
    folder.write(
        "main.tf",
        "resource \"random_id\" \"d\" {\n  byte_length = 1\n}\nmoved {\n  from = terraform_data.c\n  to   = random_id.d\n}\n",
    );
    let refused = folder.run(&["plan"]);
    assert_eq!(refused.code, Some(1));
    has(&refused, "Resource type mismatch");
}

#[test]
fn a_secret_id_is_not_shown_where_its_object_is_taken_over() {
    let folder = Folder::new(&[(
        "main.tf",
        "variable \"s\" {\n  default   = \"h1dden\"\n  sensitive = true\n}\nresource \"random_password\" \"a\" {\n  length = 6\n}\nimport {\n  to = random_password.a\n  id = var.s\n}\n",
    )]);
    for command in [
        &["plan", "-out=p"][..],
        &["show", "p"],
        &["apply", "-json", "p"],
    ] {
        let ran = folder.run(command).succeeded();
        assert!(
            !format!("{}{}", ran.stdout, ran.stderr).contains("h1dden"),
            "{}",
            ran.stdout
        );
    }
    let value = fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    assert!(value.contains("h1dden"), "{value}");
}
