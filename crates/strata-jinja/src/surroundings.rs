//! What templates may ask of the world: files, environment variables, the time, chance, and further lookups.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};
use strata_core::files::{Files, MemoryFiles};

use crate::Plugin;

/// What a template may know of the file that it stands in.
#[derive(Clone, Debug, Default)]
pub struct TemplateFile {
    /// The name of the machine that it is on.
    pub host: String,
    /// The user whom it belongs to, or the number of one without a name.
    pub owner: String,
    /// When it was changed, in seconds since 1970.
    pub modified: i64,
    /// What `ansible_managed` says where the user says nothing, with `{file}`, `{host}`, `{uid}` and `%Y` and the like.
    pub managed: Option<String>,
}

/// The world as templates see it.
pub trait Surroundings: Send + Sync {
    /// The tree that lookups (`file`, `template`, `first_found`, ...), includes and path tests read.
    fn files(&self) -> &dyn Files;

    /// Folders in which relative paths are looked for, in order: the role's, the task file's, the playbook's.
    ///
    /// In each, `files/`, `templates/` or `vars/` comes first, as the lookup demands.
    fn search_folders(&self) -> Vec<PathBuf>;

    /// An environment variable of the controller.
    fn environment_variable(&self, name: &str) -> Option<String>;

    /// The time.
    fn now(&self) -> Now;

    /// A random number.
    fn random(&self) -> u64;

    /// What a template may know of the file that it stands in, as far as somebody here can tell.
    fn template_file(&self, path: &Path) -> TemplateFile {
        let _ = path;
        TemplateFile::default()
    }

    /// What an encrypted value (`!vault`) is; none if nobody here has passwords.
    fn decrypt(&self, text: &str) -> Option<Result<String, String>> {
        let _ = text;
        None
    }

    /// Encrypts a text as a vault does, under an id; none where nobody can.
    fn seal(&self, text: &str, password: &str, salt: Option<&str>, id: &str) -> Option<String> {
        let (_, _, _, _) = (text, password, salt, id);
        None
    }

    /// What a vaulted text is with a password; none where nobody can tell.
    fn unseal(&self, text: &str, password: &str) -> Option<Result<String, String>> {
        let (_, _) = (text, password);
        None
    }

    /// What a filter or test of the project says; it was made known to the [`Engine`](crate::Engine).
    fn plugin(
        &self,
        plugin: &Plugin,
        arguments: &[Json],
        named: &Map<String, Json>,
    ) -> Result<Json, String> {
        let (_, _) = (arguments, named);
        Err(format!("nobody does {plugin:?}"))
    }

    /// A lookup that this crate lacks (`pipe`, `password`, ...); none if it is unknown there, too.
    fn lookup(
        &self,
        name: &str,
        terms: &[Json],
        options: &Map<String, Json>,
    ) -> Option<Result<Vec<Json>, String>> {
        let (_, _, _) = (name, terms, options);
        None
    }
}

/// A moment, with the local time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Nanoseconds beyond.
    pub nanoseconds: u32,
    /// Seconds by which local time is ahead of UTC.
    pub offset_seconds: i32,
}

/// Surroundings that have nothing: no files, no environment, 1970, and always the same number.
#[derive(Debug, Default)]
pub struct NoSurroundings(MemoryFiles);

impl Surroundings for NoSurroundings {
    fn files(&self) -> &dyn Files {
        &self.0
    }

    fn search_folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn environment_variable(&self, _name: &str) -> Option<String> {
        None
    }

    fn now(&self) -> Now {
        Now {
            seconds: 0,
            nanoseconds: 0,
            offset_seconds: 0,
        }
    }

    fn random(&self) -> u64 {
        4
    }
}
