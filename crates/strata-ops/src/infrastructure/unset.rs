//! Variables that need a value and have none, for who can ask a person.

use std::sync::Arc;

use strata_core::Diagnostics;

use super::{Settings, initial};
use crate::{files::Disk, process::Process};

/// A variable of the root module without value and default.
#[derive(Clone, Debug)]
pub struct UnsetVariable {
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// True if what is typed must not be shown.
    pub sensitive: bool,
}

/// The variables that nothing gives a value, in the order of their names. Mistakes are found later.
pub fn unset_variables(settings: &Settings, process: &Process) -> Vec<UnsetVariable> {
    let mut unheard = Diagnostics::new();
    let inputs = initial::inputs(settings, process, &mut unheard);
    let config = strata_config::load(&Disk, &settings.directory, &mut unheard);
    let is_given = |name: &str| inputs.iter().any(|input| *input.name == *name);
    let variables = config.root().variables.values();
    let unset =
        variables.filter(|variable| variable.default.is_none() && !is_given(&variable.name));
    unset
        .map(|variable| UnsetVariable {
            name: variable.name.clone(),
            description: variable.description.clone(),
            sensitive: variable.sensitive,
        })
        .collect()
}
