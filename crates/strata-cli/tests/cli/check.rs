//! `strata check`: findings, exit codes, JSON and SARIF, on folders of every kind.

use expect_test::expect;

use crate::strata::Folder;

/// A folder with one error and one warning.
fn folder() -> Folder {
    Folder::new(&[
        (
            "main.tf",
            "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key    = \"k\"\n  }\n}\n\nresource \"incus_instance\" \"web\" {\n  name = \"web\"\n}\n",
        ),
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - name: Sum\n      command: md5sum /a\n",
        ),
    ])
}

#[test]
fn findings_are_shown_with_place_reason_and_fix() {
    let ran = folder().run(&["check"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    expect![[r#"
        error[backend-without-locking]: The state in the backend `s3` has no lock
         --> main.tf:2:3
          |
        2 |   backend "s3" {
          |   ^^^^^^^^^^^^
          |
          = why: Two people, or a person and a pipeline, who apply at once write over each other's state; what one of them made is then known to nobody.
          = next: For `s3` set `use_lockfile = true` (or `dynamodb_table`), for `http` set `lock_address` and `unlock_address`.

        warning[default-profile]: `incus_instance.web` has the profile `default`, since it names none
         --> main.tf:8:1
          |
        8 | resource "incus_instance" "web" {
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = why: It belongs to whoever runs the host: what it holds differs from host to host and changes without a word here, so that the same configuration gives other machines.
          = next: Make profiles of your own and name them in `profiles`; for none at all write `profiles = []`.

        Checked 2 files: 1 error, 1 warning.
    "#]]
    .assert_eq(&ran.stdout);
}

#[test]
fn warnings_fail_only_if_the_user_is_strict() {
    let folder = Folder::new(&[(
        "main.tf",
        "resource \"incus_instance\" \"web\" {\n  name = \"web\"\n}\n",
    )]);
    assert_eq!(folder.run(&["check"]).code, Some(0));
    assert_eq!(folder.run(&["check", "-strict"]).code, Some(1));
    folder.write(
        "main.tf",
        "resource \"incus_instance\" \"web\" {\n  name     = \"web\"\n  profiles = []\n}\n",
    );
    let ran = folder.run(&["check", "-strict"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Checked 1 file: no errors, no warnings.\n")
    );
}

#[test]
fn json_has_the_rule_the_place_and_the_waivers() {
    let folder = folder();
    folder.write(
        "main.tf",
        "terraform {\n  # strata:ignore backend-without-locking: only the pipeline applies\n  backend \"s3\" {\n    bucket = \"b\"\n    key    = \"k\"\n  }\n}\n",
    );
    let ran = folder.run(&["check", "-json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["findings"], serde_json::json!([]));
    assert_eq!(value["waived"][0]["rule"], "backend-without-locking");
    assert_eq!(value["waived"][0]["reason"], "only the pipeline applies");
    assert_eq!(value["waived"][0]["range"]["start"]["line"], 3);
}

#[test]
fn sarif_names_rules_places_and_levels() {
    let ran = folder().run(&["check", "-sarif"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let log: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let rule = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(result["ruleId"], "backend-without-locking");
    assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "main.tf");
    assert_eq!(place["region"]["startLine"], 2);
}

#[test]
fn our_examples_break_no_rule() {
    let examples = [
        "event-store",
        "observability",
        "proxmox-host",
        "proxmox-modules",
        "quickstart",
    ];
    for example in examples {
        let ran = Folder::example(example).run(&["check", "-strict"]);
        assert_eq!(
            ran.code,
            Some(0),
            "{example}:\n{}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn an_environment_that_is_not_there_is_named() {
    let ran = Folder::example("quickstart").run(&["check", "nowhere"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("no environment `nowhere`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`local`"), "{}", ran.stderr);
    let ran = folder().run(&["check", "prod"]);
    assert!(ran.stderr.contains("no project file"), "{}", ran.stderr);
}

#[test]
fn a_rule_explains_itself_and_an_unknown_one_does_not() {
    let folder = Folder::new(&[]);
    let ran = folder.run(&["check", "-explain", "latest-version"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.stdout.starts_with("# `latest-version`\n"),
        "{}",
        ran.stdout
    );
    let ran = folder.run(&["check", "-explain", "no-such-rule"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("`latest-version`"), "{}", ran.stderr);
}
