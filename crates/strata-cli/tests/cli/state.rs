//! Changing a state by hand: `state`, `taint`, `workspace`, `force-unlock`.

use std::fs;

use crate::strata::Folder;

const MAIN: &str = r#"
resource "terraform_data" "a" { input = terraform.workspace }
resource "terraform_data" "b" {
  count = 2
  input = "y${count.index}"
}
"#;

fn applied() -> Folder {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder
}

fn list(folder: &Folder) -> String {
    folder.run(&["state", "list"]).succeeded().stdout
}

/// The versions of the state that were kept, from the first on.
fn copies(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "backup"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn objects_are_moved_and_the_version_before_is_kept() {
    let folder = applied();
    let would = folder.run(&[
        "state",
        "mv",
        "-dry-run",
        "terraform_data.a",
        "terraform_data.c",
    ]);
    assert_eq!(
        would.succeeded().stdout,
        "Would move \"terraform_data.a\" to \"terraform_data.c\"\n"
    );
    assert!(list(&folder).starts_with("terraform_data.a\n"));
    let moved = folder.run(&[
        "state",
        "mv",
        "terraform_data.a",
        "module.x.terraform_data.c",
    ]);
    assert_eq!(
        moved.succeeded().stdout,
        "Move \"terraform_data.a\" to \"module.x.terraform_data.c\"\nSuccessfully moved 1 object(s).\n"
    );
    assert_eq!(
        list(&folder),
        "terraform_data.b[0]\nterraform_data.b[1]\nmodule.x.terraform_data.c\n"
    );
    let kept = copies(&folder);
    assert_eq!(kept.len(), 1);
    assert!(kept[0].contains("\"name\": \"a\""), "{kept:?}");
    let missing = folder.run(&["state", "mv", "terraform_data.a", "terraform_data.d"]);
    assert_eq!(missing.code, Some(1));
    assert!(
        missing.stderr.contains("Invalid source address"),
        "{}",
        missing.stderr
    );
    let out = folder.run(&[
        "state",
        "mv",
        "-state-out=other.tfstate",
        "terraform_data.b",
        "terraform_data.b",
    ]);
    out.succeeded();
    let other = folder
        .run(&["state", "list", "-state=other.tfstate"])
        .succeeded();
    assert_eq!(other.stdout, "terraform_data.b[0]\nterraform_data.b[1]\n");
    assert_eq!(list(&folder), "module.x.terraform_data.c\n");
    let kept = copies(&folder);
    assert_eq!(kept.len(), 2, "each version is kept");
    assert!(kept[1].contains("module.x"), "{kept:?}");
}

#[test]
fn the_state_forgets_what_it_is_told_to() {
    let folder = applied();
    let none = folder
        .run(&["state", "rm", "-dry-run", "terraform_data.x"])
        .succeeded();
    assert_eq!(none.stdout, "Would have removed nothing.\n");
    let removed = folder.run(&["state", "rm", "terraform_data.b"]).succeeded();
    assert_eq!(
        removed.stdout,
        "Removed terraform_data.b[0]\nRemoved terraform_data.b[1]\nSuccessfully removed 2 resource instance(s).\n"
    );
    let again = folder.run(&["state", "rm", "terraform_data.b"]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("Invalid target address"),
        "{}",
        again.stderr
    );
    let unknown = folder.run(&["state", "list", "module.foo"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.contains("Unknown module"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_tainted_object_is_replaced_and_an_untainted_one_is_not() {
    let folder = applied();
    let tainted = folder.run(&["taint", "terraform_data.a"]).succeeded();
    assert_eq!(
        tainted.stdout,
        "Resource instance terraform_data.a has been marked as tainted.\n"
    );
    let plan = folder.run(&["plan"]).succeeded().stdout;
    assert!(
        plan.contains("terraform_data.a is tainted, so must be replaced"),
        "{plan}"
    );
    let sound = folder.run(&["untaint", "terraform_data.a"]).succeeded();
    assert_eq!(
        sound.stdout,
        "Resource instance terraform_data.a has been successfully untainted.\n"
    );
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    let twice = folder.run(&["untaint", "terraform_data.a"]);
    assert!(
        twice.stderr.contains("Resource instance is not tainted"),
        "{}",
        twice.stderr
    );
    assert_eq!(folder.run(&["taint", "terraform_data.x"]).code, Some(1));
    let passed = folder
        .run(&["taint", "-allow-missing", "terraform_data.x"])
        .succeeded();
    assert!(passed.stderr.contains("was not found"), "{}", passed.stderr);
}

#[test]
fn only_a_later_version_of_the_same_state_is_pushed_without_force() {
    let folder = applied();
    let pulled = folder.run(&["state", "pull"]).succeeded().stdout;
    assert_eq!(
        pulled,
        fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap()
    );
    folder.write("same.tfstate", &pulled);
    folder.run(&["state", "push", "same.tfstate"]).succeeded();
    folder.write(
        "other.tfstate",
        &pulled.replace("\"lineage\": \"", "\"lineage\": \"f"),
    );
    let unrelated = folder.run(&["state", "push", "other.tfstate"]);
    assert_eq!(unrelated.code, Some(1));
    assert!(
        unrelated
            .stderr
            .contains("over unrelated state with lineage"),
        "{}",
        unrelated.stderr
    );
    folder.write("changed.tfstate", &pulled.replace("y0", "y9"));
    let changed = folder.run(&["state", "push", "changed.tfstate"]);
    assert!(
        changed.stderr.contains("has the same serial"),
        "{}",
        changed.stderr
    );
    folder.run(&["taint", "terraform_data.a"]).succeeded();
    let older = folder.run(&["state", "push", "same.tfstate"]);
    assert!(
        older.stderr.contains("over newer state with serial"),
        "{}",
        older.stderr
    );
    folder
        .run(&["state", "push", "-force", "other.tfstate"])
        .succeeded();
    let now = folder.run(&["state", "pull"]).succeeded().stdout;
    assert!(now.contains("\"lineage\": \"f"), "{now}");
}

#[test]
fn states_that_cannot_be_read_are_refused_and_stay_as_they_are() {
    let folder = applied();
    let file = folder.path().join("terraform.tfstate");
    let whole = fs::read_to_string(&file).unwrap();
    for (broken, why) in [
        (
            whole[..whole.len() / 2].to_owned(),
            "Unsupported state file format",
        ),
        (
            whole.replace("\"version\": 4", "\"version\": 5"),
            "version 5",
        ),
        (whole.replace("\"managed\"", "\"strange\""), "`strange`"),
        ("[1]".to_owned(), "is not a state file that can be read"),
    ] {
        fs::write(&file, &broken).unwrap();
        for command in [
            &["plan"][..],
            &["state", "list"],
            &["taint", "terraform_data.a"],
        ] {
            let refused = folder.run(command);
            assert_eq!(refused.code, Some(1), "{}", refused.stdout);
            assert!(refused.stderr.contains(why), "{}", refused.stderr);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);
    }
}

#[test]
fn a_provider_is_replaced_in_the_state() {
    let folder = applied();
    let (from, to) = ("terraform.io/builtin/terraform", "example.com/a/b");
    let replaced = folder
        .run(&["state", "replace-provider", "-auto-approve", from, to])
        .succeeded();
    assert!(
        replaced
            .stdout
            .ends_with("Successfully replaced provider for 2 resources.\n"),
        "{}",
        replaced.stdout
    );
    let none = folder.run(&["state", "replace-provider", "-auto-approve", from, to]);
    assert_eq!(none.succeeded().stdout, "No matching resources found.\n");
}

#[test]
fn each_workspace_has_a_state_of_its_own() {
    let folder = applied();
    let new = folder.run(&["workspace", "new", "foo"]).succeeded();
    assert!(
        new.stdout
            .starts_with("Created and switched to workspace \"foo\"!\n")
    );
    assert_eq!(
        folder.run(&["workspace", "list"]).succeeded().stdout,
        "  default\n* foo\n\n"
    );
    assert_eq!(
        folder.run(&["state", "list"]).code,
        Some(1),
        "there is no state yet"
    );
    folder.run(&["apply", "-auto-approve"]).succeeded();
    let shown = folder
        .run(&["state", "show", "terraform_data.a"])
        .succeeded();
    assert!(shown.stdout.contains("\"foo\""), "{}", shown.stdout);
    let active = folder.run(&["workspace", "delete", "foo"]);
    assert!(
        active.stderr.contains("is your active workspace"),
        "{}",
        active.stderr
    );
    let back = folder.run(&["workspace", "select", "default"]).succeeded();
    assert_eq!(back.stdout, "Switched to workspace \"default\".\n");
    let full = folder.run(&["workspace", "delete", "foo"]);
    assert!(
        full.stderr.contains("Workspace is not empty"),
        "{}",
        full.stderr
    );
    folder
        .run(&["workspace", "delete", "-force", "foo"])
        .succeeded();
    assert_eq!(folder.run(&["workspace", "select", "foo"]).code, Some(1));
    assert_eq!(folder.run(&["workspace", "new", "a/b"]).code, Some(1));
    let overridden = [("TF_WORKSPACE", "bar")];
    let show = folder
        .run_with(&["workspace", "show"], &overridden)
        .succeeded();
    assert_eq!(show.stdout, "bar\n");
    assert_eq!(
        folder
            .run_with(&["workspace", "new", "q"], &overridden)
            .code,
        Some(1)
    );
}

#[test]
fn the_environment_gives_arguments_and_the_data_folder() {
    let folder = applied();
    let environment = [("TF_CLI_ARGS_plan", "-destroy -detailed-exitcode")];
    assert_eq!(folder.run_with(&["plan"], &environment).code, Some(2));
    let data = [("TF_DATA_DIR", "elsewhere")];
    folder
        .run_with(&["workspace", "new", "foo"], &data)
        .succeeded();
    assert_eq!(
        folder.run(&["workspace", "show"]).succeeded().stdout,
        "default\n"
    );
    assert_eq!(
        folder
            .run_with(&["workspace", "show"], &data)
            .succeeded()
            .stdout,
        "foo\n"
    );
}

#[test]
fn a_lock_is_broken_by_its_id_only() {
    let folder = applied();
    let info = folder.path().join(".terraform.tfstate.lock.info");
    fs::write(
        &info,
        r#"{"ID":"x-y","Operation":"apply","Who":"a@elsewhere"}"#,
    )
    .unwrap();
    let held = folder.run(&["plan"]);
    assert_eq!(held.code, Some(1));
    assert!(
        held.stderr.contains("apply by a@elsewhere"),
        "{}",
        held.stderr
    );
    assert_eq!(
        folder.run(&["force-unlock", "-force", "wrong"]).code,
        Some(1)
    );
    folder.run(&["force-unlock", "-force", "x-y"]).succeeded();
    folder.run(&["plan"]).succeeded();
}
