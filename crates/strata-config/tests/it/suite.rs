//! Language cases: each file or folder in `tests/suite` is a configuration with its mistakes written beside them.
//!
//! `# Error: summary` (or `# Warning:`) stands on the line that a diagnostic points at; there may be no others. What
//! real Terraform answers to `validate -json` is recorded in `NAME.terraform`: all it finds, we must find, in the
//! same line and under the same summary, unless the case says `# Differs: why`. We may find more, since Terraform
//! stops after the first of its passes that finds something.

#![expect(
    clippy::disallowed_methods,
    reason = "the cases and the records are files"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_config::{STORAGE, load, validate};
use strata_core::{Diagnostic, Diagnostics, Severity, files::MemoryFiles};

use crate::{support, terraform};

/// Line and words, such as `main.tf:3 error Unsupported argument`.
type Found = BTreeSet<(String, u32, String)>;

#[test]
fn every_mistake_is_found_where_it_is_and_nothing_else() {
    let mut wrong = Vec::new();
    for case in cases() {
        let expected = annotations(&case.files);
        let found = validated(&case.files);
        let missing = expected
            .difference(&found)
            .map(|line| format!("{}: not found: {line:?}", case.name));
        let more = found
            .difference(&expected)
            .map(|line| format!("{}: not expected: {line:?}", case.name));
        wrong.extend(missing.chain(more));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_terraform_finds_is_found() {
    let mut missing = Vec::new();
    for case in cases() {
        let texts: String = case.files.values().map(String::as_str).collect();
        if texts.contains("# Differs: ") {
            continue;
        }
        record(&case);
        let recorded = fs::read_to_string(folder().join(format!("{}.terraform", case.name)));
        let recorded = recorded.unwrap_or_else(|_| panic!("{} is not recorded", case.name));
        let found: Vec<String> = validated(&case.files)
            .into_iter()
            .map(|(file, line, words)| format!("{file}:{line} {words}"))
            .collect();
        for line in recorded.lines() {
            if !found.contains(&line.to_owned()) {
                missing.push(format!("{}: {line}", case.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Asks the real program instead, where that is asked for.
fn record(case: &Case) {
    if std::env::var_os("STRATA_RECORD").is_some() {
        let answer = terraform::validate(&case.files);
        let path = folder().join(format!("{}.terraform", case.name));
        fs::write(path, answer.lines()).expect("the record is written");
    }
}

struct Case {
    name: String,
    files: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite")
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder()).expect("the suite is there") {
        let path = entry.expect("an entry").path();
        let mut files = BTreeMap::new();
        if path.is_dir() {
            read_folder(&path, "", &mut files);
        } else if path.extension().is_some_and(|extension| extension == "tf") {
            files.insert(
                "main.tf".to_owned(),
                fs::read_to_string(&path).expect("a readable file"),
            );
        } else {
            continue;
        }
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        cases.push(Case { name, files });
    }
    assert!(cases.len() > 5, "the suite is not where it should be");
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

fn read_folder(path: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(path).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        let name = format!(
            "{prefix}{}",
            path.file_name().expect("a name").to_string_lossy()
        );
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read_to_string(&path).expect("a readable file"));
        }
    }
}

fn annotations(files: &BTreeMap<String, String>) -> Found {
    let mut found = Found::new();
    for (file, text) in files {
        for (number, line) in (1..).zip(text.lines()) {
            for (mark, severity) in [("# Error: ", "error"), ("# Warning: ", "warning")] {
                for summary in line.split(mark).skip(1) {
                    let summary = summary.split(" # ").next().unwrap_or_default();
                    let words = format!("{severity} {}", summary.trim());
                    found.insert((file.clone(), number, words));
                }
            }
        }
    }
    found
}

fn validated(files: &BTreeMap<String, String>) -> Found {
    let files = MemoryFiles::new(
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let mut diags = Diagnostics::new();
    let config = load(&files, Path::new("."), &mut diags);
    validate(&Arc::new(config), &support::schemas(), &mut diags);
    // What Strata understands and lacks is no mistake of the configuration.
    let of_the_user = |found: &&Diagnostic| !["unsupported", STORAGE].contains(&found.code);
    diags.iter().filter(of_the_user).map(place).collect()
}

fn place(diagnostic: &Diagnostic) -> (String, u32, String) {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let words = format!("{severity} {}", diagnostic.summary);
    match diagnostic.labels.first() {
        Some(label) => (label.span.file.to_string(), label.span.start.line, words),
        None => ("-".to_owned(), 0, words),
    }
}
