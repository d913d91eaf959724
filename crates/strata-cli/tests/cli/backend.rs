//! The backend `local`: its arguments from everywhere, and taking the state along.

use std::fs;

use crate::strata::Folder;

const PARTIAL: &str = "terraform {\n  backend \"local\" {}\n}\noutput \"a\" { value = 1 }\n";

fn applied(folder: &Folder) {
    folder.run(&["apply", "-auto-approve"]).succeeded();
}

fn is_there(folder: &Folder, path: &str) -> bool {
    folder.path().join(path).exists()
}

#[test]
fn what_is_said_at_init_holds_for_all_commands() {
    let folder = Folder::new(&[
        ("main.tf", PARTIAL),
        ("local.tfbackend", "workspace_dir = \"spaces\"\n"),
    ]);
    let arguments = [
        "init",
        "-backend-config=path=x.tfstate",
        "-backend-config=local.tfbackend",
    ];
    folder.run(&arguments).succeeded();
    applied(&folder);
    assert!(is_there(&folder, "x.tfstate") && !is_there(&folder, "terraform.tfstate"));
    folder.run(&["workspace", "new", "b"]).succeeded();
    applied(&folder);
    assert!(is_there(&folder, "spaces/b/terraform.tfstate"));
    // As Terraform has it, so that both can work in one folder.
    let known = fs::read_to_string(folder.path().join(".terraform/terraform.tfstate")).unwrap();
    let known: serde_json::Value = serde_json::from_str(&known).unwrap();
    assert_eq!(known["backend"]["type"], "local");
    assert_eq!(known["backend"]["config"]["path"], "x.tfstate");
    // Nothing has changed, so nothing is asked.
    folder.run(&arguments).succeeded();
}

#[test]
fn a_backend_that_changes_takes_the_state_along_or_leaves_it() {
    let folder = Folder::new(&[("main.tf", PARTIAL)]);
    folder
        .run(&["init", "-backend-config=path=x.tfstate"])
        .succeeded();
    applied(&folder);
    let to_y = "-backend-config=path=y.tfstate";
    let changed = folder.run(&["init", to_y]);
    assert_eq!(changed.code, Some(1));
    assert!(
        changed.stderr.contains("Backend configuration changed"),
        "{}",
        changed.stderr
    );
    let silent = folder.run(&["init", to_y, "-migrate-state", "-input=false"]);
    assert!(
        silent
            .stderr
            .contains("Can't ask approval for state migration"),
        "{}",
        silent.stderr
    );
    assert!(!is_there(&folder, "y.tfstate"));
    folder
        .run_fed(&["init", to_y, "-migrate-state"], "yes\n")
        .succeeded();
    assert!(is_there(&folder, "y.tfstate"));
    let output = folder.run(&["output", "-raw", "a"]).succeeded();
    assert_eq!(output.stdout.trim(), "1");
    folder
        .run(&["init", "-backend-config=path=z.tfstate", "-reconfigure"])
        .succeeded();
    assert!(!is_there(&folder, "z.tfstate"));
    // What the block says now is not what `init` knew.
    folder.write(
        "main.tf",
        "terraform {\n  backend \"local\" {\n    path = \"w.tfstate\"\n  }\n}\n",
    );
    let plan = folder.run(&["plan"]);
    assert_eq!(plan.code, Some(1));
    assert!(
        plan.stderr.contains("Backend initialization required"),
        "{}",
        plan.stderr
    );
    folder.write("main.tf", "output \"a\" { value = 1 }\n");
    let list = folder.run(&["state", "list"]);
    assert!(
        list.stderr.contains("Unsetting the previously set backend"),
        "{}",
        list.stderr
    );
    folder.run(&["init", "-force-copy"]).succeeded();
    assert!(!is_there(&folder, ".terraform/terraform.tfstate"));
}

#[test]
fn a_path_may_come_from_variables() {
    let text = "variable \"name\" {}\nterraform {\n  backend \"local\" {\n    path = \"${var.name}.tfstate\"\n  }\n}\noutput \"a\" { value = 1 }\n";
    let folder = Folder::new(&[("main.tf", text), ("terraform.tfvars", "name = \"n\"\n")]);
    applied(&folder);
    assert!(is_there(&folder, "n.tfstate"));
    let output = folder.run(&["output", "-raw", "a"]).succeeded();
    assert_eq!(output.stdout.trim(), "1");
}

#[test]
fn what_is_no_argument_or_file_is_refused() {
    let folder = Folder::new(&[("main.tf", PARTIAL)]);
    let refused = |argument: &str| folder.run(&["init", argument]).stderr;
    let unknown = refused("-backend-config=pth=y");
    assert!(
        unknown.contains("Invalid backend configuration argument") && unknown.contains("\"pth\""),
        "{unknown}"
    );
    let missing = refused("-backend-config=nofile");
    assert!(missing.contains("Failed to read file"), "{missing}");
}

#[test]
fn a_backend_that_strata_lacks_is_named_with_a_way_out() {
    let kinds = ["gcs", "azurerm", "pg", "consul", "kubernetes", "remote"];
    let blocks = kinds.map(|kind| format!("backend \"{kind}\" {{}}"));
    for block in blocks.into_iter().chain(["cloud {}".to_owned()]) {
        let main = format!("terraform {{\n  {block}\n}}\nresource \"terraform_data\" \"a\" {{}}\n");
        let folder = Folder::new(&[("main.tf", &main)]);
        folder.run(&["init", "-backend=false"]).succeeded();
        folder.run(&["validate"]).succeeded();
        for command in [&["init"][..], &["plan"], &["state", "list"], &["output"]] {
            let refused = folder.run(command);
            assert_eq!(refused.code, Some(1), "{block} {command:?}");
            let (what, why) = (&refused.stderr, format!("{block} {command:?}"));
            assert!(what.contains("is not supported yet"), "{why}: {what}");
            assert!(what.contains("main.tf:2:3"), "{why}: {what}");
            assert!(what.contains("backend_override.tf"), "{why}: {what}");
        }
        // The way out that the hint names.
        let local = "terraform {\n  backend \"local\" {}\n}\n";
        folder.write("backend_override.tf", local);
        folder.run(&["init"]).succeeded();
        folder.run(&["apply", "-auto-approve"]).succeeded();
    }

    let folder = Folder::new(&[("main.tf", "terraform {\n  backend \"s4\" {}\n}\n")]);
    let refused = folder.run(&["init"]).stderr;
    assert!(refused.contains("Unsupported backend type"), "{refused}");
    assert!(refused.contains("Did you mean `s3`?"), "{refused}");
}
