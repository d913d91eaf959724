//! What plays, blocks and roles hand down to their tasks.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{JsonMap, Spanned};

/// The keywords that tasks inherit. In a loaded task they are complete: nothing is left to be looked up.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    /// Whether to become another user.
    pub r#become: Option<Spanned<Json>>,
    /// Whom to become.
    pub become_user: Option<Spanned<Json>>,
    /// By which tool.
    pub become_method: Option<Spanned<Json>>,
    /// The tool's program, where it is not found by its name.
    pub become_exe: Option<Spanned<Json>>,
    /// Flags for that tool, in place of its usual ones.
    pub become_flags: Option<Spanned<Json>>,
    /// Environment variables: the outermost first, later ones win.
    pub environment: Vec<Spanned<Json>>,
    /// All tags, inherited ones too.
    pub tags: Vec<Spanned<Json>>,
    /// Conditions: the outermost first; all must hold.
    pub when: Vec<Spanned<Json>>,
    /// `vars` of blocks and of the task: the outermost first, later ones win. Without the play's.
    pub vars: Vec<Arc<JsonMap>>,
    /// Defaults for modules' arguments: the outermost first, later ones win.
    pub module_defaults: Vec<ModuleDefaults>,
    /// Collections in which roles without one are looked for.
    pub collections: Vec<String>,
    /// Whether results and arguments are hidden.
    pub no_log: Option<Spanned<Json>>,
    /// Whether a failure does not count.
    pub ignore_errors: Option<Spanned<Json>>,
    /// Whether an unreachable host does not count.
    pub ignore_unreachable: Option<Spanned<Json>>,
    /// Whether one failed host ends the play for all.
    pub any_errors_fatal: Option<Spanned<Json>>,
    /// Whether changes are only shown.
    pub check_mode: Option<Spanned<Json>>,
    /// Whether differences are shown.
    pub diff: Option<Spanned<Json>>,
    /// Whether only the first host runs it.
    pub run_once: Option<Spanned<Json>>,
    /// On which other host it runs.
    pub delegate_to: Option<Spanned<Json>>,
    /// Whether facts belong to that other host.
    pub delegate_facts: Option<Spanned<Json>>,
    /// How many hosts at a time run it.
    pub throttle: Option<Spanned<Json>>,
    /// How many seconds it may take.
    pub timeout: Option<Spanned<Json>>,
    /// How the host is reached.
    pub connection: Option<Spanned<Json>>,
    /// As whom.
    pub remote_user: Option<Spanned<Json>>,
    /// On which port.
    pub port: Option<Spanned<Json>>,
    /// When the user is asked about a result.
    pub debugger: Option<Debugger>,
}

/// After which results the user is asked what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugger {
    /// After each.
    Always,
    /// After none.
    Never,
    /// After failures that are not ignored.
    OnFailed,
    /// When the host cannot be reached.
    OnUnreachable,
    /// When the task was skipped.
    OnSkipped,
}

impl Debugger {
    /// How they are written.
    pub const WORDS: [(&str, Self); 5] = [
        ("always", Self::Always),
        ("never", Self::Never),
        ("on_failed", Self::OnFailed),
        ("on_unreachable", Self::OnUnreachable),
        ("on_skipped", Self::OnSkipped),
    ];

    /// The one that is written so.
    pub fn of(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, debugger)| *debugger)
    }
}

/// Defaults for the arguments of one module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleDefaults {
    /// The module's short name; groups of modules are expanded while loading.
    pub module: String,
    /// The arguments, perhaps templates.
    pub arguments: Spanned<Json>,
}
