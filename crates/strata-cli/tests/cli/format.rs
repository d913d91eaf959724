//! `fmt`: what it lists, writes and shows, and its exit codes, as `terraform fmt` has them.

use std::{fs, process::Command};

use expect_test::expect;

use crate::strata::Folder;

fn folder() -> Folder {
    let untidy = "a=1\n";
    Folder::new(&[
        ("a.tf", untidy),
        ("sub/b.tfvars", untidy),
        ("sub/deep/c.tofu", untidy),
        (".hidden/d.tf", untidy),
        ("tidy.tf", "a = 1\n"),
        ("x.tftest.hcl", untidy),
        ("w.hcl", untidy),
        ("v.tf.json", "{}"),
        ("#e.tf#", untidy),
        ("f.tf~", untidy),
    ])
}

fn read(folder: &Folder, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

#[test]
fn files_of_this_folder_are_written_and_listed() {
    let folder = folder();
    assert_eq!(
        folder.run(&["fmt"]).succeeded().stdout,
        "a.tf\nx.tftest.hcl\n"
    );
    assert_eq!(read(&folder, "a.tf"), "a = 1\n");
    assert_eq!(read(&folder, "sub/b.tfvars"), "a=1\n");
    assert_eq!(folder.run(&["fmt"]).succeeded().stdout, "");
}

#[test]
fn a_check_writes_nothing_and_exits_with_three() {
    let folder = folder();
    let ran = folder.run(&["fmt", "-check", "-recursive"]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        ran.stdout,
        "a.tf\nsub/b.tfvars\nsub/deep/c.tofu\nx.tftest.hcl\n"
    );
    assert_eq!(read(&folder, "a.tf"), "a=1\n");
    let ran = folder.run(&["fmt", "-check", "-list=false", "a.tf"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    folder.run(&["fmt", "-check", "tidy.tf"]).succeeded();
}

#[test]
fn a_difference_is_shown_as_diff_shows_it() {
    let folder = folder();
    let path = folder.path().join("a.tf");
    let targets = [
        "fmt",
        "-write=false",
        "-diff",
        path.to_str().unwrap(),
        "./sub",
    ];
    expect![[r#"
        a.tf
        --- old/a.tf
        +++ new/a.tf
        @@ -1 +1 @@
        -a=1
        +a = 1
        sub/b.tfvars
        --- old/sub/b.tfvars
        +++ new/sub/b.tfvars
        @@ -1 +1 @@
        -a=1
        +a = 1
    "#]]
    .assert_eq(&folder.run(&targets).succeeded().stdout);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = folder();
    assert_eq!(
        folder.run_fed(&["fmt", "-"], "a=1").succeeded().stdout,
        "a = 1\n"
    );
    let ran = folder.run_fed(&["fmt", "-check", "-"], "a=1\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
}

#[test]
fn bytes_in_comments_and_letters_without_meaning_stay_as_they_are() {
    let folder = folder();
    let bytes = b"# caf\xe9\na=1";
    fs::write(folder.path().join("bytes"), bytes).unwrap();
    let strata = env!("CARGO_BIN_EXE_strata");
    let input = fs::File::open(folder.path().join("bytes")).unwrap();
    let mut command = Command::new(strata);
    let ran = command.args(["fmt", "-"]).stdin(input).output().unwrap();
    assert_eq!(ran.stdout, b"# caf\xe9\na = 1\n");
    assert!(ran.status.success());
    let formatted = "a = \"\u{10f041}\"\n";
    let said = folder.run_fed(&["fmt", "-"], "a=\"\u{10f041}\"\n");
    assert_eq!(said.succeeded().stdout, formatted);
}

#[test]
fn mistakes_are_said_with_their_place_and_change_nothing() {
    let folder = folder();
    folder.write("a.tf", "a  = \n");
    let ran = folder.run(&["fmt"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), "x.tftest.hcl\n"));
    assert!(ran.stderr.contains("a.tf:1:"), "{}", ran.stderr);
    assert_eq!(read(&folder, "a.tf"), "a  = \n");
    let ran = folder.run(&["fmt", "nothing"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("No file or directory at nothing"));
    assert_eq!(folder.run(&["fmt", "w.hcl"]).code, Some(2));
}

#[test]
fn a_file_keeps_its_permissions_and_a_link_its_target() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let (file, link) = (folder.path().join("a.tf"), folder.path().join("l.tf"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("a.tf", &link).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    folder.run(&["fmt", "-recursive", "l.tf", "."]).succeeded();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(read(&folder, "a.tf"), "a = 1\n");
}
