//! Archives of tar, compressed or not, by GNU tar.

use std::path::{Path, PathBuf};

use super::{Choice, is_listed, shown};
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::programs;
use crate::system::Command;

/// One way to compress: Ansible's name for it, and tar's option.
pub(super) struct Kind {
    name: &'static str,
    option: Option<&'static str>,
}

/// In the order in which they are tried.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "TgzArchive",
        option: Some("-z"),
    },
    Kind {
        name: "TarArchive",
        option: None,
    },
    Kind {
        name: "TarBzipArchive",
        option: Some("-j"),
    },
    Kind {
        name: "TarXzArchive",
        option: Some("-J"),
    },
    Kind {
        name: "TarZstdArchive",
        option: Some("--use-compress-program=zstd"),
    },
];

pub(super) struct Tar<'a> {
    kind: &'static Kind,
    src: PathBuf,
    dest: PathBuf,
    choice: &'a Choice,
    pub(super) files: Vec<String>,
}

impl<'a> Tar<'a> {
    /// Lists the archive; fails where it is not of this kind.
    pub(super) fn read(
        host: &dyn Host,
        src: &Path,
        dest: &Path,
        choice: &'a Choice,
        kind: &'static Kind,
    ) -> Result<Tar<'a>, ModuleError> {
        let mut tar = Tar {
            kind,
            src: src.to_owned(),
            dest: dest.to_owned(),
            choice,
            files: Vec::new(),
        };
        let said = host.run(&tar.command("--list", false))?;
        if said.status != 0 {
            let why = said.stderr.trim_end();
            return Err(ModuleError::new(format!(
                "Command \"tar\" could not handle archive: Unable to list files in the archive: \
                 {why}"
            )));
        }
        let names = said.stdout.lines().map(unquoted);
        let names = names.map(|name| name.trim_start_matches('/').to_owned());
        tar.files = names
            .filter(|name| !is_listed(name.trim_end_matches('/'), &choice.exclude))
            .collect();
        if tar.files.is_empty() {
            return Err(ModuleError::new(
                "Command \"tar\" found no files in archive. Empty archive files are not supported.",
            ));
        }
        Ok(tar)
    }

    pub(super) fn name(&self) -> &'static str {
        self.kind.name
    }

    pub(super) fn extract(&self) -> Command {
        self.command("--extract", true)
    }

    /// What `tar --diff` finds, but for what the task sets anyhow.
    pub(super) fn differs(&self, host: &dyn Host) -> Result<bool, ModuleError> {
        let said = host.run(&self.command("--diff", true))?;
        let is_root = host.user_id() == 0;
        let counts = |line: &str| {
            if line.ends_with(": : Warning: Cannot stat: No such file or directory") {
                return false;
            }
            let ends = |end: &str| line.ends_with(end);
            ends(": Uid differs") && is_root && self.choice.owner.is_none()
                || ends(": Gid differs") && is_root && self.choice.group.is_none()
                || ends(": Mode differs") && !self.choice.has_mode
                || DIFFERENCES
                    .iter()
                    .any(|difference| line.contains(difference))
        };
        let differs = said.stdout.lines().chain(said.stderr.lines()).any(counts);
        Ok(differs)
    }

    fn command(&self, verb: &str, sets: bool) -> Command {
        let choice = self.choice;
        let mut argv = vec!["tar".to_owned(), verb.to_owned(), "-C".to_owned()];
        argv.push(shown(&self.dest));
        argv.extend(self.kind.option.map(str::to_owned));
        if !choice.options.is_empty() {
            argv.push("--show-transformed-names".to_owned());
            argv.extend(choice.options.iter().cloned());
        }
        if sets {
            argv.extend(
                choice
                    .owner
                    .as_ref()
                    .map(|owner| format!("--owner={owner}")),
            );
            argv.extend(
                choice
                    .group
                    .as_ref()
                    .map(|group| format!("--group={group}")),
            );
            argv.extend(choice.keep_newer.then(|| "--keep-newer-files".to_owned()));
        }
        let excluded = choice.exclude.iter().map(|path| path.trim_end_matches('/'));
        argv.extend(excluded.map(|path| format!("--exclude={path}")));
        argv.extend(["-f".to_owned(), shown(&self.src)]);
        argv.extend(choice.include.iter().cloned());
        programs::plain(argv)
    }
}

const DIFFERENCES: &[&str] = &[
    ": Mod time differs",
    ": Warning: Cannot stat: No such file or directory",
    ": Invalid owner",
    ": Invalid group",
    ": Symlink differs",
    ": Contents differ",
    ": Size differs",
];

/// A name as tar lists it in the C locale: other bytes than ASCII are octal escapes.
fn unquoted(line: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let octal = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (byte, octal, tail.first()) {
            (b'\\', Some(octal), _) => {
                bytes.push(octal);
                rest = &tail[3..];
            }
            (b'\\', None, Some(&next)) => {
                bytes.push(match next {
                    b'n' => b'\n',
                    b't' => b'\t',
                    other => other,
                });
                rest = &tail[1..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_tar_quotes_them() {
        assert_eq!(unquoted("a/\\303\\251\\\\b"), "a/é\\b");
    }
}
