//! What held it together until now: environment files, Makefiles, scripts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use strata_core::{Source, files::Files};

use super::walk::split;
use crate::project::env_file;

/// The environment file of the folder.
pub(super) struct EnvFile {
    /// True if `.env` itself is there.
    pub(super) exists: bool,
    /// Names that it, or its example, has.
    pub(super) names: Vec<String>,
}

/// `.env` or `.env.example` in the folder itself.
pub(super) fn env_file(files: &dyn Files, base: &Path, tree: &[String]) -> Option<EnvFile> {
    let has = |name: &str| tree.iter().any(|path| path == name);
    let (exists, example) = (has(".env"), has(".env.example"));
    let name = if example { ".env.example" } else { ".env" };
    let text = files.read_text(&base.join(name)).ok()?;
    let notes = env_file::notes(&Source::new(name, text));
    Some(EnvFile {
        exists,
        names: notes.into_iter().map(|note| note.name).collect(),
    })
}

/// Programs that run the tools which Strata replaces, and what of it.
pub(super) fn programs(files: &dyn Files, base: &Path, tree: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in tree {
        let name = split(path).1;
        let Ok(text) = (match name {
            "Makefile" | "makefile" | "justfile" | "Justfile" | "Taskfile.yml" | ".mise.toml"
            | "mise.toml" => files.read_text(&base.join(path)),
            name if name.ends_with(".sh") => files.read_text(&base.join(path)),
            _ => continue,
        }) else {
            continue;
        };
        if name.ends_with("akefile") {
            found.extend(
                targets(&text)
                    .into_iter()
                    .map(|(target, does)| (format!("{path}: {target}"), does)),
            );
        } else if let Some(does) = purpose(&text) {
            found.push((path.clone(), does));
        }
    }
    let packer = tree.iter().filter(|path| path.ends_with(".pkr.hcl"));
    let mut folders: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for path in packer {
        folders.entry(split(path).0).or_default().push(path);
    }
    found.extend(folders.into_iter().map(|(folder, files)| {
        let name = match (folder, &files[..]) {
            (_, [only]) => (*only).clone(),
            ("", _) => "*.pkr.hcl".to_owned(),
            (folder, _) => format!("{folder}/*.pkr.hcl"),
        };
        let does = "builds an image with Packer; a stage `image` does that, with a playbook";
        (name, does.to_owned())
    }));
    found.extend(terragrunt(tree));
    found
}

/// The files of Terragrunt, told once: there is one in each folder.
fn terragrunt(tree: &[String]) -> Option<(String, String)> {
    let mut files = tree.iter().filter(|path| split(path).1 == "terragrunt.hcl");
    let first = files.next()?;
    let name = match files.count() {
        0 => first.clone(),
        more => format!("{first} and {more} more"),
    };
    let does = "is Terragrunt's: `inputs` are `variables` of a stage, `dependency` is `provision.STAGE.OUTPUT`, and a `backend` may use variables";
    Some((name, does.to_owned()))
}

/// The targets of a Makefile: those that run such a tool, then all others in one.
fn targets(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut others = BTreeSet::new();
    let mut target: Option<&str> = None;
    for line in text.lines() {
        if let Some(recipe) = line.strip_prefix('\t') {
            match (target, purpose(recipe)) {
                (Some(name), Some(does)) => {
                    found.push((name.to_owned(), does));
                    target = None;
                }
                (Some(name), None) => others.extend([name]),
                (None, _) => {}
            }
        } else if let Some((name, _)) = line.split_once(':').filter(|(name, _)| is_target(name)) {
            target = Some(name);
        }
    }
    others.retain(|other| found.iter().all(|(name, _)| name != other));
    let names: Vec<&str> = others.into_iter().collect();
    let why = match names.len() {
        0 => return found,
        1 => "runs something else: it stays as it is, or becomes a `verify` with `command`",
        _ => "run something else: they stay as they are, or become a `verify` with `command`",
    };
    found.push((names.join(", "), why.to_owned()));
    found
}

fn is_target(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/');
    !name.is_empty() && name.chars().all(allowed)
}

/// What a script is for, if it runs a tool which Strata replaces.
fn purpose(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim_start);
    let lines: Vec<String> = lines
        .filter(|line| !line.starts_with('#'))
        .map(without_folder)
        .collect();
    let uses = |word: &str| lines.iter().any(|line| line.contains(word));
    let purposes = [
        (
            ["terraform output", "tofu output"],
            "hands outputs on; `provision.STAGE.OUTPUT` does that",
        ),
        (
            ["terraform destroy", "tofu destroy"],
            "is `strata down ENV`",
        ),
        (["terraform apply", "tofu apply"], "is `strata up ENV`"),
        (["terraform plan", "tofu plan"], "is `strata plan ENV`"),
        (
            ["ansible-playbook", "ansible-pull"],
            "is `strata configure ENV`",
        ),
        (
            ["packer build", "packer init"],
            "builds an image with Packer; a stage `image` does that, with a playbook",
        ),
    ];
    let found = purposes
        .iter()
        .find(|(words, _)| words.iter().any(|word| uses(word)));
    found.map(|(_, purpose)| (*purpose).to_owned())
}

/// The line without `-chdir=…`, which may stand between a program and what it does.
fn without_folder(line: &str) -> String {
    let words = line.split_whitespace();
    let words: Vec<&str> = words.filter(|word| !word.starts_with("-chdir=")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_run_tools_are_named_with_what_replaces_them() {
        let text = ".PHONY: up\nup: init\n\t@cd tf && terraform apply -auto-approve\n\nlint:\n\tyamllint .\nbackup:\n\trestic backup .\nplay:\n\tansible-playbook site.yml\n";
        let expected = [
            ("up", "is `strata up ENV`"),
            ("play", "is `strata configure ENV`"),
            (
                "backup, lint",
                "run something else: they stay as they are, or become a `verify` with `command`",
            ),
        ];
        let expected = expected.map(|(name, does)| (name.to_owned(), does.to_owned()));
        assert_eq!(targets(text), expected);
    }
}
