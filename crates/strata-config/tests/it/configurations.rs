//! Many small configurations, each through our `validate` and through Terraform's.
//!
//! `tests/configurations/*.txt` hold the cases: `=== name`, then `main.tf`, then `--- other/file` for each file more. What
//! the real program answered is recorded beside it, in `*.answers`. Both must agree on whether a configuration is
//! valid, and all that Terraform finds we must find, of the same severity, under the same summary, in the same line. We
//! may find more, since Terraform stops after the first of its passes that finds something. A case that differs says
//! why in a line `# differs: …`, and must differ.
//!
//! Most of those say with one message what Terraform says with several. So it is also counted how many agree on the
//! first line that has a mistake, and on a summary of one that is there.

#![expect(
    clippy::disallowed_methods,
    reason = "the cases and the records are files"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_config::{STORAGE, load, validate_with_files};
use strata_core::{Diagnostic, Diagnostics, Severity, files::MemoryFiles};

use crate::{support, terraform};

struct Case {
    name: String,
    files: BTreeMap<String, String>,
    differs: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configurations")
}

fn groups() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the cases are there");
    let mut groups: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    groups.sort();
    groups
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut file = String::new();
    // A carriage return belongs to the case.
    for line in text.split_terminator('\n') {
        if let Some(name) = line.strip_prefix("=== ") {
            file = "main.tf".to_owned();
            let files = [(file.clone(), String::new())].into();
            cases.push(Case {
                name: name.to_owned(),
                files,
                differs: None,
            });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with its name");
        if let Some(name) = line.strip_prefix("--- ") {
            file = name.to_owned();
        } else if let Some(why) = line.strip_prefix("# differs: ") {
            case.differs = Some(why.to_owned());
        } else {
            let text = case.files.entry(file.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

/// `valid` or `invalid`, then what was found.
fn answers(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        match line.strip_prefix("=== ") {
            Some(next) => {
                name = next.to_owned();
                answers.insert(name.clone(), Vec::new());
            }
            None => answers
                .entry(name.clone())
                .or_default()
                .push(line.to_owned()),
        }
    }
    answers
}

fn ours(case: &Case) -> Vec<String> {
    let files = case
        .files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let files = Arc::new(MemoryFiles::new(files));
    let mut diags = Diagnostics::new();
    let config = Arc::new(load(&*files, Path::new("."), &mut diags));
    validate_with_files(
        &config,
        &support::schemas(),
        files,
        Path::new("."),
        &mut diags,
    );
    // What Strata understands and lacks is no mistake of the configuration.
    let mistakes: Vec<&Diagnostic> = diags
        .iter()
        .filter(|d| !["unsupported", STORAGE].contains(&d.code))
        .collect();
    let valid = match mistakes.iter().any(|found| found.is_error()) {
        true => "invalid",
        false => "valid",
    };
    let found = mistakes.into_iter().map(line);
    [valid.to_owned()].into_iter().chain(found).collect()
}

fn line(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = match diagnostic.labels.first() {
        Some(label) => format!("{}:{}", label.span.file, label.span.start.line),
        None => "-:0".to_owned(),
    };
    format!("{place} {severity} {}", diagnostic.summary)
}

/// True if we say the same; where Terraform knows no place, ours may be any.
fn is_among(line: &str, found: &[String]) -> bool {
    match line.strip_prefix("-:0 ") {
        Some(words) => found.iter().any(|ours| ours.ends_with(words)),
        None => found
            .iter()
            .any(|ours| ours == line || in_other_words(line, ours)),
    }
}

/// Summaries that expressions have in words of ours.
const WORDS: [(&str, &str); 12] = [
    ("Invalid operand", "Not an operand of this operator"),
    ("Operation failed", "Not an operand of this operator"),
    ("Incorrect condition type", "Not a condition"),
    (
        "Inconsistent conditional result types",
        "The two results of a conditional",
    ),
    ("Unsupported attribute", "There is no attribute"),
    (
        "Invalid template interpolation value",
        "A value does not fit into text",
    ),
    ("Invalid function argument", "`templatefile` failed"),
    ("Error in function call", "Invalid function argument"),
    (
        "Invalid expanding argument value",
        "What `...` follows is no list",
    ),
    ("Call to unknown function", "There is no function"),
    ("Unknown provider function", "There is no function"),
    ("Attribute redefined", "`value` is set twice"),
];

fn in_other_words(line: &str, ours: &str) -> bool {
    WORDS.iter().any(|(theirs, own)| {
        let place = line.strip_suffix(theirs);
        let said = place.and_then(|place| ours.strip_prefix(place));
        said.is_some_and(|said| said.starts_with(own))
    })
}

/// Where a line of an answer points to: file and line.
fn place(line: &str) -> (&str, u32) {
    let place = line.split(' ').next().unwrap_or_default();
    let (file, number) = place.rsplit_once(':').unwrap_or((place, ""));
    (file, number.parse().unwrap_or_default())
}

/// True if both find something in the same line first, or nothing, and we say there what Terraform says.
fn begins_alike(theirs: &[String], ours: &[String]) -> bool {
    let begin = |found: &[String]| {
        let places = found.iter().skip(1).map(|line| place(line));
        places.min().map(|(file, line)| (file.to_owned(), line))
    };
    let first = begin(theirs);
    if theirs.first() != ours.first() {
        return false;
    }
    let Some((file, line)) = first else {
        return true;
    };
    let mut there = theirs[1..]
        .iter()
        .filter(|found| place(found) == (&*file, line));
    there.any(|found| is_among(found, ours)) && (file == "-" || begin(ours) == Some((file, line)))
}

/// Asks Terraform again: about all cases, or with `STRATA_RECORD=new` about those without answer.
fn record(group: &Path) {
    let Ok(wanted) = std::env::var("STRATA_RECORD") else {
        return;
    };
    let text = fs::read_to_string(group).expect("a readable file");
    let kept = fs::read_to_string(group.with_extension("answers")).unwrap_or_default();
    let kept = answers(&kept);
    let mut out = String::new();
    for case in cases(&text) {
        let answer = match kept.get(&case.name).filter(|_| wanted == "new") {
            Some(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
            None => {
                let answer = terraform::validate(&case.files);
                let valid = if answer.valid { "valid" } else { "invalid" };
                format!("{valid}\n{}", answer.lines())
            }
        };
        out += &format!("=== {}\n{answer}", case.name);
    }
    fs::write(group.with_extension("answers"), out).expect("the record is written");
}

#[test]
fn terraform_and_we_agree() {
    let (mut wrong, mut same, mut begin, mut count) = (Vec::new(), 0, 0, 0);
    for group in groups() {
        record(&group);
        let text = fs::read_to_string(&group).expect("a readable file");
        let recorded = fs::read_to_string(group.with_extension("answers"));
        let recorded = answers(&recorded.expect("the answers are recorded"));
        for case in cases(&text) {
            count += 1;
            let theirs = recorded.get(&case.name).expect("the case is recorded");
            let found = ours(&case);
            begin += usize::from(begins_alike(theirs, &found));
            let missing: Vec<&String> = theirs
                .iter()
                .filter(|line| !is_among(line, &found))
                .collect();
            match (&case.differs, missing.is_empty()) {
                (None, true) => same += 1,
                (Some(_), false) => {}
                (Some(_), true) => wrong.push(format!("{}: does not differ any more", case.name)),
                (None, false) => wrong.push(format!(
                    "{}: Terraform says {missing:?}, we say {found:?}",
                    case.name
                )),
            }
        }
    }
    println_same(same, begin, count);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 120, "only {count} cases");
}

#[expect(clippy::print_stdout, reason = "the score is read by people")]
fn println_same(same: usize, begin: usize, count: usize) {
    println!(
        "configurations: {same} of {count} as in Terraform; the first mistake is in the same line and under the same \
         summary in {begin}"
    );
}
