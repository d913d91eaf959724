//! `test`: the runs of test files, as `terraform test` does them.
//!
//! [`test()`] reads the files and does one after the other ([`mod@file`]). A run ([`run`]) plans the configuration under
//! test, or a module beside it, perhaps applies it, and checks conditions on what came of it. States are kept in a
//! folder for as long as the file's runs go on ([`held`]), and what is in them is destroyed at the end. Providers may
//! be played ([`mock`]), and so may single objects and modules ([`overrides`]); [`expected`] tells failures that are
//! wanted from others, and [`variables`] finds the values of a run's variables.

mod expected;
mod file;
mod held;
mod mock;
mod overrides;
mod run;
mod variables;

use std::path::{Path, PathBuf};

use strata_config::TestFile;
use strata_core::{
    Diagnostic, Diagnostics,
    files::{EntryKind, Files, normalize},
};
use strata_engine::{Plan, Providers};
use strata_state::State;

use crate::{
    files::Disk,
    infrastructure::{self, Settings, VariableArgument},
    process::Process,
    registry::Platforms,
    stop::Stop,
};

/// Which tests, and how.
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// The folder with tests, beside those in the root module's folder.
    pub folder: PathBuf,
    /// Files to do, all if there are none.
    pub filter: Vec<PathBuf>,
    /// `-var` and `-var-file` arguments.
    pub variables: Vec<VariableArgument>,
    /// How many provider calls run at once.
    pub parallelism: usize,
    /// True if plans and states are told of.
    pub verbose: bool,
}

/// How a run or a file ended; the worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was not reached.
    Skip,
    /// All held.
    Pass,
    /// A condition of the test did not hold.
    Fail,
    /// Something else went wrong.
    Error,
}

/// How many runs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// All held.
    pub passed: usize,
    /// A condition of the test did not hold.
    pub failed: usize,
    /// Something else went wrong.
    pub errored: usize,
    /// Not reached.
    pub skipped: usize,
    /// True if a file could not be cleaned up after.
    pub left_behind: bool,
}

/// What happens, as it happens.
pub enum Told<'a> {
    /// What should be known before anything runs.
    Warned(&'a Diagnostics),
    /// These files and runs are there.
    Found(&'a [TestFile]),
    /// A file begins.
    FileStarted(&'a str),
    /// A run begins.
    RunStarted {
        /// The file.
        file: &'a str,
        /// The run.
        run: &'a str,
    },
    /// A run ended.
    RunEnded {
        /// The file.
        file: &'a str,
        /// The run.
        run: &'a str,
        /// How.
        status: Status,
        /// What is wrong.
        diagnostics: &'a Diagnostics,
        /// What came of it, if that was asked for.
        shown: Option<Shown<'a>>,
    },
    /// What a file's runs made is destroyed.
    TearingDown(&'a str),
    /// What one state has is destroyed.
    RunTearingDown {
        /// The file.
        file: &'a str,
        /// The last run on that state.
        run: &'a str,
    },
    /// What one state has is not all gone.
    LeftBehind {
        /// The file.
        file: &'a str,
        /// The last run on that state.
        run: &'a str,
        /// What is still there, each with its key if it was set aside.
        objects: &'a [(String, Option<String>)],
        /// Why.
        diagnostics: &'a Diagnostics,
    },
    /// A file ended.
    FileEnded {
        /// The file.
        file: &'a str,
        /// How.
        status: Status,
        /// What went wrong while its states were destroyed.
        diagnostics: &'a Diagnostics,
    },
}

/// What came of a run.
pub enum Shown<'a> {
    /// It was only planned.
    Plan(&'a Plan, &'a Providers),
    /// It was applied.
    State(&'a State, &'a Providers),
}

/// Does the tests of a folder. Mistakes in the configuration or in a test file are found before anything runs.
pub async fn test(
    settings: &Settings,
    options: &TestOptions,
    process: &Process,
    platforms: &Platforms,
    stop: &Stop,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Sum, Diagnostics> {
    let mut diags = Diagnostics::new();
    let inputs = variables::inputs(settings, options, process, &mut diags);
    let settings = &Settings {
        variables: Vec::new(),
        ..settings.clone()
    };
    let config =
        infrastructure::validate_with(&Disk, settings, &inputs, process, platforms, &mut diags);
    let found = strata_config::test_files(&Disk, &settings.directory, &options.folder, &mut diags);
    let modules = run::modules(settings, process, &found.files, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let files = filtered(found.files, &options.filter)?;
    if Disk.kind(&found.folder) != Some(EntryKind::Folder) && options.folder != Path::new("tests") {
        diags.push(no_folder(&options.folder));
    }
    if !diags.is_empty() {
        tell(Told::Warned(&diags));
    }
    tell(Told::Found(&files));
    let world = run::World {
        settings,
        process,
        platforms,
        inputs: &inputs,
        modules,
        parallelism: options.parallelism,
        verbose: options.verbose,
        stop,
    };
    let mut sum = Sum::default();
    for file in &files {
        file::test(&world, &config, file, &mut sum, tell).await?;
    }
    Ok(sum)
}

fn no_folder(folder: &Path) -> Diagnostic {
    let detail = format!("There is no folder `{}` with test files.", folder.display());
    Diagnostic::warning("no-tests", "Test directory does not exist").detail(detail)
}

/// The files that were asked for; all if none were.
fn filtered(files: Vec<TestFile>, filter: &[PathBuf]) -> Result<Vec<TestFile>, Diagnostics> {
    if filter.is_empty() {
        return Ok(files);
    }
    let mut diags = Diagnostics::new();
    let normal = |path: &PathBuf| normalize(path).display().to_string();
    let wanted: Vec<String> = filter.iter().map(normal).collect();
    for name in &wanted {
        if !files.iter().any(|file| file.name == *name) {
            diags.push(
                Diagnostic::error("unknown-test-file", "Unknown test file")
                    .detail(format!("There is no test file `{name}` to filter by."))
                    .hint(
                        "Name it as seen from the configuration, such as `tests/main.tftest.hcl`.",
                    ),
            );
        }
    }
    let kept = files.into_iter().filter(|file| wanted.contains(&file.name));
    diags.into_result(kept.collect())
}

impl Sum {
    /// Counts a run.
    fn count(&mut self, status: Status) {
        match status {
            Status::Pass => self.passed += 1,
            Status::Fail => self.failed += 1,
            Status::Error => self.errored += 1,
            Status::Skip => self.skipped += 1,
        }
    }

    /// The worst that happened.
    pub fn status(&self) -> Status {
        match () {
            () if self.errored > 0 || self.left_behind => Status::Error,
            () if self.failed > 0 => Status::Fail,
            () => Status::Pass,
        }
    }
}
