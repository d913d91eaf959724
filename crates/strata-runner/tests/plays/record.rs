//! Asks the real `ansible-playbook` what it prints, counts and writes in a case, for `expected.txt`.
//!
//! Runs when `STRATA_RECORD` is set (`cargo xtask record playbooks`), as root, with `/case` as the hosts' folder.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::Value as Json;

/// What the case gives, in the form of [`crate::world::transcript`].
pub(crate) fn ask(case: &Path, options: &[&str]) -> String {
    let root = Path::new("/case");
    if root.exists() {
        fs::remove_dir_all(root).unwrap();
    }
    for host in ["a", "b", "c"] {
        fs::create_dir_all(root.join(host)).unwrap();
    }
    let interpreter =
        std::env::var("STRATA_RECORD_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
    let output = Command::new("ansible-playbook")
        .args(["-i", "../inventory.ini", "playbook.yml", "-f", "1"])
        .args(["-e", &format!("ansible_python_interpreter={interpreter}")])
        .args(options)
        .current_dir(case)
        .env("ANSIBLE_NOCOLOR", "1")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut text = lines(&printed, case);
    text.push_str(&format!("EXIT {}\n", output.status.code().unwrap()));
    tree(root, &mut text);
    fs::remove_dir_all(root).unwrap();
    text
}

fn lines(printed: &str, case: &Path) -> String {
    let mut text = String::new();
    // Files of the case are shown as they are named in it.
    let printed = printed.replace(&format!("{}/", case.display()), "");
    let mut rest = printed.lines().peekable();
    let mut meta = false;
    while let Some(line) = rest.next() {
        if line.starts_with("included: ") {
            let mut block = vec![line];
            while let Some(next) = rest.next_if(|next| next.starts_with("included: ")) {
                block.push(next);
            }
            included(&block, &mut text);
            continue;
        }
        let header = ["PLAY [", "TASK [", "RUNNING HANDLER ["]
            .iter()
            .any(|begin| line.starts_with(begin));
        if header {
            let header = line.trim_end_matches('*').trim_end();
            meta = header == "TASK [meta]";
            if !meta {
                text.push_str(&format!("{header}\n"));
            }
        } else if line.starts_with("PLAY RECAP") {
            text.push_str("PLAY RECAP\n");
        } else if line.contains(" : ok=") {
            let (host, counts) = line.split_once(':').unwrap();
            let counts: Vec<&str> = counts.split_whitespace().collect();
            text.push_str(&format!("  {}: {}\n", host.trim(), counts.join(" ")));
        } else if line == "...ignoring" || line.starts_with("skipping: no hosts") {
            text.push_str(&format!("  {line}\n"));
        } else if (line.starts_with('+') && !line.starts_with("+++"))
            || (line.starts_with('-') && !line.starts_with("---"))
        {
            text.push_str(&format!("  |{line}\n"));
        } else if ["ok: ", "changed: ", "skipping: ", "fatal: ", "failed: "]
            .iter()
            .any(|begin| line.starts_with(begin))
        {
            let mut whole = line.to_owned();
            while whole.ends_with('{') || whole.contains(" => {\n") && !whole.ends_with("\n}") {
                whole.push('\n');
                whole.push_str(rest.next().unwrap());
            }
            if !meta {
                result(&whole, &mut text);
            }
        }
    }
    text
}

/// Included files, which Ansible shows once for all hosts: a line for each host here, as our events come.
fn included(block: &[&str], text: &mut String) {
    let parts: Vec<(&str, Vec<&str>, &str)> = block
        .iter()
        .map(|line| {
            let (line, item) = line.split_once(" => ").unwrap_or((line, ""));
            let (file, hosts) = line.rsplit_once(" for ").unwrap();
            (file, hosts.split(", ").collect(), item)
        })
        .collect();
    let mut hosts: Vec<&str> = parts
        .iter()
        .flat_map(|(_, hosts, _)| hosts.clone())
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    for host in hosts {
        for (file, _, item) in parts.iter().filter(|(_, hosts, _)| hosts.contains(&host)) {
            let item = if item.is_empty() {
                String::new()
            } else {
                format!(" => {item}")
            };
            text.push_str(&format!("  {file} for {host}{item}\n"));
        }
    }
}

/// A result: its head, and the message that our events have.
fn result(whole: &str, text: &mut String) {
    let (head, json) = match whole.find(" => {") {
        Some(at) => (
            &whole[..at],
            serde_json::from_str(&whole[at + 4..]).unwrap_or(Json::Null),
        ),
        None => (whole, Json::Null),
    };
    let head = head.trim_end();
    let skipped = head.starts_with("skipping: ");
    text.push_str(&format!("  {head}\n"));
    let shown = match &json {
        _ if skipped => None,
        Json::Object(map) => map.get("msg").or_else(|| map.values().next()).map(|value| {
            match (map.contains_key("msg"), value) {
                (true, Json::String(text)) => text.clone(),
                (true, other) => other.to_string(),
                (false, other) => format!("{}: {other}", map.keys().next().unwrap()),
            }
        }),
        _ => None,
    };
    if let Some(shown) = shown {
        text.push_str(&format!("    {}\n", shown.replace('\n', "\n    ")));
    }
}

/// The files below a folder, by their paths, with modes and texts.
fn tree(folder: &Path, text: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            tree(&path, text);
        } else {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let content = fs::read_to_string(&path).unwrap();
            text.push_str(&format!("FILE {} {mode:o}\n{content}\n", path.display()));
        }
    }
}
