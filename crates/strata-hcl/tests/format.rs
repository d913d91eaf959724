//! What `terraform fmt` writes, and what we do.
//!
//! `cases/format.txt` holds files between lines of `---`, [`ODD`] those that a text file cannot hold well.
//! `cases/format.json` holds what Terraform made of each, or null for a mistake. To ask it again:
//! `STRATA_RECORD=1 cargo test -p strata-hcl --test format`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure; its tests ask the real terraform"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be read or run fails the test"
)]

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Arc};

use strata_core::{Diagnostics, Source};
use strata_hcl::format;

/// Line breaks of other systems, byte order marks, missing line breaks, mistakes.
const ODD: [&str; 26] = [
    "a=1  ",
    "a=1\n  ",
    "a=1\t\t",
    "x {\n}\n  \t",
    "a=1 # foo  ",
    "a=[\n1\n]  ",
    "   ",
    "a=1\r",
    "a=1 \r\n\r",
    "x\u{feff}=1\n",
    "a=\"${\"${x}\"}\"\n",
    "",
    "\n\n\n",
    "a=1",
    "a=1 # foo",
    "# foo",
    "\u{feff}a=1\r\nbbb=2\r\n",
    "a=1\r\n\r\n#foo\r\nb = <<E\r\nfoo\r\nE\r\nc =\t[1]\t#d\r\n",
    "x {\r\n a=1\r\n\r\n}\r\n",
    "a\t=\t1\n\tb =\t2\n",
    "a=[\r\n1,\r\n2]\r\nb = \"${\r\nx}\"\r\n",
    "a = ",
    "a = 1 2\n",
    "a {",
    "a = <<E\nx\nE",
    "a = \"\n",
];

fn cases() -> Vec<String> {
    let text = fs::read_to_string(folder().join("format.txt")).unwrap();
    let written = text.split("---\n").map(str::to_owned);
    written.chain(ODD.map(str::to_owned)).collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
}

fn formatted(text: &str) -> Result<String, Diagnostics> {
    format(&Arc::new(Source::new("case.tf", text)))
}

#[test]
fn files_become_what_terraform_makes_of_them() {
    if std::env::var_os("STRATA_RECORD").is_some() {
        record();
    }
    let answers = fs::read_to_string(folder().join("format.json")).unwrap();
    let answers: BTreeMap<String, Option<String>> = serde_json::from_str(&answers).unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        let (ours, theirs) = (formatted(&case), &answers[&case]);
        if ours.as_ref().ok() != theirs.as_ref() {
            let ours = ours.unwrap_or_else(|diags| format!("{diags:?}"));
            let theirs = theirs.as_deref().unwrap_or("(a mistake)");
            wrong.push(format!("from:\n{case}\nours:\n{ours}\ntheirs:\n{theirs}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_is_formatted_stays_as_it_is() {
    for case in cases() {
        // Terraform takes one wrapping off at a time.
        let Some(once) = formatted(&case).ok().filter(|_| !case.contains("\"${\"${")) else {
            continue;
        };
        assert_eq!(formatted(&once), Ok(once.clone()), "from {case}");
    }
}

/// Terraform joins what then is another number, or none.
#[test]
fn a_number_does_not_run_into_its_attribute() {
    for text in ["d = 2 .3\n", "d = 2E0 .3\n"] {
        assert_eq!(formatted(&text.replace(" .", ". ")).unwrap(), text);
        assert_eq!(formatted(text).unwrap(), text);
    }
    assert_eq!(formatted("d = [1]. 0. 1\n").unwrap(), "d = [1].0.1\n");
}

fn record() {
    let scratch = std::env::temp_dir().join(format!("strata-format-{}", std::process::id()));
    fs::create_dir_all(&scratch).unwrap();
    let answers: BTreeMap<String, Option<String>> = cases()
        .into_iter()
        .map(|case| (case.clone(), ask(&scratch.join("case.tf"), &case)))
        .collect();
    let text = serde_json::to_string_pretty(&answers).unwrap() + "\n";
    fs::write(folder().join("format.json"), text).unwrap();
    fs::remove_dir_all(scratch).unwrap();
}

fn ask(file: &Path, case: &str) -> Option<String> {
    fs::write(file, case).unwrap();
    let output = Command::new("terraform")
        .arg("fmt")
        .arg(file)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output()
        .unwrap();
    let text = || fs::read_to_string(file).unwrap();
    output.status.success().then(text)
}
