//! What is wrong with a configuration before anything is known.
//!
//! In three passes: [`names`] looks at the words alone (what references name, what calls pass), [`cycles`] at what
//! refers to itself, [`values`] evaluates everything with unknown values for all that comes from outside.

mod blocks;
mod cycles;
mod former;
mod names;
mod providers;
mod values;

use std::{path::Path, sync::Arc};

use strata_core::{Diagnostics, Value, addr, files::Files, provider::ObjectKind};
use strata_hcl::Expression;

pub use providers::unknown_providers;
pub use values::AskProvider;

use crate::{schemas::Schemas, tree::Config};

/// Checks references, arguments and types, with unknown values for everything from outside; files are not read.
pub fn validate(config: &Arc<Config>, schemas: &Schemas, diags: &mut Diagnostics) {
    check(config, schemas, None, Path::new("."), &unasked, diags);
}

/// The same, where functions such as `file` read the files that expressions name, and `abspath` begins in a folder.
pub fn validate_with_files(
    config: &Arc<Config>,
    schemas: &Schemas,
    files: Arc<dyn Files>,
    working_directory: &Path,
    diags: &mut Diagnostics,
) {
    check(
        config,
        schemas,
        Some(files),
        working_directory,
        &unasked,
        diags,
    );
}

/// The same, where providers say what they have against the configuration of their resources. A plan asks them itself,
/// when more is known.
pub fn validate_with_providers(
    config: &Arc<Config>,
    schemas: &Schemas,
    files: Arc<dyn Files>,
    working_directory: &Path,
    ask: &AskProvider<'_>,
    diags: &mut Diagnostics,
) {
    check(config, schemas, Some(files), working_directory, ask, diags);
}

fn unasked(_: &str, _: ObjectKind, _: &str, _: &Value) -> Diagnostics {
    Diagnostics::new()
}

fn check(
    config: &Arc<Config>,
    schemas: &Schemas,
    files: Option<Arc<dyn Files>>,
    working_directory: &Path,
    ask: &AskProvider<'_>,
    diags: &mut Diagnostics,
) {
    let mut found = Diagnostics::new();
    names::check(config, &mut found);
    cycles::check(config, &mut found);
    let cyclic = found.iter().any(|diagnostic| diagnostic.code == "cycle");
    // What refers to itself has no value, and evaluating would only find the cycle again.
    if !cyclic {
        values::check(config, schemas, files, working_directory, ask, &mut found);
    }
    unknown_providers(config, schemas, &mut found);
    crate::unsupported(config, &mut found);
    diags.append(without_repeats(found));
}

/// Checks the references of an expression that is not part of the configuration.
pub(crate) fn expression(
    config: &Config,
    module: &addr::Module,
    expression: &Expression,
    diags: &mut Diagnostics,
) {
    if let Some(node) = config.places.get(module) {
        names::expression(config, *node, expression, diags);
    }
}

/// A module that is called twice is checked twice, and its mistakes are found twice.
fn without_repeats(diags: Diagnostics) -> Diagnostics {
    let mut seen = std::collections::HashSet::new();
    let mut kept = Diagnostics::new();
    for diagnostic in diags {
        let place = diagnostic.labels.first().map(|label| label.span.clone());
        let key = (place, diagnostic.summary.clone(), diagnostic.detail.clone());
        if seen.insert(key) {
            kept.push(diagnostic);
        }
    }
    kept
}
