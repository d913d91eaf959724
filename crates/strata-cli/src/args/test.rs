//! Options of `test`, named as Terraform names them.

use std::path::PathBuf;

use clap::Args;

use super::variables::Variables;

/// `test`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// Run only this test file; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) filter: Vec<PathBuf>,
    /// Folder with test files, in addition to this one.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub(crate) test_directory: PathBuf,
    /// How many provider calls run at once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(crate) parallelism: u16,
    /// Show the plan or the state of each run.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write a report in JUnit's format.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit_xml: Option<PathBuf>,
}
