//! Writing a database into a file, and reading it back, by the server's own programs.

use std::path::{Path, PathBuf};

use super::Server;
use crate::arguments::Arguments;
use crate::host::{Host, Kind};
use crate::module::ModuleError;
use crate::modules::programs;
use crate::system::Command;

/// The file and how it is written or read.
pub(super) struct Dump {
    target: PathBuf,
    options: Vec<String>,
    more: Vec<String>,
}

impl Dump {
    pub(super) fn read(arguments: &Arguments) -> Result<Option<Dump>, ModuleError> {
        let Some(target) = arguments.path("target") else {
            return Ok(None);
        };
        Ok(Some(Dump {
            target,
            options: programs::words(&arguments.text("target_opts"))?,
            more: programs::words(&arguments.text("dump_extra_args"))?,
        }))
    }

    /// `pg_dump` into the file, in the form that its name asks for.
    pub(super) fn dump(
        &self,
        host: &dyn Host,
        server: &Server,
        database: &str,
    ) -> Result<Command, ModuleError> {
        programs::required(host, "pg_dump")?;
        let mut argv = vec!["pg_dump".to_owned(), "--no-password".to_owned()];
        let form = match self.ending() {
            "tar" => Some("--format=t"),
            "pgc" => Some("--format=c"),
            "dir" => Some("--format=d"),
            _ => None,
        };
        argv.extend(form.map(str::to_owned));
        argv.extend(server.role().map(|role| format!("--role={role}")));
        argv.extend(self.more.iter().chain(&self.options).cloned());
        argv.extend(["--dbname".to_owned(), database.to_owned()]);
        let script = match (self.packer(), self.ending()) {
            (Some(packer), _) => format!("\"$@\" | {packer} -c > \"$TARGET\""),
            (None, "dir") => "\"$@\" --file \"$TARGET\"".to_owned(),
            (None, _) => "\"$@\" > \"$TARGET\"".to_owned(),
        };
        Ok(server.shell(&script, argv, &self.target))
    }

    /// `psql` or `pg_restore` out of the file.
    pub(super) fn restore(
        &self,
        host: &dyn Host,
        server: &Server,
        database: &str,
    ) -> Result<Command, ModuleError> {
        let there = host.metadata_followed(&self.target)?;
        let is_folder = there
            .as_ref()
            .is_some_and(|there| there.kind == Kind::Directory);
        if there.is_none() {
            let shown = self.target.display();
            return Err(ModuleError::new(format!("target {shown} does not exist")));
        }
        let program = match self.ending() {
            "tar" | "pgc" | "dir" => "pg_restore",
            _ => "psql",
        };
        programs::required(host, program)?;
        let mut argv = vec![program.to_owned(), "--no-password".to_owned()];
        argv.extend((program == "psql").then(|| "--quiet".to_owned()));
        argv.extend(self.options.iter().cloned());
        argv.extend(["--dbname".to_owned(), database.to_owned()]);
        let script = match self.packer() {
            _ if is_folder => "\"$@\" \"$TARGET\"".to_owned(),
            Some(packer) => format!("{packer} -dc < \"$TARGET\" | \"$@\""),
            None => "\"$@\" < \"$TARGET\"".to_owned(),
        };
        Ok(server.shell(&script, argv, &self.target))
    }

    fn ending(&self) -> &str {
        self.target
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default()
    }

    fn packer(&self) -> Option<&'static str> {
        packer(&self.target)
    }
}

fn packer(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "gz" => Some("gzip"),
        "bz2" => Some("bzip2"),
        "xz" => Some("xz"),
        "zst" => Some("zstd"),
        _ => None,
    }
}
