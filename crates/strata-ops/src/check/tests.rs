//! What all rules have in common: each finds its bad example and leaves its good one alone.

use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use strata_core::files::MemoryFiles;

use super::{RULES, Report, page, rule::Example};
use crate::files::Disk;

pub(super) fn report(files: &[(&str, &str)]) -> Report {
    let files = MemoryFiles::new(files.iter().copied());
    super::check(&files, Path::new(""), None, &|_| false).expect("the project file can be read")
}

/// What one rule finds, a line each: place and summary.
#[track_caller]
pub(super) fn check(rule: &str, files: &[(&str, &str)], expected: &Expect) {
    assert!(
        RULES.iter().any(|known| known.name == rule),
        "no rule {rule}"
    );
    let mut lines = String::new();
    for finding in report(files)
        .findings
        .iter()
        .filter(|finding| finding.rule.name == rule)
    {
        let span = finding.span().expect("each finding has a place");
        let (line, column) = (span.start.line, span.start.column);
        let summary = &finding.diagnostic.summary;
        lines.push_str(&format!("{}:{line}:{column}: {summary}\n", span.file));
    }
    expected.assert_eq(&lines);
}

fn rules_broken(example: Example) -> Vec<&'static str> {
    let mut names: Vec<_> = report(example)
        .findings
        .iter()
        .map(|finding| finding.rule.name)
        .collect();
    names.dedup();
    names
}

#[test]
fn each_rule_finds_its_bad_example_and_nothing_else() {
    for rule in RULES {
        let broken = rules_broken(rule.bad);
        match rule.name {
            "waiver-without-reason" => assert!(broken.contains(&rule.name), "{broken:?}"),
            name => assert_eq!(broken, [name]),
        }
        assert_eq!(
            rules_broken(rule.good),
            [""; 0],
            "good example of {}",
            rule.name
        );
    }
}

#[test]
fn rules_stand_in_the_order_of_their_names() {
    let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
}

#[test]
fn the_pages_say_what_the_code_says() {
    let mut index = String::from(
        "# Layer rules\n\nWhat [`strata check`](../commands.md#strata-check) looks for. Each page has the reason, a case that is\nreported and one that is not. The pages are made from the code: `UPDATE_EXPECT=1 cargo test -p strata-ops the_pages`.\n\n| rule | severity | |\n|---|---|---|\n",
    );
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    for rule in RULES {
        let name = rule.name;
        let severity = format!("{:?}", rule.severity).to_lowercase();
        index.push_str(&format!(
            "| [`{name}`]({name}.md) | {severity} | {} |\n",
            rule.summary
        ));
        expect_file![docs.join(format!("{name}.md"))].assert_eq(&page(rule));
    }
    expect_file![docs.join("README.md")].assert_eq(&index);
}

#[test]
fn our_own_examples_break_no_rule() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let folder = entry.unwrap().path();
        let report = super::check(&Disk, &folder, None, &|_| false).unwrap();
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|finding| &finding.diagnostic)
            .collect();
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(report.unchecked, [""; 0]);
    }
}

#[test]
fn a_waiver_with_a_reason_sets_a_finding_aside() {
    let main = "provider \"incus\" {}\nresource \"incus_profile\" \"a\" {\n  # strata:ignore default-profile: the host is ours alone\n  name = \"default\"\n}\n";
    let report = report(&[("main.tf", main)]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.waived[0].reason, "the host is ours alone");
}

#[test]
fn waivers_work_in_yaml_on_the_line_and_above_and_for_a_module_where_it_is_called() {
    let report = report(&[
        (
            "user-data.yml",
            "#cloud-config\npackages:\n  # strata:ignore cloud-init-application: the image has no network later\n  - nginx\npassword: x # strata:ignore cloud-init-password: console only\n",
        ),
        (
            "main.tf",
            "provider \"proxmox\" {}\n# strata:ignore privileged-container: NFS server\nmodule \"nfs\" {\n  source = \"./ct\"\n}\n",
        ),
        (
            "ct/main.tf",
            "resource \"proxmox_virtual_environment_container\" \"this\" {\n}\n",
        ),
    ]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.waived.len(), 3);
}

