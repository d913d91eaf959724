//! `patch`: a patch is applied to files, or taken back.
//!
//! As `ansible.posix.patch` 2.1, by GNU `patch`. A patch that does not fit as a whole changes nothing, where the original
//! leaves the parts that fit.

use std::path::PathBuf;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(super) struct Patch {
    src: PathBuf,
    dest: Option<PathBuf>,
    basedir: Option<PathBuf>,
    strip: i64,
    is_present: bool,
    backup: bool,
    /// Options that concern how lines are compared.
    flags: Vec<String>,
}

/// The command that is left to do; none where all is as wanted.
pub(super) struct Found(Option<Vec<String>>);

impl Module for Patch {
    const SPEC: Spec = Spec::new(
        "ansible.posix.patch",
        &[
            Field::path("src").alias(&["patchfile"]).required(),
            Field::path("dest").alias(&["originalfile"]),
            Field::path("basedir"),
            Field::int("strip").default("0"),
            Field::bool("remote_src", false),
            Field::bool("backup", false),
            Field::bool("binary", false),
            Field::bool("ignore_whitespace", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    )
    .one_of(&[&["dest", "basedir"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Patch, ModuleError> {
        let flags = [
            ("binary", "--binary"),
            ("ignore_whitespace", "--ignore-whitespace"),
        ];
        let flags = flags.iter().filter(|(name, _)| arguments.bool(name));
        Ok(Patch {
            src: arguments.path("src").unwrap_or_default(),
            dest: arguments.filled_path("dest"),
            basedir: arguments.filled_path("basedir"),
            strip: arguments.int("strip").unwrap_or(0),
            is_present: arguments.text("state") == "present",
            backup: arguments.bool("backup"),
            flags: flags.map(|(_, flag)| (*flag).to_owned()).collect(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let (src, folder) = self.places(host)?;
        if host.find_program("patch").is_none() {
            programs::required(host, "patch").map_err(|error| ModuleError {
                msg: "patch command not found".to_owned(),
                ..error
            })?;
        }
        let common = self.options(&src, &folder);
        let back = |is_back: bool| is_back.then(|| "--reverse".to_owned());
        let is_done = run(host, &common, back(self.is_present).into_iter())?;
        if is_done.status == 0 {
            return Ok(Found(None));
        }
        let mut apply: Vec<String> = ["--batch", "--reject-file=-"].map(str::to_owned).to_vec();
        apply.extend(back(!self.is_present));
        let fits = run(host, &common, apply.iter().cloned())?;
        if fits.status != 0 {
            let said = match fits.stderr.is_empty() {
                true => &fits.stdout,
                false => &fits.stderr,
            };
            return Err(ModuleError::new(said.as_str()));
        }
        if self.backup {
            apply.extend(["--backup", "--version-control=numbered"].map(str::to_owned));
        }
        Ok(Found(Some(line(&common, apply.into_iter()))))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let apply = found.0.iter().cloned();
        apply.map(|argv| programs::change(plain(argv))).collect()
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::default())
    }
}

/// `patch` with what it is told, the file that it is about at the end.
fn line(common: &[String], more: impl Iterator<Item = String>) -> Vec<String> {
    let mut argv = vec!["patch".to_owned()];
    argv.extend(more);
    argv.extend(common.iter().cloned());
    argv
}

fn run(
    host: &dyn Host,
    common: &[String],
    more: impl Iterator<Item = String>,
) -> Result<crate::system::Output, ModuleError> {
    let more = std::iter::once("--dry-run".to_owned()).chain(more);
    Ok(host.run(&plain(line(common, more)))?)
}

impl Patch {
    /// The patch and the folder in which it is applied; both must be there.
    fn places(&self, host: &dyn Host) -> Result<(PathBuf, PathBuf), ModuleError> {
        let is_there = |path: &PathBuf| host.metadata_followed(path).map(|found| found.is_some());
        let shown = self.src.display();
        if !is_there(&self.src)? || !host.access(&self.src).read {
            let msg = format!("src {shown} doesn't exist or not readable");
            return Err(ModuleError::new(msg));
        }
        if let Some(dest) = &self.dest
            && (!is_there(dest)? || !host.access(dest).write)
        {
            let shown = dest.display();
            let msg = format!("dest {shown} doesn't exist or not writable");
            return Err(ModuleError::new(msg));
        }
        let folder = match (&self.basedir, &self.dest) {
            (Some(folder), _) => {
                if !is_there(folder)? {
                    let shown = folder.display();
                    return Err(ModuleError::new(format!("basedir {shown} doesn't exist")));
                }
                folder.clone()
            }
            (None, dest) => {
                let parent = dest.as_ref().and_then(|dest| dest.parent());
                parent.unwrap_or(std::path::Path::new("/")).to_owned()
            }
        };
        // It is read from inside of the folder.
        Ok((host.resolve(&self.src)?, folder))
    }

    fn options(&self, src: &std::path::Path, folder: &std::path::Path) -> Vec<String> {
        let mut options = vec![
            "--quiet".to_owned(),
            "--forward".to_owned(),
            format!("--strip={}", self.strip),
            format!("--directory={}", folder.display()),
            format!("--input={}", src.display()),
        ];
        options.extend(self.flags.iter().cloned());
        if let Some(dest) = &self.dest {
            options.push("--".to_owned());
            options.push(dest.display().to_string());
        }
        options
    }
}
