//! Asking the real Terraform, to record what it answers.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "asking a program needs files and a process"
)]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// What `terraform validate -json` says of a configuration.
pub(crate) struct Answer {
    /// Line by line: `main.tf:3 error Unsupported argument`.
    pub(crate) found: Vec<String>,
    /// Whether it is valid.
    pub(crate) valid: bool,
}

impl Answer {
    pub(crate) fn lines(&self) -> String {
        self.found.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Writes the files to a folder, initializes it without network, and validates it.
pub(crate) fn validate(files: &BTreeMap<String, String>) -> Answer {
    // Tests that record at the same time have folders of their own.
    let thread = format!("{:?}", std::thread::current().id());
    let name: String = thread.chars().filter(char::is_ascii_digit).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("terraform-{name}"));
    fs::remove_dir_all(&folder).ok();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(path, text).expect("a file is written");
    }
    run(&folder, &["init", "-backend=false", "-input=false"]);
    let answer = run(&folder, &["validate", "-json"]);
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("terraform writes JSON");
    let diagnostics = answer["diagnostics"].as_array().expect("a list");
    let mut found: Vec<String> = diagnostics.iter().filter_map(line).collect();
    found.sort();
    let valid = answer["valid"] == true;
    Answer { found, valid }
}

/// None for what Terraform reports a second time, at a place without a file.
fn line(diagnostic: &serde_json::Value) -> Option<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let range = &diagnostic["range"];
    if range["filename"] == "" {
        return None;
    }
    Some(format!(
        "{}:{} {} {}",
        text(&range["filename"]),
        range["start"]["line"].as_u64().unwrap_or(0),
        text(&diagnostic["severity"]),
        text(&diagnostic["summary"])
    ))
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .expect("terraform runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
