//! `git`: a repository checked out at a version, by the host's own `git`.
//!
//! What the remote has is asked for once (`ls-remote`), so that the commit that will be there is
//! known before anything changes, in check mode, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs::{self, checked};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};
use crate::system::Command;
use remote::{Remote, Version};

mod remote;

pub(super) struct Git {
    repo: String,
    dest: PathBuf,
    version: String,
    remote: String,
    refspec: Option<String>,
    reference: Option<String>,
    force: bool,
    depth: Option<i64>,
    clone: bool,
    update: bool,
    bare: bool,
    recursive: bool,
    single_branch: bool,
    track_submodules: bool,
    verify_commit: bool,
    /// The fingerprints of those who may have signed; empty for anybody whose key is there.
    signers: Vec<String>,
    executable: String,
    separate: Option<PathBuf>,
    archive: Option<(PathBuf, Option<String>)>,
    umask: Option<String>,
    environment: BTreeMap<String, String>,
    diff: bool,
}

/// The checkout as it is, and what the remote has.
pub(super) struct Found {
    /// The commit that is checked out; none where there is no repository.
    before: Option<String>,
    is_there: bool,
    modified: bool,
    url_differs: bool,
    version: Option<Version>,
    /// The branch that is checked out.
    branch: Option<String>,
    stale_submodules: bool,
    new_parents: Vec<PathBuf>,
}

