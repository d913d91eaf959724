//! Options of `check`.

use clap::Args;

/// `check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Check {
    /// Environment in `strata.hcl`; by default all of them, or without a project file every file below this folder.
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// Exit with 1 for warnings as well.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the findings as JSON.
    #[arg(long, conflicts_with = "sarif")]
    pub(crate) json: bool,
    /// Write the findings as SARIF 2.1.0, for code hosts and editors.
    #[arg(long)]
    pub(crate) sarif: bool,
    /// Explain a rule instead of checking.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["environment", "strict", "json", "sarif"])]
    pub(crate) explain: Option<String>,
}
