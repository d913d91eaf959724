//! Test files: what is read of them, and what is wrong with them.

use std::path::Path;

use expect_test::{Expect, expect};
use strata_config::{TestFile, mock_files, test_files};
use strata_core::{Diagnostics, files::MemoryFiles};

fn read(files: &[(&str, &str)]) -> (Vec<TestFile>, Diagnostics) {
    let mut diags = Diagnostics::new();
    let files = MemoryFiles::new(files.iter().copied());
    let found = test_files(&files, Path::new("."), Path::new("tests"), &mut diags);
    (found.files, diags)
}

fn mistakes(text: &str, expected: &Expect) {
    let (_, diags) = read(&[("a.tftest.hcl", text)]);
    let lines = diags.iter().map(|found| {
        let line = found
            .labels
            .first()
            .map_or(0, |label| label.span.start.line);
        format!("{line}: {}\n", found.summary)
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn files_beside_the_configuration_and_in_the_folder_of_tests_are_found_by_name() {
    let files = [
        ("main.tf", ""),
        ("z.tftest.hcl", "run \"z\" {}"),
        ("tests/b.tofutest.hcl", "run \"b\" {}"),
        (
            "tests/a.tftest.json",
            r#"{"run": {"a": {"command": "plan"}}}"#,
        ),
        ("tests/deeper/c.tftest.hcl", "run \"c\" {}"),
    ];
    let (found, diags) = read(&files);
    assert!(diags.is_empty(), "{diags:?}");
    let names: Vec<_> = found.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "tests/a.tftest.json",
            "tests/b.tofutest.hcl",
            "z.tftest.hcl"
        ]
    );
    assert!(found[0].runs[0].plans_only && !found[1].runs[0].plans_only);
}

#[test]
fn a_run_is_read_with_all_it_says() {
    let text = r#"
run "a" {
  command   = plan
  state_key = "k"
  module { source = "./setup" }
  variables { x = run.b.y }
  providers = { incus = incus.other }
  plan_options {
    mode    = refresh-only
    target  = [module.m, terraform_data.a]
    replace = [terraform_data.b[0]]
  }
  assert {
    condition     = output.o == 1
    error_message = "m"
  }
  expect_failures = [var.x, check.c]
}
"#;
    let (found, diags) = read(&[("a.tftest.hcl", text)]);
    assert!(diags.is_empty(), "{diags:?}");
    let run = &found[0].runs[0];
    assert!(run.plans_only && run.options.refresh_only && run.options.refresh);
    assert_eq!(run.state_key.as_deref(), Some("k"));
    assert_eq!(
        run.module.as_ref().map(|module| module.source.to_string()),
        Some("./setup".to_owned())
    );
    assert_eq!(run.options.targets.len(), 2);
    assert_eq!(run.options.replace[0].to_string(), "terraform_data.b[0]");
    assert_eq!((run.asserts.len(), run.expect_failures.len()), (1, 2));
    assert_eq!(run.providers.len(), 1);
}

#[test]
fn what_nobody_expects_is_reported_where_it_stands() {
    mistakes(
        "what {}\nrun \"a\" {\n  command = destroy\n  x = 1\n}\nrun \"a\" {}\nrun \"b c\" {}\nvariables {}\nvariables {}\n",
        &expect![[r#"
            1: Unsupported block type
            9: Multiple "variables" blocks
            4: Unsupported argument
            3: Invalid "command" keyword
            6: Duplicate "run" block names
            7: Invalid run block name
        "#]],
    );
}

#[test]
fn a_condition_that_looks_at_nothing_and_a_remote_module_are_refused() {
    mistakes(
        "run \"a\" {\n  assert {\n    condition = true\n    error_message = \"\"\n  }\n  module { source = \"git::https://example.com/x\" }\n}\n",
        &expect![[r#"
            3: Invalid assert expression
            6: Invalid module source address
        "#]],
    );
}

#[test]
fn an_override_stands_for_something_of_its_kind() {
    mistakes(
        "override_data {\n  target = terraform_data.a\n}\noverride_module {\n  outputs = {}\n}\noverride_resource {\n  target = module.m\n}\n",
        &expect![[r#"
            8: Invalid override_resource target
            2: Invalid override_data target
            4: Missing target in override_module block
        "#]],
    );
}

#[test]
fn files_of_mocks_count_less_than_the_test_file() {
    let test = "mock_provider \"x\" {\n  source = \"./mocks\"\n  mock_resource \"x_a\" { defaults = { id = 1 } }\n}\n";
    let more = "mock_resource \"x_a\" { defaults = { id = 2 } }\nmock_data \"x_b\" {}\n";
    let files = [("a.tftest.hcl", test), ("mocks/all.tfmock.hcl", more)];
    let (mut found, mut diags) = read(&files);
    let mut mock = found.remove(0).mocks.into_values().next().expect("a mock");
    let files = MemoryFiles::new(files);
    mock_files(&files, Path::new("."), &mut mock, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    let defaults = mock.resources["x_a"].defaults.as_ref();
    assert_eq!(defaults.map(|defaults| defaults.text()), Some("{ id = 1 }"));
    assert!(mock.data.contains_key("x_b"));
}