impl Module for Git {
    const SPEC: Spec = Spec::new(
        "git",
        &[
            Field::path("dest"),
            Field::str("repo").alias(&["name"]).required(),
            Field::str("version").default("HEAD"),
            Field::str("remote").default("origin"),
            Field::str("refspec"),
            Field::str("reference"),
            Field::bool("force", false),
            Field::int("depth"),
            Field::bool("clone", true),
            Field::bool("update", true),
            Field::bool("verify_commit", false),
            Field::bool("accept_hostkey", false),
            Field::bool("accept_newhostkey", false),
            Field::path("key_file"),
            Field::str("ssh_opts"),
            Field::path("executable").default("git"),
            Field::bool("bare", false),
            Field::bool("recursive", true),
            Field::bool("single_branch", false),
            Field::bool("track_submodules", false),
            Field::new("umask", FieldKind::Raw),
            Field::path("archive"),
            Field::str("archive_prefix"),
            Field::path("separate_git_dir"),
            Field::list("gpg_allowlist").alias(&["gpg_whitelist"]),
        ],
    )
    .exclusive(&[
        &["separate_git_dir", "bare"],
        &["accept_hostkey", "accept_newhostkey"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Git, ModuleError> {
        let repo = arguments.text("repo");
        let dest = arguments.path("dest");
        if dest.is_none() && arguments.bool("clone") {
            return Err(ModuleError::new(
                "the destination directory must be specified unless clone=no",
            ));
        }
        let archive_prefix = arguments.string("archive_prefix");
        let archive = arguments.path("archive");
        if archive_prefix.is_some() && archive.is_none() {
            return Err(ModuleError::new(
                "missing parameter(s) required by 'archive_prefix': archive",
            ));
        }
        if let Some(path) = &archive
            && !has_format(path)
        {
            return Err(ModuleError::new(format!(
                "Unable to get file extension from archive file name : {}",
                path.display()
            )));
        }
        for (name, value) in [
            ("version", arguments.text("version")),
            ("repo", repo.clone()),
        ] {
            // It would be taken for an option.
            if value.starts_with('-') {
                return Err(ModuleError::new(format!("`{value}` cannot be the {name}")));
            }
        }
        Ok(Git {
            // A plain path would be copied without regard to `depth`.
            repo: match repo.starts_with('/') {
                true => format!("file://{repo}"),
                false => repo,
            },
            dest: dest.unwrap_or_default(),
            version: arguments.text("version"),
            remote: arguments.text("remote"),
            refspec: arguments.string("refspec"),
            reference: arguments.string("reference"),
            force: arguments.bool("force"),
            depth: arguments.int("depth"),
            clone: arguments.bool("clone"),
            update: arguments.bool("update"),
            bare: arguments.bool("bare"),
            recursive: arguments.bool("recursive"),
            single_branch: arguments.bool("single_branch"),
            track_submodules: arguments.bool("track_submodules"),
            verify_commit: arguments.bool("verify_commit"),
            signers: arguments.list("gpg_allowlist").unwrap_or_default(),
            executable: arguments.text("executable"),
            separate: arguments.path("separate_git_dir"),
            archive: archive.map(|path| (path, archive_prefix)),
            umask: arguments.raw("umask").map(umask).transpose()?,
            environment: environment(arguments),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, &self.executable)?;
        let folder = self.repository(host)?;
        let is_there = host.metadata_followed(&folder.join("config"))?.is_some();
        let mut found = Found {
            before: None,
            is_there,
            modified: false,
            url_differs: false,
            version: None,
            branch: None,
            stale_submodules: false,
            new_parents: Vec::new(),
        };
        if is_there {
            let head = host.run(&self.in_dest(&["rev-parse", "HEAD"]))?;
            found.before = (head.status == 0).then(|| head.stdout.trim().to_owned());
        }
        if is_there && !self.update {
            return Ok(found);
        }
        if is_there {
            self.observe_checkout(host, &mut found)?;
        } else if let Some(parent) = self.dest.parent() {
            found.new_parents = super::file::missing_folders(host, parent)?;
        }
        let remote = (self.remote.as_str(), self.repo.as_str());
        found.version = Some(Remote::ask(host, self)?.find(&self.version, remote)?);
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(version) = &found.version {
            if !found.is_there && !self.clone {
                return changes;
            }
            if !found.is_there {
                self.decide_clone(found, version, &mut changes);
            } else {
                self.decide_update(found, version, &mut changes);
            }
        }
        if let Some((path, prefix)) = &self.archive {
            changes.push(self.archive(path, prefix.as_deref()));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let expected = found.version.as_ref().map(|version| version.commit.clone());
        let mut after = expected.or_else(|| found.before.clone());
        if outcome.changed && !outcome.check {
            let head = checked(host, &self.in_dest(&["rev-parse", "HEAD"]))?;
            after = Some(head.stdout.trim().to_owned());
        }
        if (found.is_there || outcome.changed) && !outcome.check {
            self.check_signature(host, found)?;
        }
        let mut values = values(json!({"before": found.before, "after": after}));
        if found.is_there && self.update {
            values.insert("remote_url_changed".to_owned(), found.url_differs.into());
        }
        if found.stale_submodules {
            values.insert("submodules_changed".to_owned(), true.into());
        }
        let dest = self.dest.display();
        let msg = match found.modified && outcome.changed {
            true => format!("Local modifications exist in the destination: {dest}"),
            false => String::new(),
        };
        let differs = found.before != after;
        // Ansible reports what a clone would bring even where it is told not to clone.
        let changed = outcome.changed || (!found.is_there && !self.clone);
        let diff = (self.diff && differs).then(|| Diff {
            path: dest.to_string(),
            before: found
                .before
                .clone()
                .map_or(String::new(), |commit| commit + "\n"),
            after: after.map_or(String::new(), |commit| commit + "\n"),
            ..Diff::default()
        });
        Ok(Report {
            msg,
            values,
            changed: Some(changed),
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl Git {
    /// A command of git, wherever.
    fn git(&self, words: &[&str]) -> Command {
        let mut argv: Vec<String> = Vec::new();
        if let Some(umask) = &self.umask {
            let script = format!("umask {umask} && exec \"$@\"");
            argv.extend(["sh", "-c", &script, "sh"].map(str::to_owned));
        }
        argv.push(self.executable.clone());
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        let mut command = programs::plain(argv);
        command.environment.extend(self.environment.clone());
        command
    }

    fn in_dest(&self, words: &[&str]) -> Command {
        Command {
            directory: Some(self.dest.clone()),
            ..self.git(words)
        }
    }

    fn change(&self, words: &[&str]) -> Change {
        programs::change(self.in_dest(words))
    }

    /// The folder of the repository itself; `.git` may be a file that says where it is.
    fn repository(&self, host: &dyn Host) -> Result<PathBuf, ModuleError> {
        if self.bare {
            return Ok(self.dest.clone());
        }
        let inside = self.dest.join(".git");
        let there = host.metadata(&inside)?;
        if there.is_none_or(|there| there.kind != Kind::File) {
            return Ok(inside);
        }
        let text = host.read_text(&inside).unwrap_or_default();
        let Some(path) = text.trim_end().strip_prefix("gitdir: ") else {
            return Err(ModuleError::new(
                "Current repo does not have a valid reference to a separate Git dir or it refers \
                 to the invalid path",
            ));
        };
        Ok(self.dest.join(path))
    }

    fn observe_checkout(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        if !self.bare {
            let status = checked(host, &self.in_dest(&["status", "--porcelain"]))?;
            let untracked = |line: &str| line.starts_with("??");
            found.modified = status.stdout.lines().any(|line| !untracked(line));
            if found.modified && !self.force {
                let shown = self.dest.display();
                return Err(ModuleError::new(format!(
                    "Local modifications exist in the destination: {shown} (force=no)."
                ))
                .with(json!({"before": found.before})));
            }
            let branch = host.run(&self.in_dest(&["symbolic-ref", "--short", "-q", "HEAD"]))?;
            found.branch = Some(branch.stdout.trim().to_owned()).filter(|name| !name.is_empty());
        }
        let url = host.run(&self.in_dest(&["ls-remote", "--get-url", &self.remote]))?;
        found.url_differs = url.status == 0 && url.stdout.trim() != self.repo;
        let modules = self.dest.join(".gitmodules");
        if self.recursive && !self.bare && host.metadata(&modules)?.is_some() {
            let status = checked(host, &self.in_dest(&["submodule", "status"]))?;
            let stale = |line: &str| !line.starts_with(' ');
            found.stale_submodules = self.track_submodules || status.stdout.lines().any(stale);
        }
        Ok(())
    }

    fn decide_clone(&self, found: &Found, version: &Version, changes: &mut Vec<Change>) {
        for path in &found.new_parents {
            changes.push(Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
        }
        let dest = self.dest.to_string_lossy();
        let depth = self.depth.map(|depth| depth.to_string());
        let separate = self.separate.as_ref().map(|path| path.to_string_lossy());
        let mut words = vec!["clone"];
        words.extend(self.bare.then_some("--bare"));
        if self.remote != "origin" {
            words.extend(["--origin", &self.remote]);
        }
        let named = version.name.as_deref();
        if let Some(name) = named.filter(|_| version.is_branch || version.is_tag) {
            words.extend(["--branch", name]);
        }
        // A commit without a name cannot be asked for alone.
        let shallow = depth
            .as_deref()
            .filter(|_| named.is_some() || self.refspec.is_some());
        if let Some(depth) = shallow {
            words.extend(["--depth", depth]);
        }
        words.extend(self.single_branch.then_some("--single-branch"));
        if let Some(reference) = &self.reference {
            words.extend(["--reference", reference]);
        }
        if let Some(separate) = &separate {
            words.extend(["--separate-git-dir", separate]);
        }
        words.extend([self.repo.as_str(), &dest]);
        changes.push(programs::change(self.git(&words)));
        if self.bare && self.remote != "origin" {
            changes.push(self.change(&["remote", "add", &self.remote, &self.repo]));
        }
        if let Some(refspec) = &self.refspec {
            let mut words = vec!["fetch"];
            if let Some(depth) = shallow {
                words.extend(["--depth", depth]);
            }
            words.extend([self.remote.as_str(), refspec]);
            changes.push(self.change(&words));
        }
        self.decide_checkout(found, version, changes);
        self.decide_submodules(changes);
    }

    fn decide_update(&self, found: &Found, version: &Version, changes: &mut Vec<Change>) {
        if found.url_differs {
            changes.push(self.change(&["remote", "set-url", &self.remote, &self.repo]));
        }
        if found.modified {
            changes.push(self.change(&["reset", "--hard", "HEAD", "--"]));
        }
        let is_at = found.before.as_deref() == Some(version.commit.as_str());
        if !is_at {
            self.decide_fetch(version, changes);
            self.decide_checkout(found, version, changes);
        }
        if found.stale_submodules || (self.recursive && !self.bare && !is_at) {
            self.decide_submodules(changes);
        }
    }

    fn decide_fetch(&self, version: &Version, changes: &mut Vec<Change>) {
        let depth = self.depth.map(|depth| depth.to_string());
        let mut specs: Vec<String> = Vec::new();
        let name = version.name.as_deref().unwrap_or_default();
        if let Some(refspec) = &self.refspec {
            specs.push(refspec.clone());
        }
        if version.is_branch && depth.is_some() {
            specs.push(format!(
                "+refs/heads/{name}:refs/remotes/{}/{name}",
                self.remote
            ));
        } else if version.is_tag && depth.is_some() {
            specs.push(format!("+refs/tags/{name}:refs/tags/{name}"));
        }
        let mut words = vec!["fetch"];
        match depth.as_deref().filter(|_| !specs.is_empty()) {
            Some(depth) => words.extend(["--depth", depth]),
            None if self.bare => {
                specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
                    .map(str::to_owned)
                    .to_vec();
                specs.extend(self.refspec.clone());
            }
            None => words.push("--tags"),
        }
        words.extend(self.force.then_some("--force"));
        words.push(&self.remote);
        words.extend(specs.iter().map(String::as_str));
        changes.push(self.change(&words));
    }

    fn decide_checkout(&self, found: &Found, version: &Version, changes: &mut Vec<Change>) {
        if self.bare {
            return;
        }
        match version.name.as_deref().filter(|_| version.is_branch) {
            Some(branch) => {
                let theirs = format!("{}/{branch}", self.remote);
                if found.branch.as_deref() != Some(branch) || !found.is_there {
                    changes.push(self.change(&["checkout", "--force", "-B", branch, &theirs]));
                } else {
                    changes.push(self.change(&["reset", "--hard", &theirs, "--"]));
                }
            }
            None => changes.push(self.change(&["checkout", "--force", &self.version])),
        }
        if self.verify_commit {
            changes.push(self.change(&[verification(version), &self.version]));
        }
    }

    /// Fails where what is checked out is not signed, or by somebody who is not among those who may; also where it was there
    /// before, as in Ansible.
    fn check_signature(&self, host: &dyn Host, found: &Found) -> Result<(), ModuleError> {
        let version = found.version.as_ref().filter(|_| !self.bare);
        let Some(version) = version.filter(|_| self.verify_commit) else {
            return Ok(());
        };
        let words = [verification(version), "--raw", &self.version];
        let said = checked(host, &self.in_dest(&words))?;
        let keys = signing_keys(&said.stderr);
        if self.signers.is_empty() || keys.iter().any(|key| self.signers.contains(key)) {
            return Ok(());
        }
        let key = keys.first().map_or("", String::as_str);
        let msg =
            format!("The gpg_allowlist does not include the public key \"{key}\" for this commit");
        Err(ModuleError::new(msg).with(programs::results(&said)))
    }

    fn decide_submodules(&self, changes: &mut Vec<Change>) {
        if !self.recursive || self.bare {
            return;
        }
        changes.push(self.change(&["submodule", "sync"]));
        let mut words = vec!["submodule", "update", "--init", "--recursive"];
        words.extend(self.track_submodules.then_some("--remote"));
        words.extend(self.force.then_some("--force"));
        changes.push(self.change(&words));
    }

    fn archive(&self, path: &Path, prefix: Option<&str>) -> Change {
        let path = path.to_string_lossy();
        let format = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("zip") => "zip",
            Some("tar") => "tar",
            _ => "tar.gz",
        };
        let prefix = prefix.map(|prefix| format!("--prefix={prefix}"));
        let format = format!("--format={format}");
        let mut words = vec!["archive", &format, "--output", &path];
        words.extend(prefix.as_deref());
        words.push(&self.version);
        self.change(&words)
    }
}

/// Whether the name of an archive says what it is.
fn has_format(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".zip", ".gz", ".tar", ".tgz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The command that looks at a signature.
fn verification(version: &Version) -> &'static str {
    if version.is_annotated {
        "verify-tag"
    } else {
        "verify-commit"
    }
}

/// The fingerprints in what `gpg` says of a valid signature: of the key that signed, and of the one to which it belongs.
fn signing_keys(said: &str) -> Vec<String> {
    let words = said.lines().map(|line| line.split_whitespace().skip(1));
    let valid = words
        .map(Iterator::collect::<Vec<&str>>)
        .find(|words| words.first() == Some(&"VALIDSIG"));
    let words = valid.unwrap_or_default();
    let keys = [words.get(1), words.get(10)];
    keys.into_iter()
        .flatten()
        .map(|key| (*key).to_owned())
        .collect()
}

fn umask(value: &Value) -> Result<String, ModuleError> {
    let Some(text) = value.as_str() else {
        return Err(ModuleError::new(
            "umask must be defined as a quoted octal integer",
        ));
    };
    match u32::from_str_radix(text, 8) {
        Ok(number) => Ok(format!("{number:04o}")),
        Err(_) => Err(ModuleError::new("umask must be an octal integer")),
    }
}

/// How git reaches the remote: never asking, with the key and options given.
fn environment(arguments: &Arguments) -> BTreeMap<String, String> {
    let mut options = arguments.text("ssh_opts");
    let known = options.contains("StrictHostKeyChecking=");
    if arguments.bool("accept_hostkey") && !known {
        options.push_str(" -o StrictHostKeyChecking=no");
    } else if arguments.bool("accept_newhostkey") && !known {
        options.push_str(" -o StrictHostKeyChecking=accept-new");
    }
    if let Some(key) = arguments.string("key_file") {
        let quoted = key.replace('\'', "'\\''");
        options.push_str(&format!(" -i '{quoted}' -o IdentitiesOnly=yes"));
    }
    let mut environment = BTreeMap::from([("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned())]);
    let ssh = format!("ssh -o BatchMode=yes {}", options.trim());
    environment.insert("GIT_SSH_COMMAND".to_owned(), ssh.trim_end().to_owned());
    environment
}

#[cfg(test)]
mod tests {
    use super::signing_keys;

    #[test]
    fn a_signature_names_its_key_and_the_one_above() {
        let said = "[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG SUB 2024-01-01 1 0 4 0 22 10 00 MAIN\n";
        assert_eq!(signing_keys(said), ["SUB", "MAIN"]);
        assert!(signing_keys("error: no signature found\n").is_empty());
    }
}
