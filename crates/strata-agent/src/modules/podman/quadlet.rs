//! A file of Quadlet: systemd makes a unit of it that makes the thing.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::folder_of;
use crate::arguments::Arguments;
use crate::change::{Change, FileContent, FileWrite, Heading};
use crate::host::{Host, Metadata, Permissions};
use crate::mode::Mode;
use crate::module::ModuleError;
use crate::modules::file::missing_folders;

pub(super) struct Quadlet {
    folder: Option<PathBuf>,
    file: String,
    mode: Option<Mode>,
    content: String,
    /// It holds a password, and no diff shows it.
    is_hidden: bool,
}

/// A thing of Podman, or the file of Quadlet that describes it.
pub(in crate::modules) enum Found<T> {
    Thing(Box<T>),
    Quadlet(File),
}

/// The file as it is.
pub(in crate::modules) struct File {
    path: PathBuf,
    there: Option<Metadata>,
    missing: Vec<PathBuf>,
    is_same: bool,
}

impl Quadlet {
    /// A file with one section of these lines (`Driver=local`), and those that the task adds.
    pub(super) fn read(
        arguments: &Arguments,
        kind: &str,
        section: &str,
        lines: Vec<(&str, Vec<String>)>,
    ) -> Result<Quadlet, ModuleError> {
        let end = format!(".{kind}");
        let name = || {
            let name = arguments.text("name");
            match kind {
                "image" => file_of_image(&name).to_owned(),
                _ => name,
            }
        };
        let mut file = arguments.filled("quadlet_filename").unwrap_or_else(name);
        if !file.ends_with(&end) {
            file.push_str(&end);
        }
        let mut content = format!("[{section}]\n");
        for (key, values) in lines {
            for value in values {
                content.push_str(&format!("{key}={value}\n"));
            }
        }
        for line in arguments.list("quadlet_options").unwrap_or_default() {
            content.push_str(&format!("{line}\n"));
        }
        let mode = arguments.raw("quadlet_file_mode").map(Mode::read);
        Ok(Quadlet {
            folder: arguments.filled_path("quadlet_dir"),
            file,
            mode: mode.transpose()?,
            content,
            is_hidden: false,
        })
    }

    /// The same, with something in it that no diff may show.
    pub(super) fn hidden(self, is_hidden: bool) -> Quadlet {
        Quadlet { is_hidden, ..self }
    }

    pub(super) fn observe(&self, host: &dyn Host) -> Result<File, ModuleError> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None if host.user_id() == 0 => PathBuf::from("/etc/containers/systemd"),
            None => {
                let home = host.environment().get("HOME").cloned();
                let home = home.filter(|home| !home.is_empty()).ok_or_else(|| {
                    ModuleError::new("the user has no home, so say `quadlet_dir`")
                })?;
                PathBuf::from(home).join(".config/containers/systemd")
            }
        };
        let path = folder.join(&self.file);
        let there = host.metadata_followed(&path)?;
        let is_same = there.is_some() && {
            let text = host.read(&path)?;
            without_comments(&String::from_utf8_lossy(&text)) == without_comments(&self.content)
        };
        Ok(File {
            missing: missing_folders(host, &folder_of(&path))?,
            path,
            there,
            is_same,
        })
    }

    pub(super) fn changes(&self, found: &File) -> Vec<Change> {
        let wanted = match (&self.mode, &found.there) {
            (Some(mode), there) => {
                let now = there.as_ref().map_or(0o640, |there| there.mode);
                mode.apply(now, false)
            }
            (None, None) => Some(0o640),
            // A password is not for everybody, whoever could read the file before.
            (None, Some(there)) if self.is_hidden => Some(there.mode & !0o007),
            (None, Some(_)) => None,
        };
        let permissions = Permissions {
            mode: wanted,
            ..Permissions::default()
        };
        if !found.is_same {
            let folders = found.missing.iter().map(|path| Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
            let content = self.content.clone().into_bytes();
            let write = Change::Write(FileWrite {
                permissions,
                content: match self.is_hidden {
                    true => FileContent::Hidden(content),
                    false => FileContent::Bytes(content),
                },
                ..FileWrite::new(found.path.clone(), "")
            });
            return folders.chain([write]).collect();
        }
        let is = found.there.as_ref().map(|there| there.mode);
        let differs = wanted.is_some() && wanted != is;
        let change = Change::Permissions {
            path: found.path.clone(),
            permissions,
            follow: true,
            heading: Heading::File,
        };
        differs.then_some(change).into_iter().collect()
    }

    /// The text of the file.
    pub(super) fn content(&self) -> &str {
        &self.content
    }

    /// What is returned beside `changed`.
    pub(super) fn values(kind: &str) -> Value {
        json!({"actions": [], kind: {}})
    }
}

/// The last part of an image's name, without its tag.
fn file_of_image(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split(':').next().unwrap_or(last)
}

/// The lines of a unit's file that mean something.
pub(super) fn without_comments(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Model;

    #[test]
    fn a_file_that_everybody_could_read_is_closed_when_a_password_comes_in() {
        let host = Model::debian("one");
        host.file("/x.image", "");
        let there = host.metadata("/x.image".as_ref()).unwrap();
        let mode_of = |is_hidden: bool| {
            let quadlet = Quadlet {
                folder: None,
                file: "x.image".to_owned(),
                mode: None,
                content: "[Image]\nCreds=me:hush\n".to_owned(),
                is_hidden,
            };
            let found = File {
                path: PathBuf::from("/x.image"),
                there: there.clone(),
                missing: Vec::new(),
                is_same: false,
            };
            match &quadlet.changes(&found)[..] {
                [Change::Write(write)] => write.permissions.mode,
                _ => None,
            }
        };
        assert_eq!(mode_of(true), Some(0o640));
        assert_eq!(mode_of(false), None);
    }
}
