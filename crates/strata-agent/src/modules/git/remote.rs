//! What a remote repository has, and which of it a version means.

use super::Git;
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::programs;

/// What `git ls-remote` lists.
pub(super) struct Remote {
    /// The branch that `HEAD` stands for.
    head: Option<String>,
    refs: Vec<(String, String)>,
}

/// What a version means.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) commit: String,
    /// The name of a branch or tag; none for a commit.
    pub(super) name: Option<String>,
    pub(super) is_branch: bool,
    pub(super) is_tag: bool,
    pub(super) is_annotated: bool,
}

impl Remote {
    /// Asks the remote.
    pub(super) fn ask(host: &dyn Host, git: &Git) -> Result<Remote, ModuleError> {
        let said = host.run(&git.git(&["ls-remote", "--symref", &git.repo]))?;
        if said.status != 0 {
            let (out, why) = (&said.stdout, said.stderr.trim_end());
            let msg = format!("Failed to download remote objects and refs: {out} {why}");
            return Err(ModuleError::new(msg).with(programs::results(&said)));
        }
        Ok(Remote::read(&said.stdout))
    }

    fn read(listing: &str) -> Remote {
        let head = listing.lines().find_map(|line| {
            let (name, of) = line.strip_prefix("ref: refs/heads/")?.split_once('\t')?;
            (of == "HEAD").then(|| name.to_owned())
        });
        let pairs = listing
            .lines()
            .filter(|line| !line.starts_with("ref: "))
            .filter_map(|line| line.split_once('\t'));
        Remote {
            head,
            refs: pairs
                .map(|(commit, name)| (name.to_owned(), commit.to_owned()))
                .collect(),
        }
    }

    fn commit(&self, name: &str) -> Option<&str> {
        let found = self.refs.iter().find(|(known, _)| known == name);
        found.map(|(_, commit)| commit.as_str())
    }

    /// What a version means: a branch, a tag, a reference by its whole name, a branch as `git` names what it fetched
    /// (`origin/main`), or a commit; the last two are checked out without a branch of ours.
    pub(super) fn find(
        &self,
        version: &str,
        (remote, repo): (&str, &str),
    ) -> Result<Version, ModuleError> {
        let name = match (version, &self.head) {
            ("HEAD", Some(head)) => head,
            (version, _) => version,
        };
        let named = |commit: &str, is_branch, is_tag, is_annotated| Version {
            commit: commit.to_owned(),
            name: Some(name.to_owned()),
            is_branch,
            is_tag,
            is_annotated,
        };
        if let Some(commit) = self.commit(&format!("refs/heads/{name}")) {
            return Ok(named(commit, true, false, false));
        }
        if let Some(commit) = self.commit(&format!("refs/tags/{name}^{{}}")) {
            return Ok(named(commit, false, true, true));
        }
        if let Some(commit) = self.commit(&format!("refs/tags/{name}")) {
            return Ok(named(commit, false, true, false));
        }
        if let Some(commit) = self.commit(name) {
            return Ok(named(commit, false, false, false));
        }
        let fetched = version
            .strip_prefix(remote)
            .and_then(|rest| self.commit(&format!("refs/heads/{}", rest.strip_prefix('/')?)));
        let is_commit = version.len() >= 4 && version.chars().all(|c| c.is_ascii_hexdigit());
        if let Some(commit) = fetched.or(is_commit.then_some(version)) {
            return Ok(Version {
                commit: commit.to_owned(),
                name: None,
                is_branch: false,
                is_tag: false,
                is_annotated: false,
            });
        }
        Err(ModuleError::new(format!(
            "Failed to checkout {version}: `{repo}` has no such branch, tag or commit"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
ref: refs/heads/main\tHEAD
aaaa\tHEAD
aaaa\trefs/heads/main
bbbb\trefs/heads/dev
cccc\trefs/tags/v1
dddd\trefs/tags/v1^{}
eeee\trefs/tags/light
";

    #[test]
    fn versions_are_branches_tags_or_commits() {
        let remote = Remote::read(LISTING);
        let find = |version| remote.find(version, ("origin", "r")).unwrap();
        assert_eq!(find("HEAD").name.as_deref(), Some("main"));
        assert_eq!(
            (find("dev").commit.as_str(), find("dev").is_branch),
            ("bbbb", true)
        );
        assert_eq!(
            (find("v1").commit.as_str(), find("v1").is_annotated),
            ("dddd", true)
        );
        assert_eq!(find("light").commit, "eeee");
        assert_eq!(find("0123abc").name, None);
        assert_eq!(
            (find("origin/dev").commit.as_str(), find("origin/dev").name),
            ("bbbb", None)
        );
        assert!(remote.find("nothing", ("origin", "r")).is_err());
        assert!(remote.find("up/dev", ("origin", "r")).is_err());
    }
}