#[test]
fn nothing_that_is_written_brings_a_check_down() {
    let texts = [
        "",
        "\u{feff}",
        "#cloud-config\n- a\n",
        "#cloud-config\nusers: x\npackages: {a: [}\n",
        "a: ${b\n",
        "- hosts:\n",
        "- hosts: all\n  tasks: x\n  roles: {a: b}\n",
        "- shell:\n- command: {argv: x}\n- name: y\n",
        "{{{{",
        "locals { a = local.b\n b = local.a }",
        "module \"a\" { source = \"./\" }",
        "resource \"incus_instance\" \"x\" { for_each = 1\n profiles = [for p in q: p]\n dynamic \"device\" {} }",
        "collections: [1, {name: []}]\nroles: [[]]\n",
        "services: {a: {image: [], ports: [[], {}]}}\n",
        "ä: ${ü}\n",
    ];
    let paths = [
        "main.tf",
        "tasks/main.yml",
        "site.yml",
        "requirements.yml",
        "user-data",
        "docker-compose.yml",
        "strata.hcl",
        "hosts",
        "a/main.tf",
        "compose.yml.j2",
    ];
    for text in texts {
        let files = MemoryFiles::new(paths.iter().map(|path| (*path, text)));
        // A project file that cannot be read is an answer, too.
        drop(super::check(&files, Path::new(""), None, &|_| false));
    }
}

#[test]
fn a_waiver_of_nothing_and_one_of_an_unknown_rule_are_reported() {
    check(
        "unused-waiver",
        &[
            (
                "main.tf",
                "provider \"incus\" {} # strata:ignore privileged-container: why not\n",
            ),
            (
                "site.yml",
                "# strata:ignore no-such-rule: because\n- hosts: all\n  tasks: []\n",
            ),
        ],
        &expect![[r#"
            main.tf:1:23: Nothing here breaks `privileged-container`
            site.yml:1:3: There is no rule `no-such-rule` to waive
        "#]],
    );
}

#[test]
fn files_with_mistakes_are_named_and_the_others_are_looked_at() {
    let report = report(&[
        ("broken.tf", "resource {{{\n"),
        (
            "main.tf",
            "provider \"incus\" {}\nresource \"incus_profile\" \"a\" {\n  name = \"default\"\n}\n",
        ),
    ]);
    assert_eq!(report.findings.len(), 1);
    assert!(
        report.unchecked[0].contains("broken.tf"),
        "{:?}",
        report.unchecked
    );
}

#[test]
fn an_environment_limits_what_is_looked_at() {
    let files = MemoryFiles::new([
        (
            "strata.hcl",
            "project \"p\" {}\nenvironment \"dev\" {\n  provision \"m\" {\n    directory = \"infra/${environment.name}\"\n  }\n}\nenvironment \"prod\" {\n  provision \"m\" {\n    directory = \"infra/prod\"\n  }\n}\n",
        ),
        (
            "infra/dev/main.tf",
            "resource \"incus_profile\" \"a\" {\n  name = \"default\"\n}\n",
        ),
        (
            "infra/prod/main.tf",
            "resource \"incus_profile\" \"a\" {\n  name = \"mine\"\n}\n",
        ),
        (
            "elsewhere/main.tf",
            "resource \"incus_profile\" \"a\" {\n  name = \"default\"\n}\n",
        ),
    ]);
    let found = |environment| {
        let report = super::check(&files, Path::new(""), environment, &|_| false).unwrap();
        let places = report
            .findings
            .into_iter()
            .filter(|finding| finding.rule.name == "default-profile");
        places
            .map(|finding| finding.span().unwrap().file.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Some("dev")), ["infra/dev/main.tf"]);
    assert_eq!(found(Some("prod")), [""; 0]);
    assert_eq!(found(None), ["infra/dev/main.tf"]);
    let unknown = super::check(&files, Path::new(""), Some("nope"), &|_| false).unwrap_err();
    assert!(unknown.iter().next().unwrap().summary.contains("`nope`"));
}
