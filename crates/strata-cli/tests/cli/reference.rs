//! The reference in `docs/reference` is what the code says; `cargo xtask docs` writes it anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use expect_test::expect_file;

use crate::strata::Folder;

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference")
        .join(name)
}

/// What the command prints, with a line about where it comes from.
fn printed(title: &str, arguments: &[&str]) -> String {
    let ran = Folder::new(&[]).run(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    format!(
        "# {title}\n\nWritten from the code by `cargo xtask docs`.\n\n{}",
        ran.stdout
    )
}

/// The names of all providers, which stand first in each line of the list.
fn providers() -> BTreeSet<String> {
    let ran = Folder::new(&[]).run(&["doc"]);
    let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    ran.stdout.lines().map(first).collect()
}

#[test]
fn there_is_a_page_for_each_provider() {
    for provider in providers() {
        let text = printed(&format!("The provider `{provider}`"), &["doc", &provider]);
        expect_file![page(&format!("{provider}.md"))].assert_eq(&text);
    }
    let written = fs::read_dir(page(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<String> = providers()
        .iter()
        .map(|provider| format!("{provider}.md"))
        .collect();
    assert_eq!(
        written.collect::<BTreeSet<_>>(),
        expected,
        "a page without a provider"
    );
}

#[test]
fn a_type_is_shown_by_its_name() {
    let show = |name| Folder::new(&[]).run(&["doc", name]).stdout;
    let text = show("random_password");
    assert!(text.starts_with("## `random_password`"), "{text}");
    assert!(
        text.contains("- `length` (number, required): How many characters it has."),
        "{text}"
    );
    assert!(
        text.contains("- `result` (string, sensitive): The password."),
        "{text}"
    );
    assert!(text.contains("Default: `true`."), "{text}");
    let both = show("local_file");
    assert!(
        both.contains("## `local_file`") && both.contains("## `data.local_file`"),
        "{both}"
    );
    let data = show("data.local_file");
    assert!(
        data.starts_with("## `data.local_file`") && !data.contains("## `local_file`"),
        "{data}"
    );
}

#[test]
fn a_name_that_is_nowhere_is_told() {
    let ran = Folder::new(&[]).run(&["doc", "no_such_type"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("There is no resource, data source or provider `no_such_type`"),
        "{}",
        ran.stderr
    );
}
